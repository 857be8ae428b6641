"""Serves a made site on ports of this machine, in a thread or in a process of its own."""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from tests.sites.markup import page_html
from tests.sites.model import Answer, PageModel, SiteModel
from tests.sites.pictures import Pictures
from tests.sites.shop import Hosts, Size, calendar_page, hosts_of, make_shop

_SLOW_S = 0.05
_ROBOTS = {
    "main": "User-agent: *\nDisallow: /private/\nAllow: /private/no\n",
    "cdn": "User-agent: other\nDisallow: /\n\nUser-agent: echo-image\nDisallow: /private/\n",
    "polite": "User-agent: *\nCrawl-delay: 0.02\n",
}
NAMES = ("main", "cdn", "slow", "polite", "foreign")


class SiteServer:
    """Answers for a site.

    Attributes:
        site: what is served.
        counts: requests by host name and path.
    """

    def __init__(self, hosts: Hosts, size: Size, pictures: Pictures) -> None:
        self.site: SiteModel = make_shop(hosts, size)
        self.counts: Counter[str] = Counter()
        self._hosts = hosts
        self._top = f"http://{hosts.main}"
        self._pictures = pictures

    async def answer(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """Answer a request to a host."""
        url = f"http://{getattr(self._hosts, name)}{request.raw_path}"
        self.counts[url] += 1
        if request.path == "/robots.txt":
            if name not in _ROBOTS:
                return web.Response(status=404)
            return web.Response(text=_ROBOTS[name])
        if name == "slow":
            await asyncio.sleep(_SLOW_S)
        bare = url.partition("?")[0]  # of what redirects to itself with a parameter
        page = self.site.pages.get(url) or self.site.pages.get(bare)
        if page is None and request.path.startswith("/calendar/"):
            year, month = map(int, request.path.split("/")[2:4])
            page = calendar_page(self._top, year, month)
        if page is not None:
            return await self._by_kind(request, page.answer, url, page=page)
        image = self.site.images.get(url) or self.site.images.get(bare)
        if image is not None:
            return await self._by_kind(request, image.answer, url, body=image.body)
        return web.Response(status=404)

    async def _by_kind(
        self,
        request: web.BaseRequest,
        kind: Answer,
        url: str,
        *,
        page: PageModel | None = None,
        body: int = 0,
    ) -> web.StreamResponse:
        number = self.counts[url]
        if kind in (Answer.NOT_FOUND, Answer.GONE):
            return web.Response(status=int(kind))
        if kind is Answer.BROKEN or (kind is Answer.HEALS and number <= 2):
            return web.Response(status=500)
        if kind is Answer.BUSY and number <= 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        if kind is Answer.LOOP:
            turn = "1" if request.query.get("turn") != "1" else "2"
            return web.Response(status=302, headers={"Location": f"{request.path}?turn={turn}"})
        if kind is Answer.ENDLESS:
            return await self._endless(request, "text/html" if page else "image/jpeg")
        if kind is Answer.HANGS:
            return await self._hangs(request)
        if page is not None:
            if kind is Answer.MOVED:
                return web.Response(status=301, headers={"Location": page.target})
            headers = {"X-Robots-Tag": page.header} if page.header else {}
            return web.Response(text=page_html(page), content_type="text/html", headers=headers)
        return self._image(request, kind, url, body)

    def _image(self, request: web.BaseRequest, kind: Answer, url: str, body: int) -> web.Response:
        data, content_type = self._pictures.of(body)
        if kind is Answer.MOVED and "there" not in request.query:
            return web.Response(status=302, headers={"Location": f"{request.path}?there=1"})
        if kind is Answer.HTML:
            return web.Response(text="<html><body>Sign in</body></html>", content_type="image/jpeg")
        if kind is Answer.MISNAMED:
            return web.Response(body=data, content_type="text/html")
        headers = {"ETag": f'"{body}"'}
        if kind is Answer.PACKED:
            data, headers["Content-Encoding"] = gzip.compress(data), "gzip"
        return web.Response(body=data, content_type=content_type, headers=headers)

    @staticmethod
    async def _endless(request: web.BaseRequest, content_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        while True:
            await response.write(b"<p>more</p>" * 6000)

    @staticmethod
    async def _hangs(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg", "Content-Length": "90000"})
        await response.prepare(request)
        await response.write(b"\xff\xd8\xff")
        await asyncio.Event().wait()
        return response


def _sockets() -> dict[str, socket.socket]:
    """Return a listening socket for each host, and one for the dead host that only keeps its port."""
    found = {}
    for name in (*NAMES, "dead"):
        found[name] = socket.socket()
        found[name].bind(("127.0.0.1", 0))
    return found


async def _serve(server: SiteServer, sockets: dict[str, socket.socket], started: asyncio.Event) -> None:
    runners = []
    for name in NAMES:

        async def answer(request: web.BaseRequest, name: str = name) -> web.StreamResponse:
            return await server.answer(request, name)

        runner = web.ServerRunner(web.Server(answer, handler_cancellation=True), shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, sockets[name]).start()
        runners.append(runner)
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        for runner in runners:
            await runner.cleanup()


def _addresses(sockets: dict[str, socket.socket]) -> Hosts:
    return hosts_of({name: f"127.0.0.1:{one.getsockname()[1]}" for name, one in sockets.items()})


@contextmanager
def serving(size: Size, pictures: Pictures) -> Iterator[SiteServer]:
    """Yield a server that runs in a thread of this process."""
    sockets = _sockets()
    server = SiteServer(_addresses(sockets), size, pictures)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    tasks: list[asyncio.Task[None]] = []

    async def run() -> None:
        started = asyncio.Event()
        tasks.append(asyncio.create_task(_serve(server, sockets, started)))
        await started.wait()
        ready.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(tasks[0].cancel)
        thread.join(10)
        loop.close()
        sockets["dead"].close()


def _serve_alone(pipe: Connection, size: Size, folder: str) -> None:
    sockets = _sockets()
    hosts = _addresses(sockets)
    server = SiteServer(hosts, size, Pictures.of_folder(Path(folder)))

    async def run() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(_serve(server, sockets, started))
        await started.wait()
        pipe.send(hosts)
        await task

    asyncio.run(run())


@contextmanager
def serving_alone(size: Size, folder: Path) -> Iterator[SiteModel]:
    """Yield a site that is served by a process of its own, with the images of a folder."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_alone, args=(theirs, size, str(folder)), daemon=True)
    process.start()
    try:
        yield make_shop(ours.recv(), size)
    finally:
        process.kill()
        process.join()
