"""Candidates from the perceptual hash: exhaustive Hamming distance, which is exact and fast enough.

One million codes against eight orientations of a query take about 10 ms on one core.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.index.words.kernels import compiled, popcount

#: Codes further apart than this (of 256 bits) are not proposed; unrelated images lie at 128 ± 8.
REACH_BITS = 80


@compiled
def _nearest_orientation(
    codes: NDArray[np.uint64],
    query: NDArray[np.uint64],
    distances: NDArray[np.int32],
    orientations: NDArray[np.int32],
) -> None:
    """For each code the smallest distance to any of the query's or its complement, and to which."""
    count = query.shape[0]
    for o in range(count):
        q0, q1, q2, q3 = query[o, 0], query[o, 1], query[o, 2], query[o, 3]
        for i in range(codes.shape[0]):
            bits = np.int32(
                popcount(codes[i, 0] ^ q0)
                + popcount(codes[i, 1] ^ q1)
                + popcount(codes[i, 2] ^ q2)
                + popcount(codes[i, 3] ^ q3)
            )
            if bits < distances[i]:
                distances[i] = bits
                orientations[i] = o
            if 256 - bits < distances[i]:
                distances[i] = 256 - bits
                orientations[i] = o + count


def as_words(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return (N, 32) uint8 codes as (N, 4) uint64."""
    return np.ascontiguousarray(codes).view("<u8")


def distances(
    codes: NDArray[np.uint64], query: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return for each code its distance to the query and the orientation in which that is.

    Inverting the colours of an image turns all bits over, so the complements are tried at no cost.

    Args:
        codes: (N, 4) uint64.
        query: (O, 4) uint64, the orientations of the query.

    Returns:
        (N,) int32 distances, 0..128, and (N,) int32 orientations: o, or O + o for the inverted query; the
        smaller number where two are equally near.
    """
    nearest = np.full(len(codes), 257, np.int32)
    orientations = np.zeros(len(codes), np.int32)
    _nearest_orientation(codes, query, nearest, orientations)
    return nearest, orientations


def search(
    codes: NDArray[np.uint64], query: NDArray[np.uint64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return rows, distances and orientations (as `distances`) of at most `count` codes within `REACH_BITS`.

    Nearest first, ties by row.
    """
    found, orientations = distances(codes, query)
    near = np.flatnonzero(found <= REACH_BITS)
    order = near[np.lexsort((near, found[near]))][:count]
    return order.astype(np.int64), found[order], orientations[order]
