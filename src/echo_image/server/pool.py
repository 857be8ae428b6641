"""Where blocking work runs: a few threads, a bounded queue, and an honest refusal beyond it.

Decoding and searching fill a processor for milliseconds to seconds, so they never run on the event loop.
A queue without a bound only moves the failure: the caller has given up long before its turn comes. So a call
that finds the queue full is refused at once, with the time after which to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from echo_image.server.errors import Overloaded

__all__ = ["Gate", "WorkPool"]

T = TypeVar("T")


class WorkPool:
    """A bounded number of threads with a bounded number of calls waiting for them.

    Args:
        name: Shown in thread names and messages.
        threads: Calls that run at once; one makes the pool a queue in order of arrival.
        queue: Calls that may wait.
        retry_after_s: What a refused caller is told to wait, in seconds.
    """

    def __init__(self, name: str, *, threads: int, queue: int, retry_after_s: int) -> None:
        self.name = name
        self._threads = threads
        self._queue = queue
        self._retry_after_s = retry_after_s
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

    async def run(self, work: Callable[[], T]) -> T:
        """Return `work()`, run on a thread.

        Raises:
            Overloaded: The queue is full; `work` was not started.
        """
        self.admit()
        loop = asyncio.get_running_loop()
        self._admitted += 1
        try:
            future: Future[T] = self._executor.submit(work)
        except BaseException:
            self._admitted -= 1
            raise
        # The place is free when the thread is, which may be after the caller has gone.
        future.add_done_callback(lambda _: _on_loop(loop, self._release))
        return await asyncio.wrap_future(future)

    def _release(self) -> None:
        self._admitted -= 1

    def close(self) -> None:
        """Drop what waits; what runs is finished by its thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)


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
    """

    def __init__(self, name: str, *, places: int, queue: int, retry_after_s: int) -> None:
        self._name = name
        self._places = asyncio.Semaphore(places)
        self._queue = queue
        self._retry_after_s = retry_after_s
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one place.

        Raises:
            Overloaded: Too many calls wait already.
        """
        if self._places.locked() and self._waiting >= self._queue:
            message = f"The service is busy: {self._waiting} calls wait for {self._name}."
            raise Overloaded(message, retry_after_s=self._retry_after_s)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()
