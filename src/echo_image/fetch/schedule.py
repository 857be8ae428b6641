"""Which of the waiting requests begins next: the hosts take turns, each as its own limits allow.

Without turns a list sorted by host would ask one server for everything and the next hundred for nothing. All
times are passed in; nothing here waits or knows the network.
"""

from __future__ import annotations

import functools
import heapq
import random
from collections import deque

from yarl import URL

from echo_image.errors import EchoImageError, FetchError
from echo_image.fetch.hosts import Entry, Host
from echo_image.fetch.politeness import Politeness

__all__ = ["Schedule", "host_of"]

_MAX_IDLE_HOSTS = 10_000
_AFTER_SCHEME = len("https://")


def host_of(url: str) -> str:
    """Return the host that a URL asks: name in lower case, and port where it is not the usual one.

    Empty for what is no URL.

    >>> host_of("HTTP://Example.COM:80/a"), host_of("http://127.0.0.1:8000/")
    ('example.com', '127.0.0.1:8000')
    """
    # Most URLs share the part that is looked at with others.
    end = url.find("/", _AFTER_SCHEME)
    return _host_of_origin(url if end < 0 else url[:end])


@functools.lru_cache(maxsize=4096)
def _host_of_origin(url: str) -> str:
    try:
        parsed = URL(url)
        name = parsed.raw_host or ""
        port = "" if parsed.is_default_port() or parsed.port is None else f":{parsed.port}"
    except ValueError:
        return ""
    return f"[{name}]{port}" if ":" in name else f"{name}{port}"


class Schedule:
    """The waiting requests of all hosts.

    Args:
        politeness: What each host may be asked.
        rng: For the waits.
    """

    def __init__(self, politeness: Politeness, rng: random.Random) -> None:
        self._politeness = politeness
        self._rng = rng
        self._hosts: dict[str, Host] = {}
        self._tidy_at = _MAX_IDLE_HOSTS
        self._turns: deque[Host] = deque()
        self._times: list[tuple[float, int, Host]] = []
        self._num_times = 0
        # Hosts that stand in `_turns` (-inf) or `_times` (the time); older entries in `_times` are void.
        self._placed: dict[Host, float] = {}
        self.num_waiting = 0

    def add(self, entry: Entry, now: float) -> FetchError | None:
        """Let a request wait for its host's turn; or return why it does not: the host is given up."""
        host = self._host(entry.host, now)
        error = host.add(entry, now)
        if error is None:
            self.num_waiting += 1
            self._place(host, now)
        return error

    def take(self, now: float) -> Entry | None:
        """Return the request that begins now; None when none may."""
        while self._times and self._times[0][0] <= now:
            time, _, host = heapq.heappop(self._times)
            if self._placed.get(host) == time:
                self._placed[host] = float("-inf")
                self._turns.append(host)
        while self._turns:
            host = self._turns.popleft()
            del self._placed[host]
            ready = host.ready_at()
            if ready is not None and ready <= now:
                entry = host.take(now)
                self.num_waiting -= 1
                self._place(host, now)
                return entry
            self._place(host, now)
        return None

    def next_time(self) -> float | None:
        """Return when a host will be ready by the mere passing of time, if any will."""
        while self._times and self._placed.get(self._times[0][2]) != self._times[0][0]:
            heapq.heappop(self._times)
        return self._times[0][0] if self._times else None

    def succeed(self, entry: Entry, now: float) -> None:
        """Note that a request has got its answer."""
        host = self._hosts[entry.host]
        host.succeed()
        self._place(host, now)

    def fail(self, entry: Entry, error: EchoImageError, now: float) -> list[tuple[Entry, EchoImageError]]:
        """Note that a request has failed; return all that have thereby failed for good, with their errors."""
        host = self._hosts[entry.host]
        before = host.num_waiting
        failed = host.fail(entry, error, now)
        self.num_waiting += host.num_waiting - before
        self._place(host, now)
        return failed

    def set_delay(self, name: str, delay_s: float, now: float) -> None:
        """Set the seconds between two beginnings on one host, at least those of the politeness."""
        limits = self._politeness
        self._host(name, now).delay_s = max(limits.delay_s, min(delay_s, limits.max_delay_s))

    def waiting_by_host(self) -> dict[str, int]:
        """Return how many requests wait for each host that is waited for."""
        return {name: host.num_waiting for name, host in self._hosts.items() if host.num_waiting}

    def _host(self, name: str, now: float) -> Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= self._tidy_at:
                self._hosts = {n: h for n, h in self._hosts.items() if not h.is_forgettable(now)}
                self._tidy_at = max(_MAX_IDLE_HOSTS, 2 * len(self._hosts))
            host = self._hosts[name] = Host(name, self._politeness, self._rng)
        return host

    def _place(self, host: Host, now: float) -> None:
        """Let a host stand where it belongs: in a turn, at a time, or nowhere until something of it ends."""
        time = host.ready_at()
        if time is None:
            return
        if time <= now:
            time = float("-inf")
        placed = self._placed.get(host)
        if placed is not None and placed <= time:
            return  # looked at in time; it is placed anew then
        self._placed[host] = time
        if time == float("-inf"):
            self._turns.append(host)
        else:
            self._num_times += 1
            heapq.heappush(self._times, (time, self._num_times, host))
