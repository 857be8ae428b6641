"""What every route needs: the libraries, the settings, and where work may run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request

from echo_image import Library
from echo_image.errors import NotFound
from echo_image.fetch import Fetched, fetch
from echo_image.server.access.keys import KeyRing
from echo_image.server.access.session import Sessions
from echo_image.server.errors import DeadlineExceeded
from echo_image.server.jobs import JobQueue, Spool
from echo_image.server.keeping.kept import KeptQueries
from echo_image.server.keeping.state import StateFolder
from echo_image.server.observing.metrics import Metrics
from echo_image.server.observing.sizes import Sizes
from echo_image.server.work.deadlines import deadline
from echo_image.server.work.pool import Gate, T, WorkPool
from echo_image.settings import Settings

__all__ = ["Context", "context"]


@dataclass(frozen=True, slots=True)
class Context:
    """One service; made by `create_app`, found by `context(request)`.

    Attributes:
        libraries: Name → library; the first is meant where a call names none.
        settings: All settings.
        readers: Threads for searches and whatever else only reads.
        writer: One thread for what changes a library, as a library has one writer; so a long addition makes
            other additions wait and no search.
        fetches: Places for URLs fetched on behalf of callers.
        metrics: What has been answered.
        state: The folder of what outlives a call.
        kept: Queries that can be searched with again.
        spool: What was sent and waits for its job.
        jobs: Additions that take longer than a call may.
        sizes: How large the libraries are.
        ring: The keys that callers need; None where they need none.
        sessions: The cookies that stand for keys.
        stopping: Set when the service has been told to stop: a stream without an end should end then.
        warm: Set unless what a search needs is still being compiled.
    """

    libraries: Mapping[str, Library]
    settings: Settings
    readers: WorkPool
    writer: WorkPool
    fetches: Gate
    metrics: Metrics
    state: StateFolder
    kept: KeptQueries
    spool: Spool
    jobs: JobQueue
    sizes: Sizes
    ring: KeyRing | None = None
    sessions: Sessions | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    warm: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, libraries: Mapping[str, Library], settings: Settings) -> Context:
        """Return the context of a new service; no thread is started before there is work.

        Raises:
            UsageError: The folder of the setting `state_dir` cannot be used.
        """
        server = settings.server
        ring = KeyRing(server.keys_file) if server.keys_file is not None else None
        queue, retry = server.queue, server.retry_after_s
        keeping = settings.keeping
        state = StateFolder(Path(keeping.state_dir) if keeping.state_dir else None)
        spool = Spool(state, max_bytes=keeping.max_job_bytes)
        sizes = Sizes(libraries)
        writer = WorkPool(
            "additions", threads=1, queue=queue, retry_after_s=retry, finishes=True, ended=sizes.changed
        )
        here = cls(
            libraries=dict(libraries),
            settings=settings,
            readers=WorkPool("searches", threads=server.threads, queue=queue, retry_after_s=retry),
            writer=writer,
            fetches=Gate(
                "fetches",
                places=server.max_fetches,
                queue=queue,
                retry_after_s=retry,
                wait_s=server.deadline_s,
            ),
            metrics=Metrics(),
            state=state,
            kept=KeptQueries(state, keeping),
            spool=spool,
            jobs=JobQueue(libraries, spool, settings=keeping, changed=sizes.changed),
            sizes=sizes,
            ring=ring,
            sessions=Sessions(ring) if ring is not None else None,
        )
        here.warm.set()
        return here

    def library(self, name: str | None) -> Library:
        """Return the library of that name, or the first where none is named.

        Raises:
            NotFound: There is none of that name.
        """
        chosen = next(iter(self.libraries), "") if name is None else name
        try:
            return self.libraries[chosen]
        except KeyError as error:
            message = f"There is no library {chosen[:100]!r}."
            raise NotFound(message, hint=f"The libraries are: {', '.join(self.libraries)}.") from error

    async def read(self, work: Callable[[], T]) -> T:
        """Return `work()`, run on a thread for reading.

        Raises:
            Overloaded: Too many calls wait.
            DeadlineExceeded: It was not done by the call's deadline.
        """
        return await self.readers.run(work, until=deadline(self.settings.server.deadline_s))

    async def write(self, work: Callable[[], T]) -> T:
        """Return `work()`, run on the thread that writes; what has begun is finished, whoever has gone.

        Raises:
            Overloaded: Too many calls wait.
            DeadlineExceeded: It had not begun by the deadline.
        """
        loop = asyncio.get_running_loop()
        return await self.writer.run(work, until=loop.time() + self.settings.server.deadline_s)

    async def fetch(self, url: str, *, in_time: bool) -> Fetched:
        """Return what is at a URL that a caller gave, under the limits of the settings.

        Args:
            url: An address.
            in_time: Whether the call's deadline ends it.

        Raises:
            FetchError: It gives no bytes, too many or too late, or may not be fetched.
            Overloaded: Too many calls wait to fetch.
            DeadlineExceeded: The call's deadline has passed, or no place became free.
        """
        try:
            async with (
                asyncio.timeout_at(deadline(self.settings.server.deadline_s) if in_time else None),
                self.fetches.place(),
            ):
                return await fetch(url, limits=self.settings.fetch)
        except TimeoutError as error:
            message = "The URL was not fetched by the call's deadline (deadline_s)."
            raise DeadlineExceeded(message, hint="Fetch the image yourself and send it as a file.") from error

    def close(self) -> None:
        """Wait for the threads; the libraries belong to whoever opened them. Blocks."""
        self.readers.close()
        self.writer.close()
        self.state.close()


def context(request: Request) -> Context:
    """Return the context of the application that got the request."""
    found = request.app.state.context
    assert isinstance(found, Context)
    return found
