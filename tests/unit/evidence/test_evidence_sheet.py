"""The evidence sheet: what it says must stand where it says it."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from echo_image.evidence import MAX_LONG_SIDE, draw_evidence
from echo_image.evidence.aligned import align
from echo_image.evidence.colours import ACCENT, BACKGROUND, line_colours
from echo_image.evidence.layout import Box, Layout, plan
from echo_image.evidence.sheet import ALIGNED_SIDE, MAX_LINES

data: Any = skimage.data
Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]
NO_POINTS = np.zeros((0, 2))
IDENTITY = np.eye(3)


def draw(
    query: Rgb, match: Rgb, homography: Floats | None, start: Any = (), end: Any = (), **more: Any
) -> Rgb:
    png = draw_evidence(
        query,
        match,
        homography=homography,
        inlier_points_query=np.asarray(start, np.float64).reshape(-1, 2),
        inlier_points_match=np.asarray(end, np.float64).reshape(-1, 2),
        title=more.pop("title", "a title"),
        facts=more.pop("facts", ["score: 98"]),
        **more,
    )
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        sheet = np.asarray(image.convert("RGB"))
    assert max(sheet.shape) <= MAX_LONG_SIDE
    return sheet


def size(image: Rgb) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def layout_of(query: Rgb, match: Rgb, homography: Floats | None) -> Layout:
    """Where things are, for images that are small enough not to be reduced."""
    aligned = None if homography is None else align(query, match, homography, max_side=ALIGNED_SIDE)
    piece = None if aligned is None else size(aligned.match)
    return plan(size(query), size(match), piece, 40)


def at(sheet: Rgb, box: Box, image: Rgb, *points: tuple[float, float]) -> NDArray[np.int64]:
    """Return the sheet's colours at points of an image that fills a box."""
    placed = np.rint(box.place(np.array(points, np.float64), size(image))).astype(int)
    return np.asarray(sheet[placed[:, 1], placed[:, 0]], np.int64)


def far(colour: Any, other: Any) -> float:
    return float(np.abs(np.asarray(colour, float) - np.asarray(other, float)).max())


def flat(height: int, width: int, value: int = 128) -> Rgb:
    return np.full((height, width, 3), value, np.uint8)


def coffee() -> Rgb:
    image: Rgb = data.coffee()
    return image


