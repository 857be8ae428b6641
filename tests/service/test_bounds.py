"""Work is bounded: deadlines, one client's calls, and clients that have gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from echo_image import Library, open_library
from echo_image.server.access.keys import add_key
from echo_image.settings import Settings
from tests.service.serving import SETTINGS, Service, serving
from tests.service.test_bad_input import NOISE, check_error


class Slow:
    """A library whose every call lasts until it is told to end; counts what was begun."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.end = threading.Event()
        self.begun = 0

    def search(self, *_: object, **__: object) -> Any:
        return self._wait()

    def add_image(self, *_: object, **__: object) -> Any:
        return self._wait()

    def _wait(self) -> Any:
        self.begun += 1
        self.started.release()
        self.end.wait()
        raise RuntimeError("ended")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@contextmanager
def serving_slow(slow: Slow, settings: Settings = SETTINGS) -> Iterator[Service]:
    """Serve it; whatever still runs at the end is told to end, or the service would wait for it."""
    with serving({"x": cast(Library, slow)}, settings) as service:
        try:
            yield service
        finally:
            slow.end.set()


SENT = {"file": ("x.png", NOISE)}


def test_a_call_that_runs_too_long_ends_at_its_deadline(slow: Slow) -> None:
    with serving_slow(slow, SETTINGS.override(threads=1, deadline_s=0.2)) as service:
        error = check_error(service.post("/api/v1/search", files=SENT), 504, "deadline_exceeded")
        assert "deadline_s" in error["message"]
        # Its thread is not free yet, and says so.
        assert gauge(service, "running", "searches") == 1
        slow.end.set()


def test_a_url_that_does_not_come_ends_the_call_at_its_deadline(slow: Slow) -> None:
    settings = SETTINGS.override(allow_private_addresses=True, deadline_s=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, serving_slow(slow, settings) as service:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg"
        for path, asked in (
            ("/api/v1/search", {"json": {"url": url}}),
            ("/api/v1/compare", {"json": {"a": url, "b": url}}),
            ("/upload_from_url/", {"data": {"image_url": url}}),
        ):
            check_error(service.post(path, **asked), 504, "deadline_exceeded")
        assert slow.begun == 0


def test_waiting_counts_and_what_waited_too_long_is_not_begun(slow: Slow) -> None:
    settings = SETTINGS.override(threads=1, queue=5, deadline_s=0.3)
    with serving_slow(slow, settings) as service, ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(service.post, "/api/v1/search", files=SENT) for _ in range(4)]
        for call in calls:
            check_error(call.result(), 504, "deadline_exceeded")
        assert slow.begun == 1
        assert gauge(service, "waiting", "searches") == 0
        slow.end.set()


def test_an_addition_that_has_begun_is_finished_and_one_that_waits_is_not_begun(slow: Slow) -> None:
    settings = SETTINGS.override(deadline_s=0.3, queue=5)
    with serving_slow(slow, settings) as service, ThreadPoolExecutor(2) as threads:
        first = threads.submit(service.post, "/api/v1/images", files=SENT)
        slow.started.acquire()
        second = threads.submit(service.post, "/api/v1/images", files=SENT)
        check_error(second.result(), 504, "deadline_exceeded")
        assert not first.done()
        slow.end.set()
        check_error(first.result(), 500, "internal_error")
        assert slow.begun == 1


def test_one_client_may_have_only_so_many_calls_open(slow: Slow, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    anna, bert = ({"X-API-Key": add_key(keys, name)} for name in ("anna", "bert"))
    settings = SETTINGS.override(
        threads=1, queue=50, max_calls_per_client=2, retry_after_s=7, keys_file=str(keys)
    )

    def search(key: dict[str, str]) -> Any:
        return service.post("/api/v1/search", files=SENT, headers=key)

    with serving_slow(slow, settings) as service, ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(search, anna) for _ in range(2)]
        slow.started.acquire()
        service.client.headers.update(bert)
        until(lambda: gauge(service, "waiting", "searches") == 1)
        answer = search(anna)
        check_error(answer, 429, "too_many_requests")
        assert answer.headers["retry-after"] == "7"
        calls.append(threads.submit(search, bert))
        until(lambda: gauge(service, "waiting", "searches") == 2)
        slow.end.set()
        for call in calls:
            check_error(call.result(), 500, "internal_error")
        check_error(search(anna), 500, "internal_error")


def open_socket(service: Service) -> socket.socket:
    parts = urlsplit(service.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=60)


def sent_search(service: Service) -> socket.socket:
    """Send a whole search by hand and return the connection, from which nothing is read."""
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = head + NOISE + b"\r\n--B--\r\n"
    connection = open_socket(service)
    connection.sendall(
        b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: multipart/form-data; boundary=B\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    return connection


def test_a_client_that_goes_while_it_waits_leaves_the_queue(slow: Slow) -> None:
    settings = SETTINGS.override(threads=1, queue=2)
    with serving_slow(slow, settings) as service, ThreadPoolExecutor(2) as threads:
        first = threads.submit(service.post, "/api/v1/search", files=SENT)
        slow.started.acquire()
        leaving = [sent_search(service) for _ in range(2)]
        until(lambda: gauge(service, "waiting", "searches") == 2)
        check_error(service.post("/api/v1/search", files=SENT), 503, "overloaded")
        for connection in leaving:
            connection.close()
        until(lambda: gauge(service, "waiting", "searches") == 0)
        second = threads.submit(service.post, "/api/v1/search", files=SENT)
        until(lambda: gauge(service, "waiting", "searches") == 1)
        slow.end.set()
        for call in (first, second):
            check_error(call.result(), 500, "internal_error")
        assert slow.begun == 2
        assert 'status="499"} 2\n' in service.get("/metrics").text


def test_a_client_that_goes_while_its_search_runs_is_forgotten(slow: Slow) -> None:
    with serving_slow(slow, SETTINGS.override(threads=1)) as service:
        connection = sent_search(service)
        slow.started.acquire()
        connection.close()
        until(lambda: 'status="499"} 1\n' in service.get("/metrics").text)
        assert gauge(service, "running", "searches") == 1
        slow.end.set()
        until(lambda: gauge(service, "running", "searches") == 0)


def test_a_client_that_goes_while_it_sends_is_forgotten(slow: Slow) -> None:
    with serving_slow(slow) as service:
        connection = open_socket(service)
        connection.sendall(
            b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=B\r\n\r\n--B"
        )
        until(lambda: "Requests answered" in service.get("/metrics").text)
        connection.close()
        until(lambda: 'status="499"} 1\n' in service.get("/metrics").text)
        assert slow.begun == 0


def test_many_clients_at_once_each_get_their_own_answer(filled: Path, files: dict[str, bytes]) -> None:
    settings = SETTINGS.override(threads=2, queue=100, max_calls_per_client=0)
    with (
        open_library(filled, create=False) as library,
        serving({"filled": library}, settings) as service,
        ThreadPoolExecutor(16) as threads,
    ):
        names = list(files) * 6
        found = threads.map(lambda name: service.matches(files[name]), names)
        for name, matches in zip(names, found, strict=True):
            assert matches[0]["location"] == f"https://images.example/{name}.png"


def gauge(service: Service, name: str, pool: str) -> int:
    text = service.get("/metrics").text
    return int(text.split(f'echo_image_work_{name}{{pool="{pool}"}} ')[1].split("\n")[0])


def until(true: Callable[[], bool]) -> None:
    """Ask until it is so; the time limit of the test ends it otherwise."""
    while not true():
        pass
