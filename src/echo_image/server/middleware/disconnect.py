"""A call whose client has gone is given up: what waits leaves the queue, what runs ends unheard.

ASGI tells an application that its client has gone only if it asks, and an application that computes does not
ask. So once the whole body has been taken, this asks beside it and cancels the call. An answer that has begun
is left alone; whoever streams one asks by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Disconnects"]


class Disconnects:
    """ASGI middleware that cancels the application when its client has gone.

    Raises:
        ClientDisconnect: There is nobody to answer any more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        line = _Line(receive, send)
        if not _has_body(scope):
            await line.take_first()
        call = asyncio.create_task(self._call(scope, line))
        watch = asyncio.create_task(line.watch())
        try:
            await asyncio.wait({call, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done() and line.gone.is_set() and not line.answering:
                call.cancel()
            await asyncio.wait({call})
        finally:
            watch.cancel()
            if not call.done():
                call.cancel()
                await asyncio.wait({call})
        if call.cancelled():
            raise ClientDisconnect
        call.result()

    async def _call(self, scope: Scope, line: _Line) -> None:
        await self._app(scope, line.receive, line.send)


class _Line:
    """One request's two directions.

    Attributes:
        gone: Set when the client has gone.
        answering: Whether the answer has begun.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._early: deque[Message] = deque()
        self._taken = asyncio.Event()
        self.gone = asyncio.Event()
        self.answering = False

    async def take_first(self) -> None:
        """Take the message of a request without a body, as an application may never ask for it."""
        message = await self._receive()
        self._early.append(message)
        self._note(message)

    async def receive(self) -> Message:
        if self._early:
            return self._early.popleft()
        if self._taken.is_set():
            # From here on `watch` alone asks the server.
            await self.gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._note(message)
        return message

    async def send(self, message: Message) -> None:
        self.answering = True
        await self._send(message)

    async def watch(self) -> None:
        """Return when the client has gone."""
        await self._taken.wait()
        while not self.gone.is_set():
            if (await self._receive())["type"] == "http.disconnect":
                self.gone.set()

    def _note(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.gone.set()
            self._taken.set()
        elif not message.get("more_body", False):
            self._taken.set()


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names or b"transfer-encoding" in names
