"""One run of a job, from where it was to its end or to where it is stopped.

Three kinds of threads: the listing records items, an event loop downloads, and this one hands items to the
worker processes and writes what became of them. It alone changes images.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from echo_image.catalogue.checks import LocationCheck
from echo_image.catalogue.items import PendingItem
from echo_image.catalogue.jobs import JobRecord
from echo_image.errors import EchoImageError, LibraryError, StorageFull
from echo_image.fetch import FetchLimits
from echo_image.fetch.downloads import Downloads
from echo_image.fetch.politeness import Politeness
from echo_image.image import DecodeLimits
from echo_image.ingest.jobs.listing import Listing
from echo_image.ingest.jobs.loading import Loaded, Loaders, Loads
from echo_image.ingest.jobs.plan import Plan, told
from echo_image.ingest.jobs.progress import Meter, ProgressCallback
from echo_image.ingest.jobs.recording import unpacked
from echo_image.ingest.jobs.settling import Settling, Writing
from echo_image.ingest.jobs.sites import settle_pages
from echo_image.ingest.reports import AddInterrupted, AddReport, report_of
from echo_image.ingest.sources import Kind, Offered, SourceContext
from echo_image.ingest.sources.remote import read_remote
from echo_image.ingest.workers.pool import IDLE, Idle, WorkerFailure, WorkerPool
from echo_image.ingest.workers.reading import MEMORY_BYTES, TIMEOUT_S, Reading, Task, read, read_with, warm_up
from echo_image.ingest.workers.worker import failure_of
from echo_image.store import Store

_log = logging.getLogger(__name__)

#: So few items are read in this process: starting workers would take longer.
FEW_ITEMS = 8
#: How long a listing may take to show that there are so few.
_FEW_S = 0.3
_PAGE = 500
#: How long a listing is waited for that was told to end: one that waits for a server cannot hear it, and is
#: left alone; whatever it gets is dropped.
_LISTING_END_S = 1.5
_CANCEL_S = 1.0
#: An item that could not be done for a reason of the moment is begun anew so often.
_PASSES = 3


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a job is run.

    Attributes:
        workers: processes that decode and extract.
        decode_limits, fetch_limits: what a stranger's item may cost.
        progress: called about ten times a second.
        stop: asked between items; once it says true, what was done is stored and nothing more is begun.
    """

    workers: int
    decode_limits: DecodeLimits
    fetch_limits: FetchLimits
    progress: ProgressCallback | None = None
    stop: Callable[[], bool] = bool


