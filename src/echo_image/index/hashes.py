"""Candidates from the perceptual hash: exhaustive Hamming distance, which is exact and fast enough.

One million codes against eight orientations of a query take about 5 ms on one core.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.words.kernels import popcount

#: Codes further apart than this (of 256 bits) are not proposed; unrelated images lie at 128 ± 8.
REACH_BITS = 80


#: Codes looked at together: all orientations of a query while they lie in the first-level cache.
_BLOCK = 1024


@compiled
def _nearest_orientation(
    codes: NDArray[np.uint64], query: NDArray[np.uint64], keys: NDArray[np.uint16]
) -> None:
    """Fill `keys` (N,) with distance << 4 | orientation, the smallest of all orientations and complements."""
    count = query.shape[0]
    total = codes.shape[1]
    best = np.empty(_BLOCK, np.uint64)
    for start in range(0, total, _BLOCK):
        length = min(total - start, _BLOCK)
        first, second = codes[0, start : start + length], codes[1, start : start + length]
        third, fourth = codes[2, start : start + length], codes[3, start : start + length]
        best[:] = np.uint64(0xFFFF)
        for o in range(count):
            q0, q1, q2, q3 = query[o, 0], query[o, 1], query[o, 2], query[o, 3]
            straight, complement = np.uint64(o), np.uint64((256 << 4) + count + o)
            for i in range(length):
                bits = (
                    popcount(first[i] ^ q0)
                    + popcount(second[i] ^ q1)
                    + popcount(third[i] ^ q2)
                    + popcount(fourth[i] ^ q3)
                ) << np.uint64(4)
                best[i] = min(best[i], min(bits | straight, complement - bits))
        for i in range(length):
            keys[start + i] = np.uint16(best[i])


def as_words(codes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return (N, 32) uint8 codes as (N, 4) uint64."""
    return np.ascontiguousarray(codes).view("<u8")


def distances(
    codes: NDArray[np.uint64], query: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return for each code its distance to the query and the orientation in which that is.

    Inverting the colours of an image turns all bits over, so the complements are tried at no cost.

    Args:
        codes: (4, N) uint64.
        query: (O, 4) uint64, the orientations of the query, at most 8.

    Returns:
        (N,) int32 distances, 0..128, and (N,) int32 orientations: o, or O + o for the inverted query; the
        smaller number where two are equally near.
    """
    keys = np.empty(codes.shape[1], np.uint16)
    _nearest_orientation(codes, query, keys)
    return (keys >> 4).astype(np.int32), (keys & 15).astype(np.int32)


def search(
    codes: NDArray[np.uint64], query: NDArray[np.uint64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return rows, distances and orientations (as `distances`) of at most `count` codes within `REACH_BITS`.

    Nearest first, ties by row.
    """
    keys = np.empty(codes.shape[1], np.uint16)
    _nearest_orientation(codes, query, keys)
    near = np.flatnonzero(keys < (REACH_BITS + 1) << 4)
    found, orientations = (keys[near] >> 4).astype(np.int32), (keys[near] & 15).astype(np.int32)
    order = np.lexsort((near, found))[:count]
    return near[order].astype(np.int64), found[order], orientations[order]
