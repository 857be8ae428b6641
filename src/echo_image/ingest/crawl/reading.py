"""What the answer for a page holds; in a worker process, since parsers are fed with strangers' bytes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from echo_image.errors import EchoImageError
from echo_image.fetch import Fetched
from echo_image.image.sniffing import sniff
from echo_image.ingest.web import Link, Page, PageLimits, read_page
from echo_image.ingest.web.sitemaps import read_sitemap

__all__ = ["FetchedPage", "is_image", "is_page", "is_sitemap", "preload", "read_fetched"]

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/xhtml", "text/xhtml"})
_GZIP = b"\x1f\x8b\x08"
_SITEMAP = re.compile(
    rb"[\xef\xbb\xbf\s]{0,100}(?:<\?xml[^>]{0,200}>|<!--[^>]{0,1000}-->|\s{1,100}){0,10}<(?:urlset|sitemapindex)[\s>]"
)
#: As many as one may have by its standard.
MAX_SITEMAP_LINKS = 50_000
_UNTOLD = frozenset({"", "text/plain", "application/octet-stream", "application/xml", "text/xml"})


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """What a worker is given.

    Attributes:
        id: of the page's row.
        url: where it was found.
        data: as it came.
        content_type: with parameters.
        limits: of the work.
    """

    id: int
    url: str
    data: bytes
    content_type: str
    limits: PageLimits


def read_fetched(page: FetchedPage) -> Page:
    """Read a page; the task of the workers.

    A sitemap is read as a page of links, of which those to further sitemaps are `next`.
    """
    if is_sitemap(page.data):
        return _read_sitemap(page)
    return read_page(page.data, page.url, page.content_type, page.limits)


def _read_sitemap(page: FetchedPage) -> Page:
    links: dict[str, bool] = {}
    with suppress(EchoImageError):  # what stands before the place where it is broken counts
        for entry in read_sitemap([page.data], page.url):
            if entry.kind != "image" and entry.url:
                links.setdefault(entry.url, entry.kind == "sitemap")
            if len(links) >= MAX_SITEMAP_LINKS:
                break
    found = tuple(Link(url, next=further) for url, further in links.items())
    return Page(page.url, page.url, None, "", found, ())


def is_sitemap(data: bytes) -> bool:
    """Tell whether an answer is a sitemap or a list of them, perhaps packed."""
    return data.startswith(_GZIP) or _SITEMAP.match(data) is not None


def preload() -> None:
    """Load nothing more: importing this module has loaded the parser."""


def is_image(fetched: Fetched) -> bool:
    """Tell whether an answer is an image, whatever it says to be."""
    try:
        sniff(fetched.data)
    except EchoImageError:
        return False
    return True


def is_page(fetched: Fetched) -> bool:
    """Tell whether an answer is a web page; an image that is called one is not."""
    if is_image(fetched):
        return False
    if fetched.content_type in _PAGE_TYPES:
        return True
    if is_sitemap(fetched.data):
        return True
    return fetched.content_type in _UNTOLD and fetched.data[:1000].lstrip().startswith(b"<")
