"""Sitemaps, their indexes and feeds → the images and pages that they name, piece by piece.

Read are the XML of sitemaps.org with Google's image extension, RSS and Atom with enclosures and `media:`,
plain text with one URL a line, and each of them packed by gzip. A document type is refused, so there are no
entities to expand and nothing outside to be loaded.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, NamedTuple
from xml.parsers import expat

from echo_image.errors import LimitExceeded, UnsupportedFormat
from echo_image.ingest.web.urls import canonical_url, looks_like_image

_PIECE_BYTES = 2**16
#: expat before 2.6 reads a token from its beginning whenever more of it comes; longer ones are refused.
_MAX_TOKEN_BYTES = 2**20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class SitemapLimits:
    """What reading one sitemap may cost.

    Attributes:
        max_bytes: after unpacking; sitemaps.org allows 50 MB.
        max_entries: sitemaps.org allows 50,000 pages, Google 1,000 images for each.
        max_depth: elements within elements.
        max_text: characters of a URL, title or caption; what is longer is cut.
    """

    max_bytes: int = 64 * 2**20
    max_entries: int = 1_000_000
    max_depth: int = 32
    max_text: int = 8_000


class SitemapEntry(NamedTuple):
    """What a sitemap names.

    Attributes:
        kind: `image`, `page` or `sitemap` (another one, to be read in its turn).
        url: absolute and canonical; empty where what stands there is no http(s) URL (see `text`).
        page: of an image: the page that shows it; may be empty.
        title, caption: of an image, one line each; may be empty.
        text: the URL as written.
    """

    kind: Literal["image", "page", "sitemap"]
    url: str
    page: str = ""
    title: str = ""
    caption: str = ""
    text: str = ""


def read_sitemap(
    chunks: Iterable[bytes], url: str, limits: SitemapLimits | None = None
) -> Iterator[SitemapEntry]:
    """Yield what a sitemap names, in its order, while it is being read. Images stand before their page.

    Args:
        chunks: the document, in pieces of any size.
        url: where it is; relative URLs in it belong to it. Empty for a file.
        limits: of the work; None for the default ones.

    Raises:
        UnsupportedFormat: no sitemap: XML that is broken, has a document type, or is of another kind.
        LimitExceeded: named in the message.
    """
    limits = limits or SitemapLimits()
    pieces = _bounded(_unpacked(chunks), limits.max_bytes)
    first = b""
    for piece in pieces:
        first += piece
        if first.lstrip(b"\xef\xbb\xbf \t\r\n"):
            break
    is_xml = first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or first[:2] in (b"\xff\xfe", b"\xfe\xff")
    found = _of_xml(first, pieces, url, limits) if is_xml else _of_text(first, pieces, url, limits)
    for number, entry in enumerate(found):
        if number == limits.max_entries:
            raise LimitExceeded(f"The sitemap has more than {limits.max_entries:,} entries.")
        yield entry


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes, unpacked where they begin like gzip, in pieces of at most 64 KiB."""
    packed: bool | None = None
    unpacker = zlib.decompressobj(31)
    start = b""
    for chunk in chunks:
        rest = chunk
        if packed is None:
            start += chunk
            if len(start) < len(_GZIP):
                continue
            packed, rest = start.startswith(_GZIP), start
        if not packed:
            yield from (rest[i : i + _PIECE_BYTES] for i in range(0, len(rest), _PIECE_BYTES))
            continue
        while rest:
            if unpacker.eof:  # another member follows
                unpacker = zlib.decompressobj(31)
            try:
                piece = unpacker.decompress(rest, _PIECE_BYTES)
            except zlib.error as error:
                raise UnsupportedFormat("The sitemap is no complete gzip file.") from error
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            if piece:
                yield piece
    if packed is None:
        yield start
    elif packed and not unpacker.eof:
        raise UnsupportedFormat("The sitemap is no complete gzip file: it ends too early.")


