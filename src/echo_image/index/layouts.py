"""Candidates from the colour layout: exhaustive mean absolute difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled

#: Layouts further apart than this (mean absolute difference, 0..255) are not proposed.
REACH = 8.0


@compiled
def _absolute_differences(
    layouts: NDArray[np.uint8], query: NDArray[np.uint8], sums: NDArray[np.int32]
) -> None:
    for i in range(layouts.shape[0]):
        total = np.int32(0)
        for j in range(layouts.shape[1]):
            total += abs(np.int32(layouts[i, j]) - np.int32(query[j]))
        sums[i] = total


def distances(layouts: NDArray[np.uint8], query: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N,) float32, the mean absolute difference of each (N, L) layout to the (L,) query, 0..255."""
    sums = np.zeros(len(layouts), np.int32)
    _absolute_differences(layouts, query, sums)
    return sums.astype(np.float32) / np.float32(layouts.shape[1])


def search(
    layouts: NDArray[np.uint8], query: NDArray[np.uint8], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and distances of at most `count` layouts within `REACH`, nearest first, ties by row."""
    found = distances(layouts, query)
    near = np.flatnonzero(found <= REACH)
    order = near[np.lexsort((near, found[near]))][:count]
    return order.astype(np.int64), found[order]
