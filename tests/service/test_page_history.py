"""Back and Forward on the search page, through proofs and libraries; and what the narrowest screens hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from echo_image import open_library
from tests.service.browsing import DESKTOP, DEVICES, Tabs, cards, choose, settled
from tests.service.serving import SETTINGS, Service, serving

# What sticks out of its card, and whether a verdict lies upon its score.
STICKS_OUT = """[...document.querySelectorAll(".match")].flatMap((card) => {
    const edge = card.getBoundingClientRect().right;
    const range = document.createRange();
    const parts = card.querySelectorAll(".words li, .verdict, .score strong, .place, .facts li, .button");
    return [...parts].filter((part) => {
        range.selectNodeContents(part);
        return [...range.getClientRects()].some((box) => box.right > edge);
    }).map((part) => part.textContent);
})"""
OVERLAPS = """[...document.querySelectorAll(".match-head")].filter((head) => {
    const verdict = head.querySelector(".verdict").getBoundingClientRect();
    return verdict.right > head.querySelector(".score strong").getBoundingClientRect().left + 1;
}).length"""


@DEVICES
def test_back_closes_the_proof_and_nothing_else(
    tabs: Tabs, service: Service, files: dict[str, bytes], device: dict[str, Any]
) -> None:
    page = tabs.open(service, device=device)
    choose(page, files["coffee"])
    settled(page)
    address, before = page.url, len(tabs.watch.requests)
    why = cards(page).first.get_by_role("button", name="Show why", exact=True)
    for leave in (page.go_back, lambda: page.keyboard.press("Escape")):
        why.click()
        expect(page.get_by_role("tab").first).to_be_visible()
        leave()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(why).to_be_focused()
        expect(cards(page)).not_to_have_count(0)
        assert page.url == address
    searches = [url for url in tabs.watch.requests[before:] if url.endswith("/search")]
    assert searches == []
    page.go_back()
    expect(page.locator("#outcome")).to_be_hidden()


def test_another_library_is_offered_where_nothing_is_found_and_back_leads_out_of_it(
    tabs: Tabs, files: dict[str, bytes], tmp_path: Any
) -> None:
    with (
        open_library(tmp_path / "first") as first,
        open_library(tmp_path / "second") as second,
        open_library(tmp_path / "third") as third,
        serving({"first": first, "second": second, "third": third}, SETTINGS) as service,
    ):
        first.add_image(files["rocket"], "https://images.example/rocket.png")
        second.add_image(files["coffee"], "https://images.example/coffee.png")
        page = tabs.open(service, "?library=first")
        choose(page, files["coffee"])
        nothing = page.locator("#matches .none")
        expect(nothing).to_contain_text("Not in this library")
        expect(nothing.get_by_role("button")).to_have_text(["Search in second"])
        nothing.get_by_role("button").click()
        expect(cards(page).first).to_contain_text("coffee.png")
        expect(page.locator("#library")).to_have_value("second")
        page.go_back()
        expect(nothing).to_contain_text("Not in this library")
        expect(page.locator("#library")).to_have_value("first")
        page.go_forward()
        expect(cards(page).first).to_contain_text("coffee.png")


@pytest.mark.parametrize("language", ["en", "de", "ru", "ja", "ko", "zh"])
def test_nothing_sticks_out_of_a_card_on_a_narrow_phone(
    tabs: Tabs, service: Service, files: dict[str, bytes], language: str
) -> None:
    page = tabs.open(service, device={"viewport": {"width": 320, "height": 700}}, locale=language)
    page.route("**/api/v1/search", _much_done)
    choose(page, files["coffee"])
    expect(cards(page).first.locator(".words li")).to_have_count(5)
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate(OVERLAPS) == 0


def _much_done(route: Route) -> None:
    response = route.fetch()
    answer = response.json()
    changes = [("mirrored", []), ("cropped", [73]), ("coloured", []), ("darker", []), ("covered", [])]
    for match in answer["matches"]:
        match["verdict"] = "part"
        match["transform"]["changes"] = [{"code": code, "values": values} for code, values in changes]
    route.fulfill(response=response, body=json.dumps(answer))


def test_a_file_that_cannot_be_read_invites_nobody_to_choose_a_part(tabs: Tabs, service: Service) -> None:
    tabs.expected = "415"
    page = tabs.open(service, device=DESKTOP)
    choose(page, b"x" * 900, "notes.jpg")
    expect(page.locator(".failure")).to_be_visible()
    expect(page.locator("#query-caption")).to_contain_text("900 bytes")
    expect(page.locator("#region-help")).to_be_hidden()


def test_paper_has_the_matches_and_no_buttons(tabs: Tabs, service: Service, files: dict[str, bytes]) -> None:
    page = tabs.open(service)
    choose(page, files["coffee"])
    settled(page)
    page.emulate_media(media="print")
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.locator("#box")).to_be_hidden()
    expect(cards(page).first.get_by_role("button", name="Copy location")).to_have_count(0)
    assert page.locator("#query img").is_visible()
