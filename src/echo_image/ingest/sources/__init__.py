"""Where images come from: each source says what it offers, lazily."""

from __future__ import annotations

from echo_image.ingest.sources.archives import Archive
from echo_image.ingest.sources.folders import Folder
from echo_image.ingest.sources.naming import member_location, printable
from echo_image.ingest.sources.offered import UNREADABLE, Checkpoint, Kind, Offered, Source, SourceContext
from echo_image.ingest.sources.remote import RemoteFolder

__all__ = [
    "UNREADABLE",
    "Archive",
    "Checkpoint",
    "Folder",
    "Kind",
    "Offered",
    "RemoteFolder",
    "Source",
    "SourceContext",
    "member_location",
    "printable",
]
