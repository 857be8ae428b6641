"""`Downloads` against a real server on this machine."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from echo_image.errors import FetchError, FetchTimeout, FetchTooLarge, ForbiddenAddress, UsageError
from echo_image.fetch import (
    ACCEPT_PAGES,
    Downloads,
    FetchLimits,
    Outcome,
    Politeness,
    Request,
    fetch_sync,
    host_of,
)
from tests.unit.fetch.conftest import BODY, Server

LOCAL = FetchLimits(allow_private=True)
HASTY = Politeness(first_wait_s=0.001, max_wait_s=0.002, max_retry_after_s=0.002, give_up_s=0.0)


class Collector:
    """Takes outcomes, and waits until so many are there."""

    def __init__(self, downloads: Downloads, *, release: bool = True) -> None:
        self.outcomes: list[Outcome] = []
        self.threads: set[str] = set()
        self._downloads = downloads
        self._release = release
        self._changed = threading.Condition()

    def __call__(self, outcome: Outcome) -> None:
        with self._changed:
            self.threads.add(threading.current_thread().name)
            self.outcomes.append(outcome)
            if self._release:
                self._downloads.release(outcome)
            self._changed.notify_all()

    def wait(self, number: int) -> list[Outcome]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.outcomes) >= number, 20), self.outcomes
        return self.outcomes


def download(
    requests: Iterable[Request], politeness: Politeness = HASTY, limits: FetchLimits = LOCAL
) -> list[Outcome]:
    """Return the outcomes in the order of the requests."""
    asked = list(requests)
    with Downloads(limits, politeness) as downloads:
        collector = Collector(downloads)
        for request in asked:
            downloads.submit(request, collector)
        found = {id(outcome.request): outcome for outcome in collector.wait(len(asked))}
    assert len(collector.outcomes) == len(asked)
    assert collector.threads == {"echo-image-downloads"}
    return [found[id(request)] for request in asked]


def test_many_urls_each_give_one_outcome(server: Server) -> None:
    outcomes = download(Request(server.url(f"/ok?{n}"), tag=n) for n in range(200))
    assert [outcome.request.tag for outcome in outcomes] == list(range(200))
    assert all(outcome.fetched is not None and outcome.fetched.data == BODY for outcome in outcomes)
    assert {outcome.attempts for outcome in outcomes} == {1}
    assert len(server.requests) == 200
    assert server.most_at_once <= HASTY.per_host


def test_the_limits_of_connections_are_kept(server: Server) -> None:
    hosts = ["127.0.0.1", "localhost"]
    asked = [Request(server.url(f"/ok?{n}", hosts[n % 2])) for n in range(60)]
    download(asked, Politeness(max_connections=3, per_host=2))
    assert server.most_at_once <= 3


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_heals_is_got(server: Server, status: int) -> None:
    (outcome,) = download([Request(server.url(f"/heals/a?times=3&status={status}"))])
    assert outcome.fetched is not None
    assert outcome.attempts == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 501])
def test_what_does_not_heal_is_asked_for_once(server: Server, status: int) -> None:
    (outcome,) = download([Request(server.url(f"/heals/a?times=1&status={status}"))])
    assert isinstance(outcome.error, FetchError)
    assert (outcome.error.status, outcome.error.is_transient) == (status, False)
    assert outcome.attempts == len(server.requests) == 1


def test_attempts_end(server: Server) -> None:
    (outcome,) = download([Request(server.url("/status/503"))])
    assert isinstance(outcome.error, FetchError)
    assert (outcome.error.status, outcome.error.is_transient) == (503, True)
    assert outcome.attempts == len(server.requests) == HASTY.max_attempts


def test_a_pause_of_years_is_cut_to_the_limit(server: Server) -> None:
    asked = [
        Request(server.url("/heals/a?times=1&status=429&after=99999999")),
        Request(server.url("/heals/b?times=1&status=503&after=Fri, 31 Dec 9999 23:59:59 GMT")),
    ]
    assert all(outcome.fetched is not None for outcome in download(asked))


def test_nothing_has_changed(server: Server) -> None:
    first, again, other = download(
        [
            Request(server.url("/tagged")),
            Request(server.url("/tagged"), etag='"one"', last_modified="Mon, 02 Jan 2023 10:00:00 GMT"),
            Request(server.url("/tagged"), etag='"two"'),
        ]
    )
    assert first.fetched is not None
    assert first.fetched.etag == '"one"'
    assert first.fetched.last_modified == "Mon, 02 Jan 2023 10:00:00 GMT"
    assert first.fetched.headers["link"] == "<a>; rel=b"
    assert (again.not_modified, again.fetched, again.error) == (True, None, None)
    assert other.fetched is not None
    assert other.fetched.data == BODY
    sent = next(request.headers for request in server.requests if '"one"' in request.headers.values())
    assert sent["If-Modified-Since"] == "Mon, 02 Jan 2023 10:00:00 GMT"


def test_a_304_that_nobody_asked_for_is_a_failure(server: Server) -> None:
    (outcome,) = download([Request(server.url("/status/304"))])
    assert isinstance(outcome.error, FetchError)
    assert not outcome.not_modified


def test_what_kind_of_content_is_wanted(server: Server) -> None:
    download([Request(server.url("/ok"), accept=ACCEPT_PAGES)])
    assert server.requests[0].headers["Accept"] == ACCEPT_PAGES


def test_a_redirect_that_is_not_to_be_followed(server: Server) -> None:
    (outcome,) = download([Request(server.url("/redirect?to=/ok"), redirects=False)])
    assert outcome.fetched is not None
    assert (outcome.fetched.status, outcome.fetched.headers["location"]) == (302, server.url("/ok"))
    assert len(server.requests) == 1


def test_endless_bodies_are_cut(server: Server) -> None:
    (large, mine) = download([Request(server.url("/endless")), Request(server.url("/ok"), max_bytes=10)])
    assert isinstance(large.error, FetchTooLarge)
    assert isinstance(mine.error, FetchTooLarge)
    assert large.attempts == mine.attempts == 1


@pytest.mark.parametrize("path", ["/never", "/drip"])
def test_time_is_limited_and_is_not_spent_four_times(server: Server, path: str) -> None:
    (outcome,) = download([Request(server.url(path))], limits=FetchLimits(allow_private=True, timeout_s=0.1))
    assert isinstance(outcome.error, FetchTimeout)
    assert outcome.error.is_transient
    assert outcome.attempts == HASTY.max_timeouts


def test_a_cut_connection_is_tried_again(server: Server) -> None:
    (outcome,) = download([Request(server.url("/cut"))])
    assert isinstance(outcome.error, FetchError)
    assert (outcome.error.is_transient, outcome.error.is_unreachable) == (True, True)
    # A request on a connection that had been used before is sent once more by the client itself.
    assert outcome.attempts == HASTY.max_attempts


def test_a_dead_host_costs_few_attempts(server: Server) -> None:
    with socket.socket() as taken:  # bound and not listening: refuses
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        asked = [Request(f"http://127.0.0.1:{port}/{n}", tag=n) for n in range(300)]
        outcomes = download([*asked, Request(server.url("/ok"))])
    assert outcomes.pop().fetched is not None
    errors = [outcome.error for outcome in outcomes]
    assert all(isinstance(error, FetchError) and error.is_transient for error in errors)
    assert sum(outcome.attempts for outcome in outcomes) < 30
    given_up = [error for error in errors if error is not None and "not waited for" in error.message]
    assert len(given_up) > 250
    assert f"127.0.0.1:{port}" in given_up[0].message
    assert "Connect" in given_up[0].message  # the last cause is told


def test_an_unknown_host_is_given_up_at_once() -> None:
    async def nothing(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with Downloads(FetchLimits(), Politeness(), lookup=nothing) as downloads:
        collector = Collector(downloads)
        for n in range(100):
            downloads.submit(Request(f"http://gone.example/{n}"), collector)
        outcomes = collector.wait(100)
    assert sum(outcome.attempts for outcome in outcomes) <= Politeness().max_troubles + Politeness().per_host


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1/", ForbiddenAddress),
        ("http://localhost:9/", ForbiddenAddress),
        ("ftp://a/", UsageError),
        ("http://[::1", UsageError),
        ("", UsageError),
    ],
)
def test_what_is_refused_without_asking(url: str, kind: type[Exception]) -> None:
    (outcome,) = download([Request(url)], limits=FetchLimits())
    assert isinstance(outcome.error, kind)
    assert outcome.attempts == 1


def test_held_bytes_hold_up_the_next(server: Server) -> None:
    room_for_two = Politeness(max_connections=1, max_held_bytes=2 * len(BODY))
    with Downloads(LOCAL, room_for_two) as downloads:
        kept = Collector(downloads, release=False)
        for n in range(6):
            downloads.submit(Request(server.url(f"/ok?{n}")), kept)
        first = kept.wait(2)[:2]
        # The loop's thread answers this after whatever it would have begun.
        assert sum(downloads.waiting_by_host().values()) == 4
        assert len(server.requests) == 2
        downloads.release(first[0])
        downloads.release(first[0])
        kept.wait(3)
        assert sum(downloads.waiting_by_host().values()) == 3
        for outcome in kept.outcomes:
            downloads.release(outcome)
        kept.wait(5)


def test_a_slow_host_does_not_hold_up_another(server: Server) -> None:
    with Downloads(LOCAL, Politeness(max_connections=10, per_host=4)) as downloads:
        slow, fast = Collector(downloads), Collector(downloads)
        for _ in range(50):
            downloads.submit(Request(server.url("/gated")), slow)
        for n in range(50):
            downloads.submit(Request(server.url(f"/ok?{n}", "localhost")), fast)
        fast.wait(50)
        assert not slow.outcomes
        assert downloads.waiting_by_host() == {f"127.0.0.1:{server.port}": 46}
        assert downloads.room() == Politeness().window - 50
        fetch_sync(server.url("/open"), limits=LOCAL)
        slow.wait(50)
        assert downloads.room() == Politeness().window


def test_stop_ends_everything_and_calls_nothing(server: Server) -> None:
    downloads = Downloads(LOCAL, HASTY)
    collector = Collector(downloads)
    for _ in range(100):
        downloads.submit(Request(server.url("/never")), collector)
    while not server.requests:
        threading.Event().wait(0.001)
    downloads.stop()
    downloads.stop()
    downloads.submit(Request(server.url("/ok")), collector)
    downloads.set_delay("a", 1.0)
    assert downloads.waiting_by_host() == {}
    assert collector.outcomes == []
    assert "echo-image-downloads" not in {thread.name for thread in threading.enumerate()}


def test_stop_before_anything_began() -> None:
    for _ in range(20):
        Downloads(LOCAL).stop()


def test_stop_from_the_callback(server: Server) -> None:
    downloads = Downloads(LOCAL)
    called = threading.Event()

    def done(outcome: Outcome) -> None:
        downloads.stop()
        called.set()

    downloads.submit(Request(server.url("/ok")), done)
    downloads.submit(Request(server.url("/never")), done)
    assert called.wait(10)
    downloads.stop()


def test_a_callback_that_raises_costs_nobody_else(server: Server) -> None:
    with Downloads(LOCAL) as downloads:
        collector = Collector(downloads)

        def broken(outcome: Outcome) -> None:
            raise RuntimeError("a mistake of the caller")

        downloads.submit(Request(server.url("/ok")), broken)
        downloads.submit(Request(server.url("/ok")), collector)
        collector.wait(1)


def test_errors_cross_processes_whole() -> None:
    for kind in (FetchError, FetchTimeout, FetchTooLarge, ForbiddenAddress):
        error = kind("m", hint="h", status=429, retry_after_s=1.5, is_transient=True, is_unreachable=True)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert vars(again) == vars(error)
        assert again.http_status == kind.http_status != 429


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.example/x", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("https://a.example:80/x", "a.example:80"),
        ("http://[::1]:80/", "[::1]"),
        ("http://user@a.example/", "a.example"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_hosts_of_urls(url: str, host: str) -> None:
    assert host_of(url) == host


def test_politeness_is_checked() -> None:
    for name in ("max_connections", "per_host", "max_attempts", "max_held_bytes", "window"):
        with pytest.raises(UsageError, match=name):
            replace(Politeness(), **{name: 0})
    for name in ("delay_s", "give_up_s", "max_wait_s"):
        not_a_number: dict[str, Any] = {name: float("nan")}
        with pytest.raises(UsageError, match=name):
            replace(Politeness(), **not_a_number)
