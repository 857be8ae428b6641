"""Sitemaps, indexes, feeds and text; hostile XML is refused."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from echo_image.errors import EchoImageError, LimitExceeded, UnsupportedFormat
from echo_image.ingest.web import SitemapEntry, SitemapLimits, read_sitemap

URL = "http://a.example/sitemap.xml"
SITEMAP = b"""
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
 <url><loc> http://a.example/p?a=1&amp;b=2 </loc>
  <image:image><image:loc>/1.jpg</image:loc><image:title>One &#228;</image:title><image:caption><![CDATA[a
  <b>]]></image:caption></image:image> <image:image><image:loc>http://cdn.example/2</image:loc></image:image>
 </url>
 <url><loc>http://a.example/photo.jpg</loc></url>
</urlset>"""
ENTRIES = [
    SitemapEntry("image", "http://a.example/1.jpg", "http://a.example/p?a=1&b=2", "One ä", "a <b>", "/1.jpg"),
    SitemapEntry("image", "http://cdn.example/2", "http://a.example/p?a=1&b=2", text="http://cdn.example/2"),
    SitemapEntry("page", "http://a.example/p?a=1&b=2", text="http://a.example/p?a=1&b=2"),
    SitemapEntry("image", "http://a.example/photo.jpg", text="http://a.example/photo.jpg"),
]


def read(data: bytes, *, piece: int = 10**9, **limits: int) -> list[SitemapEntry]:
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)]
    return list(read_sitemap(pieces, URL, SitemapLimits(**limits)))


@pytest.mark.parametrize("piece", [1, 7, 100, 10**6])
def test_images_come_with_page_title_and_caption(piece: int) -> None:
    assert read(SITEMAP, piece=piece) == ENTRIES


@pytest.mark.parametrize("piece", [1, 7, 10**6])
def test_packed_ones_are_unpacked(piece: int) -> None:
    assert read(gzip.compress(SITEMAP), piece=piece) == ENTRIES
    halves = gzip.compress(SITEMAP[:300]) + gzip.compress(SITEMAP[300:])
    assert read(halves, piece=piece) == ENTRIES


def test_other_encodings() -> None:
    text = '<?xml version="1.0" encoding="{}"?><urlset><url><loc>http://a.example/ü</loc></url></urlset>'
    for encoding in ("iso-8859-1", "utf-16", "utf-8"):
        (entry,) = read(text.format(encoding).encode(encoding))
        assert entry.url == "http://a.example/%C3%BC"
    assert read(b"\xef\xbb\xbf" + SITEMAP.strip()) == ENTRIES


def test_an_index_names_sitemaps() -> None:
    data = b"<sitemapindex><sitemap><loc>/1.xml.gz</loc></sitemap>"
    data += b"<sitemap/></sitemapindex>"
    assert read(data) == [SitemapEntry("sitemap", "http://a.example/1.xml.gz", text="/1.xml.gz")]


def test_feeds() -> None:
    rss = b"""<rss><channel><image><url>/logo.png</url></image><item><title>News</title>
      <enclosure url="/1.jpg" type="image/jpeg"/><enclosure url="/a.mp3"
      type="audio/mpeg"/><link>/n.html</link> <media:thumbnail url="/t.jpg"/></item><item><media:thumbnail
      url="/t2.jpg"/></item></channel></rss>"""
    page = "http://a.example/n.html"
    assert read(rss) == [
        SitemapEntry("image", "http://a.example/1.jpg", page, "News", text="/1.jpg"),
        SitemapEntry("page", page, text="/n.html"),
        SitemapEntry("image", "http://a.example/t2.jpg", text="/t2.jpg"),
    ]
    atom = b"""<feed><title>All</title><entry><title>E</title><link href="/e.html"/>
      <link rel="enclosure" type="image/png" href="/2.png"/></entry></feed>"""
    assert read(atom)[0] == SitemapEntry(
        "image", "http://a.example/2.png", "http://a.example/e.html", "E", text="/2.png"
    )


def test_plain_text() -> None:
    got = read(b"\xef\xbb\xbfhttp://a.example/1.jpg\r\n\n# no\nhttp://a.example/p", piece=3)
    assert [(entry.kind, entry.url) for entry in got] == [
        ("image", "http://a.example/1.jpg"),
        ("page", "http://a.example/p"),
    ]


def test_nothing_is_no_entry() -> None:
    assert read(b"") == read(b" \n") == read(b"<urlset/>") == []


def test_entries_come_while_it_is_being_read() -> None:
    asked = []

    def pieces() -> Iterator[bytes]:
        for piece in (SITEMAP[:-60], SITEMAP[-60:]):
            asked.append(piece)
            yield piece

    assert next(read_sitemap(pieces(), URL)) == ENTRIES[0]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE u [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b'<!DOCTYPE u SYSTEM "file:///etc/passwd"><urlset/>',
        b"<!DOCTYPE html><html></html>",
        b"<html><body>404</body></html>",
        b"<urlset><url><loc>http://a.example/",
        b"<urlset><url></urlset>",
        b"<urlset>&undefined;</urlset>",
        b'<?xml version="1.0" encoding="no-such"?><urlset/>',
        b"\x1f\x8bno gzip",
        gzip.compress(SITEMAP)[:-20],
        b"x" * 100_000,
    ],
)
def test_what_is_no_sitemap_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        read(data)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (b"<urlset>" + b"<a>" * 100, {}),
        (SITEMAP, {"max_entries": 2}),
        (SITEMAP, {"max_bytes": 100}),
        (gzip.compress(b" " * 10**7), {"max_bytes": 10**6}),
        (b"<urlset a='" + b"x" * 10**7, {}),
        (b"<urlset><!--" + b"x" * 10**7, {}),
    ],
    ids=["depth", "entries", "bytes", "bomb", "attribute", "comment"],
)
def test_limits_are_kept(data: bytes, limits: dict[str, int]) -> None:
    with pytest.raises(LimitExceeded):
        read(data, piece=2**16, **limits)


def test_long_texts_are_cut() -> None:
    data = b"<urlset><url><loc>http://a.example/</loc><image:image><image:loc>/1.jpg</image:loc><image:title>"
    data += b"x" * 10**6 + b"</image:title></image:image></url></urlset>"
    assert len(read(data, piece=1000)[0].title) == 8_000


def test_errors_are_ours_whatever_comes() -> None:
    for end in range(0, len(SITEMAP), 13):
        try:
            got = read(SITEMAP[:end])
        except EchoImageError:
            continue
        assert got == []
