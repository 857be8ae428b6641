"""A part of the query: chosen by mouse, finger and keyboard, in pixels of the upright query."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import Page, Route, expect

from tests.service import answers
from tests.service.browsing import DESKTOP, PHONE, Tabs, cards, choose, settled
from tests.service.serving import Pixels, Service, png

Region = tuple[int, int, int, int]


def chosen(page: Page) -> Region:
    """Return the region in the address, once it is there."""
    expect(page).to_have_url(re.compile("region="))
    x, y, width, height = (int(part) for part in parse_qs(urlsplit(page.url).query)["region"][0].split(","))
    return x, y, width, height


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse over the query, between shares of its width and height."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=4)
    page.mouse.up()


def near(found: Region, wanted: Region, within: int = 6) -> bool:
    return bool(np.all(np.abs(np.subtract(found, wanted)) <= within))


@pytest.fixture(scope="module")
def collage(originals: dict[str, Pixels]) -> bytes:
    """The rocket in the left half, the coffee in the right: 1200 × 400 px."""
    halves = [
        np.asarray(PIL.Image.fromarray(originals[name]).resize((600, 400))) for name in ("rocket", "coffee")
    ]
    return png(np.hstack(halves))


def test_a_dragged_part_is_searched_and_cleared(tabs: Tabs, service: Service, collage: bytes) -> None:
    page = tabs.open(service)
    choose(page, collage)
    expect(cards(page)).not_to_have_count(0)
    drag(page, (0.52, 0.02), (0.98, 0.98))
    region = chosen(page)
    assert near(region, (624, 8, 552, 384))
    expect(page.locator("#region-said")).to_contain_text(f"{region[2]} × {region[3]} px")
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.locator("#matches")).not_to_contain_text("rocket.png")
    page.reload()
    expect(cards(page).first).to_contain_text("coffee.png")
    expect(page.locator("#region")).to_be_visible()
    page.click("#clear-part")
    expect(page.locator("#matches")).to_contain_text("rocket.png")
    expect(page.locator("#choose-part")).to_be_focused()
    assert "region" not in page.url
    page.go_back()
    expect(page.locator("#matches")).not_to_contain_text("rocket.png")
    assert chosen(page) == region


def test_handles_change_it_and_the_middle_moves_it(tabs: Tabs, service: Service, collage: bytes) -> None:
    page = tabs.open(service)
    choose(page, collage)
    settled(page)
    drag(page, (0.2, 0.2), (0.5, 0.6))
    assert near(chosen(page), (240, 80, 360, 160))
    drag(page, (0.5, 0.6), (0.6, 0.8))  # the corner
    expect(page).to_have_url(re.compile(r"region=\d+,\d+,4[78]\d,"))
    assert near(chosen(page), (240, 80, 480, 240))
    drag(page, (0.4, 0.4), (0.5, 0.5))  # the middle
    expect(page).to_have_url(re.compile(r"region=3[56]\d,"))
    assert near(chosen(page), (360, 120, 480, 240))
    drag(page, (0.5, 0.5), (2.0, 2.0))  # no further than the edge
    expect(page).to_have_url(re.compile(r"region=720,160,"))
    for handle in page.locator(".handle:visible").all():
        box = handle.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_the_keyboard_moves_and_resizes_it(tabs: Tabs, service: Service, collage: bytes) -> None:
    page = tabs.open(service)
    choose(page, collage)
    settled(page)
    page.locator("#choose-part").press("Enter")
    region = page.locator("#region")
    expect(region).to_be_focused()
    assert chosen(page) == (240, 80, 720, 240)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+ArrowDown")
    expect(page).to_have_url(re.compile("region=264,81,720,240"))
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    expect(page).to_have_url(re.compile("region=264,81,696,264"))
    expect(page.locator("#region-said")).to_have_text(
        "Part of 696 × 264 px, 264 px from the left, 81 px from the top"
    )
    expect(region).to_have_attribute("aria-label", "Chosen part")
    page.keyboard.press("Delete")
    expect(region).not_to_be_visible()
    expect(page).not_to_have_url(re.compile("region="))


def test_an_answer_does_not_undo_what_the_hand_did_meanwhile(
    tabs: Tabs, service: Service, collage: bytes
) -> None:
    page = tabs.open(service)
    choose(page, collage)
    settled(page)
    page.clock.install()
    with page.expect_response("**/api/v1/search") as answered:
        page.locator("#choose-part").press("Enter")
        page.clock.run_for(1_000)
        page.keyboard.press("ArrowRight")
    answered.value.finished()
    settled(page)
    expect(page.locator("#region-said")).to_contain_text("264 px from the left")
    page.clock.run_for(1_000)
    expect(page).to_have_url(re.compile("region=264,80,720,240"))


def test_a_finger_draws_it(tabs: Tabs, service: Service, collage: bytes) -> None:
    page = tabs.open(service, device=PHONE)
    choose(page, collage)
    settled(page)
    page.locator("#choose-part").tap()
    expect(page.locator("#region")).to_be_visible()
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    pointer = page.context.new_cdp_session(page)

    def touch(kind: str, across: float, down: float) -> None:
        points = [{"x": box["x"] + across * box["width"], "y": box["y"] + down * box["height"]}]
        told = {"type": kind, "touchPoints": [] if kind == "touchEnd" else points}
        pointer.send("Input.dispatchTouchEvent", told)

    # The corner of the region that the button proposed.
    touch("touchStart", 0.8, 0.8)
    touch("touchMove", 0.7, 0.7)
    touch("touchMove", 0.5, 0.6)
    touch("touchEnd", 0.5, 0.6)
    expect(page).to_have_url(re.compile(r"region=240,80,3[56]\d,1[56]\d"))


def test_pixels_are_those_of_the_upright_query(
    tabs: Tabs, service: Service, originals: dict[str, Pixels]
) -> None:
    # Stored lying on its side, 400 × 800 px; shown upright, 800 × 400 px.
    lying = (
        PIL.Image.fromarray(originals["coffee"]).resize((800, 400)).transpose(PIL.Image.Transpose.ROTATE_90)
    )
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    file = io.BytesIO()
    lying.save(file, "JPEG", exif=exif, quality=90)
    page = tabs.open(service)
    choose(page, file.getvalue())
    expect(page.locator("#query-caption")).to_contain_text("800 × 400 px")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(2, abs=0.05)
    drag(page, (0.25, 0.1), (0.75, 0.9))
    assert near(chosen(page), (200, 40, 400, 320))
    expect(cards(page).first).to_contain_text("coffee.png")


def test_a_preview_of_another_size_gives_pixels_of_the_query(
    tabs: Tabs, service: Service, originals: dict[str, Pixels]
) -> None:
    large = PIL.Image.fromarray(originals["coffee"]).resize((2400, 1600))
    file = io.BytesIO()
    large.save(file, "JPEG", quality=60)
    page = tabs.open(service)
    choose(page, file.getvalue())
    expect(page.locator("#copy-link")).to_be_enabled()
    expect(page).to_have_url(re.compile(r"\?q="))
    page.reload()  # now the preview of the kept query is shown, 1024 px wide
    expect(page.locator("#query-caption")).to_contain_text("2,400 × 1,600 px")
    expect(page.locator(".query-picture")).to_have_js_property("naturalWidth", 1024)
    drag(page, (0.25, 0.25), (0.75, 0.75))
    assert near(chosen(page), (600, 400, 1200, 800), within=12)


def test_only_the_region_that_is_meant_is_searched(tabs: Tabs, service: Service, collage: bytes) -> None:
    bodies: list[str] = []

    def record(route: Route) -> None:
        bodies.append(
            route.request.post_data_buffer.decode("latin-1") if route.request.post_data_buffer else ""
        )
        body = {**answers.answer(answers.many()), "query": {"width": 1200, "height": 400, "quality": 100}}
        route.fulfill(json=body)

    page = tabs.open(service, before=answers.thumbnails)
    page.route("**/api/v1/search", record)
    choose(page, collage)
    settled(page)
    page.locator("#choose-part").press("Enter")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("region=480,80,720,240"))
    regions = [region for body in bodies for region in re.findall(r'name="region"\r\n\r\n([\d,]+)', body)]
    assert regions[-1] == "480,80,720,240"
    # One for each of the ten presses would be a search that is thrown away ten times.
    assert len(regions) < 10


@pytest.mark.parametrize("device", [DESKTOP], ids=["desktop"])
def test_a_slip_of_the_hand_chooses_nothing(
    tabs: Tabs, service: Service, collage: bytes, device: dict[str, object]
) -> None:
    page = tabs.open(service, device=device)
    choose(page, collage)
    settled(page)
    drag(page, (0.5, 0.5), (0.505, 0.5))
    expect(page.locator("#region")).not_to_be_visible()
    assert "region" not in page.url
