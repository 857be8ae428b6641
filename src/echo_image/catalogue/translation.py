"""SQLite's errors → ours, in one place for the whole project."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from echo_image.errors import (
    EchoImageError,
    LibraryBusy,
    LibraryCorrupt,
    LibraryError,
    LibraryNotFound,
    LibraryReadOnly,
    StorageFull,
)

#: With less than this a disk counts as full: SQLite writes pages of 4 KiB, and an index of its log of 32 KiB.
_FULL_BYTES = 2**18
#: What SQLite says when the system refuses to let a file grow for another reason than a full disk: a quota,
#: a limit on the size of files.
_CANNOT_GROW = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the catalogue at `path` into errors of the library."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(path, error) from error


def extended_code(error: sqlite3.Error) -> int:
    """Return SQLite's extended result code, 0 where the error does not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0))


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code, 0 where the error does not come from SQLite itself."""
    return extended_code(error) & 0xFF


def _translate(path: Path, error: sqlite3.Error) -> EchoImageError:
    code = primary_code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return LibraryBusy(
            f"{path} is being written by another process", hint="wait for it to finish, then try again"
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return _of_disk(path, error)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return _of_access(path, error)
    return LibraryCorrupt(
        f"{path} is not a whole catalogue: {error}",
        hint="restore the library folder from a backup, or build it again in an empty folder",
    )


def _of_disk(path: Path, error: sqlite3.Error) -> EchoImageError:
    full = primary_code(error) == sqlite3.SQLITE_FULL or extended_code(error) in _CANNOT_GROW
    try:
        full = full or shutil.disk_usage(path.parent).free < _FULL_BYTES
    except OSError:
        return LibraryError(f"{path}: {error}", hint="see whether the disk is still there")
    if full:
        return StorageFull(
            f"no space left for {path}: {error}",
            hint="free some space and run the same command again: what was done is kept",
        )
    return LibraryError(f"{path} cannot be read or written: {error}", hint="see whether the disk is sound")


def _of_access(path: Path, error: sqlite3.Error) -> EchoImageError:
    if extended_code(error) == sqlite3.SQLITE_READONLY_DBMOVED or not path.exists():
        return LibraryNotFound(f"{path} is no longer there", hint="was the library moved or deleted?")
    if not os.access(path, os.R_OK):
        return LibraryError(f"{path} may not be read", hint="check the permissions of the library folder")
    return LibraryReadOnly(
        f"{path} cannot be written: {error}", hint="check the permissions of the library folder"
    )
