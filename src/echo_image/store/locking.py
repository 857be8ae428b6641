"""One writer per library, across processes: an advisory lock that the system frees when a process dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

from echo_image.errors import (
    EchoImageError,
    LibraryBusy,
    LibraryError,
    LibraryNotFound,
    LibraryReadOnly,
    StorageFull,
)

#: How long a writer waits for another before it gives up; a single upload takes far less.
WAIT_S = 3.0
_POLL_S = 0.05


class WriterLock:
    """Hold `writer.lock` from construction to `release`.

    Args:
        path: of the lock file; made when it is not there.
        wait_s: how long to wait for another holder.

    Raises:
        LibraryBusy: another process, or another thread of this one, is writing.
        LibraryNotFound: the folder of the lock file is not there (any more).
        LibraryReadOnly, StorageFull: the lock file cannot be made.
    """

    def __init__(self, path: Path, *, wait_s: float | None = None) -> None:
        deadline = time.monotonic() + (WAIT_S if wait_s is None else wait_s)
        while True:
            try:
                self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise translate(error, path.parent) from error
            self._take(path, deadline)
            if self._is_at(path):
                return
            os.close(self._descriptor)  # its library was deleted meanwhile: take the file that is there now

    def _take(self, path: Path, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    os.close(self._descriptor)
                    raise translate(error, path.parent) from error
                if time.monotonic() < deadline:
                    time.sleep(_POLL_S)
                    continue
                os.close(self._descriptor)
                raise LibraryBusy(
                    f"{path.parent} is being written by another process",
                    hint="wait for it to finish, then run the same command again; searching works meanwhile",
                ) from error

    def _is_at(self, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let the next writer in."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Say whether somebody holds the lock now, in this process or another; False where it cannot be seen."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(descriptor)
    return False


def translate(error: OSError, path: Path) -> EchoImageError:
    """Turn an error of the file system about a library into one of ours."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(
            f"no space left for {path}: {reason}",
            hint="free some space and run the same command again: what was done is kept",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return LibraryReadOnly(f"{path} cannot be written: {reason}", hint="check the folder's permissions")
    if error.errno == errno.ENOENT:
        return LibraryNotFound(f"{path} is not there, or no longer whole", hint="was it moved or deleted?")
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return LibraryError(f"{path} is no library folder: {reason}", hint="name another folder")
    return LibraryError(f"{path}: {reason}")
