"""Sitemaps as a source: images of all sitemaps of an index, whatever is wrong with some of them."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from echo_image.errors import FetchError, UnsupportedFormat
from echo_image.ingest.sources import Kind, Source, SourceContext
from echo_image.ingest.sources.lists import Sitemap
from tests.libraries import write
from tests.unit.ingest.sources.lists.conftest import Site
from tests.unit.ingest.sources.lists.reading import items


def urlset(*images: str) -> bytes:
    named = "".join(f"<image:image><image:loc>{image}</image:loc></image:image>" for image in images)
    return f"<urlset><url><loc>/page</loc>{named}</url></urlset>".encode()


def index(*sitemaps: str) -> bytes:
    named = "".join(f"<sitemap><loc>{sitemap}</loc></sitemap>" for sitemap in sitemaps)
    return f"<sitemapindex>{named}</sitemapindex>".encode()


def test_images_come_with_page_title_and_caption(context: SourceContext, site: Site) -> None:
    site["/s.xml"] = (
        b"<urlset><url><loc>/p</loc><image:image><image:loc>/1.jpg</image:loc>"
        b"<image:title>A\n cat</image:title>"
        b"<image:caption>on a mat</image:caption></image:image></url><url><loc>/2.jpg</loc></url></urlset>"
    )
    one, two = items(Sitemap(f"{site.url}/s.xml"), context)
    assert (one.location, one.target, one.kind) == (f"{site.url}/1.jpg", f"{site.url}/1.jpg", Kind.URL)
    assert one.attributes == {"page": f"{site.url}/p", "title": "A cat", "caption": "on a mat"}
    assert (two.location, dict(two.attributes)) == (f"{site.url}/2.jpg", {})


def test_an_index_is_followed_round_no_circles(context: SourceContext, site: Site) -> None:
    site["/i.xml"] = index("/a.xml", "/i.xml", "/j.xml", "/a.xml", "/gone.xml", "/html", "ftp://x/y")
    site["/j.xml"] = index("/b.xml.gz", "/i.xml")
    site["/a.xml"] = urlset("/1.jpg", "javascript:x")
    site["/b.xml.gz"] = gzip.compress(urlset("/2.jpg"))
    site["/html"] = b"<!DOCTYPE html><html></html>"
    source = Sitemap(f"{site.url}/i.xml")
    assert [(item.location.removeprefix(site.url), item.code) for item in items(source, context)] == [
        ("/i.xml#row 7", "bad_row"),
        ("/1.jpg", ""),
        ("/a.xml#row 2", "bad_row"),
        ("/gone.xml", "fetch_failed"),
        ("/html", "unsupported_format"),
        ("/2.jpg", ""),
    ]
    assert sorted(site.asked) == ["/a.xml", "/b.xml.gz", "/gone.xml", "/html", "/i.xml", "/j.xml"]


def test_indexes_are_followed_so_deep_and_no_deeper(context: SourceContext, site: Site) -> None:
    for depth in range(10):
        site[f"/{depth}.xml"] = index(f"/{depth + 1}.xml")
    (item,) = items(Sitemap(f"{site.url}/0.xml"), context)
    assert (item.location, item.code) == (f"{site.url}/4.xml#row 1", "not_followed")
    assert len(site.asked) == 5


def test_a_file_names_urls_only(tmp_path: Path, context: SourceContext, site: Site) -> None:
    site["/a.xml"] = urlset("/1.jpg")
    path = write(tmp_path / "s.xml", index(f"{site.url}/a.xml", "/etc/passwd", "file:///etc/passwd"))
    got = items(Sitemap(str(path)), context)
    assert [(item.location, item.code) for item in got] == [
        (f"{path}#row 2", "bad_row"),
        (f"{path}#row 3", "bad_row"),
        (f"{site.url}/1.jpg", ""),
    ]


def test_the_sitemap_itself_must_be_one(tmp_path: Path, context: SourceContext, site: Site) -> None:
    with pytest.raises(UnsupportedFormat):
        items(Sitemap(str(write(tmp_path / "s.xml", b"<html/>"))), context)
    with pytest.raises(FetchError):
        items(Sitemap(f"{site.url}/gone.xml"), context)
    assert "there is no file" in Sitemap(str(tmp_path / "gone.xml")).missing()
    assert isinstance(Sitemap("x"), Source)


def test_it_ends_when_told_to(context: SourceContext, site: Site) -> None:
    site["/s.xml"] = urlset(*(f"/{i}.jpg" for i in range(9)))
    asked = iter([False, False, False])
    got = items(Sitemap(f"{site.url}/s.xml"), replace(context, stop=lambda: next(asked, True)))
    assert [item.location for item in got] == [f"{site.url}/0.jpg", f"{site.url}/1.jpg"]
