"""Who may call what: a key where the settings ask for one, and only so many calls at once from one client.

**Scopes.** `read` is enough for what changes no library: every GET, and the calls in `_READING`, which search
with what they are sent. Everything else needs `write`, so that a route that nobody listed is closed and not
open.
"""

from __future__ import annotations

import base64

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from echo_image.server.access.keys import Key, KeyRing, digest_of
from echo_image.server.access.session import COOKIE, Sessions
from echo_image.server.errors import ForbiddenScope, ServiceError, TooManyRequests, Unauthorized, answer

__all__ = ["Access", "key_of"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Pages without anybody's data, and what tells whether a key is needed.
_OPEN = frozenset(
    {
        "/",
        "/library",
        "/docs",
        "/openapi.json",
        "/favicon.ico",
        "/healthz",
        "/readyz",
        "/api/v1/about",
        "/api/v1/session",
    }
)
_OPEN_FOLDER = "/static/"
# Compared without a slash at the end.
_READING = frozenset(
    {
        "/api/v1/search",
        "/api/v1/search/batch",
        "/api/v1/explain",
        "/api/v1/compare",
        "/api/v1/evidence",
        "/rest/search",
        "/rest/compare",
        "/rest/count",
        "/rest/list",
        "/rest/ping",
        "/upload",
        "/upload_from_url",
    }
)
# A kept query is its sender's; whoever knows its unguessable id may let go of it.
_READING_FOLDER = "/api/v1/queries/"
# These change something also with GET.
_WRITING = frozenset({"/rest/add", "/rest/delete"})
# Clients of MatchEngine know a name and a password; the password is the key.
_BASIC_FOLDER = "/rest/"
_STORING = frozenset({"/upload", "/upload_from_url"})
_MAX_COOKIE_CHARS = 8_192


class Access:
    """ASGI middleware that answers 401, 403 and 429.

    Args:
        app: The application behind it.
        ring: The keys; None where none is needed.
        sessions: The cookies that stand for keys.
        max_calls: Calls of one client at once; 0: any number.
        retry_after_s: What a client with too many is told to wait.
        store_uploads: Whether the first application's calls add what they are sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        ring: KeyRing | None,
        sessions: Sessions | None,
        max_calls: int,
        retry_after_s: int,
        store_uploads: bool,
    ) -> None:
        self._app = app
        self._ring = ring
        self._sessions = sessions
        self._max_calls = max_calls
        self._retry_after_s = retry_after_s
        self._writing = _WRITING | _STORING if store_uploads else _WRITING
        # Only clients with a call open are in it, so strangers cannot make it grow.
        self._open_calls: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            client = self._client(scope)
        except ServiceError as refusal:
            await answer(refusal, scope)(scope, receive, send)
            return
        self._open_calls[client] = self._open_calls.get(client, 0) + 1
        try:
            if 0 < self._max_calls < self._open_calls[client]:
                await answer(self._too_many(), scope)(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._open_calls[client] -= 1
            if not self._open_calls[client]:
                del self._open_calls[client]

    def _client(self, scope: Scope) -> str:
        """Return who calls.

        Raises:
            Unauthorized, ForbiddenScope: It may not.
        """
        if self._ring is None or self._sessions is None:
            return f"address {(scope.get('client') or ('',))[0]}"
        key = key_of(scope, self._ring, self._sessions)
        if key is None:
            message = "The call has no key, or one that is not known."
            raise Unauthorized(message, hint="Send it as: Authorization: Bearer KEY")
        scope.setdefault("state", {})["key_name"] = key.name
        needed = "write" if self._changes(scope["method"], scope["path"]) else "read"
        if needed == "write" and "write" not in key.scopes:
            message = f"The key {key.name!r} may read and not write."
            raise ForbiddenScope(message, hint="Use a key that was made with --write.")
        return f"key {key.name}"

    def _changes(self, method: str, path: str) -> bool:
        path = path.rstrip("/")
        if path in self._writing:
            return True
        return not (method in _SAFE or path in _READING or path.startswith(_READING_FOLDER))

    def _too_many(self) -> TooManyRequests:
        message = f"The client has {self._max_calls} calls open, the limit max_calls_per_client."
        return TooManyRequests(message, retry_after_s=self._retry_after_s)


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_FOLDER)


def key_of(scope: Scope, ring: KeyRing, sessions: Sessions) -> Key | None:
    """Return the key with which a request comes: in a header, else by its session's cookie.

    A header that has a wrong key is not made good by a cookie, and one that comes twice has none.
    """
    headers = Headers(scope=scope)
    shown = headers.getlist("x-api-key")
    for value in headers.getlist("authorization"):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer":
            shown.append(rest.strip())
        elif scheme.lower() == "basic" and scope.get("path", "").startswith(_BASIC_FOLDER):
            shown.append(_password(rest.strip()))
    if shown:
        digest = digest_of(shown[0]) if len(set(shown)) == 1 else ""
        return ring.find(digest) if digest else None
    cookie = _cookie("; ".join(headers.getlist("cookie")))
    return sessions.key(cookie) if cookie else None


def _password(encoded: str) -> str:
    """Return the password of HTTP basic authentication (RFC 7617), empty where it cannot be read."""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _cookie(header: str) -> str:
    """Return the value of our cookie, empty where there is none.

    Cookies of a host are shared by all its ports, so others' may stand beside ours, written in any way. Ours
    has no character that would be quoted.
    """
    if len(header) > _MAX_COOKIE_CHARS:
        return ""
    pairs = (pair.partition("=") for pair in header.split(";"))
    found = [value.strip() for name, _, value in pairs if name.strip() == COOKIE]
    return found[-1] if found else ""
