"""A service that is stopped while it has work: in order with SIGTERM, and with SIGKILL in the midst of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from echo_image import open_library
from tests.service.serving import Pixels, jpeg, middle

CLIENTS = 4
CLEAN = {"right", "added", "updated", "unchanged", "refused"}


@contextmanager
def started(library: Path, **settings: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `echo-image serve`; yield the process and its address without a slash at the end."""
    command = [sys.executable, "-m", "echo_image", "serve", str(library), "--port", "0"]
    env = {**os.environ, **{f"ECHO_IMAGE_{name.upper()}": str(value) for name, value in settings.items()}}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"http://[^/\s]+", process.stderr.readline())
            assert found is not None, process.stderr.read()
            yield process, found[0]
        finally:
            process.kill()


class Clients:
    """Clients that search, and one that adds, until the service is gone.

    Attributes:
        counts: `right`, `wrong`, `added`, `refused` (503), or the kind of a connection's error.
    """

    def __init__(self, url: str, queries: dict[str, bytes], additions: Iterator[bytes] | None = None) -> None:
        self.url = url
        self.queries = list(queries.items())
        self.additions = additions
        self.counts: Counter[str] = Counter()
        self.ended: list[str] = []
        self.busy = threading.Semaphore(0)
        self._lock = threading.Lock()

    def run(self, pool: ThreadPoolExecutor) -> None:
        for number in range(CLIENTS):
            pool.submit(self._until_gone, self._search, number)
        if self.additions is not None:
            pool.submit(self._until_gone, self._add, 0)

    def _until_gone(self, call: object, number: int) -> None:
        assert callable(call)
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while True:
                try:
                    kind = call(client, number)
                except httpx.TransportError as error:
                    with self._lock:
                        self.ended.append(type(error).__name__)
                    return
                except Exception as error:  # told by the test
                    kind = f"unclean: {error!r}"
                with self._lock:
                    self.counts[kind] += 1
                self.busy.release()
                number += 1

    def _search(self, client: httpx.Client, number: int) -> str:
        name, data = self.queries[number % len(self.queries)]
        answer = client.post("/api/v1/search", files={"file": ("q.jpg", data)})
        if answer.status_code == 503:
            return "refused"
        answer.raise_for_status()
        first = answer.json()["matches"][0]["location"]
        return "right" if first == f"https://images.example/{name}.png" else "wrong"

    def _add(self, client: httpx.Client, number: int) -> str:
        assert self.additions is not None
        answer = client.post("/api/v1/images", files={"file": (f"{number}.jpg", next(self.additions))})
        answer.raise_for_status()
        counts = answer.json()
        # One that a killed service had taken is known already.
        return next((kind for kind in ("added", "updated", "unchanged") if counts[kind] == 1), "wrong")


def noise() -> Iterator[bytes]:
    """Images that are all different."""
    rng = np.random.default_rng(5)
    while True:
        small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        yield jpeg(np.asarray(np.kron(small, np.ones((10, 10, 1))), np.uint8))


@pytest.fixture
def place(filled: Path, tmp_path: Path) -> Path:
    """A copy of the library of the originals."""
    return Path(shutil.copytree(filled, tmp_path / "place"))


@pytest.fixture(scope="module")
def queries(originals: dict[str, Pixels]) -> dict[str, bytes]:
    return {name: jpeg(middle(originals[name], 0.8)) for name in ("astronaut", "coffee", "rocket")}


def test_what_was_taken_is_answered_when_it_is_told_to_stop(place: Path, queries: dict[str, bytes]) -> None:
    with started(place, threads=1, queue=50) as (process, url):
        # Eight searches for one thread: it has them all, and has not answered them.
        sent = [httpx.Client(base_url=url, timeout=120) for _ in range(8)]
        sample = queries["astronaut"]
        with ThreadPoolExecutor(len(sent)) as threads:
            calls = [
                threads.submit(client.post, "/api/v1/search", files={"file": ("q.jpg", sample)})
                for client in sent
            ]
            while taken(url) < len(sent) - 1:
                pass
            process.send_signal(signal.SIGTERM)
            answers = [call.result() for call in calls]
        assert [answer.status_code for answer in answers] == [200] * len(sent)
        for answer in answers:
            assert answer.json()["matches"][0]["location"] == "https://images.example/astronaut.png"
        assert process.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz")


def taken(url: str) -> int:
    """Return how many searches the service has taken: those that it answered, runs, or has waiting."""
    text = httpx.get(f"{url}/metrics", timeout=60).text
    found = re.findall(r'work_(?:running|waiting)\{pool="searches"\} (\d+)', text)
    found += re.findall(r'requests_total\{method="POST",route="/api/v1/search",status="200"\} (\d+)', text)
    return sum(map(int, found))


def test_clients_of_a_service_that_is_told_to_stop_see_answers_or_no_connection(
    place: Path, queries: dict[str, bytes]
) -> None:
    with started(place) as (process, url), ThreadPoolExecutor(CLIENTS + 1) as pool:
        clients = Clients(url, queries, noise())
        clients.run(pool)
        for _ in range(10):
            clients.busy.acquire()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    assert set(clients.counts) <= CLEAN
    assert set(clients.ended) <= {"ConnectError", "RemoteProtocolError", "ReadError", "WriteError"}
    with open_library(place, create=False) as library:
        assert library.check().ok


def test_a_library_survives_the_kill_of_its_busy_service(place: Path, queries: dict[str, bytes]) -> None:
    for _ in range(2):
        with started(place) as (process, url), ThreadPoolExecutor(CLIENTS + 1) as pool:
            clients = Clients(url, queries, noise())
            clients.run(pool)
            for _ in range(12):
                clients.busy.acquire()
            process.kill()
            process.wait(60)
        assert set(clients.counts) <= CLEAN, clients.counts
        assert len(clients.ended) == CLIENTS + 1
        assert set(clients.ended) <= {"ConnectError", "RemoteProtocolError", "ReadError", "WriteError"}
        with open_library(place, create=False, read_only=True) as library:
            report = library.check()
            assert report.ok, report
            assert library.info().images >= 6 + clients.counts["added"]
    with started(place) as (process, url), httpx.Client(base_url=url, timeout=120) as client:
        for name, data in queries.items():
            answer = client.post("/api/v1/search", files={"file": ("q.jpg", data)}).json()
            assert answer["matches"][0]["location"] == f"https://images.example/{name}.png"
        added = client.post("/api/v1/images", files={"file": ("new.jpg", next(noise()))}).json()
        assert added["added"] + added["updated"] + added["unchanged"] == 1
