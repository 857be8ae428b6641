"""How an answer travels: not at all where the client has it already, and small where that helps.

**304.** Any answer to GET or HEAD with an entity tag is left out where the request lists the tag.

**gzip.** Text (JSON, HTML, script, style, SVG) of more than 1 KB is packed; pictures are packed already, and
a stream of events must leave at once. Packing 100 KB takes two milliseconds, so it runs beside the event
loop. What has a tag is packed once and kept. Compression beside a secret lets somebody who can add text to an
answer guess the secret from its length (BREACH); so no answer has one: keys are shown on the command line
only, and sessions are in headers.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echo_image.server.observing.metrics import Metrics

__all__ = ["Delivery", "accepts_gzip", "tag_listed"]

_LEAST_BYTES = 1_000
# Larger answers pass as they are: packing holds the whole answer in memory.
_MOST_BYTES = 8 * 2**20
# Below this packing takes less than handing it to a thread does.
_ON_LOOP_BYTES = 16_384
_LEVEL = 5
_KEPT_BYTES = 4 * 2**20
# Ours are shorter; a stranger writes the same one at any length, with dots and slashes.
_KEPT_PATH_CHARS = 200
_PACKED_TYPES = frozenset(
    {
        "application/json",
        "text/html",
        "text/css",
        "text/javascript",
        "application/javascript",
        "image/svg+xml",
        "text/plain",
    }
)


class Delivery:
    """ASGI middleware: 304 for what the client has, gzip for text."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._kept = _Kept()
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = _Answer(scope, send, self._kept, self._metrics)
        await self._app(scope, receive, send)


class _Answer:
    """One answer on its way: its head waits until its body says how it will travel."""

    def __init__(self, scope: Scope, send: Send, kept: _Kept, metrics: Metrics) -> None:
        self._send = send
        self._metrics = metrics
        self._kept = kept
        self._path = scope["path"]
        headers = Headers(scope=scope)
        self._reading = scope["method"] in {"GET", "HEAD"}
        self._listed = ", ".join(headers.getlist("if-none-match"))
        self._gzip = accepts_gzip(", ".join(headers.getlist("accept-encoding"))) and scope["method"] != "HEAD"
        self._whole = "range" not in headers
        self._path = scope.get("path", "")
        self._head: Message | None = None
        self._body = bytearray()
        self._left_out = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif not self._left_out:
            await self._go_on(message)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        tag = headers.get("etag", "")
        known = message["status"] == 200 and self._reading and bool(tag) and tag_listed(tag, self._listed)
        if tag and self._reading:
            self._metrics.looked_up("browser", hit=known or message["status"] == 304)
        if known:
            for name in ("content-length", "content-type"):
                del headers[name]
            message["status"] = 304
            self._left_out = True
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _PACKED_TYPES or "content-encoding" in headers:
            await self._send(message)
            return
        headers.add_vary_header("Accept-Encoding")
        length = headers.get("content-length", "")
        fits = length.isdigit() and _LEAST_BYTES <= int(length) <= _MOST_BYTES
        if self._gzip and self._whole and fits:
            self._head = message
        else:
            await self._send(message)

    async def _go_on(self, message: Message) -> None:
        if self._head is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        head, self._head = self._head, None
        headers = MutableHeaders(scope=head)
        packed = await self._packed(bytes(self._body), headers.get("etag", ""))
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(packed))
        if "etag" in headers and not headers["etag"].startswith("W/"):
            # Other bytes than under the strong tag; a weak one says that they mean the same.
            headers["ETag"] = "W/" + headers["etag"]
        await self._send(head)
        await self._send({"type": "http.response.body", "body": packed, "more_body": False})

    async def _packed(self, body: bytes, tag: str) -> bytes:
        # A file's tag is made of its time and size, so two files may well have the same.
        name = (self._path, tag) if tag and len(self._path) <= _KEPT_PATH_CHARS else None
        packed = self._kept.get(name) if name else None
        if name:
            self._metrics.looked_up("packed", hit=packed is not None)
        if packed is None:
            if len(body) <= _ON_LOOP_BYTES:
                packed = _pack(body)
            else:
                packed = await asyncio.to_thread(_pack, body)
            if name:
                self._kept.put(name, packed)
        return packed


def _pack(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


class _Kept:
    """Packed files by path and tag, the latest used, up to a number of bytes."""

    def __init__(self) -> None:
        self._files: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: tuple[str, str]) -> bytes | None:
        if name not in self._files:
            return None
        self._files.move_to_end(name)
        return self._files[name]

    def put(self, name: tuple[str, str], packed: bytes) -> None:
        self._bytes += len(packed) - len(self._files.pop(name, b""))
        self._files[name] = packed
        while self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._files.popitem(last=False)[1])


def accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3).

    Example:
        >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0"), accepts_gzip("*")
        (True, False, True)
    """
    allowed: dict[str, bool] = {}
    for part in header.split(",")[:50]:
        name, _, weight = part.partition(";")
        value = weight.replace(" ", "").lower().removeprefix("q=")
        try:
            allowed[name.strip().lower()] = not value or float(value) > 0
        except ValueError:
            allowed[name.strip().lower()] = False
    return allowed.get("gzip", allowed.get("*", False))


def tag_listed(tag: str, header: str) -> bool:
    """Return whether an If-None-Match header names an entity tag (RFC 9110, 13.1.2: weak comparison)."""
    listed = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag.removeprefix("W/") in listed or "*" in listed
