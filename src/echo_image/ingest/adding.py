"""Adding: offered items → workers → small commits.

Files whose size and time of change are those of the last reading are passed over without being opened.
Every batch is committed within half a second of its first item, so a kill loses that at most; run again,
the same call does what is missing.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from echo_image.errors import EchoImageError, EmptyImage, UnsupportedFormat
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits, read_file
from echo_image.ingest.pool import WorkerFailure, WorkerPool
from echo_image.ingest.reading import MEMORY_BYTES, TIMEOUT_S, Reading, Task, extract_bytes, read, warm_up
from echo_image.ingest.reports import AddInterrupted, AddReport, Failure, Progress
from echo_image.ingest.sources import Offered
from echo_image.store import Outcome, Store, Writer
from echo_image.store.writer import SEAL_IMAGES, Entry

_BATCH_ITEMS = 64
_BATCH_S = 0.5
_LOOKUP_ITEMS = 500
_PROGRESS_S = 0.1
#: So few items are read in this process: starting workers would take longer.
_FEW_ITEMS = 8
#: Codes that make a file of a folder no image rather than a broken one.
_NO_IMAGE = frozenset({UnsupportedFormat.code, EmptyImage.code})

ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """How to add.

    Attributes:
        workers: processes that decode and extract.
        decode_limits, fetch_limits: what a stranger's item may cost.
        attributes: JSON object kept with every new image.
        progress: called about ten times a second.
    """

    workers: int
    decode_limits: DecodeLimits
    fetch_limits: FetchLimits
    attributes: dict[str, Any] = field(default_factory=dict)
    progress: ProgressCallback | None = None


class Addition:
    """One run of `add`. The writer's lock is held by the caller."""

    def __init__(self, store: Store, writer: Writer, options: AddOptions) -> None:
        self._store = store
        self._writer = writer
        self._options = options
        self._counts: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._batch: list[tuple[Offered, Reading]] = []
        self._batch_since = 0.0
        self._since_seal = 0
        self._start = time.monotonic()
        self._told = 0.0
        self._total: int | None = None
        self._seen = 0

    def run(self, offered: Iterable[Offered]) -> AddReport:
        """Add everything offered.

        Raises:
            AddInterrupted: at KeyboardInterrupt, after what was done is committed.
            LibraryError and its kinds: the library cannot be written; what was committed stays.
        """
        try:
            for item, outcome in self._outcomes(self._tasks(offered)):
                self._take(item.offered, outcome)
            self._commit()
            self._writer.seal()
        except KeyboardInterrupt as interrupt:
            self._commit()
            raise AddInterrupted(self.report()) from interrupt
        self._tell("", last=True)
        return self.report()

    def report(self) -> AddReport:
        """Return the counts so far."""
        return AddReport(
            added=self._counts[Outcome.ADDED],
            updated=self._counts[Outcome.UPDATED],
            unchanged=self._counts[Outcome.UNCHANGED],
            skipped=self._counts["skipped"],
            failed=self._counts["failed"],
            seconds=time.monotonic() - self._start,
            failures=tuple(sorted(self._failures, key=lambda failure: failure.location)),
        )

    def _outcomes(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Reading | WorkerFailure]]:
        few = list(itertools.islice(tasks, _FEW_ITEMS + 1))
        if len(few) <= _FEW_ITEMS:
            for task in few:
                yield task, _read_here(task)
            return
        pool: WorkerPool[Task, Reading] = WorkerPool(
            read,
            workers=self._options.workers,
            timeout_s=TIMEOUT_S,
            memory_bytes=MEMORY_BYTES,
            initializer=warm_up,
        )
        with pool:
            yield from pool.imap(itertools.chain(few, tasks))

    def _tasks(self, offered: Iterable[Offered]) -> Iterator[Task]:
        """Yield what must be read; count what has not changed."""
        items = iter(offered)
        while chunk := list(itertools.islice(items, _LOOKUP_ITEMS)):
            self._seen += len(chunk)
            known = self._writer.catalogue.known_locations([item.location for item in chunk])
            for item in chunk:
                before = known.get(item.location)
                if item.problem:
                    self._fail(item, "unreadable", item.problem)
                elif before is not None and not item.is_url and before.stamp == item.stamp:
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

    def _take(self, item: Offered, outcome: Reading | WorkerFailure) -> None:
        if isinstance(outcome, WorkerFailure):
            if outcome.code in _NO_IMAGE and not item.expected:
                self._count(item, "skipped")
            else:
                self._fail(item, outcome.code, outcome.reason)
        else:
            if not self._batch:
                self._batch_since = time.monotonic()
            self._batch.append((item, outcome))
        full = len(self._batch) >= _BATCH_ITEMS
        if full or (self._batch and time.monotonic() - self._batch_since >= _BATCH_S):
            self._commit()

    def _commit(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        outcomes = self._writer.commit([_entry(item, reading) for item, reading in batch])
        for (item, _), outcome in zip(batch, outcomes, strict=True):
            final = self._again(item) if outcome is Outcome.RETRY else outcome
            if final is not None:
                self._count(item, final)
        self._since_seal += len(batch)
        if self._since_seal >= SEAL_IMAGES:
            self._writer.seal(at_least=SEAL_IMAGES)
            self._since_seal = 0

    def _again(self, item: Offered) -> Outcome | None:
        """Extract an image that was known when it was read and removed before it was committed."""
        try:
            data = read_file(item.target, limits=self._options.decode_limits)
            reading = extract_bytes(data, self._options.decode_limits, self._options.attributes)
        except EchoImageError as error:
            self._fail(item, error.code, error.message)
            return None
        return self._writer.commit([_entry(item, reading)])[0]

    def _fail(self, item: Offered, code: str, reason: str) -> None:
        self._failures.append(Failure(item.location, code, reason))
        self._count(item, "failed")

    def _count(self, item: Offered, what: str) -> None:
        self._counts[what] += 1
        self._tell(item.location)

    def _tell(self, location: str, *, last: bool = False) -> None:
        callback, now = self._options.progress, time.monotonic()
        if callback is None or (not last and now - self._told < _PROGRESS_S):
            return
        self._told = now
        callback(
            Progress(
                done=sum(self._counts.values()),
                total=self._total,
                location=location,
                added=self._counts[Outcome.ADDED],
                failed=self._counts["failed"],
                seconds=now - self._start,
            )
        )


def _entry(item: Offered, reading: Reading) -> Entry:
    return Entry(item.location, item.stamp, reading.content_id, reading.extracted)


def _read_here(task: Task) -> Reading | WorkerFailure:
    try:
        return read(task)
    except EchoImageError as error:
        return WorkerFailure(error.code, error.message)
    except MemoryError:
        return WorkerFailure("memory_limit", "not enough memory to decode it")
