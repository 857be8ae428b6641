"""Signatures: 56 bits of a descriptor that tell it from the others of its visual word.

Descriptors of one word are alike: of 64 bits chosen once for all, unrelated ones share all but 17.7, since
many bits hardly vary within a word. So the bits are chosen anew for the words of each pivot: those that
vary most among them (closest to half ones), passing over bits that nearly repeat a chosen one. Of the true
correspondences of the hardest edits (crops to a tenth, insets, heavy compression, halftone) the nearest one
in 200 of a word's postings then hold .79 with 56 bits, where 64 fixed ones held .61 and all 256 hold .79.
The idea is that of Hamming embedding with thresholds for each word (Jégou, Douze, Schmid, ECCV 2008).

The first 8 bits are the *cell*, by which the postings of a word are ordered: a query looks only into the
cells that differ from its own in one bit at most. The next 32 are compared sixteen postings at a time; the
last 16 only where these are near.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled

CELL_BITS = 8
NEAR_BITS = 32
FAR_BITS = 16
NUM_BITS = CELL_BITS + NEAR_BITS + FAR_BITS

#: Two bits of a descriptor that are correlated more than this among the words of a pivot say the same.
_MAX_CORRELATION = 0.5
#: Below so many words nothing is known of correlation.
_MIN_WORDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Signatures:
    """Signatures of N descriptors, each as seen from K words.

    Attributes:
        cells: (N, K) uint8; near: (N, K) uint32; far: (N, K) uint16.
    """

    cells: NDArray[np.uint8]
    near: NDArray[np.uint32]
    far: NDArray[np.uint16]


def sign(
    descriptors: NDArray[np.uint64],
    words: NDArray[np.uint16],
    pivot_of_word: NDArray[np.uint16],
    chosen: NDArray[np.uint8],
) -> Signatures:
    """Return the signatures of descriptors.

    Args:
        descriptors: (N, 4) uint64.
        words: (N, K) uint16, words that each is looked up in.
        pivot_of_word: (65536,) uint16.
        chosen: (512, 56) uint8, bits of the descriptor for each pivot, as `choose` returns them.
    """
    shape = words.shape
    found = Signatures(np.empty(shape, np.uint8), np.empty(shape, np.uint32), np.empty(shape, np.uint16))
    _gather(
        np.ascontiguousarray(descriptors), words, pivot_of_word, chosen, found.cells, found.near, found.far
    )
    return found


@compiled
def _gather(
    descriptors: NDArray[np.uint64],
    words: NDArray[np.uint16],
    pivot_of_word: NDArray[np.uint16],
    chosen: NDArray[np.uint8],
    cells: NDArray[np.uint8],
    near: NDArray[np.uint32],
    far: NDArray[np.uint16],
) -> None:
    for i in range(words.shape[0]):
        for k in range(words.shape[1]):
            pivot = pivot_of_word[words[i, k]]
            gathered = np.uint64(0)
            for b in range(NUM_BITS):
                place = np.uint64(chosen[pivot, b])
                bit = (descriptors[i, place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1)
                gathered |= bit << np.uint64(b)
            cells[i, k] = np.uint8(gathered & np.uint64(0xFF))
            near[i, k] = np.uint32((gathered >> np.uint64(CELL_BITS)) & np.uint64(0xFFFFFFFF))
            far[i, k] = np.uint16(gathered >> np.uint64(CELL_BITS + NEAR_BITS))


def choose(words: NDArray[np.uint64], offsets: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return (P, 56) uint8: which bits of a descriptor make the signature in the words of each pivot.

    Bits by descending variance among the words of the pivot (ties: the smaller number), passing over those
    whose correlation with one already chosen exceeds 0.5; where too few are left, over those above 0.6 …

    Args:
        words: (V, 4) uint64, in the order of pivots.
        offsets: (P + 1,); the words of pivot p are offsets[p] to offsets[p + 1].
    """
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").astype(np.float64)
    return np.stack([_choose(bits[start:end]) for start, end in itertools.pairwise(offsets.tolist())]).astype(
        np.uint8
    )


def _choose(bits: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return (56,) bits for (W, 256) 0/1 words of one pivot."""
    mean = bits.mean(axis=0) if len(bits) else np.full(bits.shape[1], 0.5)
    variance = mean * (1 - mean)
    order = np.argsort(-variance, kind="stable")
    if len(bits) < _MIN_WORDS:
        return order[:NUM_BITS]
    unit = (bits - mean) / np.sqrt(np.maximum(variance, 1e-12) * len(bits))
    correlation = np.abs(unit.T @ unit)
    most = _MAX_CORRELATION
    chosen: list[int] = []
    while len(chosen) < NUM_BITS:
        for bit in order.tolist():
            if bit not in chosen and (not chosen or correlation[bit, chosen].max() < most):
                chosen.append(bit)
            if len(chosen) == NUM_BITS:
                break
        most += 0.1
    return np.array(chosen, np.intp)
