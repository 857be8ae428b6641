"""Where two aligned images show the same: what a change of tone leaves, and what something else does not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from echo_image.verify.alignment import Alignment, Rendering, align
from echo_image.verify.structure import Structure, structure
from tests.edited import blurred, captioned, grey, leveled, noisy
from tests.photographs import COLOURFUL, Rgb, decoded, jpeg, photograph

SIDE = 320


def laid(one: Rgb, other: Rgb) -> Alignment:
    height, width = other.shape[:2]
    found = align(Rendering(one, width, height), Rendering(other, width, height), np.eye(3))
    assert found is not None
    return found


def compared(one: Rgb, other: Rgb) -> Structure:
    return structure(laid(one, other))


def saturated(rgb: Rgb) -> Rgb:
    middle = rgb.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(middle + 1.6 * (rgb - middle), 0, 255), np.uint8)


TONED: dict[str, Callable[[Rgb], Rgb]] = {
    "nothing": lambda rgb: rgb,
    "brighter": leveled(0.8, 40),
    "darker": leveled(0.6),
    "grey": grey,
    "saturated": saturated,
    "swapped channels": lambda rgb: np.ascontiguousarray(rgb[..., ::-1]),
    "noisy": noisy,
    "compressed": lambda rgb: decoded(jpeg(rgb, 15)),
}


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("tone", TONED)
def test_a_change_of_tone_is_no_other_structure(name: str, tone: str) -> None:
    image = photograph(name, SIDE)
    found = compared(np.ascontiguousarray(TONED[tone](image)), image)
    assert found.share > 0.95
    assert found.middle > 0.9
    assert found.apart < 0.03
    assert not found.painted.any()


@pytest.mark.parametrize("name", COLOURFUL)
def test_grey_is_explained_whichever_is_grey(name: str) -> None:
    image = photograph(name, SIDE)
    assert compared(image, grey(image)).apart < 0.03


def test_two_different_photographs() -> None:
    one, two = photograph("coffee", SIDE), photograph("chelsea", SIDE)
    height, width = min(one.shape[0], two.shape[0]), min(one.shape[1], two.shape[1])
    found = compared(np.ascontiguousarray(one[:height, :width]), np.ascontiguousarray(two[:height, :width]))
    assert found.share < 0.4
    assert found.middle < 0.4
    assert not found.painted.any()


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_what_was_painted_on_is_found_where_it_is(name: str) -> None:
    image = photograph(name, SIDE)
    found = compared(captioned(image), image)
    bar = np.zeros(image.shape[:2], np.bool_)
    bar[round(0.82 * image.shape[0]) :] = True
    assert (found.painted & bar).sum() > 0.5 * bar.sum()
    # The windows of the correlation reach a little beyond it.
    assert (found.painted & ~bar).sum() < 0.2 * bar.sum()
    assert found.share < 0.95
    assert found.middle > 0.95


def test_dark_corners_are_not_painted_on() -> None:
    image = photograph("coffee", SIDE)
    y, x = np.indices(image.shape[:2])
    height, width = image.shape[:2]
    distance = np.hypot((x - width / 2) / width, (y - height / 2) / height)
    found = compared((image * np.clip(1.2 - 1.2 * distance, 0, 1)[..., None]).astype(np.uint8), image)
    assert found.share > 0.95
    assert not found.painted.any()


def test_half_of_another_image_is_half() -> None:
    one, two = photograph("coffee", SIDE), photograph("astronaut", SIDE)
    mixed = one.copy()
    mixed[:, one.shape[1] // 2 :] = two[: one.shape[0], two.shape[1] - (one.shape[1] - one.shape[1] // 2) :]
    assert compared(mixed, one).share == pytest.approx(0.5, abs=0.15)


def test_without_detail_nothing_differs_but_the_colour() -> None:
    red, blue = (np.full((120, 160, 3), color, np.uint8) for color in ((200, 30, 30), (30, 30, 200)))
    found = compared(red, blue)
    assert (found.share, found.middle) == (1, 1)
    assert found.changed == 1


def test_how_much_is_paper() -> None:
    page = np.full((240, 180, 3), 250, np.uint8)
    cv2.putText(page, "words", (20, 120), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 20), 2)
    assert compared(page, page).paper > 0.8
    assert compared(photograph("coffee", SIDE), photograph("coffee", SIDE)).paper < 0.2
    assert compared(page, np.full_like(page, (250, 220, 150))).paper == 0


def test_blur_agrees_everywhere_if_less() -> None:
    image = photograph("astronaut", SIDE)
    found = compared(blurred(image), image)
    assert found.share > 0.97
    assert found.middle < 0.99