def words_of(monkeypatch: pytest.MonkeyPatch, *arguments: Any, **more: Any) -> list[str]:
    """Return all that is written on a sheet."""
    written: list[str] = []
    write = ImageDraw.ImageDraw.text

    def note(pen: Any, xy: Any, line: Any, **options: Any) -> None:
        written.append(line)
        write(pen, xy, line, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    draw(*arguments, **more)
    return written


def test_a_line_joins_each_place_in_the_query_with_its_place_in_the_library_image() -> None:
    query, match = flat(200, 300), flat(200, 300)
    start = np.array([[50.0, 40.0], [150.0, 100.0], [250.0, 160.0]])
    end = start[::-1].copy()
    sheet = draw(query, match, IDENTITY, start, end)
    layout = layout_of(query, match, IDENTITY)
    colours = line_colours(3)
    for index in range(3):
        a, b = tuple(start[index]), tuple(end[index])
        assert far(at(sheet, layout.query, query, a)[0], colours[index]) <= 2
        assert far(at(sheet, layout.match, match, b)[0], colours[index]) <= 2
        # In the gutter, the line passes where the straight line between both ends does.
        [(x0, y0)] = layout.query.place(start[[index]], (300, 200))
        [(x1, y1)] = layout.match.place(end[[index]], (300, 200))
        x = (layout.query.right + layout.match.x) / 2
        y = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        near = sheet[round(y) - 2 : round(y) + 3, round(x)].astype(float)
        towards = np.asarray(colours[index], float) - BACKGROUND
        assert ((near - BACKGROUND) @ towards).max() > 0.2 * (towards @ towards)


def test_no_more_lines_than_a_person_can_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(1).uniform(0, 199, (3000, 2))
    words = words_of(monkeypatch, flat(200, 200), flat(200, 200), IDENTITY, points, points)
    assert f"3000 places found in both, {MAX_LINES} of them drawn" in words


def test_the_shared_region_is_outlined_in_both_and_the_rest_faded() -> None:
    match = coffee()
    query = np.ascontiguousarray(match[80:280, 100:420])
    homography = np.array([[1.0, 0, 100], [0, 1, 80], [0, 0, 1]])
    sheet = draw(query, match, homography)
    layout = layout_of(query, match, homography)
    middles = [(260, 79.5), (260, 279.5), (99.5, 180), (419.5, 180)]
    for colour in at(sheet, layout.match, match, *middles):
        assert far(colour, ACCENT) < 40
    # The whole query is shared: its outline is its frame, drawn just inside.
    box = layout.query
    assert far(sheet[box.y + 2, box.x + box.width // 2], ACCENT) < 40
    outside, inside = at(sheet, layout.match, match, (20, 20), (260, 200))
    shown: Any = cv2.resize(match, (layout.match.width, layout.match.height), interpolation=cv2.INTER_AREA)
    as_drawn = at(shown, Box(0, 0, layout.match.width, layout.match.height), match, (20, 20), (260, 200))
    assert far(outside, BACKGROUND) < 0.6 * far(as_drawn[0], BACKGROUND)
    assert far(inside, as_drawn[1]) < 25


def test_the_library_image_inside_a_larger_query_is_outlined_in_the_query() -> None:
    match = data.astronaut()
    query = flat(400, 600, 200)
    query[100:356, 200:456] = cv2.resize(match, (256, 256), interpolation=cv2.INTER_AREA)
    homography = np.array([[2.0, 0, -399.5], [0, 2, -199.5], [0, 0, 1]])
    sheet = draw(query, match, homography)
    layout = layout_of(query, match, homography)
    for colour in at(sheet, layout.query, query, (328, 99.5), (328, 355.5), (199.5, 228), (455.5, 228)):
        assert far(colour, ACCENT) < 40


def captioned() -> tuple[Rgb, Rgb]:
    match = coffee()
    query = match.copy()
    query[300:360, 150:450] = 255
    cv2.putText(query, "GOOD MORNING", (170, 345), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (0, 0, 0), 3)
    return query, match


def redness(sheet: Rgb, box: Box, left: float, top: float, right: float, bottom: float) -> float:
    """Return the mean of red over the mean of green and blue, in a part of a box given in shares."""
    x0, x1 = box.x + round(left * box.width), box.x + round(right * box.width)
    y0, y1 = box.y + round(top * box.height), box.y + round(bottom * box.height)
    red, green, blue = sheet[y0:y1, x0:x1].reshape(-1, 3).mean(axis=0)
    return float(red - (green + blue) / 2)


def test_the_map_is_red_where_a_caption_was_painted_and_nowhere_else() -> None:
    query, match = captioned()
    sheet = draw(query, match, IDENTITY)
    heat = layout_of(query, match, IDENTITY).heat
    assert redness(sheet, heat, 160 / 600, 305 / 400, 440 / 600, 355 / 400) > 100
    assert abs(redness(sheet, heat, 0.02, 0.02, 0.98, 0.65)) < 5


def test_the_map_is_hatched_where_nothing_is_compared() -> None:
    match = coffee()
    query = np.ascontiguousarray(match[100:300, 200:400])
    homography = np.array([[1.0, 0, 200], [0, 1, 100], [0, 0, 1]])
    sheet = draw(query, match, homography)
    heat = layout_of(query, match, homography).heat
    edge = sheet[heat.y + 2 : heat.y + 12, heat.x : heat.right].reshape(-1, 3)
    assert len(np.unique(edge, axis=0)) == 2
    middle = sheet[heat.y + 60 : heat.y + 160, heat.x + 60 : heat.x + 160].reshape(-1, 3)
    assert len(np.unique(middle, axis=0)) > 20


def test_a_given_map_is_shown_instead_of_an_own_one() -> None:
    match = coffee()
    given = np.ones(match.shape[:2], np.float32)
    given[:, :300] = 0.0
    given[:10] = np.nan
    sheet = draw(match, match, IDENTITY, ssim_map=given)
    heat = layout_of(match, match, IDENTITY).heat
    assert redness(sheet, heat, 0.05, 0.1, 0.45, 0.95) > 100
    assert abs(redness(sheet, heat, 0.55, 0.1, 0.95, 0.95)) < 5


@pytest.mark.parametrize(
    "homography",
    [
        np.array([[-1.0, 0, 599], [0, 1, 0], [0, 0, 1]]),
        np.array([[0.0, -1, 399], [1, 0, 0], [0, 0, 1]]),
        np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]]),
        -3.0 * np.eye(3),
    ],
    ids=["mirrored", "turned", "reduced", "of another scale"],
)
def test_a_transformed_copy_lies_on_its_original(homography: Floats) -> None:
    query = cv2.GaussianBlur(coffee(), (0, 0), 2)
    corners = np.array([[0.0, 0], [599, 399]])
    projected = np.column_stack([corners, np.ones(2)]) @ homography.T
    width, height = np.rint(np.ptp(projected[:, :2] / projected[:, 2:], axis=0)).astype(int) + 1
    match: Any = cv2.warpPerspective(query, homography, (int(width), int(height)))
    aligned = align(np.asarray(query, np.uint8), match, homography, max_side=ALIGNED_SIDE)
    assert aligned is not None
    assert aligned.mask.mean() > 0.95
    assert aligned.mean_similarity > 0.95
    draw(np.asarray(query, np.uint8), match, homography)


