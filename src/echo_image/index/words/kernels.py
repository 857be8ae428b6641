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
    order of the pivots plays no part.
    """
    num_pivots = pivots.shape[0]
    count = nearest.shape[1]
    distance = np.empty(num_pivots, np.int64)
    histogram = np.empty(257, np.int64)
    longest = np.int64(0)
    for p in range(num_pivots):
        longest = max(longest, np.int64(offsets[p + 1] - offsets[p]))
    buffer = np.empty(longest, np.int64)
    best = np.empty(count, np.int64)
    for i in range(descriptors.shape[0]):
        d0, d1, d2, d3 = descriptors[i, 0], descriptors[i, 1], descriptors[i, 2], descriptors[i, 3]
        for p in range(num_pivots):
            distance[p] = np.int64(
                popcount(d0 ^ pivots[p, 0])
                + popcount(d1 ^ pivots[p, 1])
                + popcount(d2 ^ pivots[p, 2])
                + popcount(d3 ^ pivots[p, 3])
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
        for p in range(num_pivots):
            if distance[p] > reach:
                continue
            start = np.int64(offsets[p])
            length = np.int64(offsets[p + 1]) - start
            # Distance and number in one integer: the smallest is the nearest, ties by smaller number.
            for j in range(length):
                w = start + j
                bits = (
                    popcount(d0 ^ words[w, 0])
                    + popcount(d1 ^ words[w, 1])
                    + popcount(d2 ^ words[w, 2])
                    + popcount(d3 ^ words[w, 3])
                )
                buffer[j] = (np.int64(bits) << 32) | w
            for j in range(length):
                key = buffer[j]
                if key < best[count - 1]:
                    place = count - 1
                    while place > 0 and best[place - 1] > key:
                        best[place] = best[place - 1]
                        place -= 1
                    best[place] = key
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
    query_weights: NDArray[np.float32],
    distance_weights: NDArray[np.float32],
    scores: NDArray[np.float32],
    last_feature: NDArray[np.int32],
    last_weight: NDArray[np.float32],
    votes: tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16], NDArray[np.float32]],
) -> int:
    """Scan the postings of all query words, add up scores, record every vote; return the number of votes.

    A vote is a posting whose signature lies within `len(distance_weights) - 1` bits of the query feature's.
    Of the votes of one query feature for one image only the heaviest counts (burstiness within an image),
    wherever in the feature's words it stands.

    Args:
        offsets: (V + 1,) uint32, where the postings of a word lie.
        images, signatures, geometry: (P,) postings.
        query_words: (Q, k) words of the query features; query_signatures: (Q,); query_weights: (Q, k).
        distance_weights: weight by signature distance, 0 … largest distance that still votes.
        scores: (images of the segment,) set to zero by the caller.
        last_feature, last_weight: (images of the segment,), scratch; last_feature filled with -1.
        votes: image, query feature, posting geometry and weight of each vote; as long as there may be votes.
            Votes beyond their length are counted in `scores` but not recorded.
    """
    vote_image, vote_feature, vote_geometry, vote_weight = votes
    capacity = vote_image.shape[0]
    reach = np.uint64(distance_weights.shape[0] - 1)
    num_votes = 0
    for f in range(query_words.shape[0]):
        own = query_signatures[f]
        for k in range(query_words.shape[1]):
            word = query_words[f, k]
            factor = query_weights[f, k]
            for p in range(np.int64(offsets[word]), np.int64(offsets[np.int64(word) + 1])):
                bits = popcount(signatures[p] ^ own)
                if bits > reach:
                    continue
                image = images[p]
                weight = factor * distance_weights[bits]
                gain = weight
                if last_feature[image] == f:
                    gain = max(np.float32(0), weight - last_weight[image])
                    last_weight[image] = max(last_weight[image], weight)
                else:
                    last_feature[image] = f
                    last_weight[image] = weight
                scores[image] += gain
                if num_votes < capacity:
                    vote_image[num_votes] = image
                    vote_feature[num_votes] = f
                    vote_geometry[num_votes] = geometry[p]
                    vote_weight[num_votes] = weight
                    num_votes += 1
    return num_votes


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
