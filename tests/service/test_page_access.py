"""The search page without a mouse, and audited by axe-core in each of its states, light and dark."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.service import answers
from tests.service.axe import audit
from tests.service.browsing import DEVICES, Tabs, cards, choose, settled
from tests.service.serving import Service


def _results(page: Page, data: bytes) -> None:
    answers.give(page, answers.answer(answers.many()))
    choose(page, data)
    expect(cards(page)).to_have_count(5)
    page.click("#filter-toggle")
    page.click("#filter-part")
    page.click("#filter-part")
    page.click("#more")
    page.locator("#choose-part").press("Enter")
    # The search for the part begins once the hand rests; only then is there an end of it to wait for.
    expect(page).to_have_url(re.compile("region="))
    settled(page)


def _little(page: Page, data: bytes) -> None:
    answers.give(page, answers.answer(answers.many()[-2:], note="too little", note_code="too_little_detail"))
    choose(page, data)
    expect(page.locator("#matches .notice")).to_be_visible()


def _nothing(page: Page, data: bytes) -> None:
    answers.give(page, answers.answer([]))
    choose(page, data)
    expect(page.locator("#matches .none")).to_be_visible()


def _busy(page: Page, data: bytes) -> None:
    answers.give(page, answers.error("overloaded"), status=503, **{"Retry-After": "60"})
    choose(page, data)
    expect(page.locator("#countdown")).to_be_visible()


def _key(page: Page, data: bytes) -> None:
    answers.give(page, answers.error("unauthorized"), status=401)
    choose(page, data)
    expect(page.locator("#key")).to_be_focused()


def _waiting(page: Page, data: bytes) -> None:
    page.route("**/api/v1/search", lambda route: None)
    choose(page, data)
    expect(page.locator("#matches .ghosts")).to_be_visible()


def _start(page: Page, data: bytes) -> None:
    page.fill("#url", "x")
    page.press("#url", "Enter")
    expect(page.locator("#box-problem")).not_to_be_empty()


STATES: dict[str, Callable[[Page, bytes], None]] = {
    "start": _start,
    "waiting": _waiting,
    "results": _results,
    "little_detail": _little,
    "nothing": _nothing,
    "busy": _busy,
    "key": _key,
}


@DEVICES
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_serious(
    tabs: Tabs, service: Service, files: dict[str, bytes], state: str, scheme: Any, device: dict[str, Any]
) -> None:
    tabs.expected = "401|503"
    page = tabs.open(service, device=device, color_scheme=scheme, reduced_motion="reduce")
    STATES[state](page, files["coffee"])
    assert audit(page) == []
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_interface(tabs: Tabs, service: Service, scheme: Any) -> None:
    page = tabs.open(service, "docs", color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator(".call")).not_to_have_count(0)
    page.locator(".call summary").first.click()
    assert audit(page) == []


def test_the_keyboard_alone_reaches_everything(tabs: Tabs, service: Service, files: dict[str, bytes]) -> None:
    page = tabs.open(service)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    answers.give(page, answers.answer(answers.many()))
    choose(page, files["coffee"])
    expect(cards(page)).to_have_count(5)

    reached: list[str] = []
    page.locator("#url").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if reached[-1] == "more":
            break
    wanted = ["choose-part", "copy-link", "filter-toggle", "sort", "export", "thumb", "more"]
    assert [name for name in dict.fromkeys(reached) if name in wanted] == wanted
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

    page.locator("#export").press("Enter")
    expect(page.locator("#export-csv")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#export-csv")).not_to_be_visible()
    expect(page.locator("#export")).to_be_focused()
    page.locator("#filter-toggle").press("Enter")
    page.locator("#filter-min").press("End")
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#filter-min")).to_be_focused()
    expect(page.locator("#status")).to_have_text(re.compile("1 match"))


def test_landmarks_headings_and_regions_have_names(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    page = tabs.open(service)
    answers.give(page, answers.answer(answers.many()))
    choose(page, files["coffee"])
    expect(cards(page)).to_have_count(5)
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page.get_by_role("region", name="Your image")).to_be_visible()
    expect(page.get_by_role("region", name="12 matches")).to_be_visible()
    expect(page.get_by_role("list", name="Proven matches")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    levels: list[int] = page.locator("h1, h2, h3").evaluate_all(
        "nodes => nodes.map(node => +node.tagName[1])"
    )
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
