"""The search page in a real browser: from a picture to the proof, and no word to any other host."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from echo_image import open_library
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle, mirrored, png, serving

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOSTILE = "<img src=x onerror=\"document.title='owned'\">\u202egpj.exe"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no browser; expected one of {', '.join(BROWSERS)}")
        pytest.skip(f"no browser; looked for {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


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


class Watch:
    """Everything a page asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )

    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests if not url.startswith(("blob:", "data:"))}


@pytest.fixture
def page(browser: Browser, shown: Service, request: pytest.FixtureRequest) -> Iterator[Page]:
    width = getattr(request, "param", 1280)
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{shown.url}/")
    yield page
    context.close()


def choose(page: Page, data: bytes, name: str = "my photo.jpg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})


def first_match(page: Page) -> Any:
    return page.locator("#matches .match:not(.ghost)").first


def test_a_chosen_picture_is_found_proven_and_nothing_leaves(
    page: Page, shown: Service, originals: dict[str, Pixels]
) -> None:
    watch = Watch(page)
    page.reload()
    choose(page, jpeg(mirrored(middle(originals["astronaut"]))))
    match = first_match(page)
    expect(match).to_contain_text("https://images.example/astronaut.png")
    expect(match.locator(".verdict")).not_to_have_text("Looks alike")
    expect(match.locator(".words")).to_contain_text("mirrored")
    expect(page.locator("#status")).to_contain_text("The best:")
    expect(page.locator("#query-caption")).to_contain_text("my photo.jpg")
    # Laid out and loaded, and not a broken image.
    expect(page.locator("#matches .thumb img").first).not_to_have_js_property("naturalWidth", 0)

    button = match.locator("button.thumb")
    button.press("Enter")
    dialog = page.locator("#evidence")
    expect(dialog.locator("img")).to_be_visible()
    expect(page.locator("#evidence img")).not_to_have_js_property("naturalWidth", 0)
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(button).to_be_focused()

    assert watch.hosts() == {urlsplit(shown.url).netloc}
    assert watch.complaints == []


def test_proven_matches_stand_above_the_line(page: Page, files: dict[str, bytes]) -> None:
    choose(page, files["rocket"])
    expect(first_match(page).locator(".verdict")).to_have_text("The same picture")
    lists = page.locator("#matches > *").evaluate_all("nodes => nodes.map(node => node.className)")
    proven, line = lists.index("matches"), lists.index("line") if "line" in lists else len(lists)
    assert proven < line
    below = page.locator(".line ~ .matches .verdict")
    assert set(below.all_text_contents()) <= {"Looks alike"}


def test_hostile_locations_are_text(page: Page, files: dict[str, bytes]) -> None:
    choose(page, files["coffee"])
    match = first_match(page)
    match.locator("summary").click()
    visible = HOSTILE.replace("\u202e", "\ufffd")
    expect(match.get_by_text(visible, exact=True)).to_be_visible()
    assert page.title() == "Echo-Image"
    assert page.locator("#matches img[src='x']").count() == 0


@pytest.mark.parametrize("page", [360], indirect=True)
def test_a_narrow_screen_shows_all_without_scrolling_sideways(page: Page, files: dict[str, bytes]) -> None:
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(too_wide)
    choose(page, files["coffee"], "a-very-long-name-" * 12 + ".jpg")
    first_match(page).locator("summary").click()
    assert not page.evaluate(too_wide)
    first_match(page).locator("button.thumb").click()
    expect(page.locator("#evidence img")).to_be_visible()
    assert not page.evaluate(too_wide)
    box = page.locator("#evidence").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360


def test_an_address_that_may_not_be_fetched_is_explained(page: Page) -> None:
    page.fill("#url", "http://127.0.0.1:1/private.jpg")
    page.press("#url", "Enter")
    failure = page.locator(".failure")
    expect(failure.locator(".failure-message")).to_be_visible()
    expect(failure.locator(".request-id")).to_contain_text("Request ")
    expect(page.locator("#status")).not_to_be_empty()


def test_a_pasted_picture_and_a_pasted_address_search(page: Page, originals: dict[str, Pixels]) -> None:
    paste = """([bytes, text]) => {
        const data = new DataTransfer();
        if (bytes) data.items.add(new File([new Uint8Array(bytes)], "image.png", {type: "image/png"}));
        if (text) data.setData("text/plain", text);
        document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable:
        true}));
    }"""
    small = png(np.asarray(PIL.Image.fromarray(originals["chelsea"]).resize((300, 200))))
    page.evaluate(paste, [list(small), None])
    expect(first_match(page)).to_contain_text("chelsea.png")
    page.evaluate(paste, [None, "http://127.0.0.1:1/a.jpg"])
    expect(page.locator(".failure")).to_be_visible()
    expect(page.locator("#url")).to_have_value("http://127.0.0.1:1/a.jpg")


def test_a_dropped_picture_searches(page: Page, originals: dict[str, Pixels]) -> None:
    drop = """(bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable:
        true}));
    }"""
    page.evaluate(drop, list(jpeg(originals["coffee"], 50)))
    expect(first_match(page)).to_contain_text("coffee.png")


def test_a_picture_without_detail_says_so(page: Page) -> None:
    flat = io.BytesIO()
    PIL.Image.new("RGB", (300, 200), (80, 120, 160)).save(flat, "PNG")
    choose(page, flat.getvalue(), "flat.png")
    expect(page.locator("#matches .notice")).to_contain_text("detail")


def test_a_library_without_the_picture_says_so(
    browser: Browser, files: dict[str, bytes], tmp_path: Path
) -> None:
    with open_library(tmp_path / "empty") as library, serving({"empty": library}, SETTINGS) as service:
        page = browser.new_page()
        page.goto(f"{service.url}/")
        choose(page, files["coffee"])
        expect(page.locator("#matches .none")).to_contain_text("Nothing found")
        page.close()


def test_the_page_of_the_interface_lists_the_calls(page: Page, shown: Service) -> None:
    watch = Watch(page)
    page.goto(f"{shown.url}/docs")
    expect(page.locator(".call")).not_to_have_count(0)
    expect(page.get_by_text("/api/v1/search", exact=True)).to_be_visible()
    assert watch.hosts() == {urlsplit(shown.url).netloc}
    assert watch.complaints == []
