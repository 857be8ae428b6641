"""`AsyncClient`: the calls of the service for programs with an event loop (asyncio)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import TypeVar, Unpack

import httpx

from echo_image.client import answers, calls
from echo_image.client.calls import (
    AddOptions,
    Call,
    CrawlOptions,
    ListOptions,
    QueryOptions,
    SearchOptions,
    Source,
)
from echo_image.client.events import EventReader, JobEvent
from echo_image.client.failures import Unreachable
from echo_image.client.sending import DEFAULT_URL, Connection, answer_of, failed, refused, unreachable

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """A connection to a service; an asynchronous context manager.

    Args:
        url: Address of the service, with the path below which it lies, if it does.
        key: API key, where the service needs one.
        timeout_s: Longest silence within a call, in seconds.
        retries: Times a call is sent again where the service was busy or could not be reached.
        max_wait_s: Longest sum of the waits between, in seconds.
        transport: How httpx is to connect; for tests and unusual networks.

    Every method raises the errors of `echo_image.client.failures`. An image is the path of a file, a web
    address that the service fetches, the bytes of a file, or an open file.

    Example:
        >>> async with AsyncClient("http://127.0.0.1:8000") as client:  # doctest: +SKIP
        ...     found = await client.search("meme.jpg", limit=3)
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 3,
        max_wait_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(url, key, timeout_s, retries, max_wait_s)
        self._http = httpx.AsyncClient(transport=transport, **self._connection.options())

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # The service

    async def about(self) -> answers.About:
        """Return the version, the limits and what is switched on."""
        return await self._run(calls.about())

    async def session(self) -> answers.Session:
        """Return who the service takes this client for."""
        return await self._run(calls.session())

    async def libraries(self) -> tuple[answers.LibraryInfo, ...]:
        """Return the libraries; the first is meant where a call names none."""
        return await self._run(calls.libraries())

    # Searching

    async def search(
        self, query: Source | None = None, **options: Unpack[SearchOptions]
    ) -> answers.SearchAnswer:
        """Find the images that show what the query shows.

        In place of a query there may be `image_id` or `query_id`.
        """
        return await self._run(await asyncio.to_thread(lambda: calls.search(query, **options)))

    async def search_batch(
        self, queries: Iterable[Source], **options: Unpack[SearchOptions]
    ) -> tuple[answers.BatchRow, ...]:
        """Search with several images; files come first in the answer, then addresses."""
        return await self._run(await asyncio.to_thread(lambda: calls.search_batch(queries, **options)))

    async def compare(self, a: Source, b: Source, *, scoring: str | None = None) -> answers.Match:
        """Compare two images, without a library."""
        return await self._run(await asyncio.to_thread(lambda: calls.compare(a, b, scoring=scoring)))

    async def evidence(self, query: Source | None, match_id: str, **options: Unpack[QueryOptions]) -> bytes:
        """Return a PNG that shows why a query and an image of the library match, or not."""
        return await self._run(await asyncio.to_thread(lambda: calls.evidence(query, match_id, **options)))

    async def explain(
        self, query: Source | None, match_id: str, **options: Unpack[QueryOptions]
    ) -> answers.Explanation:
        """Return the same as data."""
        return await self._run(await asyncio.to_thread(lambda: calls.explain(query, match_id, **options)))

    async def kept_query(self, query_id: str) -> answers.KeptQuery:
        """Return what is known of a query that was kept."""
        return await self._run(calls.kept_query(query_id))

    async def query_preview(self, query_id: str) -> bytes:
        """Return a small version of it, JPEG."""
        return await self._run(calls.query_preview(query_id))

    async def forget_query(self, query_id: str) -> None:
        """Forget it."""
        return await self._run(calls.forget_query(query_id))

    # Images

    async def add(self, *sources: Source, **options: Unpack[AddOptions]) -> answers.AddReport:
        """Add images; the call waits for them. For many, make a job."""
        return await self._run(await asyncio.to_thread(lambda: calls.add(sources, **options)))

    async def image(self, image_id: str, *, library: str | None = None) -> answers.ImageInfo:
        """Return what the library knows of an image."""
        return await self._run(calls.image(image_id, library))

    async def image_page(
        self, *, after: str | None = None, limit: int | None = None, **options: Unpack[ListOptions]
    ) -> answers.ImagePage:
        """Return one page of the images that the filters mean."""
        return await self._run(calls.image_page(after=after, limit=limit, **options))

    async def images(
        self, *, page_size: int | None = None, **options: Unpack[ListOptions]
    ) -> AsyncIterator[answers.ImageInfo]:
        """Yield the images that the filters mean; pages are fetched as they are needed."""
        after: str | None = None
        while True:
            page = await self.image_page(after=after, limit=page_size, **options)
            for image in page.images:
                yield image
            after = page.next
            if after is None:
                return

    async def thumbnail(self, image_id: str, *, library: str | None = None) -> bytes:
        """Return a small version of an image, JPEG."""
        return await self._run(calls.picture(image_id, "thumbnail", library))

    async def original(self, image_id: str, *, library: str | None = None) -> bytes:
        """Return the file of an image, where the service gives it."""
        return await self._run(calls.picture(image_id, "original", library))

    async def remove(self, image_id: str, *, library: str | None = None) -> None:
        """Remove an image with all its locations."""
        return await self._run(calls.remove(image_id, library))

    # Jobs

    async def create_job(self, sources: Iterable[Source], **options: Unpack[AddOptions]) -> answers.Job:
        """Begin to add many images, and return at once."""
        return await self._run(await asyncio.to_thread(lambda: calls.create_job(sources, **options)))

    async def crawl(self, urls: Iterable[str], **options: Unpack[CrawlOptions]) -> answers.Job:
        """Begin to read web sites from these pages on, and return at once."""
        return await self._run(calls.crawl(urls, **options))

    async def recheck(self, location: str | None = None, *, library: str | None = None) -> answers.Job:
        """Begin to look again at what the library has, below `location` or everywhere; return at once."""
        return await self._run(calls.recheck(location, library))

    async def resume_job(self, job_id: str) -> answers.Job:
        """Let a job that was cancelled, interrupted or stopped by an error go on."""
        return await self._run(calls.go_on(job_id, "resume"))

    async def retry_job(self, job_id: str) -> answers.Job:
        """Try again what failed of a job that is over."""
        return await self._run(calls.go_on(job_id, "retry"))

    async def item_page(
        self,
        job_id: str,
        *,
        status: str | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> answers.ItemPage:
        """Return one page of what became of the items of a job."""
        return await self._run(calls.job_items(job_id, status, after, limit))

    async def job_causes(self, job_id: str) -> tuple[answers.Cause, ...]:
        """Return why items of a job failed or were skipped, most first."""
        return await self._run(calls.job_causes(job_id))

    async def job_report(self, job_id: str, kind: str = "html") -> bytes:
        """Return the report of a job: `html`, a page that needs nothing else, or `csv`, every item."""
        return await self._run(calls.job_report(job_id, kind))

    async def jobs(self) -> tuple[answers.Job, ...]:
        """Return the jobs that wait, run or ended lately, newest first."""
        return await self._run(calls.jobs())

    async def job(self, job_id: str) -> answers.Job:
        """Return a job with the first 1,000 of its failures."""
        return await self._run(calls.job(job_id))

    async def cancel_job(self, job_id: str) -> answers.Job:
        """Stop a job, what was added stays; or forget one that is over."""
        return await self._run(calls.cancel_job(job_id))

    async def job_events(self, job: answers.Job | str) -> AsyncGenerator[JobEvent, None]:
        """Yield what happens to a job, until its `end`; a connection that breaks is made again."""
        job_id, reader = job if isinstance(job, str) else job.id, EventReader()
        tries = self._connection.tries()
        while True:
            reader.restart()
            asked, trouble = calls.job_events(job_id, reader.last_id), Unreachable("The events broke off.")
            try:
                async with self._http.stream(**asked) as response:
                    if response.is_success:
                        async for line in response.aiter_lines():
                            event = reader.feed(line)
                            if event is not None:
                                tries = self._connection.tries()
                                yield event
                                if event.kind == "end":
                                    return
                    else:
                        await response.aread()
                        if not refused(response):
                            answer_of(calls.job(job_id), response)
            except httpx.TransportError as error:
                trouble = unreachable(self._connection.url, error)
            wait = tries.wait_s(None)
            if wait is None:
                raise trouble
            await asyncio.sleep(wait)

    async def wait(
        self,
        job: answers.Job | str,
        *,
        timeout_s: float | None = None,
        progress: Callable[[answers.Job], None] | None = None,
    ) -> answers.Job:
        """Return a job when it is over, with the first 1,000 of its failures.

        Args:
            job: It, or its id.
            timeout_s: Longest wait, in seconds.
            progress: Called with the job as it goes on.

        Raises:
            TimeoutError: It was not over in time; it runs on.
        """
        async with asyncio.timeout(timeout_s), aclosing(self.job_events(job)) as events:
            async for event in events:
                if event.job is not None and event.kind == "end":
                    return event.job
                if event.job is not None and progress is not None:
                    progress(event.job)
        raise Unreachable("The events ended before the job did.")

    async def _run(self, call: Call[T]) -> T:
        tries = self._connection.tries()
        while True:
            retry_after: str | None = None
            try:
                response = await self._http.request(**call.request())
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                trouble: Exception = unreachable(self._connection.url, error)
            except httpx.TransportError as error:
                raise unreachable(self._connection.url, error) from error
            else:
                if not refused(response):
                    return answer_of(call, response)
                retry_after = response.headers["retry-after"]
                trouble = failed(response)
            wait = tries.wait_s(retry_after)
            if wait is None:
                raise trouble
            await asyncio.sleep(wait)
