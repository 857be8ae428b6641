"""The search page in a real browser: from a picture to the proof, and no word to any other host."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import PIL.Image
import pytest
from playwright.sync_api import Page, Route, expect

from echo_image import open_library
from tests.service.browsing import DESKTOP, DEVICES, PHONE, Tabs, cards, choose, settled, too_wide
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle, mirrored, serving

HOSTILE = "<img src=x onerror=\"document.title='owned'\">\u202egpj.exe"


# What a finger cannot hit: less than 24 px wide or high.
TOO_SMALL = """() => [...document.querySelectorAll("button, select, summary, label.button, a.button")]
    .filter((node) => node.checkVisibility({contentVisibilityAuto: true}) && node.getClientRects().length)
    .filter((node) => Math.min(node.offsetWidth, node.offsetHeight) < 24)
    .map((node) => node.outerHTML)"""


@pytest.fixture(scope="module")
def shown(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of the originals, one of them also at a hostile location."""
    path = tmp_path_factory.mktemp("libraries") / "shown"
    with open_library(path) as library:
        for name, data in files.items():
            library.add_image(data, f"https://images.example/{name}.png")
        library.add_image(files["coffee"], "a-path-without-any-place-to-break-" * 8 + ".png")
        library.add_image(files["coffee"], HOSTILE)
        with serving({"shown": library}) as service:
            yield service


@DEVICES
def test_a_chosen_picture_is_found_and_proven(
    tabs: Tabs, shown: Service, originals: dict[str, Pixels], device: dict[str, Any]
) -> None:
    page = tabs.open(shown, device=device)
    choose(page, jpeg(mirrored(middle(originals["astronaut"]))))
    match = cards(page).first
    expect(match).to_contain_text("https://images.example/astronaut.png")
    expect(match.locator(".verdict")).not_to_have_text("Looks alike")
    expect(match.locator(".words")).to_contain_text("mirrored")
    expect(match.locator(".facts")).to_contain_text("512 × 512 px")
    expect(match.locator(".facts")).to_contain_text("PNG")
    expect(page.locator("#status")).to_contain_text("Best:")
    expect(page.locator("#query-caption")).to_contain_text("my photo.jpg")
    # Laid out and loaded, and not a broken image.
    expect(match.locator(".thumb img")).not_to_have_js_property("naturalWidth", 0)

    button = match.locator("button.thumb")
    button.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_proven_matches_stand_above_the_line(tabs: Tabs, shown: Service, files: dict[str, bytes]) -> None:
    page = tabs.open(shown)
    choose(page, files["rocket"])
    expect(cards(page).first.locator(".verdict")).to_have_text("Identical")
    expect(cards(page).first.locator(".score strong")).to_have_text("100")
    kinds = page.locator("#matches > *").evaluate_all("nodes => nodes.map(node => node.className)")
    proven, line = kinds.index("matches proven"), kinds.index("line") if "line" in kinds else len(kinds)
    assert proven < line
    below = page.locator(".line ~ .matches .verdict")
    assert set(below.all_text_contents()) <= {"Looks alike"}


def test_hostile_locations_are_text(tabs: Tabs, shown: Service, files: dict[str, bytes]) -> None:
    page = tabs.open(shown)
    choose(page, files["coffee"])
    cards(page).first.locator("summary").click()
    visible = HOSTILE.replace("\u202e", "\ufffd")
    expect(cards(page).first.get_by_text(visible, exact=True)).to_be_visible()
    assert page.title() == "Echo-Image"
    assert page.locator("#matches img[src='x']").count() == 0


@pytest.mark.parametrize("width", [320, 390, 834, 1280, 2560])
def test_no_width_scrolls_sideways(tabs: Tabs, shown: Service, files: dict[str, bytes], width: int) -> None:
    device = {**(PHONE if width < 700 else DESKTOP), "viewport": {"width": width, "height": 800}}
    page = tabs.open(shown, device=device, locale="de-DE")
    assert not too_wide(page)
    choose(page, files["coffee"], "a-very-long-name-" * 12 + ".jpg")
    cards(page).first.locator("summary").click()
    page.locator("#filter-toggle").click()
    expect(page.locator(".filter-panel")).to_be_visible()
    assert not too_wide(page)
    assert page.evaluate(TOO_SMALL) == []


