"""Local features as bytes: what comes back, how far it may have moved, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.errors import LibraryCorrupt
from echo_image.features import extract, orb, stored
from echo_image.image import from_array
from tests.photographs import NAMES, photograph


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [1, 3])
def test_real_features_come_back(name: str, factor: int) -> None:
    pixels = np.repeat(np.repeat(photograph(name, 300), factor, axis=0), factor, axis=1)
    image = from_array(pixels)
    local = extract(image).local
    words = np.arange(len(local), dtype=np.uint16) * np.uint16(131)
    back = stored.unpack(stored.pack(local, words, image.width, image.height))
    assert len(back) == len(local)
    np.testing.assert_array_equal(back.words, words)
    np.testing.assert_array_equal(back.descriptors, local.descriptors)
    again = back.local(image.width, image.height)
    step = np.array([image.width, image.height]) / 65_535
    assert (np.abs(again.points - local.points) <= 0.5 * step + 1e-3).all()
    turn = np.abs((again.angles - local.angles + np.pi) % (2 * np.pi) - np.pi)
    assert np.rad2deg(turn).max() <= 0.71
    np.testing.assert_allclose(again.sizes, local.sizes, rtol=1e-5)


def test_the_layout_that_is_documented() -> None:
    local = orb.LocalFeatures(
        np.array([[-0.5, 99.5], [199.5, 49.5]], np.float32),
        np.array([0.0, np.pi / 2], np.float32),
        stored.patch_size(200, 100) * np.array([1.0, 1.2**3], np.float32),
        np.array([[1, 2, 3, 4], [5, 6, 7, 2**64 - 1]], np.uint64),
    )
    data = stored.pack(local, np.array([0x1234, 7], np.uint16), 200, 100)
    expected = (
        b"\x02\x00"
        + b"\x00\x00\xff\xff"  # x: the left and the right edge
        + b"\xff\xff"  # y: the bottom edge
        + (65_535 // 2 + 1).to_bytes(2, "little")  # and the middle, rounded up
        + b"\x00\x40"  # angles: a quarter turn is 64
        + b"\x00\x03"  # levels
        + b"\x34\x12\x07\x00"
        + b"".join(n.to_bytes(8, "little") for n in (1, 2, 3, 4, 5, 6, 7, 2**64 - 1))
    )
    assert data == expected


def test_an_angle_just_below_a_turn_becomes_zero() -> None:
    local = orb.LocalFeatures(
        np.zeros((1, 2), np.float32),
        np.array([2 * np.pi - 0.001], np.float32),
        np.array([31], np.float32),
        np.zeros((1, 4), np.uint64),
    )
    assert stored.unpack(stored.pack(local, np.zeros(1, np.uint16), 64, 64)).angles.tolist() == [0]


def test_nothing_comes_back_as_nothing() -> None:
    data = stored.pack(orb.empty(), np.zeros(0, np.uint16), 10, 10)
    assert data == b"\x00\x00"
    assert len(stored.unpack(data)) == 0
    assert len(stored.unpack(data).local(10, 10)) == 0


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 41, 81, 83, 90])
def test_another_length_than_the_count_says_is_damage(cut: int) -> None:
    data = stored.pack(
        orb.LocalFeatures(
            np.ones((2, 2), np.float32),
            np.ones(2, np.float32),
            np.ones(2, np.float32),
            np.ones((2, 4), np.uint64),
        ),
        np.ones(2, np.uint16),
        9,
        9,
    )
    assert len(data) == 82
    damaged = data[:cut] if cut < len(data) else data + bytes(cut - len(data))
    with pytest.raises(LibraryCorrupt, match="bytes") as caught:
        stored.unpack(damaged)
    assert "--repair" in caught.value.hint


@pytest.mark.parametrize("size", [(4000, 3000), (512, 341), (200, 300), (100, 80)])
def test_levels_are_those_of_the_pyramid(size: tuple[int, int]) -> None:
    """31 px patches on an image reduced (or enlarged) to its working size, 1.2 times larger on each level."""
    working = orb.working_size(*size, orb.LONG_SIDE_PX)
    back = np.sqrt(size[0] / working[0] * size[1] / working[1])
    sizes = (31 * back * 1.2 ** np.arange(-4.0, 8)).astype(np.float32)
    assert stored.levels(sizes, *size).tolist() == list(range(-4, 8))
    assert stored.levels((sizes * 1.08).astype(np.float32), *size).tolist() == list(range(-4, 8))
