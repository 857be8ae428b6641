"""The inner loops of the visual-word index, compiled by numba. No Python object in any of them.

All of them release the GIL, so two searches run on two cores.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray


def _popcount(_context: Any, _value: Any) -> Any:
    """Number of set bits of a uint64: one instruction, which LLVM can also vectorise."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


#: Number of set bits of a uint64, for compiled code.
popcount: Any = intrinsic(_popcount)


def compiled(function: Any) -> Any:
    """Compile with numba: cached on disk, GIL released."""
    return numba.njit(cache=True, nogil=True)(function)


@compiled
def nearest_words(
    descriptors: NDArray[np.uint64],
    pivots: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    words: NDArray[np.uint64],
    probes: int,
    nearest: NDArray[np.uint16],
) -> None:
    """Fill `nearest` (N, k) with the k nearest words found in the lists of the nearest pivots.

    Looked at are the `probes` nearest pivots and all others at the distance of the last of them, so that the
    order of the pivots plays no part. Ties between words are broken by the smaller number.

    Args:
        descriptors: (N, 4); pivots: (4, P); words: (4, V). With the 64-bit parts apart the compiler can
            compare eight at a time.
        offsets: (P + 1,), where the words of a pivot lie.
    """
    num_pivots = pivots.shape[1]
    count = nearest.shape[1]
    distance = np.empty(num_pivots, np.uint16)
    histogram = np.empty(257, np.int64)
    longest = np.int64(0)
    for p in range(num_pivots):
        longest = max(longest, np.int64(offsets[p + 1] - offsets[p]))
    bits = np.empty(longest, np.uint16)
    best = np.empty(count, np.int64)
    for i in range(descriptors.shape[0]):
        d0, d1, d2, d3 = descriptors[i, 0], descriptors[i, 1], descriptors[i, 2], descriptors[i, 3]
        for p in range(num_pivots):
            distance[p] = np.uint16(
                popcount(d0 ^ pivots[0, p])
                + popcount(d1 ^ pivots[1, p])
                + popcount(d2 ^ pivots[2, p])
                + popcount(d3 ^ pivots[3, p])
            )
        # Distances are whole numbers up to 256: counting them finds the nearest pivots without sorting.
        histogram[:] = 0
        for p in range(num_pivots):
            histogram[distance[p]] += 1
        reach = 0
        within = histogram[0]
        while within < probes:
            reach += 1
            within += histogram[reach]
        best[:] = np.int64(1) << 62
        worst = np.uint16(257)
        for p in range(num_pivots):
            if distance[p] > reach:
                continue
            start = np.int64(offsets[p])
            length = np.int64(offsets[p + 1]) - start
            smallest = np.uint16(257)
            for j in range(length):
                w = start + j
                bits[j] = np.uint16(
                    popcount(d0 ^ words[0, w])
                    + popcount(d1 ^ words[1, w])
                    + popcount(d2 ^ words[2, w])
                    + popcount(d3 ^ words[3, w])
                )
            for j in range(length):
                smallest = min(smallest, bits[j])
            if smallest > worst:
                continue
            for j in range(length):
                if bits[j] > worst:
                    continue
                # Distance and number in one integer: the smallest is the nearest.
                key = (np.int64(bits[j]) << 32) | (start + j)
                if key < best[count - 1]:
                    place = count - 1
                    while place > 0 and best[place - 1] > key:
                        best[place] = best[place - 1]
                        place -= 1
                    best[place] = key
                    worst = np.uint16(min(best[count - 1] >> 32, 257))
        for c in range(count):
            nearest[i, c] = np.uint16(best[c] & 0xFFFF)


