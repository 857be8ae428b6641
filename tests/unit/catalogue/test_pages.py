"""The tables of web pages and of the images on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image.catalogue import UNKNOWN, Catalogue, NewImage, Place, create
from echo_image.catalogue.items import ItemResult, NewItem
from echo_image.catalogue.pages import FoundImage, JobPages, NewPage, PageResult

SITE = "http://a.example/"


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    create(tmp_path / "catalogue.sqlite", {})
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", writable=True)
    yield catalogue
    catalogue.close()


@pytest.fixture
def pages(catalogue: Catalogue) -> JobPages:
    return catalogue.pages.of(catalogue.jobs.create("add", "library", {}).id)


def test_pages_wait_by_depth_and_then_by_url(pages: JobPages) -> None:
    pages.add(SITE, [NewPage("b", 1), NewPage("z", 0), NewPage("a", 1), NewPage("c", 2)])
    (first,) = pages.waiting(SITE, limit=9)
    assert (first.url, first.depth) == ("z", 0)
    assert pages.waiting(SITE, limit=9, without=[first.id]) == []  # its links are not known yet
    pages.finish(PageResult(first.id, "done"))
    one, two = pages.waiting(SITE, limit=9)
    assert [one.url, two.url] == ["a", "b"]
    assert pages.waiting(SITE, limit=1, without=[one.id]) == [two]
    assert pages.counts() == {"waiting": 3, "done": 1, "failed": 0, "skipped": 0}


def test_a_page_that_waits_may_come_nearer_and_nothing_else(pages: JobPages) -> None:
    pages.add(SITE, [NewPage("a", 2), NewPage("b", 2)])
    pages.add(SITE, [NewPage("a", 1), NewPage("b", 3)])
    assert {record.url: record.depth for record in pages.rows(SITE)} == {"a": 1, "b": 2}
    (a,) = pages.waiting(SITE, limit=9)
    pages.finish(PageResult(a.id, "failed", "fetch_failed", "x" * 9000, 404, 3))
    pages.add(SITE, [NewPage("a", 0)])
    record = pages.get(SITE, "a")
    assert record is not None
    assert (record.depth, record.state, record.http_status, record.attempts) == (1, "failed", 404, 3)
    assert len(record.reason) == 500
    assert pages.known_pages(SITE, ["a", "b", "c"]) == {"a": 0, "b": 2}
    assert pages.num_asked(SITE) == 1


def test_skipped_pages_do_not_wait(pages: JobPages) -> None:
    pages.add(SITE, [NewPage("a", 0, "robots", "excluded"), NewPage("b", 0)])
    assert [page.url for page in pages.waiting(SITE, limit=9)] == ["b"]
    pages.skip_waiting(SITE, "page_limit", "enough")
    assert pages.num_waiting(SITE) == 0
    assert [record.code for record in pages.rows(SITE)] == ["robots", "page_limit"]


def test_sites_and_jobs_have_pages_of_their_own(catalogue: Catalogue, pages: JobPages) -> None:
    other = catalogue.pages.of(catalogue.jobs.create("add", "library", {}).id)
    pages.add(SITE, [NewPage("a", 0)])
    pages.add("http://b.example/", [NewPage("a", 5)])
    assert other.counts() == {}
    assert catalogue.pages.counts(other.job) is None
    assert pages.num_waiting(SITE) == 1
    pages.found([FoundImage("i", "a", 0, "")])
    assert other.known_images(["i"]) == set()
    catalogue.jobs.forget(pages.job)
    assert pages.counts() == {}
    assert pages.num_images() == 0


def test_failed_pages_wait_again(pages: JobPages) -> None:
    pages.add(SITE, [NewPage("a", 0), NewPage("b", 0)])
    a, b = pages.waiting(SITE, limit=2)
    pages.finish(PageResult(a.id, "failed", "x"))
    pages.finish(PageResult(b.id, "done"))
    assert pages.retry_failed() == 1
    assert [page.url for page in pages.waiting(SITE, limit=2)] == ["a"]


def test_where_a_redirect_leads_is_kept_in_full(pages: JobPages) -> None:
    pages.add(SITE, [NewPage("a", 0)])
    pages.finish(PageResult(pages.waiting(SITE, limit=1)[0].id, "skipped", "redirect", "b" * 3000, 301))
    assert pages.redirect_of(SITE, "a") == "b" * 3000
    assert pages.redirect_of(SITE, "b") == ""


def test_the_final_page_of_an_image_does_not_depend_on_the_order(catalogue: Catalogue) -> None:
    shown = [
        FoundImage("i", "b", 1, "one"),
        FoundImage("i", "a", 1, "two"),
        FoundImage("i", "a", 2, "three"),
        FoundImage("i", "a", 1, "four", counts=False),
    ]
    for order in itertools.permutations(shown):
        pages = catalogue.pages.of(catalogue.jobs.create("add", "library", {}).id)
        for image in order:
            pages.found([image])
        first = {"page": order[0].page, "alt": order[0].alt}
        final = {"i": first} | dict(pages.moved())
        assert final == {"i": {"page": "a", "alt": "four"}}
        assert ("i" in dict(pages.moved())) is (order[0].alt != "four")
        assert pages.num_images() == 1


def test_known_images_are_asked_for_in_any_number(pages: JobPages) -> None:
    pages.found(FoundImage(f"i{n}", "a", 0, "") for n in range(2000))
    assert len(pages.known_images([f"i{n}" for n in range(5000)])) == 2000
    assert pages.known_images([]) == set()


@pytest.mark.parametrize(
    ("side", "num_shown", "num_pages", "status", "is_repeated"),
    [
        (399, 11, 20, "added", True),
        (400, 20, 20, "added", False),
        (399, 10, 20, "added", False),
        (100, 20, 100, "added", False),
        (100, 21, 100, "added", True),
        (100, 21, 100, "unchanged", False),
    ],
)
def test_decoration(
    catalogue: Catalogue,
    pages: JobPages,
    side: int,
    num_shown: int,
    num_pages: int,
    status: str,
    is_repeated: bool,
) -> None:
    pages.add(SITE, [NewPage(f"p{n}", 0) for n in range(num_pages)])
    for n, page in enumerate(pages.waiting(SITE, limit=num_pages)):
        pages.finish(PageResult(page.id, "done", num_images=1))
        if n < num_shown:
            pages.found([FoundImage("http://a.example/logo.png", page.url, 0, "")])
    new = NewImage(b"1" * 32, b"2" * 32, 1000, side, "PNG", 10, 100, 5)
    key = catalogue.add_image(new, Place(1, 0, 0, 0))
    catalogue.set_location("http://a.example/logo.png", key, UNKNOWN)
    catalogue.items.offer(pages.job, 1, [NewItem("http://a.example/logo.png", "url", "pending")], now=1)
    (item,) = catalogue.items.pending(pages.job, "url", after=0, limit=2)
    catalogue.items.finish(pages.job, [ItemResult(item.id, status)], now=2)
    assert pages.repeated() == ["http://a.example/logo.png"] * is_repeated
