"""Many downloads at once, politely, by an event loop in a thread of its own.

`schedule` says which request begins next and `hosts` what becomes of a failed one; this file starts them,
keeps the time, and hands out what comes. Its callers are ordinary threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

import aiohttp

from echo_image.errors import EchoImageError, FetchError
from echo_image.fetch.download import ask, new_session
from echo_image.fetch.hosts import Entry
from echo_image.fetch.limits import Fetched, FetchLimits
from echo_image.fetch.politeness import Outcome, Politeness, Request
from echo_image.fetch.resolving import Lookup, system_lookup
from echo_image.fetch.schedule import Schedule, host_of

__all__ = ["Downloads"]

_LOGGER = logging.getLogger(__name__)
_NOT_MODIFIED = 304
_DEFAULT_POLITENESS = Politeness()


class Downloads:
    """Downloads what is submitted, and calls back with each outcome.

    A context manager: what is under way when it ends is given up, as by `stop`. Only the first host of a
    request is paced; one that it is redirected to is asked without waiting for its turn.

    Args:
        limits: Of each attempt.
        politeness: Of all together.
        seed: For the drawn part of waits.
        lookup: Name resolution.
    """

    def __init__(
        self,
        limits: FetchLimits,
        politeness: Politeness = _DEFAULT_POLITENESS,
        *,
        seed: int = 0,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._limits = limits
        self._politeness = politeness
        self._lookup = lookup
        self._schedule = Schedule(politeness, random.Random(seed))  # noqa: S311 - spreads waits, guards nothing
        self._inbox: deque[Entry] = deque()
        self._lock = threading.Lock()
        # Guarded by the lock: written by callers and by the loop's thread.
        self._is_woken = False
        self._is_stopped = False
        self._num_open = 0
        self._held_bytes = 0
        # Of the loop's thread alone.
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._session: aiohttp.ClientSession | None = None
        self._ended = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="echo-image-downloads", daemon=True)
        self._thread.start()

    def __enter__(self) -> Downloads:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Called by any thread

    def submit(self, request: Request, done: Callable[[Outcome], None]) -> None:
        """Let a request be downloaded; never waits, refuses nothing.

        Args:
            request: What to download.
            done: Called once with the outcome, on the thread of the downloads; it must neither block nor
                raise. Never called after `stop`.
        """
        with self._lock:
            if self._is_stopped:
                return
            self._num_open += 1
            self._inbox.append(Entry(request, done, host_of(request.url)))
            self._wake()

    def release(self, outcome: Outcome) -> None:
        """Let go of an outcome's bytes, which made room for others until now. May be called twice."""
        with self._lock:
            was_full = self._is_full()
            self._held_bytes -= outcome.held_bytes
            outcome.held_bytes = 0
            if was_full and not self._is_full():
                self._wake()

    def room(self) -> int:
        """Return how many more requests it likes to have waiting now."""
        with self._lock:
            return max(0, self._politeness.window - self._num_open)

    def waiting_by_host(self) -> dict[str, int]:
        """Return how many requests wait for each host, as `host_of` names it; those under way not counted."""
        return self._on_loop(self._schedule.waiting_by_host)

    def set_delay(self, host: str, seconds: float) -> None:
        """Keep at least so many seconds between the beginnings of two downloads from a host.

        Args:
            host: As `host_of` names it.
            seconds: At most `Politeness.max_delay_s` of them count.
        """
        self._on_loop(lambda: self._schedule.set_delay(host, seconds, self._loop.time()))

    def stop(self) -> None:
        """Give everything up at once: when this returns, nothing is under way or will be called."""
        with self._lock:
            self._is_stopped = True
            self._inbox.clear()
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._ended.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _on_loop(self, call: Callable[[], dict[str, int]] | Callable[[], None]) -> dict[str, int]:
        """Return what a function gives that touches what is of the loop's thread alone."""
        if threading.current_thread() is self._thread:
            return call() or {}
        answer: list[dict[str, int]] = []
        ready = threading.Event()

        def run() -> None:
            answer.append(call() or {})
            ready.set()

        with self._lock:
            if self._is_stopped:
                return {}
            self._loop.call_soon_threadsafe(run)
        while not ready.wait(0.1):
            if not self._thread.is_alive():
                return {}
        return answer[0]

    def _is_full(self) -> bool:
        return self._held_bytes >= self._politeness.max_held_bytes

    def _wake(self) -> None:
        """Let the loop look at what has changed; once for many changes. Under the lock."""
        if not self._is_woken and not self._is_stopped:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._woken)

    # On the thread of the loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            self._loop.close()

    async def _live(self) -> None:
        allow_private = self._limits.allow_private
        async with new_session(allow_private=allow_private, lookup=self._lookup) as session:
            self._session = session
            self._start()
            await self._ended.wait()
            if self._timer is not None:
                self._timer.cancel()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _woken(self) -> None:
        with self._lock:
            self._is_woken = False
            entries, self._inbox = self._inbox, deque()
        now = self._loop.time()
        for entry in entries:
            error = self._schedule.add(entry, now)
            if error is not None:
                self._finish(entry, Outcome(entry.request, error=error))
        self._start()

    def _start(self) -> None:
        """Begin what may begin, and see that this is called again when more may."""
        if self._session is None:
            return
        while len(self._tasks) < self._politeness.max_connections:
            entry = self._next()
            if entry is None:
                return
            self._tasks.add(self._loop.create_task(self._work(self._session, entry)))

    def _next(self) -> Entry | None:
        if self._is_stopped or self._is_full():
            return None
        entry = self._schedule.take(self._loop.time())
        if entry is None:
            self._set_timer()
        return entry

    def _set_timer(self) -> None:
        time = self._schedule.next_time()
        if self._timer is not None:
            if time is not None and self._timer.when() <= time and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if time is None else self._loop.call_at(time, self._timed)

    def _timed(self) -> None:
        self._timer = None
        self._start()

    async def _work(self, session: aiohttp.ClientSession, entry: Entry) -> None:
        """Download one after the other, so that there is not a task to be made for each."""
        left: Entry | None = entry
        try:
            while left is not None:
                await self._download(session, left)
                left = self._next()
                if left is not None and self._schedule.num_waiting:
                    self._start()
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.discard(task)

    async def _download(self, session: aiohttp.ClientSession, entry: Entry) -> None:
        began = self._loop.time()
        error: EchoImageError | None = None
        fetched: Fetched | None = None
        try:
            fetched = await ask(session, entry.request, self._limits)
        except EchoImageError as failure:
            error = failure
        except Exception as failure:  # one request must not end all others
            _LOGGER.exception("a download ended in an unforeseen way")
            error = FetchError(f"The download failed: {type(failure).__name__}.")
        now = self._loop.time()
        if fetched is not None:
            self._schedule.succeed(entry, now)
            self._finish(entry, self._good(entry, fetched, now - began))
        elif error is not None:
            for failed, reason in self._schedule.fail(entry, error, now):
                seconds = now - began if failed is entry else 0.0
                self._finish(failed, Outcome(failed.request, None, False, reason, failed.attempts, seconds))

    def _good(self, entry: Entry, fetched: Fetched, seconds: float) -> Outcome:
        if fetched.status == _NOT_MODIFIED:
            return Outcome(entry.request, None, True, None, entry.attempts, seconds)
        return Outcome(entry.request, fetched, False, None, entry.attempts, seconds, len(fetched.data))

    def _finish(self, entry: Entry, outcome: Outcome) -> None:
        with self._lock:
            self._num_open -= 1
            self._held_bytes += outcome.held_bytes
            if self._is_stopped:
                return
        try:
            entry.done(outcome)
        except Exception:  # the caller's code; the other downloads are not to blame
            _LOGGER.exception("what was to be called after a download failed")
