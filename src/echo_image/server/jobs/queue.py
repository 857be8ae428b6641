"""Jobs run one after the other, item by item.

URLs are fetched a few at once on the event loop; each image is then added by the thread that writes, as any
other addition is, and only one item of a job waits for that thread at a time. So whoever adds a single image
meanwhile waits for one item and not for the job, and a count is told the moment its image is in the library.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Iterator, Sequence

import aiohttp

from echo_image import Library
from echo_image.errors import EchoImageError, LibraryBusy, NotFound
from echo_image.fetch import Fetched, FetchLimits, fetch, new_session
from echo_image.server.errors import Overloaded
from echo_image.server.jobs.items import JobItem, without_repeats
from echo_image.server.jobs.job import Job, JobState
from echo_image.server.jobs.spool import Spool
from echo_image.server.jobs.waiting import set_within
from echo_image.server.requests.sources import Source
from echo_image.server.requests.uploads import Tally, add_source
from echo_image.server.work.pool import WorkPool
from echo_image.settings import KeepingSettings

__all__ = ["JobQueue"]

_log = logging.getLogger(__name__)

#: Waits, in seconds, for another process that writes to the library, before the job fails with it.
_BUSY_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
#: Between two tries to get a place in the queue of the thread that writes.
_FULL_WAIT_S = 0.1


class _Work:
    """A job with what it needs to run; let go of when the job is over."""

    def __init__(
        self, job: Job, library: Library, items: Sequence[JobItem], attributes: dict[str, object] | None
    ) -> None:
        self.job = job
        self.library = library
        self.items: Iterator[JobItem] = iter(items)
        self.attributes = attributes
        # Only one item of a job waits for the thread that writes, so others wait for one item only.
        self.turn = asyncio.Lock()
        self.trouble: EchoImageError | None = None

    def fail(self, trouble: EchoImageError | None) -> None:
        """Stop with what will go wrong with every other item too, if it is that."""
        if trouble is not None:
            self.trouble = trouble
            self.job.stopping.set()


class JobQueue:
    """The jobs of one service. Touched on the event loop only.

    Args:
        writer: The thread that changes libraries.
        spool: Where uploaded files wait.
        limits: Limits of each fetch.
        settings: How many jobs, and how much of each.
    """

    def __init__(
        self, writer: WorkPool, spool: Spool, *, limits: FetchLimits, settings: KeepingSettings
    ) -> None:
        self._writer = writer
        self._spool = spool
        self._limits = limits
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[_Work] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    def admit(self) -> None:
        """Raise Overloaded where another job would be refused; asked before its files are read."""
        active = sum(not job.state.ended for job in self._jobs.values())
        if self._closed or active >= self._settings.max_jobs:
            message = f"{active} jobs wait or run; max_jobs is {self._settings.max_jobs}."
            raise Overloaded(message, retry_after_s=10)

    def put(
        self,
        job: Job,
        library: Library,
        items: Sequence[JobItem],
        attributes: dict[str, object] | None,
    ) -> None:
        """Take a job; it runs when those before it are over.

        Raises:
            Overloaded: There are too many.
        """
        self.admit()
        once = without_repeats(items)
        job.skip(len(items) - len(once))
        self._jobs[job.id] = job
        self._waiting.append(_Work(job, library, once, attributes))
        if self._running is None or self._running.done():
            # With no context of the request that happened to come first: its deadline is not the jobs'.
            self._running = asyncio.get_running_loop().create_task(
                self._run_all(), context=contextvars.Context()
            )

    def all(self) -> list[Job]:
        """Return the jobs that are known, newest first."""
        return list(reversed(self._jobs.values()))

    def get(self, job_id: str) -> Job:
        """Return a job; raises NotFound."""
        try:
            return self._jobs[job_id]
        except KeyError as error:
            message = f"There is no job {job_id[:40]!r}."
            raise NotFound(message, hint="It was forgotten, or the service was started anew.") from error

    def forget(self, job: Job) -> None:
        """Forget a job that is over."""
        self._jobs.pop(job.id, None)

    @property
    def num_listeners(self) -> int:
        """Connections that watch jobs."""
        return sum(job.num_listeners for job in self._jobs.values())

    def stop(self) -> None:
        """Take no more jobs, and end those there are after the item in flight; listeners hear of it."""
        self._closed = True
        for job in self._jobs.values():
            job.stop()

    async def close(self) -> None:
        """Stop, and wait until the item in flight is in the library."""
        self.stop()
        if self._running is not None:
            await asyncio.wait({self._running})

    async def _run_all(self) -> None:
        while self._waiting:
            work = self._waiting.popleft()
            if not work.job.state.ended:
                await self._run(work)
            await asyncio.to_thread(self._spool.drop, work.job.id)
            self._forget_old()

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.state.ended]
        for job in ended[: max(0, len(ended) - self._settings.max_finished_jobs)]:
            self.forget(job)

    async def _run(self, work: _Work) -> None:
        job = work.job
        job.start()
        try:
            async with (
                new_session(allow_private=self._limits.allow_private) as session,
                asyncio.TaskGroup() as tasks,
            ):
                for _ in range(self._settings.job_fetches):
                    tasks.create_task(self._take_items(work, session))
        except Exception:
            _log.exception("job %s failed", job.id)
            message = "The service failed on this job."
            job.end(JobState.FAILED, EchoImageError(message, hint=f"The log has the reason; see {job.id}."))
        if work.trouble is not None:
            job.end(JobState.FAILED, work.trouble)
        job.end(JobState.CANCELLED if job.done < job.total else JobState.DONE)

    async def _take_items(self, work: _Work, session: aiohttp.ClientSession) -> None:
        for item in work.items:  # shared by all that take
            if work.job.stopping.is_set():
                return
            tally = Tally()
            try:
                source = await self._source(item, work.job, session)
            except EchoImageError as error:
                tally.fail(item.name, error)
            else:
                if source is None or not await self._added(work, item, source, tally):
                    return
            work.job.count(item.name, tally)

    async def _source(self, item: JobItem, job: Job, session: aiohttp.ClientSession) -> Source | None:
        """Return where the bytes are; None where the job was stopped meanwhile."""
        if item.path is not None:
            return Source(item.name, item.path.read_bytes)
        fetching = asyncio.create_task(fetch(item.name, limits=self._limits, session=session))
        stopped = asyncio.create_task(job.stopping.wait())
        try:
            await asyncio.wait({fetching, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                return None
            fetched: Fetched = fetching.result()
            return Source(item.name, lambda: fetched.data)
        finally:
            for task in (fetching, stopped):
                task.cancel()
            await asyncio.wait({fetching, stopped})

    async def _added(self, work: _Work, item: JobItem, source: Source, tally: Tally) -> bool:
        """Add one image, and say whether it was its turn before the job had to stop."""
        location = item.name if item.path is None else None
        waits = iter(_BUSY_WAITS_S)
        async with work.turn:
            while not work.job.stopping.is_set():
                try:
                    await self._writer.run(
                        lambda: add_source(work.library, source, location, work.attributes, tally)
                    )
                    return True
                except Overloaded:
                    wait = _FULL_WAIT_S
                except LibraryBusy as error:
                    wait = next(waits, 0.0)
                    work.fail(None if wait else error)
                except EchoImageError as error:
                    # What is wrong with the library would meet the next item as well.
                    wait = 0.0
                    work.fail(error)
                await set_within(work.job.stopping, wait)
        return False
