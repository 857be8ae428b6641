"""What a source may use, and a server that has what a test puts there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.sources import SourceContext


@pytest.fixture
def context(tmp_path: Path) -> SourceContext:
    return SourceContext(tmp_path / "library", DecodeLimits(), FetchLimits(allow_private=True))


class Site(dict[str, bytes]):
    """Path → body; everything else is 404."""

    def __init__(self) -> None:
        super().__init__()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
