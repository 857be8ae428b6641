"""The folder in which the service keeps what outlives a call.

Only its owner may look into it (mode 0700, files 0600): it holds strangers' pictures. One service at a time:
two would each count only their own part of the bounds.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from pathlib import Path

from echo_image.errors import StorageFull, UsageError

__all__ = ["StateFolder", "write_whole"]

_LOCK_NAME = "lock"


class StateFolder:
    """A folder of one service; made when it is first needed.

    Args:
        path: Where; None for a temporary folder that is removed at the end.

    Raises:
        UsageError: The folder cannot be made or used, or another service has it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._lock: int | None = None
        self._making = threading.Lock()
        if path is not None:
            self._lock = _claimed(path)

    @property
    def outlives(self) -> bool:
        """Whether what is in it is there when the service starts anew."""
        return self._lock is not None

    def folder(self, name: str) -> Path:
        """Return the folder of that name inside, made where it is missing; blocks."""
        with self._making:
            if self._path is None:
                self._temporary = tempfile.TemporaryDirectory(
                    prefix="echo-image-", ignore_cleanup_errors=True
                )
                self._path = Path(self._temporary.name)
            inside = self._path / name
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside

    def close(self) -> None:
        """Let go of the folder; a temporary one is removed."""
        with self._making:
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary, self._path = None, None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def _claimed(path: Path) -> int:
    """Make the folder, and return the descriptor that holds its lock."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"The folder {path} (state_dir) cannot be used: {error.strerror or error}."
        raise UsageError(message, hint="Name a folder that the service may write to.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        message = f"Another service keeps its state in {path} (state_dir)."
        raise UsageError(message, hint="Give each service a folder of its own.") from error
    return descriptor


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there in whole or not at all; mode 0600.

    Raises:
        StorageFull: The disk does not take it.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"The service cannot keep {len(data):,} bytes: {error.strerror or error}."
        raise StorageFull(message, hint="Make room in the folder of the setting state_dir.") from error
