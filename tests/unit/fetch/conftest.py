"""A real HTTP server on this machine, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

BODY = b"\x89PNG of a sort" * 1000


@dataclass
class Server:
    """Where the server listens, and what it was asked."""

    port: int = 0
    requests: list[web.Request] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


async def ok(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="image/png")


async def redirect(request: web.Request) -> web.Response:
    headers = {"Location": request.query["to"]}
    response = web.Response(status=int(request.query.get("status", "302")), headers=headers)
    if "close" in request.query:
        response.force_close()
    return response


async def hop(request: web.Request) -> web.Response:
    left = int(request.match_info["left"])
    raise web.HTTPFound(f"/hop/{left - 1}" if left > 1 else "/ok")


async def status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), text="<h1>words of the server</h1>")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65536)


async def never(request: web.Request) -> web.StreamResponse:
    """Send a little and then nothing, until the client leaves."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"x")
    await asyncio.Event().wait()
    return response


async def packed(request: web.Request) -> web.Response:
    """Send the bytes of the query (hex) with the Content-Encoding of the query."""
    body = bytes.fromhex(request.query["body"])
    return web.Response(body=body, headers={"Content-Encoding": request.query["encoding"]})


async def drip(request: web.Request) -> web.StreamResponse:
    """Send a byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x")
        await asyncio.sleep(0.01)


async def tagged(request: web.Request) -> web.Response:
    headers = {"ETag": '"one"', "Last-Modified": "Mon, 02 Jan 2023 10:00:00 GMT", "Link": "<a>; rel=b"}
    if request.headers.get("If-None-Match") == '"one"':
        return web.Response(status=304, headers=headers)
    return web.Response(body=BODY, content_type="image/png", headers=headers)


async def cut(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[None]:
    @web.middleware
    async def record(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        server.requests.append(request)
        server.at_once += 1
        server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            return await handler(request)
        finally:
            server.at_once -= 1

    async def heals(request: web.Request) -> web.Response:
        """Fail `times` times with `status`, then be good."""
        number = server.times[request.path_qs] = server.times.get(request.path_qs, 0) + 1
        if number <= int(request.query["times"]):
            headers = {"Retry-After": request.query["after"]} if "after" in request.query else {}
            return web.Response(status=int(request.query["status"]), headers=headers)
        return await ok(request)

    async def gated(request: web.Request) -> web.Response:
        """Answer once the gate is opened."""
        await server.gate.wait()
        return await ok(request)

    async def open_gate(request: web.Request) -> web.Response:
        server.gate.set()
        return web.Response()

    app = web.Application(middlewares=[record])
    for path, answer in (
        ("/ok", ok),
        ("/redirect", redirect),
        ("/hop/{left}", hop),
        ("/status/{status}", status),
        ("/endless", endless),
        ("/never", never),
        ("/packed", packed),
        ("/drip", drip),
        ("/tagged", tagged),
        ("/cut", cut),
        ("/heals/{name}", heals),
        ("/gated", gated),
        ("/open", open_gate),
    ):
        app.router.add_get(path, answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server that is up."""
    server, started, stop = Server(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with running(server):
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    yield server
    stop.set()
    thread.join(10)


@pytest.fixture
def raw_server() -> Iterator[tuple[dict[str, bytes], int]]:
    """Yield a server that answers with the bytes put into its dictionary under "answer", and its port."""
    answers: dict[str, bytes] = {}
    port: list[int] = []
    started, stop = threading.Event(), threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers["answer"])
        await writer.drain()
        writer.close()

    async def serve() -> None:
        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.append(listening.sockets[0].getsockname()[1])
        started.set()
        async with listening:
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    yield answers, port[0]
    stop.set()
    thread.join(10)
