"""A library that may reach this machine, and a server on it that says what it is told to say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from echo_image import Library, open_library
from echo_image.fetch import FetchLimits
from echo_image.settings import Settings


@dataclass
class Shop:
    """A server of images.

    Attributes:
        url: where it is.
        images: path → bytes; anything else is 404.
        answers: path → statuses that are answered first, one for each request.
        asked: paths in the order they were asked for, with the status of the answer.
    """

    url: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def asked_for(self, path: str) -> list[int]:
        return [status for asked, status in self.asked if asked == path]

    async def answer(self, request: web.Request) -> web.Response:
        response = self._response(request)
        self.asked.append((request.path, response.status))
        return response

    def _response(self, request: web.Request) -> web.Response:
        path = request.path
        if self.answers.get(path):
            return web.Response(status=self.answers[path].pop(0))
        if path not in self.images:
            return web.Response(status=404)
        tag = f'"{hash(self.images[path])}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=self.images[path], headers={"ETag": tag})


@pytest.fixture
def shop() -> Iterator[Shop]:
    made, loop, ready = Shop(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/{path:.*}", made.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    settings = Settings(fetch=FetchLimits(allow_private=True), workers=2)
    with open_library(tmp_path / "library", settings=settings) as opened:
        yield opened
