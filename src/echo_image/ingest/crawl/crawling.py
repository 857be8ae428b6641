"""The walk through a web site: which page is asked for next, and what becomes of each answer.

Pages are read level by level: those one link away from the first page, then those two links away, several
at a time within a level. So the depth of a page, and with it which pages are read at all, does not depend on
which answer came first. All that is known of pages stands in the catalogue; here is only what is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from echo_image.catalogue.pages import JobPages, NewPage, PageResult, WaitingPage
from echo_image.errors import FetchError, UsageError
from echo_image.fetch import ACCEPT_PAGES, Downloads, Fetched, Outcome, Request, host_of
from echo_image.ingest.crawl.findings import Findings, noted_canonical
from echo_image.ingest.crawl.permissions import Permissions, origin_of
from echo_image.ingest.crawl.reading import FetchedPage, is_image, is_page, is_sitemap, preload, read_fetched
from echo_image.ingest.crawl.scope import Scope
from echo_image.ingest.crawl.traps import Traps, is_barren
from echo_image.ingest.sources.offered import Checkpoint, Offered, SourceContext
from echo_image.ingest.web import Page, PageImage, PageLimits, canonical_url
from echo_image.ingest.workers.pool import WorkerFailure, WorkerPool

__all__ = ["Crawl", "Plan"]

#: Pages under way: enough to keep a fast server busy while as many are parsed.
PAGES_AT_ONCE = 64
_REFILL = 16
_ARRIVALS_AT_ONCE = 32
_WAIT_S = 0.1
PARSE_S = 20.0
PARSE_MEMORY_BYTES = 512 * 2**20
_REDIRECT = "redirect"
_BARREN = "nothing_new"
_REDIRECTS = range(301, 309)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read of a site; see `Site`."""

    url: str
    scope: Scope
    depth: int | None
    max_pages: int
    max_images: int
    min_side: int
    delay_s: float
    sitemaps: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """A page that was read, and waits until it is known what the hosts of its images allow."""

    waiting: WaitingPage
    page: Page
    fetched: Fetched
    attempts: int


