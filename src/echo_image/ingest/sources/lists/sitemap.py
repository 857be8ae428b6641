"""Sitemaps and feeds as a source: the images that they name, with page, title and caption."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from echo_image.errors import EchoImageError
from echo_image.fetch import is_url
from echo_image.ingest.sources.lists.opening import missing_list, open_list
from echo_image.ingest.sources.lists.resolving import BAD_ROW
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Kind, Offered, SourceContext
from echo_image.ingest.web import SitemapEntry, read_sitemap

#: Sitemaps below an index, and indexes below indexes. sitemaps.org has one level of at most 50,000.
_MAX_SITEMAPS = 50_000
_MAX_DEPTH = 4
_PIECE_BYTES = 2**16
#: The code of a sitemap that is not followed.
_NOT_FOLLOWED = "not_followed"


@dataclass(frozen=True)
class Sitemap:
    """The images that a sitemap names, and those of all sitemaps that an index names.

    Read are sitemaps with image entries, pages whose own URL is that of an image, RSS and Atom with
    enclosures, and plain lists of URLs; packed by gzip or not. Pages are not opened: that is a crawl. An
    image that many pages name is offered with the first one.

    Args:
        path: URL of the sitemap, or the path of a file.
    """

    path: str

    type: ClassVar[str] = "sitemap"

    @property
    def label(self) -> str:
        """The sitemap's path or URL."""
        return printable(self.path)

    def missing(self) -> str:
        """Return why there is no such file, else an empty text."""
        return missing_list(self.path)

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield the images in the order of the sitemaps, and sitemaps that cannot be read as items with a
        problem.

        Raises:
            EchoImageError: the sitemap itself cannot be read (any further).
        """
        left = deque([(self.path, 0)])
        known = {self.path}
        while left and not context.stop():
            path, depth = left.popleft()
            try:
                for number, entry in enumerate(_entries(path, context), 1):
                    if context.stop():
                        return
                    if entry.kind == "sitemap":
                        yield from _follow(entry, path, number, depth, known, left)
                    elif entry.kind == "image":
                        yield _image(entry, path, number)
            except EchoImageError as error:
                if depth == 0:
                    raise
                yield Offered(printable(path), path, code=error.code, problem=error.message)


def _entries(path: str, context: SourceContext) -> Iterator[SitemapEntry]:
    with open_list(path, context) as opened:
        pieces = iter(lambda: opened.stream.read(_PIECE_BYTES), b"")
        yield from read_sitemap(pieces, opened.base if opened.is_remote else "")


def _follow(
    entry: SitemapEntry, path: str, number: int, depth: int, known: set[str], left: deque[tuple[str, int]]
) -> Iterator[Offered]:
    """Note a sitemap that is to be read in its turn; yields an item where it will not be."""
    if entry.url in known:
        return
    if not is_url(entry.url):
        yield _problem(path, number, BAD_ROW, "the index names a sitemap that is no http(s) URL")
    elif depth == _MAX_DEPTH:
        yield _problem(path, number, _NOT_FOLLOWED, f"indexes are followed {_MAX_DEPTH} deep, not deeper")
    elif len(known) > _MAX_SITEMAPS:
        yield _problem(path, number, _NOT_FOLLOWED, f"at most {_MAX_SITEMAPS:,} sitemaps are followed")
    else:
        known.add(entry.url)
        left.append((entry.url, depth + 1))


def _image(entry: SitemapEntry, path: str, number: int) -> Offered:
    if not entry.url:
        return _problem(path, number, BAD_ROW, "the entry names an image that is no http(s) URL")
    named = {"page": entry.page, "title": entry.title, "caption": entry.caption}
    attributes = {name: text[:4_000] for name, text in named.items() if text}
    return Offered(entry.url, entry.url, kind=Kind.URL, attributes=attributes)


def _problem(path: str, number: int, code: str, reason: str) -> Offered:
    where = f"{printable(path)}#row {number}"
    return Offered(where, where, code=code, problem=reason)
