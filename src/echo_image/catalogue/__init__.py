"""The catalogue: what a library knows, in SQLite. It is the truth; every index is a cache of it.

`Catalogue` and its `SegmentTable` hold all SQL of the project. Rows are written in short transactions by
one writer at a time (the library holds the lock); readers see the last committed state and never wait.
`Packs` are the files beside it, for what is too large for rows.
"""

from __future__ import annotations

from echo_image.catalogue.catalogue import LAST_KEY, Catalogue
from echo_image.catalogue.database import create, has_older_layout, take_over_log
from echo_image.catalogue.filtering import EVERY_IMAGE, ImageFilter
from echo_image.catalogue.packs import Packs
from echo_image.catalogue.records import (
    UNKNOWN,
    FileStamp,
    ImageRecord,
    KnownLocation,
    NewImage,
    Place,
    SegmentRecord,
    key_of_cursor,
)

__all__ = [
    "EVERY_IMAGE",
    "LAST_KEY",
    "UNKNOWN",
    "Catalogue",
    "FileStamp",
    "ImageFilter",
    "ImageRecord",
    "KnownLocation",
    "NewImage",
    "Packs",
    "Place",
    "SegmentRecord",
    "create",
    "has_older_layout",
    "key_of_cursor",
    "take_over_log",
]
