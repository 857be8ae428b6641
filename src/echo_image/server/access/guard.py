"""Who may talk to the service through somebody's browser.

The service listens on this machine and knows no log-in, so the danger is a web page: it can send forms to
`127.0.0.1`, and with a host name of its own that it points at `127.0.0.1` (DNS rebinding) it can read
answers.

- **Host.** An address, `localhost` or a name without a dot cannot be a stranger's public name, so they
  pass; a name with a dot passes where the settings list it.
- **Origin.** A request that changes something or costs work (every method but GET, HEAD and OPTIONS) passes
  where a browser says it comes from our own page, from an allowed origin, or where no browser sent it.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from echo_image.server.errors import ForbiddenHost, ForbiddenOrigin, ServiceError, answer

__all__ = ["Guard", "host_allowed", "origin_allowed"]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Guard:
    """ASGI middleware that answers 421 or 403 to what a stranger's page sent.

    Args:
        app: The application behind it.
        allowed_hosts: Names with a dot that are ours; `*` allows all.
        cors_origins: Origins of other pages that may call.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: tuple[str, ...], cors_origins: tuple[str, ...]
    ) -> None:
        self._app = app
        self._hosts = frozenset(name.lower().rstrip(".") for name in allowed_hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await answer(refusal, scope)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ServiceError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not host_allowed(host, self._hosts):
            message = f"The service is not called {host[:100]!r}."
            return ForbiddenHost(message, hint="List the name in ECHO_IMAGE_ALLOWED_HOSTS if it is yours.")
        if scope["method"] in _READING:
            return None
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin_allowed(origin, site, host, self._origins):
            return None
        message = f"A page of {(origin or 'another site')[:100]} may not send this."
        return ForbiddenOrigin(message, hint="List the origin in ECHO_IMAGE_CORS_ORIGINS if it is yours.")


def host_allowed(host: str, allowed: frozenset[str]) -> bool:
    """Return whether a Host header cannot be, or is allowed to be, a public name pointed at us.

    Example:
        >>> host_allowed("127.0.0.1:8000", frozenset()), host_allowed("evil.example", frozenset())
        (True, False)
    """
    name = _name(host)
    return (
        "*" in allowed
        or "." not in name
        or name.endswith(".localhost")
        or _is_address(name)
        or name in allowed
    )


def origin_allowed(origin: str | None, site: str | None, host: str, allowed: frozenset[str]) -> bool:
    """Return whether a request with these Origin, Sec-Fetch-Site and Host headers may change something."""
    if origin is None:
        # Not a browser, or one so old that it says nothing; a browser that says where from is believed.
        return site in {None, "same-origin", "none"}
    if origin.lower() in allowed:
        return True
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    # The scheme may differ behind a proxy that ends TLS, so a missing port stands for either default.
    own_host, own_port = _name(host), _port(host)
    ports = set(_DEFAULT_PORTS.values()) if own_port is None else {own_port}
    return bool(parts.hostname) and parts.hostname == own_host and port in ports


def _name(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _port(host: str) -> int | None:
    tail = host.rpartition("]")[2] if host.startswith("[") else host
    digits = tail.partition(":")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
