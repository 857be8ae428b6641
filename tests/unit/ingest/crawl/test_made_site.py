"""The small form of the made site is crawled, and what is found compared with the truth that it knows."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from echo_image import Site, open_library
from echo_image.ingest.crawl import crawling
from echo_image.ingest.crawl.reading import FetchedPage, read_fetched
from echo_image.ingest.crawl.traps import Traps
from echo_image.ingest.web import Page
from echo_image.library.limits import Limits
from tests.sites.pictures import Pictures
from tests.sites.server import SiteServer, serving
from tests.sites.shop import Size
from tests.sites.walking import HASTY, LOCAL, Walked, remembering, walk


@pytest.fixture
def shop() -> Iterator[SiteServer]:
    with serving(Size(categories=2, products=12, images=6), Pictures.drawn()) as server:
        yield server


def check(walked: Walked, shop: SiteServer, folder: Path) -> None:
    """Compare what was offered with the truth."""
    truth = shop.site.truth()
    offered = [item.location for item in walked.items]
    assert set(offered) - truth.offered == set()
    assert truth.offered - set(offered) == set()
    assert len(offered) == len(set(offered))
    assert {item.location for item in walked.items if item.code == "robots"} == {
        url for url, why in truth.refused.items() if why == "robots"
    }
    site = Site(shop.site.start)
    with remembering(folder) as walked.pages:
        final = {
            url: (attributes["page"], attributes.get("alt", ""))
            for url, attributes in walked.final_attributes().items()
        }
        records = walked.records(site)
    assert {url: final[url] for url in truth.taken} == truth.taken
    assert {url: records[url].depth for url in truth.pages} == truth.pages
    assert all(records[url].state in ("done", "skipped") for url in truth.pages)


def test_all_that_it_must_find_and_nothing_else(shop: SiteServer, tmp_path: Path) -> None:
    site = Site(shop.site.start)
    walked = walk(site, tmp_path)
    check(walked, shop, tmp_path)
    # The calendar has no end; it was left when it had shown nothing new for long.
    with remembering(tmp_path) as walked.pages:
        records = walked.records(site)
    months = [record for url, record in records.items() if "/calendar/" in url]
    assert 200 <= len(months) <= 260
    assert [month.code for month in months if month.state == "skipped"] == ["trap"]
    # Nobody was asked for what was not to be asked for, nor twice for what was there.
    disallowed = [url for url, page in shop.site.pages.items() if page.disallowed]
    assert not any(shop.counts[url] for url in disallowed)
    assert all(shop.counts[url] <= 4 for url in shop.counts)


def test_a_walk_that_is_killed_again_and_again_finds_the_same(
    shop: SiteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawling, "Traps", lambda: Traps(max_barren=20))
    rng = random.Random(4)
    site = Site(shop.site.start)
    together = None
    kills = 0
    while True:
        walked = walk(site, tmp_path, stop_after=rng.randint(0, 24))
        if together is None:
            together = walked
        else:
            together.items += walked.items
        with remembering(tmp_path) as pages:
            if pages.counts().get("waiting") == 0:
                break
        kills += 1
    assert kills > 3
    check(together, shop, tmp_path)


def read_or_die(page: FetchedPage) -> Page:
    """A parser that one page kills; the task of a worker."""
    if page.url.endswith("/deadend.html"):
        os.abort()
    return read_fetched(page)


def test_a_parser_that_breaks_costs_one_page(
    shop: SiteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawling, "read_fetched", read_or_die)
    site = Site(shop.site.start)
    walked = walk(site, tmp_path)
    assert {item.location for item in walked.items} == shop.site.truth().offered
    with remembering(tmp_path) as walked.pages:
        record = walked.records(site)[f"{shop.site.start}deadend.html"]
    assert (record.state, record.code) == ("failed", "worker_crashed")


def test_a_library_has_what_the_truth_says(
    shop: SiteServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echo_image.ingest.jobs.run.Politeness", lambda **_: HASTY)
    truth = shop.site.truth()
    quick = replace(LOCAL, timeout_s=1.5, max_bytes=2**20)  # some of its images never end
    with open_library(tmp_path / "l", settings=Limits(fetch=quick, workers=1)) as library:
        report = library.add(Site(shop.site.start))
        records = list(library.export())
        codes = {item.location: item.code for item in library.jobs.items(report.job)}
    got = {location for record in records for location in record["locations"]}
    assert got == set(truth.taken)
    assert all(codes[url] == why for url, why in truth.refused.items() if why in ("robots", "too_small"))
    assert all(codes[url] == "repeated" for url, why in truth.refused.items() if why == "repeated")
