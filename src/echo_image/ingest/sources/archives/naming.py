"""Which files are archives, by their names and by how they begin."""

from __future__ import annotations

from typing import BinaryIO

from echo_image.ingest.sources.archives.members import broken
from echo_image.ingest.sources.archives.streams import MAGIC
from echo_image.ingest.sources.archives.tars import is_tar_header

__all__ = ["ARCHIVE_SUFFIXES", "is_archive_name", "kind_of"]

#: Names of archives end so, in any case of letters.
ARCHIVE_SUFFIXES = (
    ".zip",
    ".cbz",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
)
_HEADER_BYTES = 512


def is_archive_name(name: str) -> bool:
    """Tell whether a file's name ends like that of an archive that is read.

    >>> is_archive_name("2020.Tar.GZ"), is_archive_name("notes.gz")
    (True, False)
    """
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def kind_of(file: BinaryIO, name: str) -> str:
    """Return `zip`, `tar`, or what a tar archive is packed in, by its bytes; leaves the file at its start.

    Raises:
        CorruptArchive: it is none of these.
    """
    file.seek(0)
    start = file.read(_HEADER_BYTES)
    file.seek(0)
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return "zip"
    for kind, magic in MAGIC.items():
        if start.startswith(magic):
            return kind
    if is_tar_header(start) or (len(start) == _HEADER_BYTES and not any(start)):
        return "tar"
    if name.lower().endswith((".zip", ".cbz")):
        return "zip"  # may begin with the program that unpacks it
    raise broken("it begins like no zip or tar archive" if start else "the file is empty")
