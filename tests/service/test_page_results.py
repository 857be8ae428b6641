"""The results of the search page: folded, filtered, ordered, exported, and found again by their address."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.service import answers
from tests.service.browsing import DEVICES, Tabs, cards, choose, settled
from tests.service.serving import Pixels, Service, jpeg, middle


def ranks(page: Page) -> list[int]:
    """Return the ranks of the results in the order in which they are shown."""
    found: list[str] = cards(page).evaluate_all("nodes => nodes.map(node => node.dataset.id)")
    return [int(one, 16) for one in found]


@pytest.fixture
def page(tabs: Tabs, service: Service, files: dict[str, bytes]) -> Page:
    """Seventeen made-up results."""
    opened = tabs.open(service, before=lambda page: answers.give(page, answers.answer(answers.many())))
    choose(opened, files["coffee"])
    expect(cards(opened)).to_have_count(5)
    return opened


def filtered(page: Page) -> None:
    page.click("#filter-toggle")
    expect(page.locator("#filter-toggle")).to_have_attribute("aria-expanded", "true")


def test_five_come_first_and_more_for_the_rest(page: Page) -> None:
    expect(page.locator("#found-title")).to_have_text("12 matches, 5 look-alikes")
    page.get_by_role("button", name="Show 10 more").click()
    expect(cards(page)).to_have_count(15)
    # The keyboard goes on with the first of the new ones.
    expect(cards(page).nth(5).locator(".thumb")).to_be_focused()
    page.get_by_role("button", name="Show 2 more").click()
    expect(cards(page)).to_have_count(17)
    expect(page.locator("#more")).to_have_count(0)
    expect(page.locator(".line")).to_contain_text("Only looks alike")


def test_a_hundred_is_left_to_what_is_identical(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    found = [answers.match(1, "identical"), answers.match(2, "copy", score=99.97)]
    page = tabs.open(service, before=lambda page: answers.give(page, answers.answer(found)))
    choose(page, files["coffee"])
    expect(cards(page).locator(".score strong")).to_have_text(["100", "99"])


def test_filters_by_verdict_score_place_size_and_date(page: Page) -> None:
    filtered(page)
    page.click("#filter-edited")
    expect(cards(page).locator(".verdict")).to_have_text(["Edited copy"] * 5)
    page.click("#filter-edited")
    page.click("#filter-identical")
    expect(cards(page)).to_have_count(1)
    page.click("#filter-reset")
    expect(cards(page)).to_have_count(5)

    page.locator("#filter-min").fill("90")
    expect(cards(page).locator(".score strong")).to_have_text(["100", "93", "90"])
    page.locator("#filter-min").fill("0")
    page.select_option("#filter-place", "host1.example")
    expect(cards(page)).to_have_count(5)
    assert all(rank % 3 == 1 for rank in ranks(page))
    page.select_option("#filter-place", "")
    page.select_option("#filter-side", "2000")
    expect(cards(page).locator(".facts")).to_contain_text(["2,000 × 300 px"] * 1)
    page.select_option("#filter-side", "0")
    page.select_option("#filter-days", "30")
    expect(page.locator("#matches .none")).to_contain_text("No result passes the filters")
    page.locator("#matches .none").get_by_role("button").click()
    expect(cards(page)).to_have_count(5)
    assert "days" not in page.url


def test_the_order_keeps_proven_results_above(page: Page) -> None:
    matches = answers.many()
    keys = {
        "newest": lambda match: match["image"]["added_at"],
        "largest": lambda match: match["image"]["width"],
        "alike": lambda match: match["similarity"],
    }
    for order, key in keys.items():
        page.select_option("#sort", order)
        proven = [match for match in matches if match["verdict"] != "similar"]
        wanted = [match["rank"] for match in sorted(proven, key=key, reverse=True)]
        expect(page).to_have_url(re.compile(f"sort={order}"))
        assert ranks(page) == wanted[:5]
    page.select_option("#sort", "best")
    assert ranks(page) == [1, 2, 3, 4, 5]


def test_filters_ask_the_service_where_it_has_more(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    bodies: list[str] = []

    def fulfill(route: Route) -> None:
        body = (route.request.post_data_buffer or b"").decode("latin-1")
        bodies.append(body)
        several = [answers.match(rank, "edited") for rank in range(1, 21)]
        only = [answers.match(rank, "part") for rank in range(30, 33)]
        route.fulfill(json=answers.answer(only if 'name="verdicts"' in body else several))

    tabs.expected = "preview"  # of a query that was never kept
    page = tabs.open(service, before=answers.thumbnails)
    page.route("**/api/v1/search", fulfill)
    choose(page, files["coffee"])
    expect(cards(page)).to_have_count(5)
    page.goto(f"{page.url}&verdicts=part")
    expect(cards(page).locator(".verdict")).to_have_text(["Shares a part"] * 3)
    assert re.search(r'name="verdicts"\r\n\r\npart\r\n', bodies[-1])


@DEVICES
def test_an_address_survives_reload_back_and_forward(
    tabs: Tabs, service: Service, originals: dict[str, Pixels], device: dict[str, Any]
) -> None:
    page = tabs.open(service, device=device)
    start = page.url
    choose(page, jpeg(middle(originals["coffee"])))
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page).to_have_url(re.compile(r"\?q=[0-9a-f]{32}$"))
    page.select_option("#sort", "largest")
    first = page.url
    page.reload()
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.locator("#sort")).to_have_value("largest")
    expect(page.locator("#query-caption")).to_contain_text("my photo.jpg")
    choose(page, jpeg(middle(originals["rocket"])), "rocket.jpg")
    expect(cards(page).first).to_contain_text("rocket.png")
    page.go_back()
    expect(cards(page).first).to_contain_text("coffee.png")
    assert page.url == first
    page.go_back()
    expect(page.locator("#outcome")).not_to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url == start
    page.go_forward()
    expect(cards(page).first).to_contain_text("coffee.png")


def test_a_copied_link_opens_the_same_search_elsewhere(
    tabs: Tabs, service: Service, originals: dict[str, Pixels]
) -> None:
    page = tabs.open(service, permissions=["clipboard-read", "clipboard-write"])
    choose(page, jpeg(middle(originals["coffee"])))
    expect(cards(page).first).to_contain_text("coffee.png")
    page.click("#copy-link")
    expect(page.locator("#query-note")).to_contain_text("Link copied")
    link: str = page.evaluate("navigator.clipboard.readText()")
    other = tabs.open(service, link.removeprefix(f"{service.url}/"))
    expect(cards(other).first).to_contain_text("coffee.png")
    page.bring_to_front()
    cards(page).first.locator(".copy").first.click()
    expect(page.locator("#status")).to_have_text("Location copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "https://images.example/coffee.png"


def test_a_search_that_is_no_longer_kept_says_so(tabs: Tabs, service: Service) -> None:
    tabs.expected = "404"
    page = tabs.open(service, f"?q={'0' * 32}")
    expect(page.locator("#matches .none")).to_contain_text("no longer kept")
    expect(page.locator("#url")).to_be_visible()


def test_results_are_exported_as_csv_that_no_spreadsheet_computes(
    tabs: Tabs, service: Service, files: dict[str, bytes], tmp_path: Path
) -> None:
    found = [
        answers.match(rank, "edited", location=text, locations=[text, 'a "quoted", place\nof two lines'])
        for rank, text in enumerate(answers.FORMULAS, 1)
    ]
    page = tabs.open(service, before=lambda page: answers.give(page, answers.answer(found)))
    choose(page, files["coffee"])
    settled(page)
    page.click("#export")
    with page.expect_download() as download:
        page.click("#export-csv")
    path = tmp_path / "results.csv"
    download.value.save_as(path)
    assert re.fullmatch(r"echo-image-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    data = path.read_bytes().decode("utf-8-sig")
    assert data.count("\r\n") == len(found) + 1
    rows = list(csv.DictReader(io.StringIO(data, newline="")))
    assert [row["location"] for row in rows] == [f"'{text}" for text in answers.FORMULAS]
    assert rows[0]["other_locations"] == 'a "quoted", place\nof two lines'
    assert rows[0]["changes"] == "mirrored; cropped 48"


def test_results_are_exported_as_json_as_they_are_filtered(page: Page, tmp_path: Path) -> None:
    filtered(page)
    page.click("#filter-part")
    expect(cards(page)).to_have_count(4)
    page.click("#export")
    with page.expect_download() as download:
        page.click("#export-json")
    path = tmp_path / "results.json"
    download.value.save_as(path)
    told = json.loads(path.read_text(encoding="utf-8"))
    assert {match["verdict"] for match in told["matches"]} == {"part"}
    assert len(told["matches"]) == 4
    assert told["query"]["name"] == "my photo.jpg"
    expect(page.locator("#status")).to_have_text("4 results exported.")


def test_what_is_searched_by_a_kept_query_is_sent_once(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    sent: list[str] = []
    page = tabs.open(service)

    def record(request: Request) -> None:
        if request.method == "POST":
            sent.append((request.post_data_buffer or b"").decode("latin-1"))

    page.on("request", record)
    choose(page, files["coffee"])
    expect(cards(page)).not_to_have_count(0)
    page.locator("#choose-part").press("Enter")
    expect(page).to_have_url(re.compile("region="))
    settled(page)
    assert len(sent) == 2
    assert 'name="query_id"' not in sent[0]
    assert 'name="query_id"' in sent[1]
    assert 'name="file"' not in sent[1]
    assert parse_qs(urlsplit(page.url).query).keys() == {"q", "region"}