@compiled
def select_bits(
    descriptors: NDArray[np.uint64], bits: NDArray[np.uint8], signatures: NDArray[np.uint64]
) -> None:
    """Fill `signatures` (N,) with the chosen bits of each descriptor, first chosen bit lowest."""
    for i in range(descriptors.shape[0]):
        signature = np.uint64(0)
        for b in range(bits.shape[0]):
            place = np.uint64(bits[b])
            bit = (descriptors[i, place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1)
            signature |= bit << np.uint64(b)
        signatures[i] = signature


@compiled
def scan_postings(
    offsets: NDArray[np.uint32],
    images: NDArray[np.uint32],
    signatures: NDArray[np.uint64],
    geometry: NDArray[np.uint16],
    query_words: NDArray[np.uint16],
    query_signatures: NDArray[np.uint64],
    reach: int,
    votes: tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16], NDArray[np.uint8]],
) -> int:
    """Scan the postings of all query words and record the votes; return how many there are.

    A vote is a posting whose signature lies within `reach` bits of the query feature's.

    Args:
        offsets: (V + 1,) uint32, where the postings of a word lie.
        images, signatures, geometry: (P,) postings.
        query_words: (Q, k) words of the query features; query_signatures: (Q,).
        votes: image, query feature, posting geometry and signature distance of each vote. When there are
            more votes than room, the rest is left out: those of the last features.
    """
    vote_image, vote_feature, vote_geometry, vote_distance = votes
    capacity = vote_image.shape[0]
    num_votes = 0
    for f in range(query_words.shape[0]):
        own = query_signatures[f]
        for k in range(query_words.shape[1]):
            word = np.int64(query_words[f, k])
            for p in range(np.int64(offsets[word]), np.int64(offsets[word + 1])):
                bits = popcount(signatures[p] ^ own)
                if bits <= np.uint64(reach) and num_votes < capacity:
                    vote_image[num_votes] = images[p]
                    vote_feature[num_votes] = f
                    vote_geometry[num_votes] = geometry[p]
                    vote_distance[num_votes] = bits
                    num_votes += 1
    return num_votes


@compiled
def add_up_votes(
    vote_image: NDArray[np.uint32],
    vote_feature: NDArray[np.int32],
    vote_weight: NDArray[np.float32],
    scores: NDArray[np.float32],
    last_feature: NDArray[np.int32],
    last_weight: NDArray[np.float32],
) -> None:
    """Add the weights of the votes to the scores of their images.

    Of the votes of one query feature for one image only the heaviest counts (burstiness within an image).
    Votes come in the order of features.

    Args:
        scores: (images of the segment,) set to zero by the caller.
        last_feature, last_weight: (images of the segment,), scratch; last_feature filled with -1.
    """
    for v in range(vote_image.shape[0]):
        image = vote_image[v]
        weight = vote_weight[v]
        if last_feature[image] != vote_feature[v]:
            last_feature[image] = vote_feature[v]
            last_weight[image] = weight
            scores[image] += weight
        elif weight > last_weight[image]:
            scores[image] += weight - last_weight[image]
            last_weight[image] = weight


@compiled
def agreeing_votes(
    slots: NDArray[np.int32],
    vote_image: NDArray[np.uint32],
    vote_feature: NDArray[np.int32],
    vote_geometry: NDArray[np.uint16],
    vote_weight: NDArray[np.float32],
    query_angle: NDArray[np.int32],
    query_scale: NDArray[np.int32],
    histogram: NDArray[np.float32],
) -> None:
    """Fill `histogram` (slots, 16 turns, 16 scales) with the votes of the images that have a slot.

    Weak geometric consistency (Jégou, Douze, Schmid: "Hamming embedding and weak geometric consistency",
    ECCV 2008): the votes of a true match agree on how much the image was turned and scaled. A vote counts
    in its own bin and, by half, in the two neighbouring turns, since angles fall on both sides of an edge.

    Args:
        slots: (images of the segment,) int32, slot of an image or -1.
        query_angle: (Q,) int32 in 0..63; query_scale: (Q,) int32, quarter octaves.
    """
    for v in range(vote_image.shape[0]):
        slot = slots[vote_image[v]]
        if slot < 0:
            continue
        feature = vote_feature[v]
        packed = np.int32(vote_geometry[v])
        turn = ((packed >> 10) - query_angle[feature]) & 63
        scale = min(max((((packed >> 6) & 15) - query_scale[feature] + 16) >> 1, 0), 15)
        weight = vote_weight[v]
        bin_ = turn >> 2
        histogram[slot, bin_, scale] += weight
        histogram[slot, (bin_ + 1) & 15, scale] += np.float32(0.5) * weight
        histogram[slot, (bin_ + 15) & 15, scale] += np.float32(0.5) * weight
