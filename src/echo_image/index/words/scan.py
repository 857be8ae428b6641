"""The scan of the postings: which of them are near to which query feature. Compiled, GIL released.

A *vote* is a posting of one of the query feature's words whose signature is near the feature's: how near, in
the cell, the near bits and in all, says the `effort`. It is one uint64,

    image (32 bits) | query feature (12) | distance (4) | geometry (16),

so that sorted votes come image by image, feature by feature, the nearest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.words.kernels import popcount
from echo_image.index.words.lanes import LANES, lowest_bit, near_lanes, prefetch
from echo_image.index.words.signatures import CELL_BITS

#: Query features that a vote can name.
MAX_FEATURES = 1 << 12
FEATURE_SHIFT = 20
IMAGE_SHIFT = 32
DISTANCE_SHIFT = 16


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """What a query looks up: L pairs of a query feature and a word.

    Attributes:
        features: (L,) uint16, which query feature; words: (L,) uint16, where it is looked up.
        cells: (L,) uint8; near: (L,) uint32; far: (L,) uint16: its signature as seen from that word.
    """

    features: NDArray[np.uint16]
    words: NDArray[np.uint16]
    cells: NDArray[np.uint8]
    near: NDArray[np.uint32]
    far: NDArray[np.uint16]

    def columns(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays in the order of the attributes, for compiled code."""
        return self.features, self.words, self.cells, self.near, self.far


def joined(parts: Sequence[Lookups]) -> Lookups:
    """Return the lookups of several groups of features as one, in the order in which the postings lie."""
    features, words, cells, near, far = (
        np.concatenate(each) for each in zip(*(part.columns() for part in parts), strict=True)
    )
    order = np.argsort((words.astype(np.uint32) << CELL_BITS) | cells, kind="stable")
    return Lookups(features[order], words[order], cells[order], near[order], far[order])


@compiled
def scan_dense(
    offsets: NDArray[np.uint32],
    images: NDArray[np.uint32],
    near: NDArray[np.uint32],
    far: NDArray[np.uint16],
    geometry: NDArray[np.uint16],
    lookups: tuple[NDArray[Any], ...],
    flips: NDArray[np.uint8],
    near_reach: int,
    reach: int,
    votes: NDArray[np.uint64],
) -> int:
    """Scan dense postings, record the votes and return how many there are.

    Args:
        offsets, images, near, far, geometry: as in `Postings`.
        lookups: columns of `Lookups`; the features are below 4,096.
        flips: (F,) uint8, which bits of a cell may differ.
        near_reach, reach: of the near bits and of all.
        votes: (M,) room for them; where there are more, those of the last lookups are left out.
    """
    features, words, cells, own_near, own_far = lookups
    count = 0
    for lookup in range(len(words)):
        if lookup + 1 < len(words):
            # What comes next lies anywhere in memory; asked for now, it has come when it is needed.
            following = np.int64(words[lookup + 1]) << CELL_BITS
            for m in range(flips.shape[0]):
                start = np.int64(offsets[following | np.int64(cells[lookup + 1] ^ flips[m])])
                prefetch(near, start)
                prefetch(near, start + LANES)
        first = np.int64(words[lookup]) << CELL_BITS
        near_bits, far_bits = own_near[lookup], own_far[lookup]
        for m in range(flips.shape[0]):
            cell = first | np.int64(cells[lookup] ^ flips[m])
            start, end = np.int64(offsets[cell]), np.int64(offsets[cell + 1])
            flipped = popcount(np.uint64(flips[m]))
            for p in range(start, end, LANES):
                found = np.uint32(near_lanes(near, p, near_bits, np.uint32(near_reach)))
                if end - p < LANES:
                    found &= np.uint32((1 << (end - p)) - 1)
                while found:
                    place = p + np.int64(lowest_bit(found))
                    found &= found - np.uint32(1)
                    bits = flipped + popcount(np.uint64(near[place] ^ near_bits))
                    bits += popcount(np.uint64(far[place] ^ far_bits))
                    if bits <= reach and count < votes.shape[0]:
                        votes[count] = _vote(images[place], features[lookup], bits, geometry[place])
                        count += 1
    return count


@compiled
def scan_sparse(
    offsets: NDArray[np.uint32],
    images: NDArray[np.uint16] | NDArray[np.uint32],
    near: NDArray[np.uint32],
    far: NDArray[np.uint16],
    geometry: NDArray[np.uint16],
    posting_cells: NDArray[np.uint8],
    lookups: tuple[NDArray[Any], ...],
    max_flips: int,
    near_reach: int,
    reach: int,
    votes: NDArray[np.uint64],
) -> int:
    """Scan sparse postings; arguments and votes as for `scan_dense`.

    Args:
        posting_cells: as `Postings.cells`.
        max_flips: bits of a cell that may differ.
    """
    features, words, cells, own_near, own_far = lookups
    count = 0
    for lookup in range(len(words)):
        word = np.int64(words[lookup])
        near_bits, far_bits = own_near[lookup], own_far[lookup]
        start, end = np.int64(offsets[word]), np.int64(offsets[word + 1])
        for p in range(start, end, LANES):
            found = np.uint32(near_lanes(near, p, near_bits, np.uint32(near_reach)))
            if end - p < LANES:
                found &= np.uint32((1 << (end - p)) - 1)
            while found:
                place = p + np.int64(lowest_bit(found))
                found &= found - np.uint32(1)
                flipped = popcount(np.uint64(posting_cells[place] ^ cells[lookup]))
                bits = flipped + popcount(np.uint64(near[place] ^ near_bits))
                bits += popcount(np.uint64(far[place] ^ far_bits))
                if flipped <= max_flips and bits <= reach and count < votes.shape[0]:
                    votes[count] = _vote(images[place], features[lookup], bits, geometry[place])
                    count += 1
    return count


@compiled
def _vote(image: int, feature: int, distance: int, geometry: int) -> np.uint64:
    return (
        (np.uint64(image) << np.uint64(IMAGE_SHIFT))
        | (np.uint64(feature) << np.uint64(FEATURE_SHIFT))
        | (np.uint64(distance) << np.uint64(DISTANCE_SHIFT))
        | np.uint64(geometry)
    )
