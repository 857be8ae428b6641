"""Archives: zip and tar, read member by member under limits.

`archive` is the source, `walking` goes through members and archives within archives, `zips`, `tars` and
`streams` read the formats, `limits` says what an archive may cost.
"""

from __future__ import annotations

from echo_image.ingest.sources.archives.archive import Archive
from echo_image.ingest.sources.archives.limits import ArchiveLimits
from echo_image.ingest.sources.archives.naming import ARCHIVE_SUFFIXES, is_archive_name

__all__ = ["ARCHIVE_SUFFIXES", "Archive", "ArchiveLimits", "is_archive_name"]
