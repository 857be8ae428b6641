"""A mapping a few px beside the truth is made to fit; one between strangers is not made to."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.verify.alignment import Rendering, align
from echo_image.verify.refinement import refined
from tests.photographs import COLOURFUL, Rgb, photograph
from tests.unit.verify.made import Matrix, mapped


def rendering(rgb: Rgb) -> Rendering:
    return Rendering(rgb, rgb.shape[1], rgb.shape[0])


def crop_and_whole(name: str) -> tuple[Rgb, Rgb, Matrix]:
    whole = photograph(name, 320)
    top, left = whole.shape[0] // 4, whole.shape[1] // 4
    crop = np.ascontiguousarray(whole[top : top + 100, left : left + 120])
    return crop, whole, np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("error", [(1.5, -1.0, 0.0, 0.0), (-2.0, 1.0, 0.02, 0.01), (1.0, 2.0, -0.015, 0.0)])
def test_a_few_px_are_put_right(name: str, error: tuple[float, float, float, float]) -> None:
    crop, whole, truth = crop_and_whole(name)
    x, y, scale, turn = error
    wrong = truth @ np.array([[1 + scale, -turn, x], [turn, 1 + scale, y], [0, 0, 1]])
    before = align(rendering(crop), rendering(whole), wrong)
    assert before is not None
    found = refined(before)
    assert found is not None
    corners = np.array([[0, 0], [119, 0], [119, 99], [0, 99]])
    # Most of a rocket is sky, which holds on to nothing.
    assert np.abs(mapped(found, corners) - mapped(truth, corners)).max() < 1
    after = align(rendering(crop), rendering(whole), found)
    assert after is not None
    assert after.ssim[after.mask].mean() > before.ssim[before.mask].mean()


def test_nothing_comes_of_a_flat_or_a_large_frame() -> None:
    flat = rendering(np.full((100, 100, 3), 90, np.uint8))
    laid = align(flat, flat, np.eye(3))
    assert laid is not None
    assert refined(laid) is None
    large = rendering(photograph("coffee", 320))
    laid = align(large, large, np.eye(3))
    assert laid is not None
    assert refined(laid) is None
