"""A real service on a port of its own, images to ask it about, and a web server for it to fetch from."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np
import PIL.Image
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray

from echo_image import Library
from echo_image.server import create_app
from echo_image.settings import Settings

Pixels = NDArray[np.uint8]

# All settings of the tests: small limits, so that crossing one takes little.
SETTINGS = Settings().override(
    max_upload_bytes="2MiB",
    max_request_bytes="8MiB",
    max_json_bytes="16KiB",
    max_urls=5,
    max_files=10,
    threads=2,
)


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
        url: Its address, without a slash at the end.
        client: Talks to it.
    """

    url: str
    client: httpx.Client

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.client.get(path, **asked)

    def post(self, path: str, **asked: Any) -> httpx.Response:
        return self.client.post(path, **asked)

    def matches(self, data: bytes, **fields: str) -> list[dict[str, Any]]:
        """Search with an uploaded file and return the matches."""
        answer = self.post("/api/v1/search", files={"file": ("query.jpg", data)}, data=fields)
        assert answer.status_code == 200, answer.text
        matches: list[dict[str, Any]] = answer.json()["matches"]
        return matches


@contextmanager
def serving(libraries: Mapping[str, Library], settings: Settings = SETTINGS) -> Iterator[Service]:
    """Serve libraries with uvicorn on a free loopback port."""
    with running(create_app(libraries, settings)) as service:
        yield service


@contextmanager
def running(app: FastAPI) -> Iterator[Service]:
    """Run an application with uvicorn on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        # The socket listens already, so the first request waits until the service is up.
        with httpx.Client(base_url=url, timeout=120) as client:
            yield Service(url, client)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def png(pixels: Pixels) -> bytes:
    """Return pixels as a PNG file."""
    return _encoded(pixels, "PNG")


def jpeg(pixels: Pixels, quality: int = 70) -> bytes:
    """Return pixels as a JPEG file."""
    return _encoded(pixels, "JPEG", quality=quality)


def _encoded(pixels: Pixels, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(pixels)).save(file, kind, **options)
    return file.getvalue()


def middle(pixels: Pixels, share: float = 0.7) -> Pixels:
    """Return the middle of an image, `share` of each side."""
    height, width = pixels.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return pixels[top : height - top, left : width - left]


def mirrored(pixels: Pixels) -> Pixels:
    """Return an image seen in a mirror."""
    return pixels[:, ::-1]


class _Pages(BaseHTTPRequestHandler):
    """`/images/NAME` gives an image, `/endless` never ends, `/page` is no image; there is nothing else."""

    images: Mapping[str, bytes]

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path == "/endless":
            self._begin(200, "image/jpeg")
            try:
                while True:
                    self.wfile.write(bytes(2**16))
            except OSError:
                return  # the reader has had enough
        elif self.path == "/page":
            self._begin(200, "text/html")
            self.wfile.write(b"<!doctype html><title>No image</title>")
        elif name in self.images:
            self._begin(200, "image/png")
            self.wfile.write(self.images[name])
        else:
            self._begin(404, "text/plain")

    def _begin(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@contextmanager
def web_server(images: Mapping[str, bytes]) -> Iterator[str]:
    """Serve images by name on a free loopback port; yield the address without a slash at the end."""
    pages = type("Pages", (_Pages,), {"images": images})
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