def test_an_address_that_may_not_be_fetched_is_explained(tabs: Tabs, shown: Service) -> None:
    tabs.expected = "403"
    page = tabs.open(shown)
    page.fill("#url", "http://127.0.0.1:1/private.jpg")
    page.press("#url", "Enter")
    failure = page.locator(".failure")
    expect(failure.locator(".failure-message")).to_have_text("The service may not fetch from this address.")
    expect(failure.locator(".request-id")).to_contain_text("Request ")
    expect(page.locator("#status")).to_contain_text("may not fetch")


def test_a_picture_without_detail_says_so(tabs: Tabs, shown: Service) -> None:
    flat = io.BytesIO()
    PIL.Image.new("RGB", (300, 200), (80, 120, 160)).save(flat, "PNG")
    page = tabs.open(shown)
    choose(page, flat.getvalue(), "flat.png")
    expect(page.locator("#matches .notice")).to_contain_text("Too little detail")
    expect(page.locator("#status")).to_contain_text("Too little detail")


def test_a_library_without_the_picture_says_so(tabs: Tabs, files: dict[str, bytes], service: Service) -> None:
    page = tabs.open(service)
    noise = PIL.Image.effect_noise((400, 300), 90)
    file = io.BytesIO()
    noise.save(file, "PNG")
    page.route("**/api/v1/search", lambda route: _without_matches(route))
    choose(page, file.getvalue())
    expect(page.locator("#matches .none")).to_contain_text("Not in this library")


def _without_matches(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "matches": []})


def test_an_empty_library_leads_to_where_images_are_added(tabs: Tabs, tmp_path: Any) -> None:
    with open_library(tmp_path / "empty") as library, serving({"empty": library}, SETTINGS) as service:
        page = tabs.open(service)
        expect(page.locator("#holding")).to_contain_text("still empty")
        expect(page.locator("#holding a")).to_have_attribute("href", "library")


def test_another_library_is_searched_and_remembered_by_the_address(
    tabs: Tabs, files: dict[str, bytes], tmp_path: Any
) -> None:
    with (
        open_library(tmp_path / "first") as first,
        open_library(tmp_path / "second") as second,
        serving({"first": first, "second": second}, SETTINGS) as service,
    ):
        second.add_image(files["coffee"], "https://images.example/coffee.png")
        page = tabs.open(service)
        page.select_option("#library", "second")
        choose(page, files["coffee"])
        expect(cards(page).first).to_contain_text("coffee.png")
        assert "library=second" in page.url
        page.reload()
        expect(cards(page).first).to_contain_text("coffee.png")
        expect(page.locator("#library")).to_have_value("second")
        page.select_option("#library", "first")
        settled(page)
        expect(page.locator("#matches .none")).to_be_visible()


def test_the_page_of_the_interface_lists_the_calls(tabs: Tabs, shown: Service) -> None:
    page = tabs.open(shown, "docs")
    expect(page.locator(".call")).not_to_have_count(0)
    expect(page.get_by_text("/api/v1/search", exact=True)).to_be_visible()
    expect(page.locator("#calls h2").first).to_have_text("Search")
    shown_first = page.locator(".call").first
    shown_first.locator("summary").click()
    expect(shown_first.locator(".example")).to_have_text(
        f"curl -F file=@photo.jpg '{shown.url}/api/v1/search'"
    )


def test_the_theme_is_chosen_by_hand_and_kept(tabs: Tabs, shown: Service) -> None:
    def paper(page: Page) -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    page = tabs.open(shown, color_scheme="light")
    light = paper(page)
    page.click("#theme")  # system → light
    page.click("#theme")  # light → dark
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = paper(page)
    assert dark != light
    page.reload()
    expect(page.locator("#main")).to_be_visible()
    assert paper(page) == dark
