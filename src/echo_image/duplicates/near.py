"""Near pairs of perceptual hashes: every pair is compared, exactly; each image keeps its nearest few.

100,000 images take about 10 s on one core and 13 MB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.words.kernels import popcount

#: Pairs further apart (of 256 bits) are not compared; 31 is the published recommendation for PDQ.
MAX_DISTANCE_BITS = 31
#: Each image is compared with so many of the nearest among those before it. Ten thousand frames of one film
#: make 50 million near pairs; to find that they belong together one for each frame is enough.
MAX_PARTNERS = 16


@compiled
def _nearest_before(
    codes: NDArray[np.uint64],
    reach: int,
    partners: NDArray[np.int32],
    distances: NDArray[np.int32],
) -> None:
    """Fill row i with the nearest rows before it, nearest first, ties by row; -1 where there are no more."""
    room = partners.shape[1]
    for i in range(codes.shape[0]):
        count = 0
        for j in range(i):
            bits = np.int32(
                popcount(codes[i, 0] ^ codes[j, 0])
                + popcount(codes[i, 1] ^ codes[j, 1])
                + popcount(codes[i, 2] ^ codes[j, 2])
                + popcount(codes[i, 3] ^ codes[j, 3])
            )
            if bits > reach or (count == room and bits >= distances[i, room - 1]):
                continue
            place = min(count, room - 1)
            while place > 0 and distances[i, place - 1] > bits:
                distances[i, place] = distances[i, place - 1]
                partners[i, place] = partners[i, place - 1]
                place -= 1
            distances[i, place] = bits
            partners[i, place] = j
            count = min(count + 1, room)


def near_pairs(codes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of near pairs, nearest first, ties by row.

    Args:
        codes: (N, 4) uint64, perceptual hashes.

    Returns:
        (P,) int64, the earlier row of each pair, and (P,) int64, the later one; P is at most
        `MAX_PARTNERS` times N.
    """
    partners = np.full((len(codes), MAX_PARTNERS), -1, np.int32)
    distances = np.zeros((len(codes), MAX_PARTNERS), np.int32)
    _nearest_before(codes, MAX_DISTANCE_BITS, partners, distances)
    later, slot = np.nonzero(partners >= 0)
    earlier = partners[later, slot].astype(np.int64)
    order = np.lexsort((earlier, later, distances[later, slot]))
    return earlier[order], later[order].astype(np.int64)
