"""Every way into the search page: dropped, pasted, dragged, photographed, typed, from the library."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import Page, expect

from tests.service.browsing import PHONE, Tabs, cards, choose
from tests.service.serving import Pixels, Service, jpeg, png

# What a browser hands over when something is dropped (`drop`) or pasted (`paste`).
TRANSFER = """([kind, bytes, texts]) => {
    const data = new DataTransfer();
    if (bytes) data.items.add(new File([new Uint8Array(bytes)], "given.png", {type: "image/png"}));
    for (const [type, text] of Object.entries(texts)) data.setData(type, text);
    const about = {bubbles: true, cancelable: true};
    const event = kind === "drop"
        ? new DragEvent("drop", {...about, dataTransfer: data})
        : new ClipboardEvent("paste", {...about, clipboardData: data});
    document.body.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def small(originals: dict[str, Pixels]) -> bytes:
    """The cat, as a small PNG."""
    return png(np.asarray(PIL.Image.fromarray(originals["chelsea"]).resize((300, 200))))


def transfer(page: Page, kind: str, data: bytes | None = None, **texts: str) -> None:
    named = {name.replace("_", "/", 1).replace("_", "-"): text for name, text in texts.items()}
    page.evaluate(TRANSFER, [kind, list(data) if data else None, named])


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_dropped_or_pasted_picture_searches(tabs: Tabs, service: Service, small: bytes, kind: str) -> None:
    page = tabs.open(service)
    transfer(page, kind, small)
    expect(cards(page).first).to_contain_text("chelsea.png")


def test_a_pasted_address_searches(tabs: Tabs, service: Service) -> None:
    tabs.expected = "403"
    page = tabs.open(service)
    transfer(page, "paste", text_plain="http://127.0.0.1:1/a.jpg")
    expect(page.locator(".failure")).to_be_visible()
    expect(page.locator("#url")).to_have_value("http://127.0.0.1:1/a.jpg")


def test_a_typed_address_is_fetched_shown_and_searched(
    tabs: Tabs, fetching_service: Service, web: str
) -> None:
    page = tabs.open(fetching_service)
    page.fill("#url", f"{web}/images/chelsea")
    page.press("#url", "Enter")
    expect(cards(page).first).to_contain_text("chelsea.png")
    # The service shows what it fetched; this browser asks the other host nothing.
    expect(page.locator(".query-picture")).not_to_have_js_property("naturalWidth", 0)
    assert "url=" in page.url
    page.reload()
    expect(cards(page).first).to_contain_text("chelsea.png")


def test_an_image_dragged_from_another_tab_is_searched_by_its_address(
    tabs: Tabs, fetching_service: Service, web: str
) -> None:
    page = tabs.open(fetching_service)
    markup = f'<a href="{web}/page"><img src="{web}/images/coffee" alt=""></a>'
    transfer(page, "drop", text_html=markup, text_uri_list=f"{web}/page")
    expect(cards(page).first).to_contain_text("coffee.png")
    transfer(page, "drop", text_uri_list=f"# a comment\r\n{web}/images/rocket")
    expect(cards(page).first).to_contain_text("rocket.png")


def test_an_image_written_into_a_page_is_searched(tabs: Tabs, service: Service, small: bytes) -> None:
    page = tabs.open(service)
    inside = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    transfer(page, "drop", text_html=f'<img src="{inside}">')
    expect(cards(page).first).to_contain_text("chelsea.png")


def test_a_result_dragged_back_is_an_image_of_the_library(
    tabs: Tabs, service: Service, files: dict[str, bytes], small: bytes
) -> None:
    page = tabs.open(service)
    image = hashlib.sha256(files["rocket"]).hexdigest()
    # With its thumbnail as a file, as browsers add it; the image itself is the better query.
    transfer(page, "drop", small, text_html=f'<img src="{service.url}/api/v1/images/{image}/thumbnail">')
    expect(cards(page).first).to_contain_text("rocket.png")
    assert f"image={image}" in page.url


def test_an_image_of_the_library_by_the_address_and_by_its_link(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    image = hashlib.sha256(files["coffee"]).hexdigest()
    page = tabs.open(service, f"?image={image}")
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.locator(".query-picture")).not_to_have_js_property("naturalWidth", 0)
    link = cards(page).first.get_by_role("link", name="Search with this")
    expect(link).to_have_attribute("href", f"./?image={image}")


def test_the_paste_button_reads_the_clipboard(tabs: Tabs, service: Service, small: bytes) -> None:
    page = tabs.open(service, permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("""() => navigator.clipboard.writeText("no address")""")
    page.click("#paste")
    expect(page.locator("#box-problem")).to_contain_text("neither an image nor a web address")
    page.evaluate(
        """async (bytes) => {
            const blob = new Blob([new Uint8Array(bytes)], {type: "image/png"});
            await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
        }""",
        list(small),
    )
    page.click("#paste")
    expect(cards(page).first).to_contain_text("chelsea.png")
    expect(page.locator("#box-problem")).to_be_empty()


def test_a_clipboard_that_may_not_be_read_says_which_keys_help(tabs: Tabs, service: Service) -> None:
    def deny(page: Page) -> None:
        page.add_init_script("navigator.clipboard.read = () => Promise.reject(new DOMException('no'))")

    page = tabs.open(service, before=deny)
    page.click("#paste")
    expect(page.locator("#box-problem")).to_contain_text("Ctrl+V")


def test_a_phone_offers_its_camera(tabs: Tabs, service: Service, originals: dict[str, Pixels]) -> None:
    page = tabs.open(service, device=PHONE)
    expect(page.get_by_text("Take a photo")).to_be_visible()
    camera = page.locator("#camera")
    expect(camera).to_have_attribute("capture", "environment")
    photograph: Any = {
        "name": "photo.jpg",
        "mimeType": "image/jpeg",
        "buffer": jpeg(originals["coffee"], 60),
    }
    camera.set_input_files(photograph)
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(tabs.open(service).get_by_text("Take a photo")).not_to_be_visible()


def test_what_is_no_picture_is_said_where_it_was_given(tabs: Tabs, service: Service) -> None:
    page = tabs.open(service)
    page.fill("#url", "not an address")
    page.press("#url", "Enter")
    expect(page.locator("#box-problem")).to_contain_text("https://")
    expect(page.locator("#url")).to_be_focused()
    expect(page.locator("#url")).to_have_attribute("aria-invalid", "true")
    page.fill("#url", "")
    expect(page.locator("#box-problem")).to_be_empty()
    transfer(page, "drop", text_plain="no address")
    expect(page.locator("#box-problem")).to_contain_text("neither an image")
    expect(page.locator("#outcome")).not_to_be_visible()


def test_a_newer_search_takes_the_place_of_one_under_way(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    page = tabs.open(service)
    choose(page, files["rocket"], "first.png")
    choose(page, files["coffee"], "second.png")
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.locator("#query-caption")).to_contain_text("second.png")


def test_something_dragged_over_the_page_is_welcomed(tabs: Tabs, service: Service) -> None:
    page = tabs.open(service)
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragover', {bubbles: true, cancelable: true}))")
    expect(page.locator("#veil")).to_be_visible()
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true}))")
    expect(page.locator("#veil")).not_to_be_visible()