def _bounded(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    seen = 0
    for piece in pieces:
        seen += len(piece)
        if seen > most:
            raise LimitExceeded(f"The sitemap has more than {most:,} bytes.")
        yield piece


def _of_text(
    first: bytes, pieces: Iterable[bytes], url: str, limits: SitemapLimits
) -> Iterator[SitemapEntry]:
    rest = first
    for piece in chain((b"",), pieces):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield from _line(line, url, limits)
        if len(rest) > limits.max_text * 4:
            raise UnsupportedFormat(f"The sitemap has a line of more than {limits.max_text * 4:,} bytes.")
    yield from _line(rest, url, limits)


def _line(line: bytes, url: str, limits: SitemapLimits) -> Iterator[SitemapEntry]:
    text = line.decode("utf-8-sig", "replace").strip()[: limits.max_text]
    if text and not text.startswith("#"):
        yield _page(text, url)


def _page(text: str, base: str) -> SitemapEntry:
    """A page, or an image where the URL itself is that of one."""
    kind: Literal["image", "page"] = "image" if looks_like_image(text) else "page"
    return SitemapEntry(kind, canonical_url(text, base), text=text)


def _of_xml(first: bytes, pieces: Iterable[bytes], url: str, limits: SitemapLimits) -> Iterator[SitemapEntry]:
    # Blanks before the XML declaration are an error to XML and common.
    reader = _XmlReader(url, limits)
    fed = 0
    for piece in chain((first.lstrip(b" \t\r\n"),), pieces):
        reader.feed(piece)
        fed += len(piece)
        if fed - reader.position > _MAX_TOKEN_BYTES:
            raise LimitExceeded(f"The sitemap has a tag or comment of more than {_MAX_TOKEN_BYTES:,} bytes.")
        yield from reader.taken()
    reader.feed(b"", last=True)
    yield from reader.taken()


@dataclass(slots=True)
class _Group:
    """What is read between `<url>` and `</url>`, or `<item>` and `</item>`."""

    loc: str = ""
    title: str = ""
    images: list[dict[str, str]] = field(default_factory=list)
    thumbnails: list[dict[str, str]] = field(default_factory=list)


_ROOTS = ("urlset", "sitemapindex", "rss", "feed", "RDF")


class _XmlReader:
    """Takes XML in pieces and keeps the entries that are complete.

    Elements are told by their local names and where they stand, not by namespaces: many sitemaps declare
    wrong ones or none.
    """

    def __init__(self, url: str, limits: SitemapLimits) -> None:
        self._url = url
        self._limits = limits
        self._ready: deque[SitemapEntry] = deque()
        self._path: list[str] = []
        self._text: list[str] = []
        self._text_left = 0
        self._group: _Group | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    @property
    def position(self) -> int:
        """Bytes up to the last token that was complete."""
        return max(self._parser.CurrentByteIndex, 0)

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise UnsupportedFormat(
                f"The sitemap is no complete XML: {expat.ErrorString(error.code)}, line {error.lineno}.",
                hint="Open it in a browser to see what is there.",
            ) from error
        except (ValueError, LookupError) as error:  # an encoding that nobody knows
            raise UnsupportedFormat("The sitemap has an unknown encoding.") from error

    def taken(self) -> Iterator[SitemapEntry]:
        while self._ready:
            yield self._ready.popleft()

    def _doctype(self, name: str, *_: object) -> None:
        kind = "an HTML page" if name.lower() == "html" else "XML with a document type, which is refused"
        raise UnsupportedFormat(f"This is {kind}, not a sitemap.", hint="Give the address of the sitemap.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self._path and local not in _ROOTS:
            raise UnsupportedFormat(f"This is XML of another kind ({local[:40]!r}), not a sitemap.")
        if len(self._path) == self._limits.max_depth:
            raise LimitExceeded(f"The sitemap has more than {self._limits.max_depth} elements in each other.")
        self._path.append(local)
        self._text, self._text_left = [], self._limits.max_text
        if local in ("url", "sitemap", "item", "entry") and self._group is None:
            self._group = _Group()
        elif self._group is not None:
            self._within(local, attributes, self._group)

    def _within(self, local: str, attributes: dict[str, str], group: _Group) -> None:
        parent = self._path[-2]
        if local == "image" and parent == "url":
            group.images.append({})
        elif local in ("enclosure", "content") or (local == "link" and attributes.get("rel") == "enclosure"):
            address = attributes.get("url") or attributes.get("href") or ""
            kind = attributes.get("type", "") or attributes.get("medium", "")
            if address and (kind.startswith("image") or (not kind and looks_like_image(address))):
                group.images.append({"loc": address})
        elif local == "thumbnail" and attributes.get("url"):
            group.thumbnails.append({"loc": attributes["url"]})
        elif local == "link" and attributes.get("href") and attributes.get("rel", "alternate") == "alternate":
            group.loc = group.loc or attributes["href"][: self._limits.max_text]

    def _characters(self, text: str) -> None:
        if self._text_left > 0:
            self._text.append(text[: self._text_left])
            self._text_left -= len(text)

    def _end(self, name: str) -> None:
        local = self._path.pop()
        group = self._group
        if group is None:
            return
        text = "".join(self._text).strip()
        self._text = []
        parent = self._path[-1] if self._path else ""
        if local == "loc" and parent in ("url", "sitemap"):
            group.loc = text
        elif parent == "image" and group.images and local in ("loc", "title", "caption"):
            group.images[-1][local] = " ".join(text.split())
        elif local == "link" and parent == "item":
            group.loc = text or group.loc
        elif local == "title" and parent in ("item", "entry"):
            group.title = " ".join(text.split())
        elif local in ("url", "sitemap", "item", "entry") and parent in (*_ROOTS, "channel"):
            self._group = None
            self._finish(local, group)

    def _finish(self, local: str, group: _Group) -> None:
        if local == "sitemap":
            if group.loc:
                self._ready.append(
                    SitemapEntry("sitemap", canonical_url(group.loc, self._url), text=group.loc)
                )
            return
        page = canonical_url(group.loc, self._url)
        for image in group.images or group.thumbnails[:1]:
            text = image.get("loc", "")
            self._ready.append(
                SitemapEntry(
                    "image",
                    canonical_url(text, page or self._url),
                    page,
                    image.get("title", "") or group.title,
                    image.get("caption", ""),
                    text,
                )
            )
        if group.loc:
            self._ready.append(_page(group.loc, self._url))
