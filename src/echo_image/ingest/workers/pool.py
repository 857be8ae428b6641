"""A pool of processes that survives whatever a file does to the libraries that read it.

Decoders are C code fed with strangers' bytes: they crash, hang and take all memory. Here each of these
costs one item and one worker, never the run: the item's outcome is a `WorkerFailure`, the worker is
replaced within milliseconds, the items waiting behind it go to another one.

`concurrent.futures` gives up the whole pool at the first crash and `multiprocessing.Pool` waits for ever
for an item that died, which is why this exists. Workers are forked by a nursery process (`worker.py`)
that has imported everything once and has no threads.

Deadlock is excluded by one rule: the parent only sends to a worker that is waiting to read, or so little
that the connection's buffer takes it.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, Generic, TypeVar

from echo_image.errors import EchoImageError
from echo_image.ingest.workers.nursery import Nursery, NurseryLostError, by_reference
from echo_image.ingest.workers.worker import EXIT_MEMORY, KILL, WAIT, Prepared

__all__ = ["IDLE", "Idle", "WorkerFailure", "WorkerPool"]

Item = TypeVar("Item")
Result = TypeVar("Result")

WAITING_ITEMS = 2
"""Items sent ahead to a worker that is busy, so that it never waits for its parent between two.

1,000 items of 10 ms on two workers, for a caller that commits for 20 ms after every 64: 5.5 s with none
sent ahead, 5.3 s with 1, 5.2 s with 2 and with 4. Fewer is better for those that wait behind a slow one."""

SENT_AHEAD_BYTES = 32 * 2**10
"""Most that may lie unread in a busy worker's connection; a Linux socket buffer holds 208 KiB."""

START_S = 60.0
"""Time for a worker to get ready; a loaded machine needs one second."""

IDLE_S = 0.2
"""Longest time for which a source that had nothing is not asked again."""

MAX_START_FAILURES = 3
"""Workers that may die in a row before getting ready; then the fault is not an item's."""


class Idle:
    """The type of `IDLE`."""


IDLE = Idle()
"""What a source of items yields when it has none at the moment but will have some."""


@dataclass(frozen=True, slots=True)
class WorkerFailure:
    """Why an item has no outcome.

    Attributes:
        code: That of the `EchoImageError` raised by the task, or `memory_limit`, `timeout`,
            `worker_crashed`, `internal_error`.
        reason: One sentence for a person.
    """

    code: str
    reason: str


@dataclass(slots=True, eq=False)
class _Worker(Generic[Item]):
    pid: int
    connection: Connection
    since: float  # when it began its first item, or was started
    ready: bool = False
    items: deque[tuple[Item, bytes]] = field(default_factory=deque)  # first one is in work

    @property
    def reads(self) -> bool:
        """Whether it is waiting for an item, so that sending one of any size cannot block for long."""
        return self.ready and not self.items

    @property
    def unread_bytes(self) -> int:
        """Most that may lie in its connection: the first item was read if it is at work on it."""
        sizes = [len(data) for _, data in self.items]
        return sum(sizes[1:]) if self.ready else sum(sizes)


