"""What every route needs: the libraries, the settings, and where work may run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request

from echo_image import Library
from echo_image.errors import NotFound
from echo_image.fetch import Fetched, fetch
from echo_image.server.metrics import Metrics
from echo_image.server.pool import Gate, T, WorkPool
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
    """

    libraries: Mapping[str, Library]
    settings: Settings
    readers: WorkPool
    writer: WorkPool
    fetches: Gate
    metrics: Metrics

    @classmethod
    def of(cls, libraries: Mapping[str, Library], settings: Settings) -> Context:
        """Return the context of a new service; no thread is started before there is work."""
        server = settings.server
        queue, retry = server.queue, server.retry_after_s
        return cls(
            libraries=dict(libraries),
            settings=settings,
            readers=WorkPool("searches", threads=server.threads, queue=queue, retry_after_s=retry),
            writer=WorkPool("additions", threads=1, queue=queue, retry_after_s=retry),
            fetches=Gate("fetches", places=server.max_fetches, queue=queue, retry_after_s=retry),
            metrics=Metrics(),
        )

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
        """Return `work()`, run on a thread for reading."""
        return await self.readers.run(work)

    async def write(self, work: Callable[[], T]) -> T:
        """Return `work()`, run on the thread that writes."""
        return await self.writer.run(work)

    async def fetch(self, url: str) -> Fetched:
        """Return what is at a URL that a caller gave, under the limits of the settings."""
        async with self.fetches.place():
            return await fetch(url, limits=self.settings.fetch)

    def close(self) -> None:
        """Let go of the threads; the libraries belong to whoever opened them."""
        self.readers.close()
        self.writer.close()


def context(request: Request) -> Context:
    """Return the context of the application that got the request."""
    found = request.app.state.context
    assert isinstance(found, Context)
    return found
