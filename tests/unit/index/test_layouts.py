"""Exhaustive distance of colour layouts against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.index import layouts


@pytest.mark.parametrize("seed", range(4))
def test_mean_absolute_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 256, (300, 48)).astype(np.uint8)
    query = rng.integers(0, 256, 48).astype(np.uint8)
    stored[0], stored[1] = 0, 255
    found = layouts.distances(stored, query)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.abs(stored.astype(int) - query).mean(axis=1), rtol=1e-6)
    assert layouts.distances(np.zeros((1, 48), np.uint8), np.full(48, 255, np.uint8)) == [255]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [0, 1, 9, 1000])
def test_search_is_the_nearest_of_all(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    query = rng.integers(30, 220, 48)
    stored = np.concatenate([query + rng.integers(-reach, reach + 1, (40, 48)) for reach in (4, 10, 16, 30)])
    stored = np.concatenate([stored, stored[:40]]).astype(np.uint8)
    rng.shuffle(stored)
    nearest = np.abs(stored.astype(int) - query).mean(axis=1)
    expected = sorted(np.flatnonzero(nearest <= layouts.REACH).tolist(), key=lambda row: (nearest[row], row))
    assert 0 < len(expected) < len(stored)
    rows, found = layouts.search(stored, query.astype(np.uint8), count)
    assert rows.tolist() == expected[:count]
    np.testing.assert_allclose(found, nearest[expected[:count]], rtol=1e-6)


def test_the_reach_is_included_and_no_more() -> None:
    query = np.full(48, 100, np.uint8)
    just, above = query + 8, query + 8
    above[0] += 1
    rows, _ = layouts.search(np.stack([above, just, query]), query, 5)
    assert layouts.REACH == 8
    assert rows.tolist() == [2, 1]


def test_nothing_to_search_in() -> None:
    rows, found = layouts.search(np.zeros((0, 48), np.uint8), np.zeros(48, np.uint8), 5)
    assert len(rows) == len(found) == 0