@pytest.mark.parametrize(
    "homography", [None, np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3)), np.eye(2)]
)
def test_without_a_homography_it_says_that_nothing_is_proven(
    monkeypatch: pytest.MonkeyPatch, homography: Any
) -> None:
    words = words_of(monkeypatch, coffee(), data.astronaut(), homography, facts=["verdict: similar"])
    assert "Nothing is proven" in words
    assert "similar" in words
    assert "laid upon each other" not in words


def test_images_that_share_no_area_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    aside = np.array([[1.0, 0, 5000], [0, 1, 0], [0, 0, 1]])
    assert "Nothing to compare" in words_of(monkeypatch, coffee(), coffee(), aside)


def test_title_and_facts_are_written_whatever_they_contain(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ["score: 98", "mirrored", "名前: \ud800\x00\n", "x" * 500, "words: " + "many " * 400]
    words = words_of(monkeypatch, coffee(), coffee(), IDENTITY, title="crème/" * 200, facts=facts)
    assert {"score", "98", "mirrored", "??", "…"} <= set(words)
    assert any(word.startswith("creme/") and "…" in word for word in words)


SIDES = st.one_of(st.integers(1, 40), st.integers(1, 3000))


@settings(max_examples=25)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_any_sizes_and_any_homography_give_a_bounded_sheet(
    h0: int, w0: int, h1: int, w1: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    homography = rng.normal(0, 1, (3, 3)) * np.array([[1, 1, 100], [1, 1, 100], [1e-3, 1e-3, 1]])
    points = rng.normal(0, 1000, (2, 30, 2))
    points[:, 0] = np.nan
    draw(flat(h0, w0, 60), flat(h1, w1, 190), homography, points[0], points[1])


def test_large_images_are_drawn_as_their_reduced_selves() -> None:
    query, match = captioned()
    large: Any = cv2.resize(query, (3000, 2000), interpolation=cv2.INTER_CUBIC)
    homography = np.array([[0.2, 0, -0.4], [0, 0.2, -0.4], [0, 0, 1]])
    start = np.array([[1500.0, 1000.0]])
    sheet = draw(large, match, homography, start, start * 0.2 - 0.4)
    layout = plan((900, 600), size(match), size(match), 40)
    assert far(at(sheet, layout.query, large, (1500, 1000))[0], line_colours(1)[0]) <= 2
    assert redness(sheet, layout.heat, 160 / 600, 305 / 400, 440 / 600, 355 / 400) > 100
    assert abs(redness(sheet, layout.heat, 0.02, 0.02, 0.98, 0.65)) < 5


def test_a_finely_drawn_query_is_like_its_own_reduction() -> None:
    fine = np.random.default_rng(6).integers(0, 256, (800, 800, 3)).astype(np.uint8)
    reduced: Any = cv2.resize(fine, (200, 200), interpolation=cv2.INTER_AREA)
    homography = np.array([[0.25, 0, -0.375], [0, 0.25, -0.375], [0, 0, 1]])
    aligned = align(fine, reduced, homography, max_side=ALIGNED_SIDE)
    assert aligned is not None
    assert aligned.mean_similarity > 0.9


def test_the_same_input_gives_the_same_bytes() -> None:
    query, match = captioned()
    points = np.random.default_rng(2).uniform(0, 399, (200, 2))
    first, second = (draw(query, match, IDENTITY, points, points) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query_rgb": np.zeros((4, 4), np.uint8)}, "uint8 image"),
        ({"match_rgb": np.zeros((4, 4, 3), np.float32)}, "uint8 image"),
        ({"match_rgb": np.zeros((0, 4, 3), np.uint8)}, "uint8 image"),
        ({"inlier_points_query": np.zeros((3, 2))}, "3 and 0"),
        ({"ssim_map": np.zeros((4, 5), np.float32)}, "ssim_map"),
    ],
)
def test_wrong_input_is_named(change: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {
        "query_rgb": flat(4, 4),
        "match_rgb": flat(4, 4),
        "homography": IDENTITY,
        "inlier_points_query": NO_POINTS,
        "inlier_points_match": NO_POINTS,
        "title": "",
        "facts": [],
    }
    with pytest.raises(ValueError, match=words):
        draw_evidence(**(arguments | change))
