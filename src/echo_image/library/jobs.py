"""`Library.jobs`: what was, is and will be brought into a library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from echo_image.catalogue.items import ItemRow
from echo_image.catalogue.jobs import JobRecord
from echo_image.errors import LibraryReadOnly, NotFound, UsageError
from echo_image.fetch.politeness import Politeness
from echo_image.ingest.jobs.plan import ADD, RECHECK, spec_of_job
from echo_image.ingest.jobs.progress import ProgressCallback
from echo_image.ingest.jobs.records import Cause, JobInfo, JobItem
from echo_image.ingest.jobs.run import Run, RunOptions
from echo_image.ingest.reports import AddReport
from echo_image.ingest.sources.known import Known
from echo_image.ingest.sources.registry import label_of, sources_of
from echo_image.library.arguments import checked_attributes
from echo_image.library.limits import LibrarySettings
from echo_image.store import Store, layout
from echo_image.store.locking import is_held
from echo_image.store.sharing import SharedWriter

_EXAMPLES = 5
_LEAST_ID = 4

Causes = list[Cause]


class Jobs:
    """The jobs of a library: each is a list of items with what became of every one of them.

    A job outlives the process that runs it: killed anywhere, `run` goes on with what is left. Thread-safe;
    one job runs at a time, others wait for their turn.
    """

    def __init__(
        self, store: Store, writer: SharedWriter, limits: LibrarySettings, *, read_only: bool
    ) -> None:
        self._store = store
        self._writer = writer
        self._limits = limits
        self._read_only = read_only
        self._one_at_a_time = threading.Lock()
        self._running = 0

    # Looking

    def list(self, *, limit: int = 100) -> list[JobInfo]:
        """Return the newest jobs, newest first.

        Args:
            limit: at most so many, at least 1.
        """
        if limit < 1:
            raise UsageError(f"limit must be at least 1, not {limit}")
        if not self._store.catalogue.has_jobs():
            return []
        is_written = is_held(self._store.path / layout.LOCK)
        return [self._info(record, is_written) for record in self._store.catalogue.jobs.newest(limit)]

    def get(self, job_id: str) -> JobInfo:
        """Return a job.

        Args:
            job_id: its id, or a beginning of it of at least 4 digits that only it has.

        Raises:
            NotFound: there is none, or several begin so.
        """
        return self._info(self._record(job_id), is_held(self._store.path / layout.LOCK))

    def _record(self, job_id: str) -> JobRecord:
        found = []
        if _LEAST_ID <= len(job_id) <= 32 and not set(job_id) - set("0123456789abcdef"):
            found = self._store.catalogue.jobs.find(job_id) if self._store.catalogue.has_jobs() else []
        if len(found) != 1:
            what = "several jobs begin with" if found else "there is no job"
            raise NotFound(f"{what} {job_id[:40]!r}", hint="`echo-image jobs list LIBRARY` lists them")
        return found[0]

    def _info(self, record: JobRecord, is_written: bool) -> JobInfo:
        state = record.state
        if state == "running" and not is_written:
            state = "interrupted"  # it was killed: the lock goes with the process
        return JobInfo(
            record.name,
            record.kind,
            record.origin,
            state,
            tuple(label_of(spec) for spec in record.spec["sources"]),
            record.added,
            record.updated,
            record.unchanged,
            record.skipped,
            record.failed,
            record.pending,
            record.listed,
            record.created_at,
            record.started_at,
            record.finished_at,
            record.seconds,
            record.error,
            self._store.catalogue.pages.counts(record.id),
        )

    def items(
        self, job_id: str, *, statuses: tuple[str, ...] = (), after: int = 0, limit: int | None = None
    ) -> Iterator[JobItem]:
        """Yield the items of a job in the order offered.

        Args:
            job_id: as for `get`.
            statuses: only items with one of these; any where none is named.
            after: `number` of the last item already seen.
            limit: at most so many.

        Raises:
            NotFound: there is no such job.
        """
        record = self._record(job_id)
        rows = self._store.catalogue.items.all_rows(record.id, statuses=statuses, after=after)
        for number, row in enumerate(rows):
            if limit is not None and number >= limit:
                return
            yield _item(row)

    def causes(self, job_id: str) -> Causes:
        """Return why items failed or were skipped, the most frequent reason first; raises NotFound."""
        record, items = self._record(job_id), self._store.catalogue.items
        return [
            Cause(
                status,
                code,
                http_status,
                count,
                tuple(map(_item, items.examples(record.id, status, code, http_status, _EXAMPLES))),
            )
            for status, code, http_status, count in items.causes(record.id)
        ]

    # Changing

    def create(
        self,
        source: Any,
        *,
        attributes: dict[str, Any] | None = None,
        politeness: Mapping[str, Any] | None = None,
        origin: str = "library",
        kind: str = ADD,
    ) -> JobInfo:
        """Note what is to be added, to be done by `run`.

        Args:
            source: as for `Library.add`.
            attributes: as for `Library.add`.
            politeness: as for `Library.add`.
            origin: who runs it: "library", or "service", which takes its own up again when it starts.
            kind: "add", or "recheck".

        Raises:
            NotFound: nothing that was named is there.
            UsageError: an argument is out of range.
            LibraryBusy, LibraryReadOnly, StorageFull: as their names say.
        """
        self._refuse_reader()
        asdict(Politeness(**dict(politeness or {})))
        spec = spec_of_job(sources_of(source), checked_attributes(attributes), dict(politeness or {}))
        made: list[JobRecord] = []
        self._store.change(lambda catalogue: made.append(catalogue.jobs.create(kind, origin, spec)))
        return self._info(made[0], is_written=True)

    def create_recheck(
        self, *, location: str = "", politeness: Mapping[str, Any] | None = None, origin: str = "library"
    ) -> JobInfo:
        """Note that what the library has is to be looked at again.

        Args:
            location: only locations that begin so; all where empty.
            politeness, origin: as for `create`.
        """
        return self.create(Known(location), politeness=politeness, origin=origin, kind=RECHECK)

    def run(
        self,
        job_id: str,
        *,
        workers: int | None = None,
        progress: ProgressCallback | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> AddReport:
        """Run a job from where it is to its end; one that is done is returned as it is.

        Args:
            job_id: as for `get`.
            workers, progress, stop: as for `Library.add`.

        Raises:
            AddInterrupted: KeyboardInterrupt; has the report of what was done.
            NotFound: there is no such job.
            LibraryBusy, LibraryReadOnly, StorageFull: what was done until then is kept; it can be run again.
        """
        self._refuse_reader()
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, not {workers}")
        record = self._record(job_id)
        options = RunOptions(
            workers=workers or self._limits.workers,
            decode_limits=self._limits.decode,
            fetch_limits=self._limits.fetch,
            progress=progress,
            stop=stop or bool,
        )
        with self._one_at_a_time, self._writer.held():
            with self._writer.turn() as writer:
                writer.catalogue.jobs.supersede(record)
            return Run(self._store, self._writer.turn, record, options).run()

    def retry(
        self,
        job_id: str,
        *,
        workers: int | None = None,
        progress: ProgressCallback | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> AddReport:
        """Try the failed items of a job again, also those in quarantine; the others stay as they are.

        Args and errors as for `run`.
        """
        self.reopen(job_id)
        return self.run(job_id, workers=workers, progress=progress, stop=stop)

    def reopen(self, job_id: str) -> JobInfo:
        """Make the failed items of a job pending, to be done by `run`; raises as `run`."""
        self._refuse_reader()
        record = self._record(job_id)
        with self._writer.turn() as writer:
            catalogue = writer.catalogue
            failed = [row[1] for row in catalogue.items.all_rows(record.id, statuses=["failed"])]
            with catalogue.transaction():
                catalogue.checks.release(failed)
                catalogue.items.reopen_failed(record.id)
                if catalogue.pages.of(record.id).retry_failed():
                    catalogue.jobs.begin_listing(record.id)
                catalogue.jobs.wait(record.id)
        return self.get(record.name)

    def cancel(self, job_id: str) -> JobInfo:
        """Stop a job, whichever process runs it: after the item in flight, what was done stays.

        Raises:
            NotFound: there is no such job.
        """
        self._refuse_reader()
        info = self.get(job_id)
        key, running = self._record(info.id).id, info.state == "running"
        self._store.change(lambda catalogue: catalogue.jobs.cancel(key, running=running))
        return self.get(info.id)

    def forget(self, job_id: str) -> None:
        """Take a job out of the list; what it added stays. One that runs is stopped first.

        Raises:
            NotFound: there is no such job.
        """
        self._refuse_reader()
        record = self._record(job_id)
        self._store.change(lambda catalogue: catalogue.jobs.forget(record.id))

    def _refuse_reader(self) -> None:
        if self._read_only:
            raise LibraryReadOnly(
                f"{self._store.path} was opened for reading only", hint="open it with read_only=False"
            )


def _item(row: ItemRow) -> JobItem:
    number, location, status, code, reason, http_status, attempts, seconds, finished = row
    moment = None if finished is None else datetime.fromtimestamp(finished, UTC).isoformat(timespec="seconds")
    return JobItem(number, location, status, code, reason, http_status, attempts, seconds, moment)
