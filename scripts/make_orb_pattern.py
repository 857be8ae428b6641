"""Measure the 256 pairs of pixels that ORB compares: `src/echo_image/features/orb_pattern.npy`.

    python scripts/make_orb_pattern.py --output orb_pattern.npy

OpenCV's pairs were learned from photographs; no function tells them. They are found here from outside: a key
point with the direction 0 is described on images that are dark on one side of a straight edge and bright on
the other. The bit of a pair tells when the edge, which the blur makes 7 px wide, passes its two pixels.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE, CENTRE = 129, 64
#: An edge reaches this far: the blur covers 7 px.
REACH = 3
#: Where edges are drawn; the pairs lie within 15 px.
STEPS = range(-24, 25)
UNKNOWN = 99

_Y, _X = np.mgrid[:SIDE, :SIDE] - CENTRE


def bits(image: NDArray[Any], degrees: float = 0.0) -> NDArray[np.bool_]:
    """Return the (256,) bits that OpenCV gives a key point in the middle of a (129, 129) image."""
    keypoint = cv2.KeyPoint(CENTRE, CENTRE, 31, degrees, 1.0, 0)
    orb: Any = cv2.ORB.create(nlevels=1)
    _, descriptors = orb.compute(image.astype(np.uint8), [keypoint])
    return np.unpackbits(descriptors[0], bitorder="little").astype(np.bool_)


def along(axis: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the coordinates (256,) of both pixels on an axis; `UNKNOWN` where they are equal."""
    first, second = np.full(256, UNKNOWN), np.full(256, UNKNOWN)
    rising = np.array([bits(np.where(axis > step, 200, 50)) for step in STEPS])
    falling = np.array([bits(np.where(axis > step, 50, 200)) for step in STEPS])
    for seen, low, high in ((rising, first, second), (falling, second, first)):
        for pair in np.flatnonzero(seen.any(axis=0)):
            steps = np.flatnonzero(seen[:, pair]) + STEPS[0]
            low[pair], high[pair] = steps[0] + REACH, steps[-1] - REACH + 1
    return first, second


def where_equal(
    own: tuple[NDArray[np.int64], NDArray[np.int64]],
    other: tuple[NDArray[np.int64], NDArray[np.int64]],
    axis: NDArray[Any],
    across: NDArray[Any],
) -> None:
    """Fill in the unknown coordinates: only the half plane with the first pixel gets the edge."""
    for pair in np.flatnonzero(own[0] == UNKNOWN):
        first, second = other[0][pair], other[1][pair]
        half = across >= first if first > second else across <= first
        seen = [step for step in STEPS if bits(np.where(half & (axis > step), 50, 250))[pair]]
        own[0][pair] = own[1][pair] = seen[-1] - REACH + 1


def measure() -> NDArray[np.int8]:
    """Return (256, 4) int8: x0, y0, x1, y1 of each pair."""
    x, y = along(_X), along(_Y)
    where_equal(x, y, _X, _Y)
    where_equal(y, x, _Y, _X)
    return np.stack([x[0], y[0], x[1], y[1]], axis=1).astype(np.int8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    pairs = measure()
    output = parser.parse_args().output
    np.save(output, pairs)
    print(f"{len(pairs)} pairs written to {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
