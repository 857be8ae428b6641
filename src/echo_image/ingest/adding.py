"""Adding: offered items → workers → small commits.

Files whose size and time of change are those of the last reading are passed over without being opened.
A batch is committed when its first item is half a second old and the next one is done, so a kill loses
little; run again, the same call does what is missing.

Counting and committing cannot be told apart by Ctrl-C: what a report counts is what the library holds.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from echo_image.catalogue import UNKNOWN
from echo_image.errors import EmptyImage, LibraryError, NotAFile, NotFound, QueryError, UnsupportedFormat
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.interrupts import uninterrupted
from echo_image.ingest.pool import WorkerFailure, WorkerPool
from echo_image.ingest.reading import (
    MEMORY_BYTES,
    TIMEOUT_S,
    Reading,
    Task,
    read,
    read_anew,
    read_with,
    warm_up,
)
from echo_image.ingest.reports import AddInterrupted, AddReport, Failure, Progress
from echo_image.ingest.sources import UNREADABLE, Offered
from echo_image.ingest.worker import failure_of
from echo_image.store import Entry, Outcome, Store, Writer, sealing

_BATCH_ITEMS = 64
_BATCH_S = 0.5
_LOOKUP_ITEMS = 500
_PROGRESS_S = 0.1
#: So few items are read in this process: starting workers would take longer.
_FEW_ITEMS = 8
#: Codes that make a file of a folder no image rather than a broken one, where its name does not promise one.
_NO_IMAGE = frozenset({UnsupportedFormat.code, EmptyImage.code, NotAFile.code, NotFound.code, UNREADABLE})
_SKIPPED = "skipped"

ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """How to add.

    Attributes:
        workers: processes that decode and extract.
        decode_limits, fetch_limits: what a stranger's item may cost.
        attributes: JSON object kept with every new image.
        progress: called about ten times a second.
        stop: asked between items; once it says true, what was done is stored and nothing more is begun.
    """

    workers: int
    decode_limits: DecodeLimits
    fetch_limits: FetchLimits
    attributes: dict[str, Any] = field(default_factory=dict)
    progress: ProgressCallback | None = None
    stop: Callable[[], bool] = bool


class Addition:
    """One run of `add`. The writer's lock is held by the caller."""

    def __init__(self, store: Store, writer: Writer, options: AddOptions) -> None:
        self._store = store
        self._writer = writer
        self._options = options
        self._counts: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._batch: list[tuple[Task, Reading]] = []
        self._batch_since = 0.0
        self._since_seal = 0
        self._start = time.monotonic()
        self._told = 0.0
        self._total: int | None = None
        self._seen = 0
        self._stopped = False

    def run(self, offered: Iterable[Offered]) -> AddReport:
        """Add everything offered.

        Raises:
            AddInterrupted: at KeyboardInterrupt, after what was done is committed.
            LibraryError and its kinds: the library cannot be written; what was committed stays.
            Whatever `offered` raises.
        """
        try:
            with closing(self._outcomes(self._tasks(offered))) as outcomes:
                for task, outcome in outcomes:
                    self._take(task, outcome)
                    if self._options.stop():
                        break
            self._commit()
            if not self._options.stop():
                self._writer.seal()
                self._writer.tidy()
            self._tell("", last=True)
        except KeyboardInterrupt as interrupt:
            self._stopped = True
            self._commit()
            raise AddInterrupted(self.report()) from interrupt
        return self.report()

    def report(self) -> AddReport:
        """Return the counts so far."""
        return AddReport(
            added=self._counts[Outcome.ADDED],
            updated=self._counts[Outcome.UPDATED],
            unchanged=self._counts[Outcome.UNCHANGED],
            skipped=self._counts[_SKIPPED],
            failed=len(self._failures),
            seconds=time.monotonic() - self._start,
            failures=tuple(sorted(self._failures, key=lambda failure: failure.location)),
        )

    def _outcomes(self, tasks: Iterator[Task]) -> Generator[tuple[Task, Reading | WorkerFailure]]:
        few = list(itertools.islice(tasks, _FEW_ITEMS + 1))
        if len(few) <= _FEW_ITEMS:
            for task in few:
                yield task, self._read_here(task)
            return
        pool: WorkerPool[Task, Reading] = WorkerPool(
            read,
            workers=self._options.workers,
            timeout_s=TIMEOUT_S,
            memory_bytes=MEMORY_BYTES,
            preload=warm_up,
        )
        with pool:
            yield from pool.imap(itertools.chain(few, tasks))

    def _read_here(self, task: Task) -> Reading | WorkerFailure:
        try:
            return read_with(task, self._store.catalogue)
        except LibraryError:
            raise
        except Exception as error:  # anything that a file makes a decoder raise is that item's failure
            return WorkerFailure(*failure_of(error))

    def _tasks(self, offered: Iterable[Offered]) -> Iterator[Task]:
        """Yield what must be read; count what has not changed or cannot be read."""
        items = iter(offered)
        while not self._options.stop() and (chunk := list(itertools.islice(items, _LOOKUP_ITEMS))):
            self._seen += len(chunk)
            known = self._writer.catalogue.known_locations([item.location for item in chunk])
            for item in chunk:
                before = known.get(item.location)
                if item.problem:
                    self._fail(item, item.code, item.problem)
                elif before is not None and before.stamp == item.stamp and item.stamp != UNKNOWN:
                    self._count(item, Outcome.UNCHANGED)
                else:
                    yield Task(
                        item,
                        self._store.catalogue_path,
                        self._options.decode_limits,
                        self._options.fetch_limits,
                        self._options.attributes,
                    )
        self._total = self._seen

    def _take(self, task: Task, outcome: Reading | WorkerFailure) -> None:
        if isinstance(outcome, WorkerFailure):
            self._fail(task.offered, outcome.code, outcome.reason)
        else:
            if not self._batch:
                self._batch_since = time.monotonic()
            self._batch.append((task, outcome))
        full = len(self._batch) >= _BATCH_ITEMS
        if full or (self._batch and time.monotonic() - self._batch_since >= _BATCH_S):
            self._commit()

    def _commit(self) -> None:
        """Store the batch, count all of it, and only then tell."""
        batch, self._batch = self._batch, []
        again = self._store_and_count(batch)
        if again:
            # Known when they were read, and removed since by an earlier item of this run.
            anew = [(task, self._read_anew(task)) for task in again]
            self._store_and_count([(task, reading) for task, reading in anew if isinstance(reading, Reading)])
        if batch:
            self._tell(batch[-1][0].offered.location)
        if self._since_seal >= sealing.SEAL_IMAGES and not self._stopped:
            self._since_seal = 0
            self._writer.seal(at_least=sealing.SEAL_IMAGES)
            self._writer.tidy(wait=False)

    def _store_and_count(self, batch: list[tuple[Task, Reading]]) -> list[Task]:
        """Commit, and return the items that must be extracted after all."""
        if not batch:
            return []
        again = []
        with uninterrupted():
            outcomes = self._writer.commit([_entry(task.offered, reading) for task, reading in batch])
            for (task, _), outcome in zip(batch, outcomes, strict=True):
                if outcome is Outcome.RETRY:
                    again.append(task)
                else:
                    self._counts[outcome] += 1
            self._since_seal += len(batch)
        return again

    def _read_anew(self, task: Task) -> Reading | None:
        try:
            return read_anew(task)
        except Exception as error:  # as in `_read_here`
            self._fail(task.offered, *failure_of(error))
            return None

    def _fail(self, item: Offered, code: str, reason: str) -> None:
        code = UNREADABLE if code == QueryError.code else code
        if not item.expected and code in _NO_IMAGE:
            self._count(item, _SKIPPED)
            return
        self._failures.append(Failure(item.location, code, reason))
        self._tell(item.location)

    def _count(self, item: Offered, what: str) -> None:
        self._counts[what] += 1
        self._tell(item.location)

    def _tell(self, location: str, *, last: bool = False) -> None:
        callback, now = self._options.progress, time.monotonic()
        if callback is None or self._stopped or (not last and now - self._told < _PROGRESS_S):
            return
        self._told = now
        callback(
            Progress(
                done=sum(self._counts.values()) + len(self._failures),
                total=self._total,
                location=location,
                added=self._counts[Outcome.ADDED],
                failed=len(self._failures),
                seconds=now - self._start,
            )
        )


def _entry(item: Offered, reading: Reading) -> Entry:
    return Entry(item.location, item.stamp, reading.content_id, reading.extracted)
