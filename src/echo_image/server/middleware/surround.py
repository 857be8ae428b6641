"""Around every request: its id, its count, time and log line, the security headers, and the last resort.

Outermost of all, so that an answer of any layer has the headers and any failure the error body.
"""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echo_image.server.errors import unexpected
from echo_image.server.observing.logs import ACCESS
from echo_image.server.observing.metrics import Metrics

__all__ = ["Surround", "security_headers"]

# A caller's id is kept so that its log and ours agree, unless it could break either.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_NO_ADDRESS = re.compile(r"[^A-Za-z0-9.:%_\-]")

# Asked all the time and never the question: these lines are at the level `debug`.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static", "/api/v1/images/{image_id}/thumbnail"})

# The page has its script, style and pictures from here (blob: is the query that was dropped on it), and
# nothing of ours is shown inside another page.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def security_headers(*, open_to_others: bool) -> dict[str, str]:
    """Return the headers that every answer carries; `open_to_others` where other origins may call."""
    return {
        "Content-Security-Policy": _CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "cross-origin" if open_to_others else "same-origin",
    }


class Surround:
    """ASGI middleware: request id, security headers, metrics, a log line, and 500 for what nobody foresaw."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, headers: dict[str, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status, num_bytes = time.perf_counter(), 0, 0

        async def send_marked(message: Message) -> None:
            nonlocal status, num_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                self._mark(message, request_id)
            num_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except ClientDisconnect:
            status = 499  # nobody is there to answer; the number is nginx's for this
        except Exception as error:
            if status:  # half an answer is out: only closing the connection tells the client
                raise
            await unexpected(error, scope)(scope, receive, send_marked)
        finally:
            self._record(scope, status or 500, time.perf_counter() - started, num_bytes)

    def _mark(self, message: Message, request_id: str) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        headers["X-Request-ID"] = request_id
        # What has a tag may be kept and asked about each time, so that after an upgrade the page fits
        # the service; anything else is somebody's search and is kept nowhere.
        headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")

    def _record(self, scope: Scope, status: int, seconds: float, num_bytes: int) -> None:
        route = _template(scope)
        self._metrics.answered(scope["method"], route, status, seconds)
        code = scope["state"].get("error_code", "") if status >= 400 else ""
        if code:
            self._metrics.refused(code)
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        if not ACCESS.isEnabledFor(level):
            return
        fields = {
            "request_id": scope["state"]["request_id"],
            "method": scope["method"] if scope["method"].isalpha() else "other",
            "route": route,
            "status": status,
            "ms": round(seconds * 1e3, 1),
            "bytes": num_bytes,
            "client": _word((scope.get("client") or ("",))[0]),
            "key": scope["state"].get("key_name", ""),
            "error": code,
        }
        told = "%(method)s %(route)s %(status)s %(ms)s ms %(bytes)s bytes %(client)s %(key)s %(error)s"
        shown = {name: value if value != "" else "-" for name, value in fields.items()}
        ACCESS.log(level, f"{told} %(request_id)s", shown, extra={"fields": fields})


def _word(client: str) -> str:
    """Return a client's address as one word: behind a proxy it may be whatever X-Forwarded-For says."""
    return _NO_ADDRESS.sub("_", client[:64])


def _template(scope: Scope) -> str:
    """Return the route's template; what nobody has a route for is one name, however many there are."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(scope.get("route"), "path", "unknown"))


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
