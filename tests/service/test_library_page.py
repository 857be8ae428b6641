"""The library page in a real browser: looking through a library, finding again, looking at one, removing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from echo_image import open_library
from echo_image.server.access.keys import add_key
from tests.service.axe import audit
from tests.service.browsing import DESKTOP, DEVICES, PHONE, Tabs, too_wide
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, png, serving

CALM: dict[str, Any] = {"reduced_motion": "reduce"}
NUM = 150

# As on a page that was not loaded over a safe connection.
NO_CLIPBOARD = """
    const { clipboard } = navigator;
    globalThis.reallyCopied = () => clipboard.readText();
    Object.defineProperty(navigator, "clipboard", { value: undefined });
"""
# The time in which a removal can be undone, and a second more; the test moves the page's clock.
UNDO_MS = 11_000


def without_clipboard(page: Page) -> None:
    page.add_init_script(NO_CLIPBOARD)


@pytest.fixture(scope="module")
def many(originals: dict[str, Pixels], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """150 small pieces of originals in `many`, each at a location with its number; `none` is empty."""
    path = tmp_path_factory.mktemp("libraries")
    rng = np.random.default_rng(5)
    pieces = list(originals.values())
    with open_library(path / "many") as library, open_library(path / "none") as none:
        for number in range(NUM):
            pixels = pieces[number % len(pieces)]
            y, x = (int(rng.integers(0, side - 200)) for side in pixels.shape[:2])
            piece = pixels[y : y + 120 + number % 80, x : x + 160]
            data = png(piece) if number % 3 == 0 else jpeg(piece)
            attributes = {"number": number, "of": "<b>bold</b>"} if number == 0 else {}
            host = "first" if number < 100 else "second"
            library.add_image(data, f"https://{host}.example/{number:03}.jpg", attributes=attributes)
            if number == 0:
                library.add_image(data, "the-same/000 again.png")
        with serving({"many": library, "none": none}) as service:
            yield service


def images(page: Page) -> Locator:
    """Return the list box of the images, once the first of them is there."""
    expect(page.locator(".image-card:not(.ghost)").first).to_be_visible()
    return page.locator(".image-list")


def active(page: Page) -> Locator:
    """Return the image that the keys act upon."""
    return page.locator(".image-card.active")


def to_the_end(page: Page, *known: int) -> None:
    """Press End as often as more images become known: so many then."""
    for count in known:
        expect(page.locator(f"[aria-posinset='{count}']")).to_have_count(0)
        page.keyboard.press("End")
        expect(active(page)).to_have_attribute("aria-posinset", str(count))
        expect(active(page)).to_be_in_viewport()
        if count < NUM:
            expect(page.locator(f"[aria-posinset='{count + 1}']")).to_be_attached()


@DEVICES
def test_a_library_is_looked_through_to_its_end(tabs: Tabs, many: Service, device: dict[str, Any]) -> None:
    page = tabs.open(many, "library", device=device)
    listed = images(page)
    expect(page.locator("#library-count")).to_have_text(f"{NUM} images")
    first = page.locator(".image-card").first
    expect(first.locator(".image-name")).to_have_text("000.jpg")
    expect(first.locator(".image-note").first).to_contain_text("160 × 120 · PNG ·")
    expect(first.locator(".image-note").last).to_contain_text("2 locations")
    expect(first.locator("img")).not_to_have_js_property("naturalWidth", 0)
    listed.focus()
    to_the_end(page, 60, 120, NUM)
    expect(active(page)).to_contain_text("149.jpg")
    expect(active(page)).to_have_attribute("aria-setsize", str(NUM))
    # However many there are, the document has those near the window only.
    assert page.locator(".image-card").count() < 80
    page.keyboard.press("Home")
    expect(active(page)).to_have_attribute("aria-posinset", "1")
    expect(active(page)).to_be_in_viewport()
    assert not too_wide(page)


def test_scrolling_alone_loads_more(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library")
    images(page)
    for known in (61, 121, NUM):
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        expect(page.locator(f"[aria-posinset='{known}']")).to_be_attached()


def test_back_leads_to_where_one_was(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library?library=many&order=newest")
    images(page).focus()
    to_the_end(page, 60, 120)
    page.keyboard.press("ArrowLeft")
    name = active(page).locator(".image-name").inner_text()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Search with this").click()
    expect(page).to_have_url(f"{many.url}/?image={page.url.partition('image=')[2]}")
    expect(page.locator("#outcome")).to_be_visible()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.go_back()
    images(page)
    expect(page.locator(".image-card.active .image-name")).to_have_text(name)
    expect(active(page)).to_be_in_viewport()
    pages = [url for url in requests if "/api/v1/images?" in url]
    assert len(pages) <= 2, "only what is looked at is asked for again"


def test_filters_and_order_are_in_the_address(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library")
    images(page)
    page.get_by_label("Location contains").fill("second.example")
    expect(page.locator("#library-count")).to_have_text("50 images found")
    expect(page.locator(".image-card").first).to_contain_text("100.jpg")
    page.get_by_label("Order").select_option("newest")
    expect(page.locator(".image-card").first).to_contain_text("149.jpg")
    page.get_by_label("Format").select_option("PNG")
    expect(page.locator("#library-count")).to_have_text("16 images found")
    page.get_by_label("Longer side: from").fill("175")
    expect(page.locator("#library-count")).not_to_have_text("16 images found")
    assert "format=PNG" in page.url
    assert "min_side=175" in page.url
    page.reload()
    images(page)
    expect(page.get_by_label("Location contains")).to_have_value("second.example")
    expect(page.get_by_label("Format")).to_have_value("PNG")
    page.get_by_label("Added: to").fill("2001-02-03")
    expect(page.get_by_role("heading", name="No image fits these filters")).to_be_visible()
    page.locator("#library-state").get_by_role("button", name="Clear filters").click()
    expect(page.locator("#library-count")).to_have_text(f"{NUM} images")
    expect(page.locator(".image-card").first).to_contain_text("149.jpg")


def test_filters_are_folded_on_a_phone(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library", device=PHONE)
    images(page)
    expect(page.get_by_label("Format")).to_be_hidden()
    fold = page.get_by_role("button", name="More filters")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_label("Format")).to_be_visible()
    assert not too_wide(page)


def test_another_library(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library")
    images(page)
    page.get_by_label("Library to search").select_option("none")
    expect(page.get_by_role("heading", name="This library has no images yet")).to_be_visible()
    assert "library=none" in page.url
    page.locator("#library-state").get_by_role("button", name="Add images").click()
    expect(page.locator("#add-files")).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="This library has no images yet")).to_be_visible()


@DEVICES
def test_all_about_one_image(tabs: Tabs, many: Service, device: dict[str, Any]) -> None:
    page = tabs.open(many, "library", device=device)
    images(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".image-card").first.click()
    sheet = page.locator("dialog.detail")
    expect(sheet).to_have_accessible_name("000.jpg")
    for text in ("160 × 120 pixels", "PNG", "2 locations", "<b>bold</b>", "the-same/000 again.png"):
        expect(sheet).to_contain_text(text)
    expect(sheet.get_by_role("link", name="https://first.example/000.jpg")).to_be_visible()
    sheet.get_by_role("button", name="Copy: the-same/000 again.png").click()
    expect(sheet.locator("[role=status]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "the-same/000 again.png"
    sheet.get_by_role("button", name="Next").click()
    expect(sheet).to_have_accessible_name("001.jpg")
    expect(sheet.get_by_role("button", name="Next")).to_be_focused()
    assert not too_wide(page)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.locator(".image-list")).to_be_focused()
    expect(active(page)).to_contain_text("001.jpg")


def test_a_location_is_copied_also_where_the_browser_hides_the_clipboard(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library", before=without_clipboard)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    images(page)
    page.locator(".image-card").first.click()
    sheet = page.locator("dialog.detail")
    sheet.get_by_role("button", name="Copy: the-same/000 again.png").click()
    expect(sheet.locator("[role=status]")).to_have_text("Copied")
    assert page.evaluate("reallyCopied()") == "the-same/000 again.png"


def test_several_are_removed_by_keyboard_and_it_can_be_undone(tabs: Tabs, own_service: Service) -> None:
    page = tabs.open(own_service, "library", before=lambda page: page.clock.install())
    images(page).focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("2 images selected")).to_be_visible()
    page.keyboard.press("Delete")
    question = page.get_by_role("dialog", name="Remove 2 images?")
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".image-list")).to_be_focused()
    expect(page.locator(".image-card")).to_have_count(6)

    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    expect(question.get_by_role("button", name="Remove 2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".image-card")).to_have_count(4)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".image-card")).to_have_count(6)
    assert len(own_service.get("/api/v1/images").json()["images"]) == 6

    page.keyboard.press(" ")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Remove", exact=True).last.click()
    expect(page.locator(".image-card")).to_have_count(5)
    assert len(own_service.get("/api/v1/images").json()["images"]) == 6
    page.clock.fast_forward(UNDO_MS)
    expect(page.locator("#library-count")).to_have_text("5 images")
    assert len(own_service.get("/api/v1/images").json()["images"]) == 5


def test_leaving_the_page_removes_at_once(tabs: Tabs, own_service: Service, files: dict[str, bytes]) -> None:
    page = tabs.open(own_service, "library")
    images(page)
    page.locator(".image-card", has_text="rocket").click()
    page.locator("dialog.detail").get_by_role("button", name="Remove").click()
    page.get_by_role("dialog", name="Remove this image?").get_by_role("button", name="Remove").click()
    expect(page.locator(".image-card")).to_have_count(5)
    page.goto(f"{own_service.url}/docs")
    removed = f"/api/v1/images/{hashlib.sha256(files['rocket']).hexdigest()}"
    asked = 0
    while own_service.get(removed).status_code == 200:
        asked += 1
        assert asked < 2000, "the image is still there"


def test_what_could_not_be_removed_comes_back(tabs: Tabs, own_service: Service) -> None:
    tabs.expected = "503"
    page = tabs.open(own_service, "library", before=lambda page: page.clock.install())
    images(page)
    body = {"error": {"code": "library_busy", "message": "Busy.", "hint": "", "request_id": "r"}}

    def busy(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=503, json=body)
        else:
            route.fallback()

    page.route("**/api/v1/images/*", busy)
    page.locator(".image-list").press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".image-card")).to_have_count(5)
    page.clock.fast_forward(UNDO_MS)
    expect(page.get_by_role("alert")).to_have_text(
        "1 image could not be removed. Another program is changing the library just now."
    )
    expect(page.locator(".image-card")).to_have_count(6)


@pytest.fixture
def guarded(filled: Path, tmp_path: Path) -> Iterator[tuple[Service, str]]:
    """A service that needs a key, and a key that may only read."""
    key = add_key(tmp_path / "keys.json", "reader")
    settings = SETTINGS.override(keys_file=str(tmp_path / "keys.json"))
    with open_library(filled, create=False) as library, serving({"filled": library}, settings) as service:
        yield service, key


def test_a_key_that_may_only_read(guarded: tuple[Service, str], tabs: Tabs) -> None:
    tabs.expected = "401"
    service, key = guarded
    page = tabs.open(service, "library")
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("button", name="Use this key").click()
    images(page)
    expect(page.get_by_text("neither add nor remove images")).to_be_visible()
    expect(page.get_by_role("button", name="Add images")).to_have_count(0)
    page.locator(".image-list").press("Delete")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator(".image-card").first.click()
    expect(page.locator("dialog.detail")).to_be_visible()
    expect(page.locator("dialog.detail").get_by_role("button", name="Remove")).to_have_count(0)


def unanswered(page: Page) -> None:
    page.route("**/api/v1/images?*", lambda route: route.abort())


def test_a_service_that_fails_and_one_that_is_back(tabs: Tabs, many: Service) -> None:
    tabs.expected = "ERR_FAILED"
    page = tabs.open(many, "library", before=unanswered)
    failure = page.locator(".failure")
    expect(failure).to_contain_text("The service does not answer.")
    page.unroute("**/api/v1/images?*")
    failure.get_by_role("button", name="Try again").click()
    images(page)
    expect(failure).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@DEVICES
def test_it_passes_an_audit(tabs: Tabs, many: Service, device: dict[str, Any], scheme: str) -> None:
    page = tabs.open(many, "library?library=many", device=device, color_scheme=scheme, **CALM)
    listed = images(page)
    page.get_by_role("button", name="Add images").click()
    listed.press(" ")
    expect(page.locator(".selection-bar")).to_be_visible()
    assert audit(page) == []
    listed.press("Delete")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert audit(page) == []
    page.keyboard.press("Escape")
    listed.press("Enter")
    expect(page.locator("dialog.detail")).to_be_visible()
    assert audit(page) == []
    page.keyboard.press("Escape")
    page.goto(f"{many.url}/library?library=none")
    expect(page.locator(".library-empty")).to_be_visible()
    assert audit(page) == []


@pytest.mark.parametrize("width", [320, 2560])
def test_the_narrowest_and_the_widest_screen(tabs: Tabs, many: Service, width: int) -> None:
    page = tabs.open(many, "library", device={"viewport": {"width": width, "height": 700}}, locale="ru")
    images(page)
    assert not too_wide(page)
    page.locator("#add-open").click()
    expect(page.locator("#add-urls")).to_be_visible()
    assert not too_wide(page)
    page.locator(".image-card").first.click()
    expect(page.locator("dialog.detail")).to_be_visible()
    assert not too_wide(page)


def test_no_sentence_is_left_in_english(tabs: Tabs, many: Service) -> None:
    page = tabs.open(many, "library", device=DESKTOP, **CALM)
    listed = images(page)
    english: list[str] = page.evaluate(
        """async () => {
            const texts = (await import("/static/languages/en/library.js")).default;
            const forms = (text) => typeof text === "string" ? [text] : Object.values(text);
            return Object.values(texts).flatMap(forms);
        }"""
    )
    sentences = [text for text in english if len(text.split()) > 1 and "{" not in text]
    assert len(sentences) > 30
    page.locator("#add-open").click()
    for language in ("de", "ru", "ja", "ko", "zh"):
        page.select_option("#language", language)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh" else language)
        listed.press("Delete")
        expect(page.locator(".remove-dialog")).to_be_visible()
        seen = [page.locator("body").inner_text()]
        page.keyboard.press("Escape")
        listed.press("Enter")
        expect(page.locator("dialog.detail")).to_be_visible()
        seen.append(page.locator("body").inner_text())
        page.keyboard.press("Escape")
        listed.press("Escape")
        labels: list[str] = page.evaluate(
            "Array.from(document.querySelectorAll('[aria-label]'), (one) => one.getAttribute('aria-label'))"
        )
        text = "\n".join([*seen, *labels])
        assert [one for one in sentences if one in text] == [], language
        assert "library." not in text.replace("library.html", "")
