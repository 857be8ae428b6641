"""The jobs of one service: which wait, which runs, which can be looked at.

One runs at a time, on a thread of its own; whoever adds a single image meanwhile waits for a batch of the job
and not for the job. What waits or runs when the service stops is taken up again when it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from echo_image import Library, Progress
from echo_image.errors import EchoImageError, NotFound, UsageError
from echo_image.ingest.jobs.records import JobInfo, JobItem
from echo_image.server.errors import Overloaded
from echo_image.server.jobs.job import Job
from echo_image.server.jobs.running import failures_of, run_job
from echo_image.server.jobs.spool import Spool
from echo_image.settings import KeepingSettings

__all__ = ["ORIGIN", "Asked", "JobQueue"]

_log = logging.getLogger(__name__)

#: By this a library knows the jobs of a service.
ORIGIN = "service"
_TO_RESUME = frozenset({"queued", "interrupted"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asked for.

    Attributes:
        library: Name of the library.
        kind: add, crawl or recheck.
        create: Notes the job in the library; blocks.
        expected: Items that will be offered, where that is known.
        spooled: Name under which the spool has what was sent; empty for nothing.
    """

    library: str
    kind: str
    create: Callable[[Library], JobInfo]
    expected: int | None = None
    spooled: str = ""


class JobQueue:
    """The jobs of one service. Touched on the event loop only.

    Args:
        libraries: Name → library.
        spool: Where what was sent waits.
        settings: How many jobs, and how much of each.
        changed: Called when a job has changed a library.
    """

    def __init__(
        self,
        libraries: Mapping[str, Library],
        spool: Spool,
        *,
        settings: KeepingSettings,
        changed: Callable[[], None],
    ) -> None:
        self._libraries = libraries
        self._spool = spool
        self._settings = settings
        self._changed = changed
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[tuple[Job, bool]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._coming = 0
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="echo-image-jobs")

    # Taking and finding

    async def recover(self) -> None:
        """Find the jobs that the libraries remember, and go on with those that were left."""
        found = await asyncio.to_thread(self._remembered)
        for name, info in sorted(found, key=lambda row: row[1].created_at):
            if info.id in self._jobs or info.state == "running":
                continue  # another service that has the same library runs it
            job = self._jobs[info.id] = Job(library=name, info=info)
            if info.state in _TO_RESUME:
                self._start(job)
            else:
                job.end()
        await self._forget_old()

    def _remembered(self) -> list[tuple[str, JobInfo]]:
        found: list[tuple[str, JobInfo]] = []
        most = self._settings.max_finished_jobs + self._settings.max_jobs
        for name, library in self._libraries.items():
            try:
                found += [(name, info) for info in library.jobs.list(limit=most) if info.origin == ORIGIN]
            except Exception:  # whatever is wrong with the library, its searches tell
                _log.warning("the jobs of library %s cannot be read", name, exc_info=True)
        self._spool.recover({info.id for _, info in found if info.resumable})
        return found

    def admit(self) -> None:
        """Raise Overloaded where another job would be refused; asked before its files are read."""
        active = sum(not job.ended for job in self._jobs.values()) + self._coming
        if self._stopping.is_set() or active >= self._settings.max_jobs:
            message = f"{active} jobs wait or run; max_jobs is {self._settings.max_jobs}."
            raise Overloaded(message, retry_after_s=10)

    async def put(self, asked: Asked) -> Job:
        """Take a job; it runs when those before it are over.

        Raises:
            Overloaded: There are too many.
            EchoImageError: What the library says of it.
        """
        self.admit()
        self._coming += 1
        try:
            info = await asyncio.to_thread(asked.create, self._libraries[asked.library])
            if asked.spooled:
                await asyncio.to_thread(self._spool.bind, asked.spooled, info.id)
        finally:
            self._coming -= 1
        job = Job(library=asked.library, info=info, asked=asked.kind, expected=asked.expected, loaded=True)
        self._jobs[job.id] = job
        self._start(job)
        return job

    def all(self) -> list[Job]:
        """Return the jobs that are known, newest first."""
        return list(reversed(self._jobs.values()))

    async def get(self, job_id: str) -> Job:
        """Return a job with its failures; raises NotFound."""
        job = self._jobs.get(job_id)
        if job is None:
            message = f"There is no job {job_id[:40]!r}."
            raise NotFound(message, hint="It was forgotten, or is none of this service.")
        if not job.loaded and job.ended:
            failed = await asyncio.to_thread(failures_of, self._libraries[job.library], job.id)
            if not job.loaded:
                job.update(job.info, failed, None)
        return job

    def library_of(self, job: Job) -> Library:
        """Return the library of a job."""
        return self._libraries[job.library]

    # Changing

    def resume(self, job: Job, *, retry: bool) -> None:
        """Let a job that is over go on where it was.

        Args:
            job: It.
            retry: Try again what failed.

        Raises:
            UsageError: It waits or runs, or there is nothing left to do.
            Overloaded: There are too many.
        """
        if not job.ended:
            raise UsageError(f"The job is {job.state}.", hint="Wait for its end, or cancel it.")
        if retry and not job.info.failed and not job.to_dict(failures=False)["resumable"]:
            raise UsageError("Nothing of the job has failed.", hint="GET /api/v1/jobs/{id}/items lists all.")
        if not retry and not job.to_dict(failures=False)["resumable"]:
            raise UsageError("The job is done.", hint="POST …/retry tries again what failed.")
        self.admit()
        job.forget_failures()
        self._start(job, retry=retry)

    async def cancel(self, job: Job) -> None:
        """End a job: one that waits at once, one that runs after the items in flight."""
        job.cancelling.set()
        waiting = [entry for entry in self._waiting if entry[0] is job]
        for entry in waiting:
            self._waiting.remove(entry)
            info = await asyncio.to_thread(self.library_of(job).jobs.cancel, job.id)
            job.update(info, (), None)
            job.end()
            await asyncio.to_thread(self._spool.drop_job, job.id)

    async def forget(self, job: Job) -> None:
        """Forget a job that is over, here and in its library."""
        if self._jobs.pop(job.id, None) is not None:
            await asyncio.to_thread(self._forget, job)

    def _forget(self, job: Job) -> None:
        with contextlib.suppress(EchoImageError):  # the library has forgotten it, or cannot be written
            self.library_of(job).jobs.forget(job.id)
        self._spool.drop_job(job.id)

    @property
    def num_listeners(self) -> int:
        """Connections that watch jobs."""
        return sum(job.num_listeners for job in self._jobs.values())

    # Running

    def _start(self, job: Job, *, retry: bool = False) -> None:
        job.begin()
        self._waiting.append((job, retry))
        if self._running is None or self._running.done():
            # With no context of the request that happened to come first: its deadline is not the jobs'.
            self._running = asyncio.get_running_loop().create_task(
                self._run_all(), context=contextvars.Context()
            )

    async def _run_all(self) -> None:
        while self._waiting and not self._stopping.is_set():
            await self._run(*self._waiting.popleft())
            await self._forget_old()

    async def _run(self, job: Job, retry: bool) -> None:
        loop = asyncio.get_running_loop()
        library = self.library_of(job)

        def tell(info: JobInfo, failed: Sequence[JobItem], progress: Progress | None) -> None:
            loop.call_soon_threadsafe(job.update, info, failed, progress)

        def work() -> EchoImageError | None:
            stopping, cancelling = self._stopping, job.cancelling
            return run_job(library, job.id, tell, stopping=stopping, cancelling=cancelling, retry=retry)

        trouble = await loop.run_in_executor(self._thread, work)
        if job.info.state in {"done", "cancelled"}:
            await asyncio.to_thread(self._spool.drop_job, job.id)
        job.end(trouble)
        self._changed()

    async def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.ended]
        for job in ended[: max(0, len(ended) - self._settings.max_finished_jobs)]:
            await self.forget(job)

    # Ending

    def stop(self) -> None:
        """Take no more jobs, and leave those there are after the item in flight; listeners hear of it."""
        self._stopping.set()
        for job, _ in self._waiting:
            job.end()
        self._waiting.clear()

    async def close(self) -> None:
        """Stop, and wait until the items in flight are in the library."""
        self.stop()
        if self._running is not None:
            await asyncio.wait({self._running})
        await asyncio.to_thread(self._thread.shutdown)
