"""What keeps two pictures on the same place, as laws of the module that the viewer uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.service.browsing import Tabs
from tests.service.serving import Service

PANE = {"width": 400, "height": 300}
SIZES = [{"width": 640, "height": 480}, {"width": 1000, "height": 900}]
# A turn by 20°, half as large again, moved, with some perspective.
HOMOGRAPHY = [[1.41, -0.51, 180.0], [0.51, 1.41, -20.0], [1e-4, -5e-5, 1.0]]
_RUN = """async ([sizes, homography, pane, steps]) => {
    const { Pair, mapped, inverse, localScale } = await import("/static/viewer/geometry.js");
    const pair = new Pair(sizes, homography);
    let view = pair.whole();
    const seen = [pair.framings(view, pane)];
    for (const [kind, index, x, y, factor] of steps) {
        if (kind === "zoom") view = pair.zoomed(view, pane, index, [x, y], factor);
        else view = pair.moved(view, pane, index, [x, y]);
        seen.push(pair.framings(view, pane));
    }
    const there = homography && mapped(homography, [100, 50]);
    return {
        seen, view, there, back: there && mapped(inverse(homography), there),
        scale: homography && localScale(homography, [100, 50]),
    };
}"""


@pytest.fixture
def page(tabs: Tabs, service: Service) -> Page:
    return tabs.open(service)


def run(page: Page, homography: list[list[float]] | None, *steps: tuple[Any, ...]) -> dict[str, Any]:
    told: dict[str, Any] = page.evaluate(_RUN, [SIZES, homography, PANE, [list(step) for step in steps]])
    return told


def mapped(point: list[float]) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.array(HOMOGRAPHY) @ [*point, 1.0]
    place: np.ndarray[Any, Any] = found[:2] / found[2]
    return place


def test_a_homography_and_its_inverse(page: Page) -> None:
    told = run(page, HOMOGRAPHY)
    assert told["there"] == pytest.approx(mapped([100, 50]).tolist())
    assert told["back"] == pytest.approx([100, 50])
    near = (mapped([100.5, 50]) - mapped([99.5, 50]), mapped([100, 50.5]) - mapped([100, 49.5]))
    assert told["scale"] ** 2 == pytest.approx(abs(np.linalg.det(np.column_stack(near))), rel=1e-2)


def test_whole_pictures_at_first(page: Page) -> None:
    for homography in (HOMOGRAPHY, None):
        one, other = run(page, homography)["seen"][0]
        assert one["scale"] == pytest.approx(min(400 / 640, 300 / 480))
        assert other["scale"] == pytest.approx(min(400 / 1000, 300 / 900))
        assert one["centre"] == [319.5, 239.5]
        assert other["centre"] == [499.5, 449.5]


@pytest.mark.parametrize("index", [0, 1])
def test_the_place_under_the_pointer_stays_there(page: Page, index: int) -> None:
    before = run(page, HOMOGRAPHY, ("zoom", index, 0, 0, 8))["seen"][-1][index]
    after = run(page, HOMOGRAPHY, ("zoom", index, 0, 0, 8), ("zoom", index, 60, -40, 1.5))["seen"][-1][index]
    assert after["scale"] > before["scale"]
    for axis, offset in enumerate((60, -40)):
        place = [frame["centre"][axis] + offset / frame["scale"] for frame in (before, after)]
        # In perspective the scale differs a little from place to place, so it is not quite still.
        assert place[0] == pytest.approx(place[1], abs=0.1)


@pytest.mark.parametrize("index", [0, 1])
def test_both_middles_are_the_same_place_at_one_size(page: Page, index: int) -> None:
    steps = [("zoom", index, 0, 0, 12), ("move", index, 30, -25), ("move", 1 - index, -20, 10)]
    for one, other in run(page, HOMOGRAPHY, *steps)["seen"][1:]:
        assert mapped(one["centre"]).tolist() == pytest.approx(other["centre"], abs=1e-6)
        unit = mapped([one["centre"][0] + 1, one["centre"][1]]) - mapped(one["centre"])
        assert one["scale"] / other["scale"] == pytest.approx(np.linalg.norm(unit), rel=0.05)


def test_without_a_homography_the_same_share_is_seen(page: Page) -> None:
    one, other = run(page, None, ("zoom", 1, 80, 40, 5))["seen"][-1]
    for axis, side in enumerate(("width", "height")):
        shares = [
            (frame["centre"][axis] + 0.5) / size[side]
            for frame, size in zip((one, other), SIZES, strict=True)
        ]
        assert shares[0] == pytest.approx(shares[1])


def test_no_empty_edge_and_never_smaller_than_whole(page: Page) -> None:
    steps = [("zoom", 1, 0, 0, 6), ("move", 1, 9000, 9000), ("zoom", 1, 0, 0, 0.001)]
    seen = run(page, None, *steps)["seen"]
    moved = seen[2][1]
    assert moved["centre"][0] + 0.5 == pytest.approx(PANE["width"] / moved["scale"] / 2)
    assert seen[3][1] == seen[0][1]


def test_what_is_no_homography_is_none(page: Page) -> None:
    told = page.evaluate(
        """async (given) => {
            const { homographyOf } = await import("/static/viewer/geometry.js");
            return given.map((rows) => homographyOf(rows) === null);
        }""",
        [HOMOGRAPHY, [[0.0] * 3] * 3, [[1.0, 0.0, 0.0]] * 3, [[1.0, 0.0, 0.0]], None],
    )
    assert told == [False, True, True, True, True]
