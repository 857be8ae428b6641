"""Thumbnails: reduced, kept as JPEG."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from echo_image.errors import LibraryCorrupt
from echo_image.features.thumbnail import LONG_SIDE_PX, decode, encode, reduce
from tests.photographs import COLOURFUL, decoded, gray, photograph


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (320, 240)), ((300, 900), (107, 320)), ((20000, 3), (320, 1)), ((3, 20000), (1, 320))],
)
def test_the_long_side_becomes_what_is_asked(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 50, np.uint8)
    small = reduce(image, 320)
    assert small.shape == (expected[1], expected[0], 3)
    assert (small == 50).all()


def test_what_is_small_enough_stays() -> None:
    image = np.array(photograph("chelsea"))[:200, :320]
    assert reduce(image, 320) is image


def test_reduction_is_the_mean_of_the_pixels() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    means = image.reshape(10, 4, 15, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(reduce(image, 15), means, atol=0.51)


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("long_side", [330, 480, 630])
def test_a_slight_reduction_looks_like_the_mean_of_the_pixels(name: str, long_side: int) -> None:
    """And does not move: neither is by half a pixel off."""
    image = photograph(name, long_side)
    small = reduce(image, LONG_SIDE_PX)
    area = np.asarray(cv2.resize(image, small.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    assert 10 * np.log10(255**2 / np.mean((small.astype(float) - area) ** 2)) > 30
    (right, down), _ = cv2.phaseCorrelate(*(gray(i).astype(np.float64) for i in (small, area)))
    assert np.hypot(right, down) < 0.05


@pytest.mark.parametrize("name", COLOURFUL)
def test_round_trip(name: str) -> None:
    small = reduce(photograph(name), LONG_SIDE_PX)
    data = encode(small)
    assert len(data) < 40_000
    back = decode(data)
    assert back.shape == small.shape
    assert back.dtype == np.uint8
    # What JPEG at this quality leaves; red and blue are not exchanged, in neither direction.
    assert np.abs(back.astype(int) - small).mean() < 6
    np.testing.assert_allclose(back.mean(axis=(0, 1)), small.mean(axis=(0, 1)), atol=2)
    assert np.abs(back.astype(int) - decoded(data)).mean() < 1.5


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"no image at all", bytes(300)])
def test_damage_is_named(data: bytes) -> None:
    with pytest.raises(LibraryCorrupt, match="thumbnail") as caught:
        decode(data)
    assert "--repair" in caught.value.hint


def test_a_thumbnail_without_its_pixels_is_damage() -> None:
    data = encode(reduce(photograph("coffee"), LONG_SIDE_PX))
    with pytest.raises(LibraryCorrupt):
        decode(data[:100])
