"""One host: what waits for it, when it may be asked next, and whether it answers at all.

All times are seconds of one clock that the caller passes in; nothing here waits.

A host is *in trouble* after some failures in a row that say something about the host and not about a URL: no
connection, the time limit, a demand to pause. It is then asked by one probe at a time, with growing pauses,
each probe another of the waiting URLs; any answer ends the trouble. Trouble that lasted too long makes it
*given up*: nothing waits for it any more, so that many URLs of a dead host cost minutes and not days, and one
probe now and then finds out when it is back.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from echo_image.errors import EchoImageError, FetchError, FetchTimeout
from echo_image.fetch.politeness import Outcome, Politeness, Request
from echo_image.fetch.retrying import back_off_s

__all__ = ["Entry", "Host"]

_TOO_MANY = 429
_UNAVAILABLE = 503
_MIN_PROBES = 3
# Parallelism that a host gets back for each answer after it asked for a pause.
_REGAINED = 0.1


@dataclass(slots=True, eq=False)
class Entry:
    """A request on its way.

    Attributes:
        request, done: As submitted.
        host: The host asked.
        attempts: Begun so far.
        timeouts: How many of these ran into the time limit.
    """

    request: Request
    done: Callable[[Outcome], None]
    host: str
    attempts: int = 0
    timeouts: int = 0


class Host:
    """The queue and the state of one host.

    Args:
        name: Name and port, as in its URLs.
        politeness: What it may be asked.
        rng: For the waits.
    """

    def __init__(self, name: str, politeness: Politeness, rng: random.Random) -> None:
        self.name = name
        self.num_running = 0
        self.delay_s = politeness.delay_s
        self._politeness = politeness
        self._rng = rng
        self._queue: deque[Entry] = deque()
        self._later: list[tuple[float, int, Entry]] = []  # a heap: failed ones, and when they may come again
        self._num_later = 0
        self._slots = float(politeness.per_host)
        self._next_start = float("-inf")
        self._troubles = 0
        self._probes = 0
        self._trouble_since = 0.0
        self._last_error: EchoImageError | None = None
        self._given_up = False
        self._is_hopeless = False

    @property
    def num_waiting(self) -> int:
        """How many requests wait for it."""
        return len(self._queue) + len(self._later)

    @property
    def in_trouble(self) -> bool:
        """Whether it is asked by one probe at a time."""
        return self._troubles >= self._politeness.max_troubles

    def is_forgettable(self, now: float) -> bool:
        """Tell whether nothing would be lost if a new object took this one's place."""
        as_new = self.delay_s == self._politeness.delay_s and not self._troubles
        return as_new and not self.num_waiting and not self.num_running and self._next_start <= now

    def add(self, entry: Entry, now: float) -> FetchError | None:
        """Let a request wait; or return why it does not: the host is given up."""
        if self._given_up and (self.num_waiting or self.num_running or now < self._next_start):
            return self._given_up_error(now)
        self._queue.append(entry)
        return None

    def ready_at(self) -> float | None:
        """Return when the next request may begin; None while that depends on others that end before."""
        if not self.num_waiting:
            return None
        slots = 1 if self.in_trouble else int(self._slots)
        if self.num_running >= slots:
            return None
        if self._queue:
            return self._next_start
        return max(self._next_start, self._later[0][0])

    def take(self, now: float) -> Entry:
        """Return the next request, which begins now; only if `ready_at` is not later."""
        while self._later and self._later[0][0] <= now:
            self._queue.append(heapq.heappop(self._later)[2])
        entry = self._queue.popleft()
        entry.attempts += 1
        self.num_running += 1
        self._next_start = max(self._next_start, now + self.delay_s)
        return entry

    def succeed(self) -> None:
        """Note that a request has got its answer."""
        self.num_running -= 1
        self._answered()
        self._slots = min(float(self._politeness.per_host), self._slots + _REGAINED)

    def fail(self, entry: Entry, error: EchoImageError, now: float) -> list[tuple[Entry, EchoImageError]]:
        """Note that a request has failed; it waits for its next attempt if it is worth one.

        Returns:
            The requests that have failed for good, this one or all that wait, each with its error.
        """
        self.num_running -= 1
        if not isinstance(error, FetchError):
            return [(entry, error)]
        pausing = error.status == _TOO_MANY or (
            error.status == _UNAVAILABLE and error.retry_after_s is not None
        )
        if pausing:
            self._slots = 1.0
        if pausing or error.is_unreachable or isinstance(error, FetchTimeout):
            self._trouble(error, now, pausing=pausing)
        else:
            self._answered()
        failed: list[tuple[Entry, EchoImageError]] = []
        if self._wants_another(entry, error):
            self._put_back(entry, now, waits=not pausing)
        else:
            failed.append((entry, error))
        if self._is_lost(now):
            self._given_up = True
            failed += [(waiting, self._given_up_error(now)) for waiting in self._drain()]
        return failed

    def _answered(self) -> None:
        self._troubles = self._probes = 0
        self._given_up = False

    def _trouble(self, error: FetchError, now: float, *, pausing: bool) -> None:
        if not self._troubles:
            self._trouble_since = now
        self._troubles += 1
        self._last_error = error
        # No such host, a bad certificate: waiting changes nothing.
        self._is_hopeless = error.is_unreachable and not error.is_transient
        limits = self._politeness
        if self.in_trouble:
            self._probes += 1
        if pausing and error.retry_after_s is not None:
            pause_s = min(error.retry_after_s, limits.max_retry_after_s)
        elif pausing or self.in_trouble:
            pause_s = self._wait_s(self._probes if self.in_trouble else self._troubles)
        else:
            return
        if self._given_up:
            pause_s = max(pause_s, limits.max_wait_s)
        self._next_start = max(self._next_start, now + pause_s)

    def _wait_s(self, failures: int) -> float:
        limits = self._politeness
        return back_off_s(
            max(1, failures), first_s=limits.first_wait_s, max_s=limits.max_wait_s, rng=self._rng
        )

    def _wants_another(self, entry: Entry, error: FetchError) -> bool:
        if isinstance(error, FetchTimeout) and not error.is_unreachable:
            entry.timeouts += 1
        limits = self._politeness
        return (
            error.is_transient
            and entry.attempts < limits.max_attempts
            and entry.timeouts < limits.max_timeouts
            and not self._given_up
        )

    def _put_back(self, entry: Entry, now: float, *, waits: bool) -> None:
        """Let a request wait again: in trouble behind all others, so that each probe is another one."""
        if self.in_trouble:
            self._queue.append(entry)
        elif waits:
            self._num_later += 1
            heapq.heappush(self._later, (now + self._wait_s(entry.attempts), self._num_later, entry))
        else:
            self._queue.appendleft(entry)

    def _is_lost(self, now: float) -> bool:
        if not self.in_trouble:
            return False
        if self._is_hopeless:
            return True
        return self._probes >= _MIN_PROBES and now - self._trouble_since >= self._politeness.give_up_s

    def _drain(self) -> list[Entry]:
        entries = [*self._queue, *(entry for _, _, entry in sorted(self._later, key=lambda item: item[:2]))]
        self._queue.clear()
        self._later.clear()
        return entries

    def _given_up_error(self, now: float) -> FetchError:
        last = "" if self._last_error is None else f" ({self._last_error.message.rstrip('.')})"
        return FetchError(
            f"The host {self.name} has not been of use for {max(0.0, now - self._trouble_since):.0f} s{last},"
            " so its URLs are not waited for.",
            hint="Try again later what failed.",
            status=getattr(self._last_error, "status", 0),
            is_transient=True,
            is_unreachable=True,
        )