class Run:
    """One run of a job.

    Args:
        store: the library.
        writing: gives its writer for a moment; the caller sees to it that nobody else comes in between.
        record: the job.
        options: how.
    """

    def __init__(self, store: Store, writing: Writing, record: JobRecord, options: RunOptions) -> None:
        self._store = store
        self._writing = writing
        self._options = options
        with writing() as writer:
            self._catalogue = writer.catalogue
        self._plan = Plan.of(record)
        self._began = time.monotonic()
        self._loads = Loads()
        self._loaded: dict[int, Loaded] = {}
        self._files: deque[PendingItem] = deque()
        self._cursors = dict.fromkeys(Kind, 0)
        self._asked = 0.0
        # What stopped a run, or broke a reader, may have been a file: none is read in this process then.
        self._careful = (
            record.started_at is not None
            or self._catalogue.jobs.any_was_killed()
            or bool(self._catalogue.checks.quarantine())
        )
        self._cancelled = False
        self._ended = False
        self._meter = Meter(self._catalogue, record.id, options.progress)
        self._settling = Settling(record.id, writing, options.decode_limits, self._meter.tell)

    def run(self) -> AddReport:
        """Run, and return the counts of the whole job.

        Raises:
            AddInterrupted: at KeyboardInterrupt, after what was done is committed.
            LibraryError and its kinds: the library cannot be written; what was committed stays.
        """
        state, error = "failed", None
        self._catalogue.jobs.begin(self._plan.job)
        try:
            self._work()
            state = self._final_state()
            self._tidy(state)
            self._meter.tell("", last=True)
        except KeyboardInterrupt as interrupt:
            state, self._settling.stopped = "interrupted", True
            self._meter.mute()
            self._settling.commit()
            raise AddInterrupted(self._report()) from interrupt
        except Exception as trouble:
            error = told(trouble)
            raise
        finally:
            self._ended = True
            self._loads.close()
            seconds = time.monotonic() - self._began
            with suppress(
                EchoImageError
            ):  # a full disk, most likely: it says `running`, so it can be resumed
                self._catalogue.jobs.end(self._plan.job, state, seconds=seconds, error=error)
        return self._report()

    def _report(self) -> AddReport:
        return report_of(self._catalogue, self._plan.job, seconds=time.monotonic() - self._began)

    def _final_state(self) -> str:
        if self._cancelled:
            return "cancelled"
        return "interrupted" if self._stops() else "done"

    def _stops(self) -> bool:
        """Whether nothing new is to be begun; asked by every thread of the run."""
        if self._ended or self._cancelled or self._options.stop():
            return True
        now = time.monotonic()
        if now - self._asked >= _CANCEL_S:
            self._asked = now
            self._cancelled = self._catalogue.jobs.is_cancelling(self._plan.job)
        return self._cancelled

    def _work(self) -> None:
        limits, politeness = self._options.fetch_limits, Politeness(**self._plan.politeness)
        with Downloads(limits, politeness) as downloads:
            context = SourceContext(
                self._store.path,
                self._options.decode_limits,
                limits,
                self._stops,
                locations=self._catalogue.locations_behind,
                downloads=downloads,
                pages=self._catalogue.pages.of(self._plan.job),
            )
            loaders = Loaders(self._loads, downloads, self._read_remote)
            try:
                for number in range(_PASSES):
                    if number and not self._catalogue.items.has_pending(self._plan.job):
                        break
                    self._pass(context, loaders)
                    if self._stops():
                        return
            finally:
                loaders.close()
        self._fail_the_rest()
        settle_pages(self._plan, self._writing)

    def _read_remote(self, offered: Offered) -> bytes:
        limits = self._options
        return read_remote(
            offered.target,
            max_bytes=limits.decode_limits.max_bytes,
            allow_private=limits.fetch_limits.allow_private,
        )

    def _pass(self, context: SourceContext, loaders: Loaders) -> None:
        """Do everything that is pending, and what is offered meanwhile."""
        listing = None
        self._cursors = dict.fromkeys(Kind, 0)
        record = self._catalogue.jobs.get(self._plan.job)
        streams = self._catalogue.items.pending(self._plan.job, Kind.STREAM.value, after=0, limit=1)
        if record is None or not record.listed or streams:
            listing = Listing(self._plan, self._catalogue, context, self._loads, self._loads.notice)
            listing.start()
        try:
            with closing(self._outcomes(self._tasks(listing, loaders), listing)) as outcomes:
                for task, outcome in outcomes:
                    self._let_go(task)
                    self._settling.read(task, outcome, self._loaded.pop(task.id, None))
                    if self._stops():
                        break
            self._settling.commit()
        except BaseException:
            self._ended = True
            raise
        finally:
            if listing is not None:
                if self._stops():
                    self._loads.close()
                listing.join(_LISTING_END_S)

    def _outcomes(
        self, tasks: Iterator[Task | Idle], listing: Listing | None
    ) -> Generator[tuple[Task, Reading | WorkerFailure]]:
        if listing is not None:
            listing.join(_FEW_S)
        many = self._careful or self._catalogue.items.has_pending(self._plan.job, more_than=FEW_ITEMS)
        if (listing is None or listing.is_over) and not many:
            for task in tasks:
                if isinstance(task, Idle):
                    self._loads.wake.poll(0.2)
                else:
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
            yield from pool.imap(tasks, wake=self._loads.wake)

    def _read_here(self, task: Task) -> Reading | WorkerFailure:
        try:
            return read_with(task, self._store.catalogue)
        except LibraryError:
            raise
        except Exception as error:  # anything that a file makes a decoder raise is that item's failure
            return WorkerFailure(*failure_of(error))

    def _tasks(self, listing: Listing | None, loaders: Loaders) -> Generator[Task | Idle]:
        """Yield what is to be read, `IDLE` while there is nothing; ends when there will be nothing more."""
        while not self._stops():
            self._settling.commit_due()
            self._meter.tell("")
            if listing is not None and listing.trouble is not None:
                raise listing.trouble
            over = listing is None or listing.is_over  # looked at before the rows, so that none is missed
            quiet = loaders.under_way == 0
            self._begin_loading(loaders)
            task = self._next_loaded() or self._next_file()
            if task is not None:
                yield task
                self._let_go(task)  # it is on its way to a worker
            elif over and quiet and not len(self._loads) and not loaders.under_way:
                if listing is not None and listing.trouble is not None:
                    raise listing.trouble
                return
            elif not len(self._loads):
                yield IDLE

    def _let_go(self, task: Task) -> None:
        """Drop the bytes of an item, which need no room here any more. May be called twice."""
        task.data = None
        loaded = self._loaded.get(task.id)
        if loaded is not None and loaded.data is not None:
            loaded.data = None
            loaded.release()

    def _next_file(self) -> Task | None:
        if not self._files:
            page = self._page(Kind.FILE, _PAGE)
            self._files.extend(page)
        if not self._files:
            return None
        item = self._files.popleft()
        return Task(item.id, unpacked(item), self._store.catalogue_path, self._options.decode_limits)

    def _next_loaded(self) -> Task | None:
        loaded = self._loads.take()
        if loaded is None:
            return None
        if loaded.data is None:
            loaded.release()
            self._settling.not_loaded(loaded)
            return None
        self._loaded[loaded.id] = loaded
        catalogue, limits = self._store.catalogue_path, self._options.decode_limits
        return Task(loaded.id, loaded.offered, catalogue, limits, loaded.data)

    def _page(self, kind: Kind, limit: int) -> list[PendingItem]:
        page = self._catalogue.items.pending(
            self._plan.job, kind.value, after=self._cursors[kind], limit=limit
        )
        if page:
            self._cursors[kind] = page[-1].id
        return page

    def _begin_loading(self, loaders: Loaders) -> None:
        room = loaders.room()
        if room > 0 and (page := self._page(Kind.URL, min(room, _PAGE))):
            checks = self._checks([item.location for item in page])
            for item in page:
                loaders.download(item.id, unpacked(item), checks.get(item.location))
        room = loaders.remote_room()
        if room > 0:
            for item in self._page(Kind.REMOTE, room):
                loaders.read(item.id, unpacked(item))

    def _checks(self, locations: list[str]) -> dict[str, LocationCheck]:
        """Return what servers said of those that the library has: of others everything must be sent."""
        known = list(self._catalogue.known_locations(locations))
        return self._catalogue.checks.of(known) if known else {}

    def _fail_the_rest(self) -> None:
        for kind in Kind:
            after = 0
            while page := self._catalogue.items.pending(self._plan.job, kind.value, after=after, limit=_PAGE):
                after = page[-1].id
                for item in page:
                    self._settling.vanished(item.id, unpacked(item))
                self._settling.commit()

    def _tidy(self, state: str) -> None:
        """Bring the index into order, letting others write in between."""
        if state != "done":
            return
        with self._writing() as writer:
            writer.seal()
        with suppress(StorageFull):
            while True:
                with self._writing() as writer:
                    writer.tidy(wait=False)
                    if not writer.is_merging:
                        return
                time.sleep(0.05)
