"""What a page that was read adds to a crawl: images not seen before, links that lead on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from echo_image.catalogue.pages import FoundImage, JobPages, NewPage, WaitingPage, attributes_of
from echo_image.fetch import Fetched
from echo_image.ingest.crawl.scope import Scope
from echo_image.ingest.sources.offered import Kind, Offered
from echo_image.ingest.web import Page, canonical_url, header_directives

__all__ = ["Findings", "Found", "noted_canonical"]

#: More pages than this for each that may be read are not even remembered.
_WAITING_PER_PAGE = 4
_MIN_WAITING = 10_000
_CANONICAL = re.compile(r"<([^<>]*)>\s*((?:;[^,]*)?)")
_REL = re.compile(r"""rel\s*=\s*"?[^";]*\bcanonical\b""", re.IGNORECASE)
#: Formats of drawings and icons that no image search reads; that they are not read is no failure.
_UNSEARCHABLE = (".svg", ".svgz", ".ico", ".cur")


@dataclass(frozen=True, slots=True)
class Found:
    """What a page adds.

    Attributes:
        images: all that may be taken, each once.
        new_images: of these, those that no page before it had.
        new_urls: their URLs.
        links: pages to be remembered.
        new_links: URLs of those that were not known.
        noindex: the page asks not to be taken in.
    """

    images: list[FoundImage]
    new_images: list[FoundImage]
    new_urls: frozenset[str]
    links: list[NewPage]
    new_links: list[str]
    noindex: bool


def noted_canonical(page: Page, fetched: Fetched, scope: Scope) -> str:
    """Return the URL that a page of the site calls its own, where that is another one; else an empty text."""
    noted = page.canonical
    if noted is None:
        for url, parameters in _CANONICAL.findall(fetched.headers.get("link", "")):
            if _REL.search(parameters):
                noted = canonical_url(url, page.url)
                break
    return noted if noted and noted != page.url and scope.has_host(noted) else ""


class Findings:
    """Tells what is new of what a page holds.

    Args:
        site: URL of the first page.
        scope: what belongs to the site.
        pages: what is known.
        depth: most links from the first page; None for no limit.
        min_side: px, of the images that are taken.
    """

    def __init__(
        self, site: str, scope: Scope, pages: JobPages, depth: int | None, min_side: int, max_pages: int
    ) -> None:
        self._site = site
        self._scope = scope
        self._pages = pages
        self._depth = depth
        self._min_side = min_side
        self._max_waiting = max(_MIN_WAITING, _WAITING_PER_PAGE * max_pages)

    def of(
        self,
        waiting: WaitingPage,
        page: Page,
        fetched: Fetched,
        canonical: str,
        *,
        of_sitemap: bool = False,
    ) -> Found:
        """Return what a page adds.

        Args:
            waiting: the page, as it waited.
            page: what was read of it.
            fetched: the answer.
            canonical: URL of the page that it is another form of; empty for none. Its images are taken as of
                that page, and do not count a second time.
            of_sitemap: it is a sitemap, so that links to further ones are followed, too.
        """
        asked = header_directives(fetched.headers)
        noindex = page.noindex or asked.noindex
        images: list[FoundImage] = []
        if not (noindex or page.noimageindex or asked.noimageindex):
            shown_on = canonical or waiting.url
            images = [
                FoundImage(image.url, shown_on, waiting.depth, image.alt, counts=not canonical)
                for image in page.images
                if not self._scope.leaves_out(image.url)
            ]
        known = self._pages.known_images([image.url for image in images])
        new = [image for image in images if image.url not in known]
        links, new_links = self._links(waiting, page, canonical, nofollow=page.nofollow or asked.nofollow)
        if of_sitemap:
            further = [NewPage(link.url, waiting.depth) for link in page.links if link.next]
            links += [page for page in further if self._scope.has_host(page.url)]
        return Found(images, new, frozenset(image.url for image in new), links, new_links, noindex)

    def _links(
        self, waiting: WaitingPage, page: Page, canonical: str, *, nofollow: bool
    ) -> tuple[list[NewPage], list[str]]:
        depths: dict[str, int] = {}
        if canonical:
            depths[canonical] = waiting.depth
        for link in () if nofollow else page.links:
            depth = waiting.depth + (0 if link.next else 1)
            within = self._depth is None or depth <= self._depth
            if within and not link.nofollow and depth < depths.get(link.url, depth + 1):
                depths[link.url] = depth
        depths = {url: depth for url, depth in depths.items() if self._scope.follows(url)}
        known = self._pages.known_pages(self._site, list(depths))
        new = [url for url in depths if url not in known]
        if new and self._pages.num_waiting(self._site) >= self._max_waiting:
            new = []
        nearer = [url for url, depth in depths.items() if depth < known.get(url, 0)]
        return [NewPage(url, depths[url]) for url in (*new, *nearer)], new

    def offered(self, image: FoundImage, *, allowed: bool) -> Offered:
        """Return an image as the job is to take it.

        Args:
            image: a new one.
            allowed: by the robots.txt of its host.
        """
        return Offered(
            image.url,
            image.url,
            kind=Kind.URL,
            expected=not image.url.partition("?")[0].lower().endswith(_UNSEARCHABLE),
            attributes=attributes_of(image.page, image.alt),
            code="" if allowed else "robots",
            problem="" if allowed else "the robots.txt of its host excludes it",
            skipped=not allowed,
            min_side=self._min_side,
        )
