"""The pyramid: sizes, margins, blur, and what threads share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from echo_image.features import pyramid
from echo_image.features.pyramid import MARGIN_PX, build
from tests.photographs import gray, photograph

IMAGE = gray(photograph("coffee", 500))


def test_the_levels_and_their_sizes() -> None:
    built = build(IMAGE, num_levels=5, factor=1.2, least_px=21)
    height, width = IMAGE.shape
    for number, (level_width, level_height) in enumerate(built.sizes.tolist()):
        assert (level_width, level_height) == (round(width / 1.2**number), round(height / 1.2**number))
        level = built.level(number)
        assert level.shape == (level_height, level_width)
        # Drawn in steps, each of which blurs a little; what one step at once draws is close.
        once = cv2.resize(IMAGE, (level_width, level_height), interpolation=cv2.INTER_AREA)
        assert np.abs(level.astype(int) - once).mean() < 3
    np.testing.assert_array_equal(built.level(0), IMAGE)
    assert len(built.sizes) == 5


@pytest.mark.parametrize(
    ("size", "expected"), [((21, 30), 1), ((24, 30), 1), ((26, 300), 2), ((20, 900), 0), ((0, 0), 0)]
)
def test_levels_end_where_they_would_be_too_narrow(size: tuple[int, int], expected: int) -> None:
    assert len(build(np.zeros(size, np.uint8), num_levels=8, factor=1.2, least_px=21).sizes) == expected


def test_margins_reflect_and_the_blur_is_that_of_the_continued_image() -> None:
    built = build(IMAGE, num_levels=3, factor=1.2, least_px=21)
    for number, (width, height) in enumerate(built.sizes.tolist()):
        top = built.tops[number]
        part = slice(top, top + height + 2 * MARGIN_PX), slice(width + 2 * MARGIN_PX)
        wide = np.pad(built.level(number), MARGIN_PX, mode="reflect")
        np.testing.assert_array_equal(built.pixels[part], wide)
        soft = cv2.GaussianBlur(wide.astype(np.float64), (7, 7), 2.0)
        # Weights in 1/256 add up to 257/256.
        assert np.abs(built.blurred[part] - soft).max() < 3


def test_an_image_that_is_too_wide_is_named() -> None:
    with pytest.raises(ValueError, match="1033 px wide; expected at most 1032"):
        build(np.zeros((30, 1033), np.uint8), num_levels=1, factor=1.2, least_px=21)


def test_what_the_last_image_left_does_not_matter() -> None:
    def levels() -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        built = build(IMAGE, num_levels=8, factor=1.2, least_px=21)
        return [built.level(number).copy() for number in range(len(built.sizes))] + [built.blurred.copy()]

    first = levels()[:-1]
    build(np.full((1000, 1000), 255, np.uint8), num_levels=4, factor=1.2, least_px=21)
    for one, other in zip(first, levels()[:-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_do_not_share_their_arrays() -> None:
    mine = build(IMAGE, num_levels=1, factor=1.2, least_px=21)
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(build, 255 - IMAGE, num_levels=1, factor=1.2, least_px=21).result()
    assert not np.shares_memory(mine.pixels, other.pixels)
    np.testing.assert_array_equal(mine.level(0), IMAGE)


def test_a_workspace_grows_and_keeps_its_memory() -> None:
    space = pyramid.Workspace()
    small = space.take("a", 10, np.uint8)
    assert space.take("a", 20, np.uint8).shape == (20,)
    large = space.take("a", 20, np.uint8)
    assert np.shares_memory(large, space.take("a", 5, np.uint8))
    assert not np.shares_memory(small, large)
    assert not np.shares_memory(large, space.take("b", 20, np.uint8))