class WorkerPool(Generic[Item, Result]):
    """Runs a function on many items in processes of their own.

    Not for use by several threads at once. Nothing is started before the first item.

    Args:
        task: Module-level function of an importable module (not of `__main__`).
        workers: Most processes at once, at least 1; no more are started than there is work for.
        timeout_s: Time for one item before its worker is killed.
        memory_bytes: Address space a worker may take beyond what it has when ready; None for no limit.
            Enforced on Linux.
        initializer: Called once in each worker before its first item; module-level as well.
        preload: Called once in the process that workers are forked from; module-level as well. What it loads
            or compiles is there in every worker, also in those that replace others. It must start no thread.

    Raises:
        ValueError: An argument is out of range, or a function cannot be imported by name.
    """

    def __init__(
        self,
        task: Callable[[Item], Result],
        *,
        workers: int,
        timeout_s: float,
        memory_bytes: int | None,
        initializer: Callable[[], Any] | None = None,
        preload: Callable[[], Any] | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s must be above 0, not {timeout_s}")
        self._num_workers = workers
        self._timeout_s = timeout_s
        self._prepared = Prepared(by_reference(task, initializer, preload), memory_bytes)
        self._nursery: Nursery | None = None
        self._workers: list[_Worker[Item]] = []
        self._start_failures = 0
        self._in_use = False

    def __enter__(self) -> WorkerPool[Item, Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def imap(
        self, items: Iterable[Item | Idle], *, wake: Connection | None = None
    ) -> Generator[tuple[Item, Result | WorkerFailure]]:
        """Yield `(item, outcome)` for every item exactly once, in the order they get done.

        Lazy: an item is taken from `items` only when a worker has room for it, at most
        `1 + WAITING_ITEMS` per worker being under way. Closing the iterator early kills the workers that
        are busy. An exception of `items` itself is passed on.

        Args:
            items: the items; `IDLE` among them says that there is none at the moment.
            wake: readable when a source that was idle has something again.

        Raises:
            EchoImageError: Workers cannot be started.
            RuntimeError: Another `imap` of this pool is not finished.
        """
        if self._in_use:
            raise RuntimeError("this pool is busy with another imap; close that one first")
        self._in_use = True
        source = iter(items)
        queue: deque[tuple[Item, bytes]] = deque()  # the next item; or those behind one that failed
        exhausted = False
        try:
            while not exhausted or queue or self._busy():
                self._hand_out(queue)
                if not exhausted and not queue and self._has_room():
                    try:
                        item = next(source)
                    except StopIteration:
                        exhausted = True
                    else:
                        if isinstance(item, Idle):
                            yield from self._collect(queue, idle=True, wake=wake)
                        else:
                            queue.append((item, pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)))
                else:
                    yield from self._collect(queue)
        finally:
            self._in_use = False
            for worker in self._busy():
                self._remove(worker, KILL)

    def close(self) -> None:
        """End all processes. May be called twice; the pool starts anew if it is used queue."""
        for worker in self._workers:
            worker.connection.close()
        self._workers.clear()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _busy(self) -> list[_Worker[Item]]:
        return [worker for worker in self._workers if worker.items]

    def _has_room(self) -> bool:
        return len(self._workers) < self._num_workers or any(_takes(w, 1) for w in self._workers)

    def _hand_out(self, queue: deque[tuple[Item, bytes]]) -> None:
        """Give queued items to workers until no worker takes the next one."""
        while queue:
            worker = min(self._workers, key=lambda worker: len(worker.items), default=None)
            if (worker is None or worker.items) and len(self._workers) < self._num_workers:
                worker = self._start()
            if worker is None or not _takes(worker, len(queue[0][1])):
                return
            if worker.reads and worker.connection.poll():
                # An idle worker has nothing to say but its end, of which the next item is innocent.
                self._remove(worker, WAIT)
                continue
            if worker.reads:
                worker.since = time.monotonic()
            item, data = queue.popleft()
            worker.items.append((item, data))
            with contextlib.suppress(OSError):  # it died this moment; the end of its connection tells
                worker.connection.send_bytes(data)

    def _start(self) -> _Worker[Item]:
        for last in (False, True):
            if self._nursery is None:
                self._nursery = Nursery(self._prepared)
            ours, theirs = Pipe(duplex=True)
            try:
                pid = self._nursery.fork(theirs)
            except NurseryLostError as error:
                ours.close()
                self._nursery = None
                if last:
                    raise EchoImageError(
                        "The process that starts workers ended unexpectedly, twice.",
                        hint="See whether the system runs out of memory or processes.",
                    ) from error
                continue
            finally:
                theirs.close()
            break
        worker: _Worker[Item] = _Worker(pid, ours, time.monotonic())
        self._workers.append(worker)
        return worker

    def _collect(
        self, queue: deque[tuple[Item, bytes]], *, idle: bool = False, wake: Connection | None = None
    ) -> Iterator[tuple[Item, Result | WorkerFailure]]:
        """Wait for workers, and yield what they answer; items of dead workers are put into `queue`."""
        watched = {worker.connection: worker for worker in self._workers if not worker.reads}
        pause = min((self._deadline(worker) for worker in watched.values()), default=0.0) - time.monotonic()
        if idle:
            pause = min(pause, IDLE_S) if watched else IDLE_S
        for connection in wait([*watched, *([wake] if idle and wake is not None else [])], max(0.0, pause)):
            if connection is wake:
                continue
            worker = watched[connection]  # type: ignore[index]
            try:
                data = worker.connection.recv_bytes()
            except (EOFError, OSError):
                yield from self._bury(worker, queue)
            else:
                yield from self._receive(worker, data)
        for worker in watched.values():
            # An answer may have come while the caller was busy with the previous one: that is in time.
            if (
                worker in self._workers
                and not worker.reads
                and time.monotonic() >= self._deadline(worker)
                and not worker.connection.poll()
            ):
                yield from self._give_up(worker, queue)

    def _receive(self, worker: _Worker[Item], data: bytes) -> Iterator[tuple[Item, Result | WorkerFailure]]:
        worker.since = time.monotonic()
        try:
            kind, value = pickle.loads(data)  # noqa: S301 written by our own worker
        except Exception as error:  # the outcome's class decides what its unpickling raises
            kind, value = "failed", ("internal_error", f"its outcome cannot be read: {error}")
        if not worker.ready:
            if kind != "ready":
                raise EchoImageError(f"A worker could not start: {value[1]}.")
            worker.ready = True
            self._start_failures = 0
            return
        item, _ = worker.items.popleft()
        yield item, value if kind == "done" else WorkerFailure(*value)

    def _deadline(self, worker: _Worker[Item]) -> float:
        return worker.since + (self._timeout_s if worker.ready else START_S)

    def _give_up(
        self, worker: _Worker[Item], queue: deque[tuple[Item, bytes]]
    ) -> Iterator[tuple[Item, Result | WorkerFailure]]:
        """Kill a worker whose time is over."""
        self._remove(worker, KILL)
        limit_s = self._timeout_s if worker.ready else START_S
        failure = WorkerFailure("timeout", f"took longer than {limit_s:g} s")
        yield from self._blame(worker, failure, queue)

    def _bury(
        self, worker: _Worker[Item], queue: deque[tuple[Item, bytes]]
    ) -> Iterator[tuple[Item, Result | WorkerFailure]]:
        """Remove a worker that ended by itself."""
        status = self._remove(worker, WAIT)
        failure = WorkerFailure("worker_crashed", f"its worker {_how_it_ended(status)}")
        if status == EXIT_MEMORY:
            failure = WorkerFailure("memory_limit", "needed more memory than a worker may take")
        yield from self._blame(worker, failure, queue)

    def _blame(
        self, worker: _Worker[Item], failure: WorkerFailure, queue: deque[tuple[Item, bytes]]
    ) -> Iterator[tuple[Item, Result | WorkerFailure]]:
        """Fail the item a removed worker was on, and put those behind it first in the queue."""
        blamed = worker.items.popleft() if worker.ready and worker.items else None
        queue.extendleft(reversed(worker.items))
        worker.items.clear()
        if not worker.ready:
            self._count_start_failure(failure.reason)
        if blamed is not None:
            yield blamed[0], failure

    def _count_start_failure(self, reason: str) -> None:
        self._start_failures += 1
        if self._start_failures >= MAX_START_FAILURES:
            raise EchoImageError(
                f"{self._start_failures} workers in a row could not start: {reason}.",
                hint="See whether the system runs out of memory or processes.",
            )

    def _remove(self, worker: _Worker[Item], request: str) -> int | None:
        """Forget a worker, killed or waited for; return the nursery's reply."""
        self._workers.remove(worker)
        worker.connection.close()
        return self._ask(request, worker.pid)

    def _ask(self, request: str, pid: int) -> int | None:
        """Return the nursery's reply; None when it is lost, which its workers do not survive."""
        if self._nursery is None:
            return None
        try:
            return self._nursery.ask(request, pid)
        except NurseryLostError:
            self._nursery = None
            return None


def _takes(worker: _Worker[Any], num_bytes: int) -> bool:
    """Return whether sending so much cannot block: see the head of this file."""
    if worker.reads:
        return True
    return len(worker.items) <= WAITING_ITEMS and worker.unread_bytes + num_bytes <= SENT_AHEAD_BYTES


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "died of an unknown cause"
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    note = ", perhaps for want of memory" if name in ("SIGKILL", "SIGABRT") else ""
    return f"was killed by {name}{note}"
