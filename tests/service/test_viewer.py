"""The proof viewer in a real browser: what it shows is true, and all of it can be reached."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import Route, expect

from tests.service.axe import audit
from tests.service.browsing import DEVICES, PHONE, Tabs, cards, choose, too_wide
from tests.service.proving import explained, middles, proof, ready, seen, show
from tests.service.serving import Pixels, Service, jpeg, middle, mirrored

MODES = ("beside", "points", "swipe", "blink", "overlay", "heat")
CALM: dict[str, Any] = {"reduced_motion": "reduce"}
_OPEN = """async ([query, match, matches]) => {
    const { openViewer } = await import("/static/viewer/viewer.js");
    await openViewer({ query, match, matches });
}"""


@pytest.fixture(scope="module")
def query(originals: dict[str, Pixels]) -> bytes:
    """A mirrored crop of one original."""
    return jpeg(mirrored(middle(originals["astronaut"])), 90)


@DEVICES
def test_it_opens_says_what_was_done_and_gives_the_focus_back(
    tabs: Tabs, service: Service, query: bytes, device: dict[str, Any]
) -> None:
    page = tabs.open(service, device=device)
    dialog = proof(page, query)
    expect(dialog).to_have_accessible_name("Why they match")
    expect(dialog.locator(".viewer-place")).to_have_text("https://images.example/astronaut.png")
    expect(dialog).to_contain_text("It was mirrored.")
    expect(dialog).to_contain_text("It was cropped to 49% of the found image.")
    expect(dialog.locator("[role=tab]")).to_have_count(len(MODES))
    for number in dialog.locator(".viewer-numbers > div").all():
        assert number.locator("strong").inner_text().strip()
        assert number.locator("dd").inner_text().endswith(".")
    assert not too_wide(page)
    if device is PHONE:
        box = dialog.bounding_box()
        assert box is not None
        assert (round(box["width"]), round(box["height"])) == (390, 844)
    density = page.evaluate("devicePixelRatio")
    canvas = page.locator(".viewer-canvas")
    expect(canvas).to_have_js_property("width", round(canvas.evaluate("c => c.clientWidth") * density))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(cards(page).first.locator("button.thumb")).to_be_focused()


def test_the_numbers_are_those_of_the_service(
    tabs: Tabs, service: Service, query: bytes, files: dict[str, bytes]
) -> None:
    match = explained(service, query, files["astronaut"])["match"]
    dialog = proof(tabs.open(service), query)
    told = dialog.locator(".viewer-numbers strong").all_inner_texts()
    assert told == [
        str(int(match["score"])),
        str(round(match["similarity"])),
        f"{match['ssim']:.2f}",
        f"{match['orb'] * 100:.0f}%",
        str(match["inliers"]),
        f"{match['query_overlap'] * 100:.0f}%",
        f"{match['match_overlap'] * 100:.0f}%",
    ]


def test_the_same_place_stays_in_view_in_both(tabs: Tabs, service: Service, query: bytes) -> None:
    page = tabs.open(service)
    proof(page, query)
    page.get_by_label("Outline the shared part").uncheck()
    canvas = page.locator(".viewer-canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.45)
    for _ in range(6):
        page.mouse.wheel(0, -300)
    expect(canvas).not_to_have_attribute("data-zoom", "1.00")
    canvas.focus()
    apart = []
    for key in ("+", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight", "-"):
        page.keyboard.press(key)
        one, other = middles(page)
        apart.append(np.abs(one - other).max())
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    one, other = middles(page)
    apart.append(np.abs(one - other).max())
    # The found image is a thumbnail of 320 px, so edges are soft; elsewhere in it, colours are 100 apart.
    assert np.median(apart) < 12, apart
    assert max(apart) < 45, apart
    page.keyboard.press("0")
    expect(canvas).to_have_attribute("data-zoom", "1.00")


def test_zoom_by_buttons_and_two_fingers(tabs: Tabs, service: Service, query: bytes) -> None:
    page = tabs.open(service, device=PHONE)
    proof(page, query)
    page.get_by_role("button", name="Zoom in").click()
    canvas = page.locator(".viewer-canvas")
    expect(canvas).to_have_attribute("data-zoom", "1.50")
    expect(page.locator(".viewer-zoom")).to_have_text("150%")
    page.get_by_role("button", name="See all").click()
    expect(canvas).to_have_attribute("data-zoom", "1.00")
    canvas.evaluate(
        """(canvas) => {
            const box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};
            const finger = (name, id, x) => canvas.dispatchEvent(new PointerEvent(name, {
                pointerId: id, clientX: box.left + x, clientY: box.top + 60, button: 0, bubbles: true}));
            finger("pointerdown", 11, 100);
            finger("pointerdown", 12, 200);
            finger("pointermove", 12, 300);
            finger("pointerup", 11, 100);
            finger("pointerup", 12, 300);
        }"""
    )
    expect(canvas).to_have_attribute("data-zoom", "2.00")


def test_lines_by_keyboard_and_by_hovering(
    tabs: Tabs, service: Service, query: bytes, files: dict[str, bytes]
) -> None:
    told = explained(service, query, files["astronaut"])
    page = tabs.open(service)
    dialog = proof(page, query)
    show(page, "points")
    line = dialog.locator(".viewer-line")
    expect(line).to_have_text(f"{len(told['points'])} points in common. Point at one to follow its line.")
    canvas = page.locator(".viewer-canvas")
    plain = seen(page)
    canvas.press("n")
    points = sorted(told["points"], key=lambda point: (point[0], point[1]))
    first = [round(value + 1e-9) for value in points[0]]
    expect(line).to_contain_text(f"Line 1 of {len(points)}: {first[0]}, {first[1]} in yours")
    assert (seen(page) != plain).any(), "one line stands out"
    canvas.press("p")
    expect(line).to_contain_text(f"Line {len(points)} of {len(points)}")
    dialog.get_by_role("button", name="Next line").click()
    expect(canvas).to_have_attribute("data-line", "0")

    box = canvas.bounding_box()
    assert box is not None
    pane = (box["width"] - 8) / 2
    chosen = points[len(points) // 2]
    size = told["image"]
    scale = min(pane / size["width"], box["height"] / size["height"])
    x = box["x"] + pane + 8 + pane / 2 + (chosen[2] - size["width"] / 2 + 0.5) * scale
    y = box["y"] + box["height"] / 2 + (chosen[3] - size["height"] / 2 + 0.5) * scale
    page.mouse.move(x, y)
    expect(canvas).not_to_have_attribute("data-line", "0")
    hovered = points[int(canvas.get_attribute("data-line") or -1)]
    assert np.hypot(hovered[2] - chosen[2], hovered[3] - chosen[3]) * scale < 6, "the nearest end"
    page.mouse.move(box["x"] - 20, box["y"] - 20)
    expect(canvas).to_have_attribute("data-line", "0")


def test_a_tap_chooses_a_line(tabs: Tabs, service: Service, query: bytes, files: dict[str, bytes]) -> None:
    told = explained(service, query, files["astronaut"])
    page = tabs.open(service, device=PHONE)
    proof(page, query)
    show(page, "points")
    canvas = page.locator(".viewer-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    # The found image stands below the query.
    pane, size, point = (box["height"] - 8) / 2, told["image"], told["points"][0]
    scale = min(box["width"] / size["width"], pane / size["height"])
    x = box["x"] + box["width"] / 2 + (point[2] - size["width"] / 2 + 0.5) * scale
    y = box["y"] + pane + 8 + pane / 2 + (point[3] - size["height"] / 2 + 0.5) * scale
    page.touchscreen.tap(x, y)
    expect(canvas).not_to_have_attribute("data-line", "-1")
    expect(page.locator(".viewer-line")).to_contain_text("Line ")


def test_the_slider_by_range_and_by_its_handle(tabs: Tabs, service: Service, query: bytes) -> None:
    page = tabs.open(service)
    dialog = proof(page, query)
    show(page, "swipe")
    divider = dialog.get_by_role("slider", name="Divider")
    divider.press("Home")
    expect(divider).to_have_value("0")
    match = seen(page)
    divider.press("End")
    expect(divider).to_have_attribute("aria-valuetext", "100%")
    assert np.abs(seen(page) - match).mean() > 0.5, "the whole query where the whole match was"
    canvas = page.locator(".viewer-canvas")
    divider.fill("50")
    box = canvas.bounding_box()
    assert box is not None
    middle_y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle_y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, middle_y, steps=3)
    page.mouse.up()
    expect(divider).not_to_have_value("50")
    expect(canvas).to_have_attribute("data-zoom", "1.00")


def test_blinking_is_slow_can_be_paused_and_waits_where_motion_is_unwanted(
    tabs: Tabs, service: Service, query: bytes
) -> None:
    page = tabs.open(service, reduced_motion="no-preference")
    dialog = proof(page, query)
    show(page, "blink")
    name = dialog.locator(".viewer-name.first")
    expect(name).to_have_text("Found image")
    expect(name).to_have_text("Your image")
    interval = dialog.get_by_role("slider", name="Seconds each")
    # Two changes are one flash, and three flashes a second are the most that is safe.
    assert int(interval.get_attribute("min") or 0) >= 334
    dialog.get_by_role("button", name="Pause").click()
    expect(dialog.get_by_role("button", name="Play")).to_be_visible()

    calm = tabs.open(service, **CALM)
    dialog = proof(calm, query)
    show(calm, "blink")
    expect(dialog.get_by_role("button", name="Play")).to_be_visible()
    name = dialog.locator(".viewer-name.first")
    expect(name).to_have_text("Your image")
    dialog.get_by_role("button", name="Show the other").click()
    expect(name).to_have_text("Found image")


def test_overlay_differences_and_outline_change_what_is_seen(
    tabs: Tabs, service: Service, query: bytes
) -> None:
    page = tabs.open(service)
    dialog = proof(page, query)
    outlined = seen(page)
    dialog.get_by_label("Outline the shared part").uncheck()
    assert np.abs(seen(page) - outlined).max() > 30
    for mode, name in (("overlay", "Your image shows"), ("heat", "Strength of colour")):
        show(page, mode)
        opacity = dialog.get_by_role("slider", name=name)
        opacity.press("Home")
        without = seen(page)
        opacity.press("End")
        assert np.abs(seen(page) - without).max() > 10
    expect(dialog.locator(".viewer-legend")).to_contain_text("different")
    expect(dialog.locator(".viewer-legend")).to_contain_text("On average 0.9")


def test_tabs_by_keyboard_and_the_mode_is_kept(tabs: Tabs, service: Service, query: bytes) -> None:
    page = tabs.open(service, **CALM)
    proof(page, query)
    page.locator("#viewer-tab-beside").focus()
    for mode in MODES[1:]:
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#viewer-tab-{mode}")).to_be_focused()
        expect(page.locator(f"#viewer-tab-{mode}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(page.locator("#viewer-tab-beside")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".viewer-canvas")).to_be_focused()


def test_why_this_is_not_a_match_and_on_to_the_next(
    tabs: Tabs, service: Service, files: dict[str, bytes], query: bytes
) -> None:
    ids = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    matches = [
        {"id": ids["rocket"], "verdict": "similar", "location": "https://images.example/rocket.png"},
        {"id": ids["coffee"], "verdict": "identical", "location": "https://images.example/coffee.png"},
    ]
    page = tabs.open(service, **CALM)
    page.evaluate(_OPEN, [{"kind": "image", "id": ids["coffee"]}, matches[0], matches])
    dialog = ready(page)
    expect(dialog).to_have_accessible_name("Looks alike, but not proven")
    expect(dialog.locator(".viewer-why-not")).to_contain_text("Why is this not a match?")
    expect(dialog.locator(".viewer-why-not")).to_contain_text("of 256; a proof allows 60.")
    expect(page.locator("#viewer-tab-swipe")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Previous", exact=True)).to_have_attribute(
        "aria-disabled", "true"
    )
    assert audit(page) == []
    page.keyboard.press("Shift+ArrowRight")
    expect(dialog).to_have_accessible_name("Why they match")
    ready(page)
    expect(dialog).to_contain_text("The two files are the same, byte for byte.")
    dialog.get_by_role("button", name="Previous", exact=True).click()
    expect(dialog).to_have_accessible_name("Looks alike, but not proven")


def test_a_failure_is_told_and_can_be_tried_again(tabs: Tabs, service: Service, query: bytes) -> None:
    tabs.expected = "503"
    page = tabs.open(service)
    body = {"error": {"code": "overloaded", "message": "Busy.", "hint": "", "request_id": "request-7"}}

    def busy(route: Route) -> None:
        route.fulfill(status=503, json=body, headers={"Retry-After": "1"})

    page.route("**/api/v1/explain", busy)
    choose(page, query)
    cards(page).first.locator("button.thumb").click()
    dialog = page.locator("dialog.viewer")
    expect(dialog.locator(".failure-message")).to_have_text("The service has its hands full.")
    expect(dialog).to_contain_text("request-7")
    page.unroute("**/api/v1/explain")
    dialog.get_by_role("button", name="Try again").click()
    ready(page)


def test_the_proof_as_a_file(tabs: Tabs, service: Service, query: bytes, tmp_path: Path) -> None:
    page = tabs.open(service)
    dialog = proof(page, query)
    with page.expect_download() as saving:
        dialog.get_by_role("button", name="Save the proof as an image").click()
    saved = tmp_path / "proof.png"
    saving.value.save_as(saved)
    with PIL.Image.open(saved) as image:
        assert image.format == "PNG"
    assert saving.value.suggested_filename.endswith(".png")
    expect(dialog.get_by_text("Saved.")).to_be_visible()


@DEVICES
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_passes_an_audit(
    tabs: Tabs, service: Service, query: bytes, device: dict[str, Any], scheme: str
) -> None:
    page = tabs.open(service, device=device, color_scheme=scheme, **CALM)
    dialog = proof(page, query)
    dialog.locator("summary").click()
    for mode in MODES:
        show(page, mode)
        assert audit(page) == [], mode
        assert not too_wide(page)


def test_no_sentence_is_left_in_english(tabs: Tabs, service: Service, query: bytes) -> None:
    page = tabs.open(service, **CALM)
    english: list[str] = page.evaluate(
        """async () => {
            const texts = (await import("/static/languages/en/viewer.js")).default;
            const forms = (text) => typeof text === "string" ? [text] : Object.values(text);
            return Object.values(texts).flatMap(forms);
        }"""
    )
    # What a person reads as English: several words without a place for a number.
    sentences = [text for text in english if len(text.split()) > 2 and "{" not in text]
    assert len(sentences) > 40
    for language in ("de", "ru", "ja", "ko", "zh"):
        page.select_option("#language", language)
        dialog = proof(page, query)
        dialog.locator("summary").click()
        for mode in MODES:
            show(page, mode)
            text = dialog.inner_text()
            label = page.locator(".viewer-canvas").get_attribute("aria-label") or ""
            assert [one for one in sentences if one in text or one in label] == [], (language, mode)
            assert "viewer." not in text
        page.keyboard.press("Escape")
