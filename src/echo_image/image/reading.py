"""Read an image file from disk, within limits and only if it is a regular file.

A FIFO or a device can block for ever or never end, and a path comes from a stranger often enough.
"""

from __future__ import annotations

import errno
import os
import stat

from echo_image.errors import EmptyImage, NotAFile, NotFound, QueryError
from echo_image.image.limits import DEFAULT_LIMITS, DecodeLimits, check_bytes

__all__ = ["read_file"]

# Without O_NONBLOCK, opening a FIFO waits for a writer. The last two exist only on some systems.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_IMPOSSIBLE_PATH = frozenset({errno.ENAMETOOLONG, errno.ELOOP})


def read_file(path: str | os.PathLike[str], *, limits: DecodeLimits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of a regular file; symbolic links are followed.

    Raises:
        NotFound: Nothing is there, or the path cannot exist (too long, a NUL inside).
        NotAFile: A folder, device, FIFO or socket is there.
        EmptyImage: The file has no bytes.
        LimitExceeded: It has more than `limits.max_bytes`; told from its size, before reading.
        QueryError: It may not be read, or the disk fails.
    """
    shown = os.fspath(path)
    try:
        _check_kind(os.stat(path), shown)  # noqa: PTH116  # before opening: opening a device can have effects
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise _not_found(shown) from error
    except PermissionError as error:
        raise QueryError(
            f"The file {_quoted(shown)} may not be read.",
            hint="Check its permissions and those of its folders.",
        ) from error
    except OSError as error:
        raise _from_os_error(error, shown) from error
    try:
        with os.fdopen(descriptor, "rb") as file:
            info = os.fstat(file.fileno())
            _check_kind(info, shown)
            check_bytes(info.st_size, limits)
            # One byte more than allowed, so that a file that grows meanwhile is noticed.
            data = file.read(limits.max_bytes + 1) if info.st_size else b""
    except OSError as error:
        raise _from_os_error(error, shown) from error
    check_bytes(len(data), limits)
    if not data:
        raise EmptyImage(
            f"The file {_quoted(shown)} is empty: 0 bytes.",
            hint="Check that the download or copy was complete.",
        )
    return data


def _check_kind(info: os.stat_result, shown: str) -> None:
    if stat.S_ISREG(info.st_mode):
        return
    kind = "a folder" if stat.S_ISDIR(info.st_mode) else "a device, pipe or socket"
    raise NotAFile(
        f"{_quoted(shown)} is {kind}; expected an image file.",
        hint="Name one file; to search with piped data, read it first and pass the bytes.",
    )


def _not_found(shown: str) -> NotFound:
    return NotFound(f"There is no file {_quoted(shown)}.", hint="Check the spelling and the current folder.")


def _from_os_error(error: OSError, shown: str) -> QueryError:
    if error.errno in _IMPOSSIBLE_PATH:
        return _not_found(shown)
    return QueryError(
        f"The file {_quoted(shown)} cannot be read: {error.strerror or error}.",
        hint="Check the disk and the path.",
    )


def _quoted(text: str) -> str:
    """Quote a path for a message: no control characters, no lone surrogates, bounded length."""
    clean = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return repr(clean if len(clean) <= 300 else clean[:297] + "...")
