"""A site as a source: which pages are asked for and which images are offered."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from echo_image.errors import FetchError, UsageError
from echo_image.ingest.crawl import Site, crawling
from echo_image.ingest.sources import Kind, Source
from echo_image.ingest.web import PageLimits
from tests.sites.pictures import drawn
from tests.sites.walking import remembering, walk
from tests.unit.ingest.crawl.conftest import Web, img, link

# What a page shows


def test_an_item(net: Web, tmp_path: Path) -> None:
    net.page("/", img("/a.jpg", alt="a cat"), img("/b.svg"))
    site = Site(net.top, min_side=77)
    first, drawing = walk(site, tmp_path).items
    assert first.location == first.target == f"{net.top}/a.jpg"
    assert (first.kind, first.expected, first.min_side) == (Kind.URL, True, 77)
    assert first.attributes == {"page": f"{net.top}/", "alt": "a cat"}
    assert drawing.attributes == {"page": f"{net.top}/"}
    assert not drawing.expected  # that no search reads it is no failure
    assert isinstance(site, Source)


def test_an_image_of_many_pages_is_offered_once_with_the_nearest_page(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/z", "/b", "/c/"))
    for path in ("/z", "/b", "/c/"):
        net.page(path, img("/one.jpg", alt=path))
    net.page("/c/", img("/one.jpg", alt="again"), link("/a/deep"))
    net.page("/a/deep", img("/one.jpg", alt="deep"))
    site = Site(net.top)
    walked = walk(site, tmp_path)
    assert walked.urls == net.urls("/one.jpg")
    with remembering(tmp_path) as walked.pages:
        final = walked.final_attributes()
    assert final == {f"{net.top}/one.jpg": {"page": f"{net.top}/b", "alt": "/b"}}


# Which pages are read


def test_links_are_followed_to_any_depth_and_each_page_is_asked_for_once(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/1?utm_source=a", "/1#part", "./1", "/"))
    net.page("/1", link("/2", "/"))
    net.page("/2", link("/1"), img("/a.jpg"))
    assert walk(Site(net.top), tmp_path).urls == net.urls("/a.jpg")
    assert net.asked == ["/robots.txt", "/", "/1", "/2"]


def test_the_depth_is_limited_and_lists_have_one_depth(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/list"))
    net.page("/list", link("/list?page=2", rel="next"), link("/too-far"), img("/1.jpg"))
    net.page("/list?page=2", img("/2.jpg"), link("/too-far"))
    net.page("/too-far", img("/3.jpg"))
    assert walk(Site(net.top, depth=1), tmp_path).urls == net.urls("/1.jpg", "/2.jpg")


def test_a_page_comes_nearer_when_a_shorter_way_is_found(net: Web, tmp_path: Path) -> None:
    # /late is two links away by /a, and one by the second page of the list, which is read later.
    net.page("/", link("/a", "/z"))
    net.page("/a", link("/late"))
    net.page("/z", link("/z2", rel="next"))
    net.page("/z2", link("/late", rel="next"))
    net.page("/late", link("/last"))
    net.page("/last", img("/a.jpg"))
    assert walk(Site(net.top, depth=2), tmp_path).urls == net.urls("/a.jpg")


def test_the_number_of_pages_is_limited(net: Web, tmp_path: Path) -> None:
    net.page("/", link(*(f"/{n}" for n in range(30))))
    for n in range(30):
        net.page(f"/{n}", img(f"/{n}.jpg"))
    site = Site(net.top, max_pages=11)
    walked = walk(site, tmp_path)
    assert len(walked.urls) == 10
    with remembering(tmp_path) as walked.pages:
        codes = [record.code for record in walked.records(site).values()]
        assert walked.pages.counts() == {"waiting": 0, "done": 11, "failed": 0, "skipped": 20}
    assert codes.count("page_limit") == 20


def test_the_number_of_images_is_limited(net: Web, tmp_path: Path) -> None:
    net.page("/", img(*(f"/{n}.jpg" for n in range(9))), link("/more"))
    net.page("/more", img("/more.jpg"))
    assert walk(Site(net.top, max_images=4), tmp_path).urls == net.urls(*(f"/{n}.jpg" for n in range(4)))
    assert "/more" not in net.asked


def test_other_hosts_are_not_read_unless_named(net: Web, tmp_path: Path) -> None:
    other = net.top.replace("127.0.0.1", "localhost")
    net.page("/", link(f"{other}/theirs"), img(f"{other}/a.jpg"))
    net.page("/theirs", img("/b.jpg"))
    assert walk(Site(net.top), tmp_path).urls == [f"{other}/a.jpg"]
    (tmp_path / "again").mkdir()
    named = Site(net.top, hosts=(other.removeprefix("http://"),))
    assert walk(named, tmp_path / "again").urls == [f"{other}/a.jpg", f"{other}/b.jpg"]


def test_patterns(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/shop/a", "/blog/a", "/shop/old/a"), img("/thumbs/a.jpg", "/a.jpg"))
    net.page("/shop/a", img("/b.jpg"))
    net.page("/blog/a", img("/c.jpg"))
    net.page("/shop/old/a", img("/d.jpg"))
    site = Site(net.top, include=("/shop/*",), exclude=("/shop/old/*", "*/thumbs/*"))
    assert walk(site, tmp_path).urls == net.urls("/a.jpg", "/b.jpg")


# What a site asks of robots


def test_robots_txt_is_asked_first_and_obeyed(net: Web, tmp_path: Path) -> None:
    net.text("/robots.txt", "User-agent: *\nDisallow: /no/\n")
    net.page("/", link("/no/page"), img("/no/a.jpg", "/yes/b.jpg"))
    net.page("/no/page", img("/c.jpg"))
    excluded, good = walk(Site(net.top), tmp_path).items
    assert (excluded.location, excluded.code, excluded.skipped) == (f"{net.top}/no/a.jpg", "robots", True)
    assert good.location == f"{net.top}/yes/b.jpg"
    assert net.asked == ["/robots.txt", "/"]


def test_a_robots_txt_with_an_error_allows_nothing(net: Web, tmp_path: Path) -> None:
    net.text("/robots.txt", "", status=500)
    net.page("/", img("/a.jpg"))
    with pytest.raises(FetchError, match=r"robots\.txt"):
        walk(Site(net.top), tmp_path)
    assert set(net.asked) == {"/robots.txt"}


@pytest.mark.parametrize(
    ("head", "headers", "images", "links"),
    [
        ('<meta name="robots" content="noindex">', {}, False, True),
        ('<meta name="robots" content="nofollow">', {}, True, False),
        ('<meta name="robots" content="noimageindex">', {}, False, True),
        ('<meta name="robots" content="none">', {}, False, False),
        ("", {"X-Robots-Tag": "noindex, nofollow"}, False, False),
        ("", {"X-Robots-Tag": "noimageindex"}, False, True),
        ("", {"X-Robots-Tag": "otherbot: none"}, True, True),
    ],
)
def test_what_a_page_asks(
    net: Web, tmp_path: Path, head: str, headers: dict[str, str], images: bool, links: bool
) -> None:
    net.page("/", link("/x"), img("/a.jpg"), head=head, headers=headers)
    net.page("/x", img("/b.jpg"))
    expected = net.urls("/a.jpg") * images + net.urls("/b.jpg") * links
    assert walk(Site(net.top), tmp_path).urls == expected


def test_single_links_that_are_not_to_be_followed(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/x", rel="nofollow ugc"))
    net.page("/x", img("/b.jpg"))
    assert walk(Site(net.top), tmp_path).items == []


# Redirects, other forms, what is no page


def test_redirects_within_the_site(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/old", "/round"))
    net.redirect("/old", "/older")
    net.redirect("/older", "/new")
    net.redirect("/round", "/round?a")
    net.redirect("/round?a", "/round")
    net.page("/new", img("a.jpg"))
    site = Site(net.top)
    walked = walk(site, tmp_path)
    assert walked.urls == net.urls("/a.jpg")
    assert len(net.asked) == len(set(net.asked))
    with remembering(tmp_path) as walked.pages:
        old = walked.records(site)[f"{net.top}/old"]
    assert (old.state, old.code, old.reason, old.http_status) == (
        "skipped",
        "redirect",
        f"{net.top}/older",
        302,
    )


def test_a_redirect_to_itself_ends(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/x"), img("/a.jpg"))
    net.redirect("/x", "/x#again")
    site = Site(net.top)
    walked = walk(site, tmp_path)
    with remembering(tmp_path) as walked.pages:
        assert walked.records(site)[f"{net.top}/x"].code == "redirect_loop"


def test_a_redirect_to_another_host_is_not_followed(net: Web, tmp_path: Path) -> None:
    other = net.top.replace("127.0.0.1", "localhost")
    net.page("/", link("/x"), img("/a.jpg"))
    net.redirect("/x", f"{other}/y")
    net.page("/y", img("/b.jpg"))
    assert walk(Site(net.top), tmp_path).urls == net.urls("/a.jpg")
    assert "/y" not in net.asked


def test_the_site_is_where_its_first_page_leads_to(net: Web, tmp_path: Path) -> None:
    other = net.top.replace("127.0.0.1", "localhost")
    net.redirect("/", f"{other}/home")
    net.page("/home", link("/x"))
    net.page("/x", img("/a.jpg"), link("/y"))
    net.page("/y", img("/b.jpg"))
    assert walk(Site(net.top), tmp_path, stop_after=1).urls == []
    # A run that goes on knows it, too.
    assert walk(Site(net.top), tmp_path).urls == [f"{other}/a.jpg", f"{other}/b.jpg"]


@pytest.mark.parametrize("way", ["link", "header"])
def test_another_form_of_a_page_does_not_count(net: Web, tmp_path: Path, way: str) -> None:
    head = '<link rel="canonical" href="/p">' if way == "link" else ""
    headers = {"Link": '</style.css>; rel=preload, </p>; rel="canonical"'} if way == "header" else {}
    net.page("/", link("/p?colour=red", "/p?colour=blue"))
    for colour in ("red", "blue"):
        net.page(f"/p?colour={colour}", img("/p.jpg", f"/{colour}.jpg"), head=head, headers=headers)
    net.page("/p", img("/p.jpg"))
    site = Site(net.top)
    walked = walk(site, tmp_path)
    assert set(walked.urls) == set(net.urls("/p.jpg", "/red.jpg", "/blue.jpg"))
    assert {item.attributes["page"] for item in walked.items} == {f"{net.top}/p"}
    with remembering(tmp_path) as walked.pages:
        assert walked.pages.counts()["done"] == 2


def test_a_link_that_leads_to_an_image(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/download/1", "/download/2"))
    net.answers["/download/1"] = (drawn(1, (90, 90)), {"Content-Type": "image/png"}, 200)
    net.answers["/download/2"] = (drawn(2, (90, 90)), {"Content-Type": "text/html"}, 200)
    assert walk(Site(net.top), tmp_path).urls == net.urls("/download/1", "/download/2")


def test_what_is_no_page_is_not_read(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/a.zip", "/b.PDF", "/data", "/untold"), img("/a.jpg"))
    net.text("/data", '{"img": "<img src=/c.jpg>"}', "application/json")
    net.answers["/untold"] = (b" <p><img src=/d.jpg>", {"Content-Type": "application/octet-stream"}, 200)
    assert walk(Site(net.top), tmp_path).urls == net.urls("/a.jpg", "/d.jpg")
    assert "/a.zip" not in net.asked
    assert "/b.PDF" not in net.asked


def test_failed_pages_are_told_and_the_others_read(net: Web, tmp_path: Path) -> None:
    net.page("/", link("/gone", "/broken", "/good"))
    net.text("/gone", "", status=410)
    net.text("/broken", "", status=503)
    net.page("/good", img("/a.jpg"))
    site = Site(net.top)
    walked = walk(site, tmp_path)
    assert walked.urls == net.urls("/a.jpg")
    with remembering(tmp_path) as walked.pages:
        records = walked.records(site)
        gone, broken = (records[f"{net.top}{path}"] for path in ("/gone", "/broken"))
        assert (gone.state, gone.http_status, gone.attempts) == ("failed", 410, 1)
        assert (broken.state, broken.http_status, broken.attempts) == ("failed", 503, 4)
        assert walked.pages.retry_failed() == 2
    net.page("/gone", img("/b.jpg"))
    assert walk(site, tmp_path).urls == net.urls("/b.jpg")


def test_without_the_first_page_there_is_nothing(net: Web, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="404"):
        walk(Site(net.top), tmp_path)
    net.page("/", img("/a.jpg"))
    assert walk(Site(net.top), tmp_path).urls == net.urls("/a.jpg")


def test_the_reason_that_the_first_page_is_not_read_has_its_code(net: Web, tmp_path: Path) -> None:
    net.text("/robots.txt", "User-agent: *\nDisallow: /\n")
    with pytest.raises(FetchError, match=r"robots\.txt") as caught:
        walk(Site(net.top), tmp_path)
    assert caught.value.code == "robots"


def test_a_page_that_is_too_large_is_a_failed_page(
    net: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawling, "PageLimits", lambda: PageLimits(max_bytes=2000))
    net.page("/", link("/large"), img("/a.jpg"))
    net.page("/large", img("/b.jpg"), "x" * 5000)
    site = Site(net.top)
    walked = walk(site, tmp_path)
    assert walked.urls == net.urls("/a.jpg")
    with remembering(tmp_path) as walked.pages:
        assert walked.records(site)[f"{net.top}/large"].code == "fetch_too_large"


# Values


def test_a_source_for_jobs_only(tmp_path: Path) -> None:
    from echo_image.fetch import FetchLimits
    from echo_image.image import DecodeLimits
    from echo_image.ingest.sources import SourceContext

    with pytest.raises(UsageError, match="by a job"):
        next(iter(Site("http://a.example").offer(SourceContext(tmp_path, DecodeLimits(), FetchLimits()))))


@pytest.mark.parametrize("url", ["", "ftp://a.example/", "a.example", "http://"])
def test_what_is_no_site(url: str) -> None:
    with pytest.raises(UsageError, match="no web site"):
        Site(url)


@pytest.mark.parametrize(
    "more",
    [
        {"depth": -1},
        {"max_pages": 0},
        {"max_images": 0},
        {"min_side": -1},
        {"delay_s": float("inf")},
        {"hosts": "a.example"},
        {"hosts": ("a.example/b",)},
        {"hosts": ("",)},
        {"include": "x"},
        {"exclude": ("",)},
        {"exclude": ("*" * 21,)},
    ],
)
def test_values_out_of_range(more: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Site("http://a.example", **more)  # type: ignore[arg-type]


def test_a_url_is_made_canonical() -> None:
    site = Site("HTTP://A.Example:80/x/../y?utm_source=z#top")
    assert site.url == site.label == "http://a.example/y"
    assert site.missing() == ""


# Sitemaps


def test_pages_of_sitemaps_are_read(net: Web, tmp_path: Path) -> None:
    net.text("/robots.txt", f"Sitemap: {net.top}/all.xml\nSitemap: http://other.example/x.xml")
    net.text("/all.xml", _sitemap("sitemapindex", "sitemap", f"{net.top}/part.xml.gz"), "application/xml")
    part = _sitemap("urlset", "url", f"{net.top}/alone", f"{net.top}/away.zip", "http://other.example/y")
    net.answers["/part.xml.gz"] = (gzip.compress(part.encode()), {"Content-Type": "application/gzip"}, 200)
    net.page("/", img("/a.jpg"))
    net.page("/alone", img("/b.jpg"), link("/further"))
    net.page("/further", img("/c.jpg"))
    assert walk(Site(net.top, depth=1), tmp_path).urls == net.urls("/a.jpg", "/b.jpg")
    (tmp_path / "again").mkdir()
    assert walk(Site(net.top, sitemaps=False), tmp_path / "again").urls == net.urls("/a.jpg")


def test_a_broken_sitemap_counts_up_to_where_it_breaks(net: Web, tmp_path: Path) -> None:
    net.text("/robots.txt", f"Sitemap: {net.top}/all.xml")
    net.text("/all.xml", _sitemap("urlset", "url", f"{net.top}/x")[:-9] + "<broken", "text/xml")
    net.page("/", img("/a.jpg"))
    net.page("/x", img("/b.jpg"))
    assert walk(Site(net.top), tmp_path).urls == net.urls("/a.jpg", "/b.jpg")


def _sitemap(root: str, entry: str, *urls: str) -> str:
    entries = "".join(f"<{entry}><loc>{url}</loc></{entry}>" for url in urls)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">{entries}</{root}>'
