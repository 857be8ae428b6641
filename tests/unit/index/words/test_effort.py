"""How far a query looks, by the size of the library."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from echo_image.index.words.effort import EFFORTS, MAX_REACH, Effort, effort_for


def test_the_larger_the_library_the_less_is_looked_at() -> None:
    assert [effort.max_images for effort in EFFORTS] == sorted(effort.max_images for effort in EFFORTS)
    for near, far in itertools.pairwise(EFFORTS):
        assert near.words >= far.words
        assert near.fine_words >= far.fine_words
        assert near.flips >= far.flips
        assert near.reach >= far.reach
    assert all(effort.reach <= MAX_REACH for effort in EFFORTS)


def test_which_effort_a_library_gets() -> None:
    for before, effort in itertools.pairwise((None, *EFFORTS)):
        assert effort is not None
        fewest = 0 if before is None else before.max_images + 1
        assert effort_for(fewest) is effort
        assert effort_for(effort.max_images) is effort


@pytest.mark.parametrize(("flips", "count"), [(0, 1), (1, 9), (2, 37), (3, 93), (8, 256)])
def test_the_flips_of_a_cell_the_fewest_first(flips: int, count: int) -> None:
    masks = Effort(1, 1, 1, flips, near_reach=1, reach=1, sigma=1.0).cell_flips()
    bits = [int(mask).bit_count() for mask in masks]
    assert masks.dtype == np.uint8
    assert bits == sorted(bits)
    assert sorted(masks.tolist()) == [mask for mask in range(256) if mask.bit_count() <= flips]
    assert len(masks) == count


def test_the_weights_are_a_gaussian_of_the_distance() -> None:
    weights = EFFORTS[0].distance_weights()
    expected = [np.exp(-(bits**2) / (2 * EFFORTS[0].sigma ** 2)) for bits in range(16)]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.dtype == np.float32
