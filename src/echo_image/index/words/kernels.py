"""The inner loops of the visual-word index, compiled by numba. No Python object in any of them.

All of them release the GIL, so two searches run on two cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from echo_image.features.compilation import compiled


def _popcount(_context: Any, _value: Any) -> Any:
    """Number of set bits of a uint64: one instruction, which LLVM can also vectorise."""

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


#: Number of set bits of a uint64, for compiled code.
popcount: Any = intrinsic(_popcount)


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
    num_pivots, count = pivots.shape[1], nearest.shape[1]
    # Numbers that cannot be negative spare numba the look whether an index counts from the end, without which
    # the loops below compare several words at a time.
    columns = np.uintp(num_pivots)
    distance = np.empty(num_pivots, np.uint16)
    histogram = np.empty(257, np.int32)
    longest = np.int64(0)
    for p in range(num_pivots):
        longest = max(longest, np.int64(offsets[p + 1] - offsets[p]))
    keys = np.empty(longest, np.uint32)
    near = np.empty(num_pivots, np.int32)
    best = np.empty(count, np.uint32)
    none = np.uint32(0xFFFFFFFF)
    p0, p1, p2, p3 = pivots[0], pivots[1], pivots[2], pivots[3]
    for i in range(descriptors.shape[0]):
        d0, d1, d2, d3 = descriptors[i, 0], descriptors[i, 1], descriptors[i, 2], descriptors[i, 3]
        for p in range(columns):
            distance[p] = np.uint16(
                popcount(d0 ^ p0[p]) + popcount(d1 ^ p1[p]) + popcount(d2 ^ p2[p]) + popcount(d3 ^ p3[p])
            )
        # Distances are whole numbers up to 256: counting them finds the nearest pivots without sorting.
        histogram[:] = 0
        for p in range(columns):
            histogram[distance[p]] += 1
        reach = 0
        within = histogram[0]
        while within < probes:
            reach += 1
            within += histogram[reach]
        num_near = np.int64(0)
        for p in range(num_pivots):
            near[num_near] = p
            num_near += np.int64(distance[p] <= reach)
        best[:] = none
        for j in range(num_near):
            start = offsets[near[j]]
            length = np.uintp(offsets[near[j] + 1] - start)
            w0, w1, w2, w3 = words[0, start:], words[1, start:], words[2, start:], words[3, start:]
            smallest = none
            for w in range(length):
                bits = (
                    popcount(d0 ^ w0[w]) + popcount(d1 ^ w1[w]) + popcount(d2 ^ w2[w]) + popcount(d3 ^ w3[w])
                )
                # Distance and number in one integer: the smallest is the nearest.
                number = np.uint32(np.uint32(start) + np.uint32(w))
                key = np.uint32((np.uint32(bits) << np.uint32(16)) | number)
                keys[w] = key
                smallest = min(smallest, key)
            if smallest >= best[count - 1]:
                continue
            if count == 1:
                best[0] = smallest
                continue
            for w in range(length):
                key = keys[w]
                if key < best[count - 1]:
                    place = count - 1
                    while place > 0 and best[place - 1] > key:
                        best[place] = best[place - 1]
                        place -= 1
                    best[place] = key
        for c in range(count):
            nearest[i, c] = np.uint16(best[c] & np.uint32(0xFFFF))
