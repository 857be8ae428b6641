"""One file of this machine as an item: its stamp, or why it cannot be read.

Only regular files are ever opened: opening a FIFO or a device may block for ever or have effects.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotAFile, NotFound
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import UNREADABLE, Offered

__all__ = ["IMAGE_SUFFIXES", "SETTLED_NS", "file_item", "identity", "is_image_name", "settled", "stamp_of"]

#: Files of a folder with other names are passed over when they turn out to be no images.
IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
    ]
)

#: A file that changed so short a time ago may change once more without getting another time: clocks of file
#: systems tick every 4 ms (ext4, xfs), 1 s (some network disks) or 2 s (FAT). Its stamp is not relied upon.
SETTLED_NS = 2_000_000_000


def is_image_name(name: str) -> bool:
    """Tell whether a name ends like an image's.

    >>> is_image_name("beach.JPG"), is_image_name("notes.txt"), is_image_name(".jpg")
    (True, False, False)
    """
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - once per file, 5x as fast


def identity(folder: str | Path) -> tuple[int, int] | None:
    """What tells a folder whatever the path to it; None where none can be seen."""
    try:
        status = os.stat(folder)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def settled(mtime_ns: int) -> bool:
    """Tell whether a file with this time will get another one if it changes again."""
    return time.time_ns() - mtime_ns >= SETTLED_NS


def stamp_of(status: os.stat_result) -> FileStamp:
    """Return the stamp of a file, unknown while it may still be changing."""
    return FileStamp(status.st_size, status.st_mtime_ns) if settled(status.st_mtime_ns) else UNKNOWN


def file_item(path: str, *, expected: bool, entry: os.DirEntry[str] | None = None) -> Offered:
    """Return a file, or link to a file, as an item; asks the system once and opens nothing.

    Args:
        path: absolute.
        expected: as in `Offered`.
        entry: of the folder it was found in, which saves looking up the path.
    """
    location = printable(path)
    try:
        status = os.stat(path) if entry is None else entry.stat()  # noqa: PTH116
    except FileNotFoundError:
        problem = "there is no such file, or the link leads nowhere"
        return Offered(location, path, expected=expected, code=NotFound.code, problem=problem)
    except (OSError, ValueError) as error:
        problem = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        return Offered(location, path, expected=expected, code=UNREADABLE, problem=problem)
    if not stat.S_ISREG(status.st_mode):
        problem = "this is a device, pipe or socket, not a file"
        return Offered(location, path, expected=expected, code=NotAFile.code, problem=problem)
    return Offered(location, path, stamp_of(status), expected)
