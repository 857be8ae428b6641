"""Around every request: its id, its count and time, the security headers, and the last resort.

Outermost of all, so that an answer of any layer has the headers and any failure the error body.
"""

from __future__ import annotations

import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echo_image.server.errors import unexpected
from echo_image.server.metrics import Metrics

__all__ = ["Surround", "security_headers"]

# A caller's id is kept so that its log and ours agree, unless it could break either.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")

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
    """ASGI middleware: request id, security headers, metrics, and 500 for what nobody foresaw."""

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
        started, status = time.perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Request-ID"] = request_id
                # What has a tag may be kept and asked about each time, so that after an upgrade the page fits
                # the service; anything else is somebody's search and is kept nowhere.
                headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
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
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.answered(scope["method"], route, status or 500, time.perf_counter() - started)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
