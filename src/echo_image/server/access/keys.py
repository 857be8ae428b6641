"""API keys: a file that has their hashes and never a key.

A key is `ei_` and 256 random bits as 43 characters of base64url. It is shown once, when it is made; the file
has its SHA-256. A plain hash is enough here, unlike for passwords: nobody can try 2^256 keys, so there is
nothing that salt or a slow hash would protect.

The file is replaced as a whole, so a reader sees the old or the new one, and only its owner may read it. A
running service looks at each call whether it has changed: a revoked key ends at once. A file that has become
unreadable lets nobody in.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from echo_image.errors import NotFound, UsageError

__all__ = ["SCOPES", "Key", "KeyRing", "add_key", "digest_of", "load_keys", "revoke_key"]

_log = logging.getLogger(__name__)

SCOPES = ("read", "write")

_PREFIX = "ei_"
_SECRET_BYTES = 32
_KEY = re.compile(r"ei_[A-Za-z0-9_\-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Every call is compared with every key, so the file is short: 1,000 comparisons take about 0.2 ms.
_MAX_KEYS = 1_000
_MAX_FILE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key.

    Attributes:
        name: Whose it is or what it is for; unique in the file.
        scopes: `read`, or `read` and `write`.
        sha256: Of the key, in hex.
        created_at: UTC, ISO 8601.
    """

    name: str
    scopes: tuple[str, ...]
    sha256: str
    created_at: str


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key in hex, or nothing where the text cannot be a key, however long it is."""
    return hashlib.sha256(key.encode()).hexdigest() if _KEY.fullmatch(key) else ""


def load_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file.

    Raises:
        NotFound: There is no file.
        UsageError: It is no file of keys; the message says what is wrong.
    """
    try:
        # Neither a pipe that nobody writes to nor a link to a device may stop the service.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise _wrong(path, "it is no regular file")
            data = opened.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        hint = f"Make it with: echo-image keys add {path} NAME"
        raise NotFound(f"The keys file {path} is not there.", hint=hint) from error
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from error
    if len(data) > _MAX_FILE_BYTES:
        raise _wrong(path, f"it has more than {_MAX_FILE_BYTES} bytes")
    try:
        rows = json.loads(data)["keys"]
        keys = tuple(_key(row) for row in rows)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _wrong(path, "it is not what `echo-image keys` writes") from error
    if len(keys) > _MAX_KEYS or len({key.name for key in keys}) < len(keys):
        raise _wrong(path, f"it has a name twice, or more than {_MAX_KEYS} keys")
    return keys


def _key(row: dict[str, Any]) -> Key:
    key = Key(str(row["name"]), tuple(row["scopes"]), str(row["sha256"]), str(row["created_at"]))
    if not (_NAME.fullmatch(key.name) and _DIGEST.fullmatch(key.sha256) and key.scopes):
        raise ValueError(key.name)
    if not set(key.scopes) <= set(SCOPES):
        raise ValueError(key.scopes)
    return key


def _wrong(path: Path, reason: str) -> UsageError:
    return UsageError(f"The keys file {path} cannot be used: {reason}.", hint="See `echo-image keys --help`.")


def add_key(path: Path, name: str, *, write: bool = False) -> str:
    """Make a key and put its hash into the file, which is made where there is none; return the key.

    Raises:
        UsageError: The name is taken or not allowed, or the file cannot be used.

    Example:
        >>> key = add_key(Path("keys.json"), "colleague")  # doctest: +SKIP
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} is not a name of a key; expected letters, digits and . _ -, at most 64."
        raise UsageError(message, hint="Such as: laptop-anna")
    with _changing(path) as keys:
        if any(key.name == name for key in keys):
            hint = "Revoke it first, or choose another name."
            raise UsageError(f"There is a key {name!r} already.", hint=hint)
        if len(keys) >= _MAX_KEYS:
            raise _wrong(path, f"it has {_MAX_KEYS} keys already")
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        scopes = SCOPES if write else SCOPES[:1]
        _write(path, [*keys, Key(name, scopes, digest_of(secret), now)])
    return secret


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of the file.

    Raises:
        NotFound: There is no file, or no key of that name in it.
    """
    load_keys(path)
    with _changing(path) as keys:
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            raise NotFound(f"There is no key {name[:100]!r} in {path}.", hint=f"echo-image keys list {path}")
        _write(path, left)


@contextmanager
def _changing(path: Path) -> Iterator[tuple[Key, ...]]:
    """Give the keys that there are, while no other process changes the folder's keys."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield load_keys(path) if path.exists() else ()
    finally:
        os.close(folder)


def _write(path: Path, keys: Sequence[Key]) -> None:
    target = path.resolve()  # a link stays a link
    text = json.dumps({"version": 1, "keys": [asdict(key) for key in keys]}, indent=1) + "\n"
    try:
        # mkstemp makes the file readable by its owner only (0600).
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from error


class KeyRing:
    """The keys of a file, read anew when it changes.

    Raises:
        NotFound, UsageError: The file is not there, or cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._seen = self._state()
        self._keys = load_keys(self._path)

    def find(self, digest: str) -> Key | None:
        """Return the key of a SHA-256 in hex; compared with every key in constant time."""
        self._refresh()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def named(self, name: str) -> Key | None:
        """Return the key of a name, if it is still in the file."""
        self._refresh()
        return next((key for key in self._keys if key.name == name), None)

    def _refresh(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._keys = load_keys(self._path)
        except (NotFound, UsageError) as error:
            self._keys = ()
            _log.error("no key is accepted until the keys file is mended: %s", error.message)

    def _state(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_ino, found.st_mtime_ns, found.st_size)
