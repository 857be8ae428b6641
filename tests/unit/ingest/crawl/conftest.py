"""A web server whose answers a test writes down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web


@dataclass
class Web:
    """What is served: path with query → (body, headers, status); and what was asked for.

    Attributes:
        top: scheme, host and port.
    """

    top: str = ""
    answers: dict[str, tuple[str | bytes, dict[str, str], int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def page(self, path: str, *body: str, head: str = "", headers: dict[str, str] | None = None) -> None:
        html = f"<html><head>{head}</head><body>{''.join(body)}</body></html>"
        self.answers[path] = (html, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, 200)

    def text(self, path: str, text: str, content_type: str = "text/plain", status: int = 200) -> None:
        self.answers[path] = (text, {"Content-Type": content_type}, status)

    def redirect(self, path: str, to: str) -> None:
        self.answers[path] = ("", {"Location": to}, 302)

    def urls(self, *paths: str) -> list[str]:
        return [f"{self.top}{path}" for path in paths]


def link(*urls: str, rel: str = "") -> str:
    return "".join(f'<a href="{url}" rel="{rel}">x</a>' for url in urls)


def img(*urls: str, alt: str = "") -> str:
    return "".join(f'<img src="{url}" alt="{alt}">' for url in urls)


@pytest.fixture
def net() -> Iterator[Web]:
    """Yield a server that is up and has nothing yet."""
    net, started, stop = Web(), threading.Event(), threading.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        net.asked.append(request.raw_path)
        body, headers, status = net.answers.get(request.raw_path, ("", {}, 404))
        data = body.encode() if isinstance(body, str) else body
        return web.Response(body=data, headers=headers, status=status)

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        net.top = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    yield net
    stop.set()
    thread.join(10)
