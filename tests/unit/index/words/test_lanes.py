"""Sixteen values at once against one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.words.lanes import LANES, lowest_bit, near_lanes, prefetch


@compiled
def near(values: NDArray[np.uint32], start: int, own: np.uint32, reach: np.uint32) -> Any:
    return near_lanes(values, start, own, reach)


@compiled
def lowest(value: np.uint32) -> Any:
    return lowest_bit(value)


@compiled
def sum_after_prefetch(values: NDArray[np.uint32], place: int) -> Any:
    prefetch(values, place)
    total = np.uint64(0)
    for value in values:
        total += np.uint64(value)
    return total


def oracle(values: list[int], start: int, own: int, reach: int) -> int:
    return sum(((values[start + i] ^ own).bit_count() <= reach) << i for i in range(16))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reach", [0, 1, 6, 15, 31, 32])
def test_near_lanes_from_every_start(seed: int, reach: int) -> None:
    rng = np.random.default_rng(seed)
    own = int(rng.integers(2**32))
    flips = rng.random((64, 32)) < rng.random((64, 1))  # from none to nearly all
    values = np.packbits(flips, axis=1).view(np.uint32).ravel() ^ np.uint32(own)
    values[5], values[6] = own, own ^ 0xFFFFFFFF
    values[7], values[8] = own ^ 0x80000000, own ^ 1
    found = []
    # Every start, so also those that are not at a multiple of 64 bytes.
    for start in range(len(values) - LANES + 1):
        found.append(int(near(values, start, np.uint32(own), np.uint32(reach))))
        assert found[-1] == oracle(values.tolist(), start, own, reach)
    assert len(set(found)) > 1 or reach == 32
    if reach == 32:
        assert set(found) == {0xFFFF}


def test_the_highest_bits_count_as_bits_and_not_as_a_sign() -> None:
    values = np.zeros(LANES, np.uint32)
    values[::2] = 0xFFFFFFFF
    assert near(values, 0, np.uint32(0), np.uint32(0)) == 0b1010101010101010
    assert near(values, 0, np.uint32(0xFFFFFFFF), np.uint32(0)) == 0b0101010101010101


def test_read_only_arrays_are_read_too() -> None:
    values = np.arange(40, dtype=np.uint32)
    values.flags.writeable = False
    assert near(values, 9, np.uint32(12), np.uint32(0)) == 1 << 3


@pytest.mark.parametrize("value", [1, 2, 3, 0xF0, 0x8000, 0xFFFF, 0x80000000, 0xFFFFFFFF, 0x00012000])
def test_lowest_bit(value: int) -> None:
    expected = next(place for place in range(32) if value >> place & 1)
    assert lowest(np.uint32(value)) == expected


@pytest.mark.parametrize("place", [0, 39, 40, 40 + LANES, -1, -(10**9), 10**9, 2**40, -(2**40)])
@pytest.mark.parametrize("writeable", [False, True])
def test_any_place_may_be_prefetched_and_nothing_comes_of_it(place: int, writeable: bool) -> None:
    values = np.arange(40, dtype=np.uint32)
    values.flags.writeable = writeable
    assert sum_after_prefetch(values, place) == 780
    assert values.tolist() == list(range(40))
    assert sum_after_prefetch(values[:0], place) == 0
