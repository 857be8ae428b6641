"""A browser's session: a cookie that stands for a key without having it.

The cookie has the key's name, a time of expiry and their HMAC under a secret that this process made and
nobody else has. So the key itself is never on a browser's disk, whoever reads the keys file can make no
cookie, a revoked key ends its sessions, and a restart of the service ends all.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from echo_image.server.access.keys import Key, KeyRing

__all__ = ["COOKIE", "LIFETIME_S", "Sessions"]

COOKIE = "echo_image_session"

# A working week; the page asks for the key again then.
LIFETIME_S = 7 * 24 * 3600

_MAX_CHARS = 256


class Sessions:
    """Makes cookies and reads them.

    Args:
        ring: The keys they stand for.
        clock: Unix time in seconds.
    """

    def __init__(self, ring: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._ring = ring
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def cookie(self, key: Key) -> str:
        """Return the value of a cookie for `key`."""
        expires = str(int(self._clock()) + LIFETIME_S)
        return f"{key.name}:{expires}:{self._mac(key, expires)}"

    def key(self, cookie: str) -> Key | None:
        """Return the key that a cookie stands for; None if not ours, too old, or of a revoked key."""
        name, _, rest = cookie[: _MAX_CHARS + 1].partition(":")
        expires, _, mac = rest.partition(":")
        key = self._ring.named(name) if len(cookie) <= _MAX_CHARS and cookie.isascii() else None
        if key is None or not hmac.compare_digest(self._mac(key, expires), mac):
            return None
        # The mac was ours, so the time is a number.
        return key if self._clock() < int(expires) else None

    def _mac(self, key: Key, expires: str) -> str:
        # With the hash: another key that got the name of a revoked one does not inherit its sessions.
        text = f"{key.name}:{key.sha256}:{expires}"
        return hmac.digest(self._secret, text.encode(), "sha256").hex()
