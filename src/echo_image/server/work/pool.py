"""Where blocking work runs: a few threads, a bounded queue, and an honest refusal beyond it.

Decoding and searching fill a processor for milliseconds to seconds, so they never run on the event loop.
A queue without a bound only moves the failure: the caller has given up long before its turn comes. So a call
that finds the queue full is refused at once, with the time after which to try again; one that has waited
until its deadline is taken out of the queue, and so is one whose caller has gone (`server.disconnect`
cancels it).

A thread cannot be stopped from outside. Work that runs when its call ends early is left to finish unheard,
and keeps its place until it has: the number of threads that compute never exceeds what was set.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from echo_image.server.errors import DeadlineExceeded, Overloaded

__all__ = ["Gate", "WorkPool"]

T = TypeVar("T")


class WorkPool:
    """A bounded number of threads with a bounded number of calls waiting for them.

    Args:
        name: Shown in thread names and messages.
        threads: Calls that run at once; one makes the pool a queue in order of arrival.
        queue: Calls that may wait.
        retry_after_s: What a refused caller is told to wait, in seconds.
        finishes: Whether work that has begun is waited for whatever happens to its call: for what changes a
            library. Otherwise it is left to end unheard.
        ended: Called on the event loop when a piece of work has ended, before its caller goes on.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        queue: int,
        retry_after_s: int,
        finishes: bool = False,
        ended: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._threads = threads
        self._queue = queue
        self._retry_after_s = retry_after_s
        self._finishes = finishes
        self._ended = ended
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"echo-image-{name}")
        # Only touched on the event loop, so it needs no lock.
        self._admitted = 0
        self.refused = 0

    @property
    def running(self) -> int:
        """Calls that have a thread."""
        return min(self._admitted, self._threads)

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return max(0, self._admitted - self._threads)

    def admit(self) -> None:
        """Raise Overloaded where a call would be refused; asked before a large body is read."""
        if self._admitted >= self._threads + self._queue:
            self.refused += 1
            message = (
                f"The service is busy: {self._threads} calls run and {self.waiting} wait for {self.name}."
            )
            raise Overloaded(message, retry_after_s=self._retry_after_s)

    async def run(self, work: Callable[[], T], *, until: float | None = None) -> T:
        """Return `work()`, run on a thread.

        Args:
            work: Blocks.
            until: Time of the event loop's clock at which the call is given up; None: never. A pool that
                finishes what it began gives up only what still waits.

        Raises:
            Overloaded: The queue is full; `work` was not started.
            DeadlineExceeded: It was not done in time.
        """
        self.admit()
        loop = asyncio.get_running_loop()
        self._admitted += 1
        # The executor keeps what was cancelled until a thread comes by; the images in it need not wait.
        held = [work]
        try:
            future: Future[T] = self._executor.submit(lambda: held.pop()())
        except BaseException:
            self._admitted -= 1
            raise
        # The place is free when the thread is, which may be after the caller has gone.
        future.add_done_callback(lambda _: _on_loop(loop, self._release))
        outcome = asyncio.wrap_future(future)
        try:
            async with asyncio.timeout_at(until):
                await asyncio.wait({outcome})
        except TimeoutError as error:
            if not future.cancel() and (self._finishes or outcome.done()):
                return await _ended(outcome)
            message = f"The call waited for {self.name} until its deadline (deadline_s) and was given up."
            raise DeadlineExceeded(message, hint="Try again when there is less to do.") from error
        except asyncio.CancelledError:
            if not future.cancel() and self._finishes:
                await _ended(outcome)
            raise
        finally:
            if future.cancelled():
                held.clear()
            else:
                outcome.add_done_callback(_unheard)
        return outcome.result()

    def _release(self) -> None:
        self._admitted -= 1
        if self._ended is not None:
            self._ended()

    def close(self) -> None:
        """Drop what waits and wait for what runs: it may use a library that is closed next."""
        self._executor.shutdown(wait=True, cancel_futures=True)


async def _ended(outcome: asyncio.Future[T]) -> T:
    """Return what work gives; if the waiting is cancelled meanwhile, raise that once the work has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not outcome.done():
        try:
            await asyncio.wait({outcome})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return outcome.result()


def _unheard(outcome: asyncio.Future[T]) -> None:
    """Take the exception of abandoned work, or asyncio would complain that nobody did."""
    if not outcome.cancelled():
        outcome.exception()


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    # A thread may outlive the loop when the service is stopped; there is nothing left to count then.
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


class Gate:
    """A bounded number of asynchronous calls at once, with a bounded number waiting.

    Args:
        name: Shown in messages.
        places: Calls inside at once.
        queue: Calls that may wait.
        retry_after_s: What a refused caller is told to wait, in seconds.
        wait_s: Longest wait of one call, in seconds.
    """

    def __init__(
        self, name: str, *, places: int, queue: int, retry_after_s: int, wait_s: float | None = None
    ) -> None:
        self.name = name
        self._places = asyncio.Semaphore(places)
        self._queue = queue
        self._retry_after_s = retry_after_s
        self._wait_s = wait_s
        self.waiting = 0
        self.running = 0
        self.refused = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one place.

        Raises:
            Overloaded: Too many calls wait already.
            DeadlineExceeded: No place became free within `wait_s`.
        """
        if self._places.locked() and self.waiting >= self._queue:
            self.refused += 1
            message = f"The service is busy: {self.waiting} calls wait for {self.name}."
            raise Overloaded(message, retry_after_s=self._retry_after_s)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError as error:
            message = f"The call waited for {self.name} until its deadline (deadline_s) and was given up."
            raise DeadlineExceeded(message, hint="Try again when there is less to do.") from error
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()