class Crawl:
    """One walk; `run` once.

    Args:
        plan: what is to be read.
        context: of the job.

    Raises:
        UsageError: the context has no downloads or no pages.
    """

    def __init__(self, plan: Plan, context: SourceContext) -> None:
        if context.downloads is None or context.pages is None:
            raise UsageError("A web site is read by a job only.", hint="Add it to a library.")
        self._plan = plan
        self._scope = plan.scope
        self._downloads: Downloads = context.downloads
        self._pages: JobPages = context.pages
        self._stop = context.stop
        self._arrivals: SimpleQueue[Outcome] = SimpleQueue()
        self._permissions = Permissions(self._downloads, self._arrivals.put)
        self._traps = Traps()
        self._findings = Findings(
            plan.url, plan.scope, self._pages, plan.depth, plan.min_side, plan.max_pages
        )
        self._limits = PageLimits()
        self._open: dict[int, WaitingPage] = {}  # taken from the table, and not settled there
        self._held: list[WaitingPage] = []  # of these, those whose host's rules are not known
        self._read: list[_Read] = []
        self._num_asked = self._pages.num_asked(plan.url)
        self._num_images = self._pages.num_images()

    def run(self) -> Iterator[Offered | Checkpoint]:
        """Yield what is found; see `Site.offer`."""
        self._begin()
        pool: WorkerPool[FetchedPage, Page] = WorkerPool(
            read_fetched, workers=1, timeout_s=PARSE_S, memory_bytes=PARSE_MEMORY_BYTES, preload=preload
        )
        with pool:
            while not self._stop():
                self._fill()
                if not self._open:
                    self._end()
                    return
                fetched = [found for outcome in self._arrived() if (found := self._take(outcome))]
                pages = [answer for answer in fetched if is_page(answer[1])]
                yield from self._offer_answers([answer for answer in fetched if answer not in pages])
                self._parse(pool, pages)
                yield from self._offer_read()

    def _begin(self) -> None:
        plan = self._plan
        if not self._pages.counts():
            self._pages.add(plan.url, [NewPage(plan.url, 0)])
        self._pages.retry_first(plan.url, plan.url)
        # Where the first page is in truth, as an earlier run found.
        url, seen = plan.url, {""}
        while url not in seen:
            seen.add(url)
            self._scope.adopt(url)
            url = self._pages.redirect_of(plan.url, url)
        for record in self._pages.rows(plan.url):
            if record.state == "done":
                self._traps.saw(record.url, is_barren=record.code == _BARREN)
        if plan.delay_s:
            self._downloads.set_delay(host_of(plan.url), plan.delay_s)

    def _end(self) -> None:
        """Say why what still waits is not read, and whether anything was read at all."""
        if self._num_images >= self._plan.max_images:
            self._skip_rest("image_limit", f"{self._plan.max_images:,} images were found")
        elif self._num_asked >= self._plan.max_pages:
            self._skip_rest("page_limit", f"{self._plan.max_pages:,} pages were asked for")
        first = self._pages.get(self._plan.url, self._plan.url)
        if first is not None and (first.state == "failed" or first.code == "robots"):
            error = FetchError(
                f"The first page cannot be read: {first.reason}", status=first.http_status, is_transient=True
            )
            error.code = first.code or error.code  # type: ignore[misc]  # robots, a private address …
            raise error

    def _skip_rest(self, code: str, reason: str) -> None:
        self._pages.skip_waiting(self._plan.url, code, reason)

    # Asking

    def _fill(self) -> None:
        """Ask for more pages, if there is room for some."""
        while True:
            room = min(
                PAGES_AT_ONCE - len(self._open), self._plan.max_pages - self._num_asked - len(self._held)
            )
            if room <= 0 or (self._open and room < _REFILL) or self._num_images >= self._plan.max_images:
                return
            pages = self._pages.waiting(self._plan.url, limit=room, without=self._open)
            for page in pages:
                self._open[page.id] = page
                self._ask(page)
            # What was skipped at once made room for others.
            if not pages or any(page.id in self._open for page in pages):
                return

    def _ask(self, page: WaitingPage) -> None:
        if self._traps.is_closed(page.url):
            self._settle(page, "skipped", "trap", "many pages like this one had nothing new", attempts=0)
        elif not self._permissions.knows(page.url):
            self._held.append(page)
        elif not self._permissions.allows(page.url):
            self._settle(page, "skipped", "robots", "robots.txt excludes it", attempts=0)
        else:
            self._num_asked += 1
            request = Request(
                page.url,
                accept=ACCEPT_PAGES,
                max_bytes=self._limits.max_bytes,
                redirects=False,
                tag=page.id,
            )
            self._downloads.submit(request, self._arrivals.put)

    # Answers

    def _arrived(self) -> list[Outcome]:
        """Wait a moment for outcomes, and return some."""
        outcomes = []
        try:
            outcomes.append(self._arrivals.get(timeout=_WAIT_S))
            while len(outcomes) < _ARRIVALS_AT_ONCE:
                outcomes.append(self._arrivals.get_nowait())
        except Empty:
            pass
        return outcomes

    def _take(self, outcome: Outcome) -> tuple[WaitingPage, Fetched, int] | None:
        """Return a page's answer that has a body; settle all others."""
        tag = outcome.request.tag
        if isinstance(tag, str):
            rules = self._permissions.take(tag, outcome)
            if self._plan.sitemaps and self._plan.depth != 0 and tag in self._origins:
                self._add_sitemaps(rules.sitemaps)
            held, self._held = self._held, []
            for waiting in held:
                self._ask(waiting)
            return None
        self._downloads.release(outcome)
        assert isinstance(tag, int)
        page = self._open[tag]
        fetched, error = outcome.fetched, outcome.error
        if fetched is None:
            status = error.status if isinstance(error, FetchError) else 0
            code, reason = ("fetch_failed", "") if error is None else (error.code, error.message)
            self._settle(page, "failed", code, reason, status, outcome.attempts)
            return None
        if fetched.status in _REDIRECTS:
            self._redirect(page, fetched, outcome.attempts)
            return None
        return page, fetched, outcome.attempts

    def _add_sitemaps(self, urls: Iterable[str]) -> None:
        """Let sitemaps wait like pages; what they name is one link away from the beginning."""
        self._pages.add(self._plan.url, [NewPage(url, 0) for url in urls if self._scope.has_host(url)])

    @property
    def _origins(self) -> set[str]:
        return {origin_of(url) for url in self._scope.first_pages}

    def _settle(
        self, page: WaitingPage, state: str, code: str, reason: str, http_status: int = 0, attempts: int = 1
    ) -> None:
        """Note what became of a page without images."""
        self._pages.finish(PageResult(page.id, state, code, reason, http_status, attempts))
        del self._open[page.id]

    def _redirect(self, page: WaitingPage, fetched: Fetched, attempts: int) -> None:
        target = canonical_url(fetched.headers.get("location", ""))
        if page.url in self._scope.first_pages and target:
            self._scope.adopt(target)
        if not target or target == page.url:
            self._settle(page, "failed", "redirect_loop", "it leads to itself", fetched.status, attempts)
            return
        with self._pages.transaction():
            if self._scope.has_host(target) and not self._scope.leaves_out(target):
                self._pages.add(self._plan.url, [NewPage(target, page.depth)])
                self._settle(page, "skipped", _REDIRECT, target, fetched.status, attempts)
            else:
                reason = f"it leads to {target}"
                self._settle(page, "skipped", "elsewhere", reason, fetched.status, attempts)

    def _offer_answers(
        self, answers: list[tuple[WaitingPage, Fetched, int]]
    ) -> Iterator[Offered | Checkpoint]:
        """Offer what a link led to and is an image itself; whatever else is no page is skipped."""
        for waiting, fetched, attempts in answers:
            if is_image(fetched):
                page = Page(waiting.url, waiting.url, None, "", (), (PageImage(waiting.url, "", "link"),))
                yield from self._offer_page(_Read(waiting, page, fetched, attempts), is_image=True)
            else:
                reason = f"it is {fetched.content_type or 'something unnamed'} and no page"
                self._settle(waiting, "skipped", "no_page", reason, fetched.status, attempts)

    def _parse(
        self, pool: WorkerPool[FetchedPage, Page], answers: list[tuple[WaitingPage, Fetched, int]]
    ) -> None:
        """Let pages be read by the worker; one that breaks it is a failed page."""
        by_id = {waiting.id: (waiting, fetched, attempts) for waiting, fetched, attempts in answers}
        tasks = [
            FetchedPage(
                waiting.id, waiting.url, fetched.data, fetched.headers.get("content-type", ""), self._limits
            )
            for waiting, fetched, attempts in answers
        ]
        for task, page in pool.imap(tasks):
            waiting, fetched, attempts = by_id[task.id]
            if isinstance(page, WorkerFailure):
                self._settle(waiting, "failed", page.code, page.reason, fetched.status, attempts)
            else:
                self._read.append(_Read(waiting, page, fetched, attempts))

    # Images

    def _offer_read(self) -> Iterator[Offered | Checkpoint]:
        """Offer the images of those pages of which it is known what the images' hosts allow."""
        waiting, self._read = self._read, []
        for read in waiting:
            # All are asked, so that they are asked at once.
            unknown = [image.url for image in read.page.images if not self._permissions.knows(image.url)]
            if unknown:
                self._read.append(read)
            else:
                yield from self._offer_page(read)

    def _offer_page(self, read: _Read, *, is_image: bool = False) -> Iterator[Offered | Checkpoint]:
        waiting, page = read.waiting, read.page
        canonical = noted_canonical(page, read.fetched, self._scope)
        of_sitemap = is_sitemap(read.fetched.data)
        found = self._findings.of(waiting, page, read.fetched, canonical, of_sitemap=of_sitemap)
        room = self._plan.max_images - self._num_images
        new = found.new_images[: max(0, room)]
        self._num_images += len(new)
        for image in new:
            allowed = self._permissions.allows(image.url)
            yield self._findings.offered(image, allowed=allowed)
        kept = {image.url for image in new}
        images = [image for image in found.images if image.url in kept or image.url not in found.new_urls]
        barren = is_barren(waiting.url, new_images=bool(new), new_links=found.new_links)
        if is_image:
            result = ("skipped", "image", "it is an image")
        elif canonical:
            result = ("skipped", "duplicate", canonical)
        else:
            code = "noindex" if found.noindex else _BARREN if barren else ""
            result = ("done", "sitemap" if of_sitemap else code, "")

        def save() -> None:
            with self._pages.transaction():
                status, attempts = read.fetched.status, read.attempts
                self._pages.finish(PageResult(waiting.id, *result, status, attempts, len(images)))
                self._pages.add(self._plan.url, found.links)
                self._pages.found(images)

        yield Checkpoint(save)
        self._traps.saw(waiting.url, is_barren=barren)
        del self._open[waiting.id]
