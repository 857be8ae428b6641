"""One writer per library, across processes: an advisory lock that the system frees when a process dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

from echo_image.errors import EchoImageError, LibraryBusy, LibraryError, LibraryReadOnly, StorageFull

#: How long a writer waits for another before it gives up; a single upload takes far less.
WAIT_S = 3.0
_POLL_S = 0.05


class WriterLock:
    """Hold `writer.lock` from construction to `release`.

    Raises:
        LibraryBusy: another process, or another thread of this one, is writing.
        LibraryReadOnly, StorageFull: the lock file cannot be made.
    """

    def __init__(self, path: Path, *, wait_s: float = WAIT_S) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise translate(error, path) from error
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if time.monotonic() < deadline and error.errno in (errno.EAGAIN, errno.EACCES):
                    time.sleep(_POLL_S)
                    continue
                os.close(self._descriptor)
                raise LibraryBusy(
                    f"{path.parent} is being written by another process",
                    hint="wait for it to finish, then run the same command again; searching works meanwhile",
                ) from error

    def release(self) -> None:
        """Let the next writer in."""
        os.close(self._descriptor)


def translate(error: OSError, path: Path) -> EchoImageError:
    """Turn an error of the file system into one of ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(
            f"no space left for {path}: {error.strerror}",
            hint="free some space and run the same command again: what was done is kept",
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return LibraryReadOnly(
            f"{path} cannot be written: {error.strerror}", hint="check the folder's permissions"
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return LibraryError(f"{path} is no library folder: {error.strerror}", hint="name another folder")
    return LibraryError(f"{path}: {error.strerror or error}")
