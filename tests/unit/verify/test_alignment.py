"""How much two images share, and both in one frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.verify.alignment import (
    MIN_FRAME_PX,
    Alignment,
    Rendering,
    align,
    corners,
    overlaps,
    recolored,
)
from tests.photographs import COLOURFUL, Rgb, photograph, scaled
from tests.unit.verify.made import Matrix, mapped, similarity

SIZE = (640, 480)


def resizing(factor: float) -> Matrix:
    """Px of an image → px of it resized, centres of pixels on half numbers of the edges."""
    return np.array([[factor, 0, 0.5 * factor - 0.5], [0, factor, 0.5 * factor - 0.5], [0, 0, 1]])


def shift(x: float, y: float) -> Matrix:
    return similarity(shift=(x, y))


def flip(width: int) -> Matrix:
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    "region", [(0, 0, 640, 480), (0, 0, 1, 1), (639, 479, 1, 1), (100, 50, 320, 240), (0, 200, 640, 7)]
)
def test_a_crop_is_all_of_itself_and_its_share_of_the_whole(region: tuple[int, int, int, int]) -> None:
    x, y, width, height = region
    share = width * height / (640 * 480)
    assert overlaps(shift(x, y), (width, height), SIZE) == pytest.approx((1, share), abs=1e-5)
    assert overlaps(shift(-x, -y), SIZE, (width, height)) == pytest.approx((share, 1), abs=1e-5)


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 1.7, 8.0])
def test_a_resized_image_is_all_of_the_other(factor: float) -> None:
    size = (round(640 * factor), round(480 * factor))
    assert overlaps(resizing(factor), SIZE, size) == pytest.approx((1, 1), abs=1e-4)
    assert overlaps(resizing(factor) @ flip(640), SIZE, size) == pytest.approx((1, 1), abs=1e-4)


def test_turned_and_shifted_halves() -> None:
    turned = similarity(1, 90, (479, 0))  # the query's (0, 0) is at the top right of the candidate
    assert overlaps(turned, SIZE, (480, 640)) == pytest.approx((1, 1), abs=1e-4)
    assert overlaps(shift(320, 0), SIZE, SIZE) == pytest.approx((0.5, 0.5), abs=1e-4)
    assert overlaps(shift(320, -240), SIZE, SIZE) == pytest.approx((0.25, 0.25), abs=1e-4)
    assert overlaps(shift(640, 0), SIZE, SIZE) == pytest.approx((0, 0), abs=1e-4)
    assert overlaps(shift(10_000, 9), SIZE, SIZE) == (0, 0)


def test_a_half_pixel_counts() -> None:
    """Ten px wide, moved by half a pixel: a twentieth is lost on each side."""
    assert overlaps(shift(0.5, 0), (10, 10), (10, 10)) == pytest.approx((0.95, 0.95), abs=1e-5)
    assert overlaps(similarity(2), (10, 10), (20, 20)) == pytest.approx((0.95, 0.95), abs=0.03)


def test_an_image_turned_by_45_degrees_inside_itself() -> None:
    """A square turned by 45° about its middle shares a regular octagon with itself: 2 √2 - 2 of its area."""
    side = 101
    middle = shift(50, 50) @ similarity(1, 45) @ shift(-50, -50)
    assert overlaps(middle, (side, side), (side, side)) == pytest.approx([2 * 2**0.5 - 2] * 2, abs=1e-4)


def test_corners_are_the_outer_edges() -> None:
    assert corners((3, 2)).tolist() == [[-0.5, -0.5], [2.5, -0.5], [2.5, 1.5], [-0.5, 1.5]]


def rendering(pixels: Rgb, long_side: int | None = None) -> Rendering:
    height, width = pixels.shape[:2]
    small = pixels if long_side is None else scaled(pixels, long_side / max(width, height))
    return Rendering(small, width, height)


def test_a_rendering_knows_where_its_pixels_are_in_the_full_image() -> None:
    small = Rendering(np.zeros((60, 80, 3), np.uint8), 640, 360)
    places = mapped(small.to_full(), np.array([[-0.5, -0.5], [0, 0], [79.5, 59.5]]))
    np.testing.assert_allclose(places, [[-0.5, -0.5], [3.5, 2.5], [639.5, 359.5]])
    half = small.reduced(0.5)
    assert half.rgb.shape == (30, 40, 3)
    assert (half.width, half.height) == (640, 360)
    assert small.reduced(0.001).rgb.shape == (1, 1, 3)


def measured(alignment: Alignment | None) -> float:
    assert alignment is not None
    return float(alignment.ssim[alignment.mask].mean())


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_crop_lies_on_the_original_pixel_by_pixel(name: str) -> None:
    whole = photograph(name, 400)
    crop = np.ascontiguousarray(whole[40:200, 60:300])
    alignment = align(rendering(crop), rendering(whole), shift(60, 40))
    assert alignment is not None
    assert alignment.query.shape == alignment.candidate.shape == (*alignment.mask.shape, 3)
    assert alignment.ssim.shape == alignment.mask.shape
    assert measured(alignment) > 0.999
    np.testing.assert_array_equal(alignment.query[alignment.mask], alignment.candidate[alignment.mask])
    assert alignment.mask.mean() > 0.97


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("factor", [0.3, 0.62, 1.9])
def test_no_place_but_the_right_one_is_as_like(name: str, factor: float) -> None:
    """Half a pixel of the frame to either side is worse: no half pixel is lost in resizing."""
    whole = photograph(name, 400)
    resized = scaled(whole, factor)
    achieved = resized.shape[1] / whole.shape[1], resized.shape[0] / whole.shape[0]
    truth = np.array(
        [
            [1 / achieved[0], 0, 0.5 / achieved[0] - 0.5],
            [0, 1 / achieved[1], 0.5 / achieved[1] - 0.5],
            [0, 0, 1],
        ]
    )
    step = 0.5 * max(1, 1 / factor)  # the frame has the coarser pixels
    values = {
        (x, y): measured(align(rendering(resized), rendering(whole), shift(x * step, y * step) @ truth))
        for x, y in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    }
    best = values.pop((0, 0))
    assert best > 0.93
    assert max(values.values()) < best - 0.002
    assert abs(values[-1, 0] - values[1, 0]) < 0.35 * (best - min(values.values()))
    assert abs(values[0, -1] - values[0, 1]) < 0.35 * (best - min(values.values()))


@pytest.mark.parametrize("name", COLOURFUL)
def test_both_directions_say_the_same(name: str) -> None:
    whole = photograph(name, 400)
    turned = np.ascontiguousarray(np.rot90(whole[30:230, 50:290], -1))
    truth = shift(50, 30) @ np.linalg.inv(similarity(1, 90, (199, 0)))
    sides = rendering(turned), rendering(whole, 320)
    there = align(*sides, truth)
    back = align(sides[1], sides[0], np.linalg.inv(truth))
    assert there is not None
    assert back is not None
    assert measured(there) == pytest.approx(measured(back), abs=0.01)
    assert measured(there) > 0.9
    # The query is the first of both whichever of them was moved.
    for one, other in ((there.query, back.candidate), (there.candidate, back.query)):
        assert one.shape == other.shape
        np.testing.assert_allclose(one.mean(axis=(0, 1)), other.mean(axis=(0, 1)), atol=1)


def test_a_mirror_image_is_brought_into_the_same_frame() -> None:
    whole = photograph("coffee", 400)
    mirrored = np.ascontiguousarray(whole[:, ::-1])
    alignment = align(rendering(mirrored), rendering(whole), flip(whole.shape[1]))
    assert measured(alignment) > 0.999


def test_the_query_comes_first_in_either_case() -> None:
    """Whichever is moved onto the other: the brighter one is the query."""
    whole = photograph("chelsea", 400)
    bright = np.asarray(cv2.add(whole, np.full_like(whole, 40)), np.uint8)
    for factor in (0.5, 1.0, 2.0):
        alignment = align(rendering(scaled(bright, factor)), rendering(whole), resizing(1 / factor))
        assert alignment is not None
        mask = alignment.mask
        assert alignment.query[mask].mean() > alignment.candidate[mask].mean() + 25


def test_full_sizes_count_not_those_of_the_renderings() -> None:
    """The same query, told to be twice as large: with the homography of that size nothing changes."""
    whole = photograph("rocket", 400)
    crop = np.ascontiguousarray(whole[20:220, 40:340])
    large = Rendering(crop, 600, 400)
    alignment = align(large, rendering(whole), shift(40, 20) @ resizing(0.5))
    assert measured(alignment) > 0.999


@pytest.mark.parametrize(
    "homography",
    [shift(1000, 0), shift(-396, 0), shift(0, 300), similarity(1e-3), similarity(1e4, 0, (0, 0))],
)
def test_what_shares_too_little_is_not_compared(homography: Matrix) -> None:
    image = rendering(photograph("astronaut", 300))
    assert align(image, image, homography) is None


def test_the_smallest_frame_that_is_compared() -> None:
    image = rendering(photograph("astronaut", 300))
    assert align(image, image, shift(300 - MIN_FRAME_PX - 2, 0)) is not None
    assert align(image, image, shift(300 - MIN_FRAME_PX + 1, 0)) is None


def test_seen_in_perspective() -> None:
    whole = photograph("retina", 400)
    truth = np.array([[0.9, 0.05, 20], [-0.03, 0.95, 10], [4e-4, -2e-4, 1]])  # query → candidate
    back = np.linalg.inv(truth)
    seen = cv2.warpPerspective(whole, back / back[2, 2], whole.shape[1::-1], flags=cv2.INTER_LINEAR)
    assert measured(align(rendering(np.asarray(seen, np.uint8)), rendering(whole), truth)) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_recolored_has_the_mean_and_the_spread_of_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(60, 180, (40, 50, 3)).astype(np.uint8)
    gain, offset = np.array([0.8, 1.2, 1.0]), np.array([20.0, -30, 10])
    second: NDArray[np.uint8] = np.rint(first * gain + offset).astype(np.uint8)
    mask = rng.random((40, 50)) < 0.8
    second[~mask] = 255
    changed = recolored(first, second, mask)
    assert changed.dtype == np.uint8
    # What is outside the mask has no say: the change that was made is undone exactly, but for rounding.
    assert np.abs(changed[mask].astype(int) - second[mask]).max() <= 1


def test_recolouring_a_flat_image_does_not_blow_it_up() -> None:
    flat, other = np.full((9, 9, 3), 90, np.uint8), np.random.default_rng(1).integers(0, 256, (9, 9, 3))
    changed = recolored(flat, other.astype(np.uint8), np.ones((9, 9), np.bool_))
    np.testing.assert_allclose(changed.reshape(-1, 3), [other.mean(axis=(0, 1))] * 81, atol=1)


HORIZONS = [
    # homography (query px → candidate px), size of the candidate, true shares counted on a grid
    (
        [[0.287196, 0.697824, 233.878272], [-0.697824, 0.287196, 97.801913], [0.000592, 0.000524, 1]],
        (1484, 2329),
        (0.375, 0.009),
    ),
    (
        [[2.32831, -0.192581, 611.068511], [0.192581, 2.32831, 833.610285], [-0.000701, -0.001154, 1]],
        (2348, 2916),
        (0.348, 0.418),
    ),
    (
        [[1.12948, -1.037004, 122.786363], [1.037004, 1.12948, 1257.264728], [0.000146, -0.0007, 1]],
        (2683, 2081),
        (0.428, 0.080),
    ),
]


@pytest.mark.parametrize(("homography", "candidate", "expected"), HORIZONS)
def test_a_corner_behind_the_horizon_is_cut_off(
    homography: list[list[float]], candidate: tuple[int, int], expected: tuple[float, float]
) -> None:
    found = overlaps(np.array(homography), (640, 480), candidate)
    np.testing.assert_allclose(found, expected, atol=0.02)
