"""The library as a program uses it."""

from __future__ import annotations

from echo_image.ingest.reports import AddInterrupted, AddReport, Failure, Progress
from echo_image.library.explaining import Explanation, Preview
from echo_image.library.library import Library
from echo_image.library.limits import LibrarySettings
from echo_image.library.opening import compare, open_library
from echo_image.library.reports import CheckReport, LibraryInfo, RemoveReport

__all__ = [
    "AddInterrupted",
    "AddReport",
    "CheckReport",
    "Explanation",
    "Failure",
    "Library",
    "LibraryInfo",
    "LibrarySettings",
    "Preview",
    "Progress",
    "RemoveReport",
    "compare",
    "open_library",
]
