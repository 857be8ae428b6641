"""ORB's description of a patch: its direction, and 256 comparisons of two of its pixels.

Rublee, Rabaud, Konolige, Bradski: "ORB: an efficient alternative to SIFT or SURF" (ICCV 2011), sections 3.2
and 4. The direction is that from the key point to the centroid of a disc of radius 15 px. It is rounded to
one of 256 turns, as it is stored, before the pairs are turned by it; so the turned pairs can be kept in a
table. The descriptors equal OpenCV's for the same places and rounded directions, bit by bit
(`scripts/make_orb_pattern.py` measures its pairs), so a vocabulary of either serves both. Only where a patch
reaches over the border they may differ: OpenCV does not blur the reflection there.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled

#: Steps of a full turn.
NUM_TURNS = 256
#: Radius of the disc whose centroid gives the direction.
DISC_PX = 15
#: No compared pixel is further away than this on either axis.
REACH_PX = 19

_U = np.uintp
_ROW = 32  # a row of the disc, filled up to what the processor likes


@lru_cache(maxsize=1)
def pattern() -> NDArray[np.int8]:
    """Return (256, 4) int8: x0, y0, x1, y1 of each pair, px from the key point, direction to the right."""
    with resources.files("echo_image.features").joinpath("orb_pattern.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), np.int8)


@lru_cache(maxsize=8)
def turned_pairs(stride: int, *, mirrored: bool) -> NDArray[np.int16]:
    """Return (256, 512) int16: for each turn, how far the compared pixels lie from the key point in memory.

    Args:
        stride: bytes from one row of the image to the next, at most 1,700.
        mirrored: describe the patch as it looks in the mirror image. Turns are those of the mirror image.

    Cost: 2 ms, once for each kind of image; 0.3 MB are kept.
    """
    angle = np.arange(NUM_TURNS) * (2 * np.pi / NUM_TURNS)
    cos, sin = (f(angle).astype(np.float32)[:, None] for f in (np.cos, np.sin))
    x, y = pattern().reshape(-1, 2).T.astype(np.float32)
    turned_x, turned_y = np.rint(x * cos - y * sin), np.rint(x * sin + y * cos)
    if mirrored:
        turned_x = -turned_x
    return np.asarray(turned_y * stride + turned_x, np.int16)


@lru_cache(maxsize=1)
def disc() -> NDArray[np.uint8]:
    """Return (31, 32) uint8: 255 inside the disc, 0 outside. Equal under mirroring and quarter turns."""
    along = np.abs(np.arange(-DISC_PX, _ROW - DISC_PX))
    down, across = along[: 2 * DISC_PX + 1, None], along[None, :]
    short, long = np.minimum(down, across), np.maximum(down, across)
    inside = long <= np.rint(np.sqrt(np.maximum(DISC_PX**2 - short**2, 0)))
    return np.where(inside, 255, 0).astype(np.uint8)


@compiled
def directions(
    pixels: NDArray[np.uint8],
    stride: int,
    places: NDArray[np.int64],
    mask: NDArray[np.uint8],
    turns: NDArray[np.int32],
) -> None:
    """Fill `turns` (N,) with the direction of each patch, 0 to 255, clockwise since y is down.

    Sums over columns stay below 16 bits: 31 × 255 for the pixels, (1 + … + 15) × 255 weighted by their rows.

    Args:
        pixels: the image, one row after the other.
        places: (N,) int64, where the key points stand in `pixels`, 15 px or more from its border, 16 right.
        mask: `disc()`.
    """
    sums, moments = np.empty(_ROW, np.int16), np.empty(_ROW, np.int16)
    columns = _U(_ROW)
    for i in range(places.shape[0]):
        start = _U(places[i] - DISC_PX * stride - DISC_PX)
        for u in range(columns):
            sums[u] = 0
            moments[u] = 0
        for v in range(2 * DISC_PX + 1):
            begin = start + _U(v * stride)
            row, inside = pixels[begin : begin + columns], mask[v]
            weight = np.int16(v - DISC_PX)
            for u in range(columns):
                value = np.int16(row[u] & inside[u])
                sums[u] = np.int16(sums[u] + value)
                moments[u] = np.int16(moments[u] + np.int16(value * weight))
        right, down = np.int64(0), np.int64(0)
        for u in range(_ROW):
            right += (u - DISC_PX) * np.int64(sums[u])
            down += np.int64(moments[u])
        turn = round(math.atan2(float(down), float(right)) * (NUM_TURNS / 2 / math.pi))
        turns[i] = np.int32(turn) & (NUM_TURNS - 1)


@compiled
def describe(
    pixels: NDArray[np.uint8],
    places: NDArray[np.int64],
    turns: NDArray[np.int32],
    pairs: NDArray[np.int16],
    descriptors: NDArray[np.uint64],
) -> None:
    """Fill `descriptors` (N, 4): bit i is set where the first pixel of pair i is darker than the second.

    Args:
        pixels: the blurred image, one row after the other.
        places: (N,) int64, where the key points stand in `pixels`, `REACH_PX` or more from its border.
        turns: (N,) int32; pairs: `turned_pairs` for the image's stride.
    """
    for i in range(places.shape[0]):
        offsets = pairs[turns[i]]
        for word in range(4):
            bits = np.uint64(0)
            for b in range(64):
                pair = 2 * (64 * word + b)
                first = pixels[_U(places[i] + offsets[pair])]
                second = pixels[_U(places[i] + offsets[pair + 1])]
                bits |= np.uint64(first < second) << np.uint64(b)
            descriptors[i, word] = bits
