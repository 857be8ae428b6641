"""What became of items, written in batches: images, rows of items and counts in one transaction.

A batch is written when its first item is half a second old and the next one is done, so a kill loses little.
Counting and committing cannot be told apart by Ctrl-C: what a report counts is what the library holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from echo_image.catalogue.items import ItemResult
from echo_image.errors import NotFound, QueryError
from echo_image.image import DecodeLimits
from echo_image.ingest.interrupts import uninterrupted
from echo_image.ingest.jobs.listing import NO_IMAGE
from echo_image.ingest.jobs.loading import Loaded
from echo_image.ingest.sources import UNREADABLE, Kind, Offered
from echo_image.ingest.workers.pool import WorkerFailure
from echo_image.ingest.workers.reading import Reading, Task, read_anew
from echo_image.ingest.workers.worker import failure_of
from echo_image.store import Entry, Outcome, Writer, sealing

BATCH_ITEMS = 64
BATCH_S = 0.5
TOO_SMALL = "too_small"
#: What a file does to its reader; such a file is not read again until it changes or somebody asks for it.
BREAKING = frozenset({"worker_crashed", "memory_limit", "timeout"})
_GONE = frozenset({404, 410})

Writing = Callable[[], AbstractContextManager[Writer]]


@dataclass(slots=True)
class Item:
    """An item that is done.

    Attributes:
        id: of its row.
        offered: the item.
        reading: what a worker made of it; None where nothing is to be stored.
        status, code, reason: what became of it, where that is known without the library.
        loaded: how it came, where it was no file.
    """

    id: int
    offered: Offered
    reading: Reading | None = None
    status: str = ""
    code: str = ""
    reason: str = ""
    loaded: Loaded | None = None


class Settling:
    """Writes what became of the items of one job.

    Args:
        job: key of the job.
        writing: gives the library's writer for a moment.
        limits: what decoding may cost.
        on_commit: called with the location of the last item of each batch.
    """

    def __init__(
        self, job: int, writing: Writing, limits: DecodeLimits, on_commit: Callable[[str], None]
    ) -> None:
        self._job = job
        self._limits = limits
        self._writing = writing
        self._on_commit = on_commit
        self._batch: list[Item] = []
        self._since = 0.0
        self._unsealed = 0
        self.stopped = False

    def read(self, task: Task, outcome: Reading | WorkerFailure, loaded: Loaded | None) -> None:
        """A worker is through with an item."""
        item = Item(task.id, task.offered, loaded=loaded)
        if isinstance(outcome, WorkerFailure):
            self._fail(item, outcome.code, outcome.reason)
        elif outcome.too_small is not None:
            width, height = outcome.too_small
            item.status, item.code = "skipped", TOO_SMALL
            item.reason = (
                f"{width} × {height} px; images with a side below {task.offered.min_side} px are left out"
            )
        else:
            item.reading = outcome
        self._add(item)

    def not_loaded(self, loaded: Loaded) -> None:
        """An item has no bytes, or its server says that it has not changed."""
        item = Item(loaded.id, loaded.offered, loaded=loaded)
        if loaded.error is None:
            item.status = "unchanged"
        else:
            self._fail(item, loaded.error.code, loaded.error.message)
        self._add(item)

    def vanished(self, item_id: int, offered: Offered) -> None:
        """An item was offered earlier and is not offered any more."""
        reason = "it was offered before and is not any more"
        self._add(Item(item_id, offered, status="failed", code="vanished", reason=reason))

    @staticmethod
    def _fail(item: Item, code: str, reason: str) -> None:
        code = UNREADABLE if code == QueryError.code else code
        skipped = not item.offered.expected and code in NO_IMAGE
        item.status, item.code, item.reason = "skipped" if skipped else "failed", code, reason

    def _add(self, item: Item) -> None:
        if not self._batch:
            self._since = time.monotonic()
        self._batch.append(item)
        self.commit_due()

    def commit_due(self) -> None:
        """Write the batch if it is large or old enough."""
        if self._batch and (len(self._batch) >= BATCH_ITEMS or time.monotonic() - self._since >= BATCH_S):
            self.commit()

    def commit(self) -> None:
        """Write the batch, and only then tell."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        with uninterrupted(), self._writing() as writer:
            again = self._store(writer, batch)
            for item in again:
                self._read_anew(item)
            self._store(writer, again)
            self._unsealed += len(batch)
            if self._unsealed >= sealing.SEAL_IMAGES and not self.stopped:
                self._unsealed = 0
                writer.seal(at_least=sealing.SEAL_IMAGES)
                writer.tidy(wait=False)
        self._on_commit(batch[-1].offered.location)

    def _read_anew(self, item: Item) -> None:
        """Extract after all what was known when it was read, and was removed since."""
        assert item.reading is not None
        task = Task(item.id, item.offered, Path(), self._limits)
        try:
            item.reading = read_anew(task)
        except Exception as error:  # anything that a file makes a decoder raise is that item's failure
            item.reading = None
            self._fail(item, *failure_of(error))

    def _store(self, writer: Writer, batch: Sequence[Item]) -> list[Item]:
        """Commit, and return the items of files that must be extracted after all."""
        placed = [item for item in batch if item.reading is not None]
        again: list[Item] = []

        def also(outcomes: list[Outcome]) -> None:
            for item, outcome in zip(placed, outcomes, strict=True):
                item.status = "" if outcome is Outcome.RETRY else outcome.value
            again.extend(item for item in placed if not item.status and item.offered.kind is Kind.FILE)
            self._note(writer, [item for item in batch if item.status])

        if batch:
            writer.commit([_entry(item) for item in placed], also=also)
        return again

    def _note(self, writer: Writer, done: Sequence[Item]) -> None:
        checks = writer.catalogue.checks
        there = [item for item in done if item.status in ("added", "updated", "unchanged")]
        for item in there:
            if item.offered.attributes and item.reading is None:
                changed = writer.catalogue.change_attributes(item.offered.location, item.offered.attributes)
                item.status = "updated" if changed else item.status
            loaded = item.loaded
            if loaded is not None and item.offered.kind is Kind.URL and not loaded.not_modified:
                checks.there(item.offered.location, etag=loaded.etag, last_modified=loaded.last_modified)
        checks.found_again([item.offered.location for item in there])
        for item in done:
            if item.status == "failed":
                http_status = 0 if item.loaded is None else item.loaded.http_status
                if item.code == NotFound.code or http_status in _GONE:
                    checks.missing(item.offered.location, item.code, item.reason)
                if item.code in BREAKING and item.reading is None:
                    checks.isolate(item.offered.location, item.offered.stamp, None, item.code, item.reason)
        writer.catalogue.items.finish(self._job, [_result(item) for item in done], now=time.time())


def _entry(item: Item) -> Entry:
    assert item.reading is not None
    offered = item.offered
    return Entry(
        offered.location, offered.stamp, item.reading.content_id, item.reading.extracted, offered.attributes
    )


def _result(item: Item) -> ItemResult:
    loaded = item.loaded
    return ItemResult(
        item.id,
        item.status,
        item.code,
        item.reason[:500],
        0 if loaded is None else loaded.http_status,
        1 if loaded is None else max(1, loaded.attempts),
        0.0 if loaded is None else loaded.seconds,
    )
