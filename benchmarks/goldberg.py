"""A signature for any kind of image: how each of 81 places differs in grey from those around it.

After H. Chi Wong, Marshall Bern and David Goldberg, "An image signature for any kind of image" (ICIP 2002),
section 2; the package image-match made it known. The steps are those of the paper:

1. grey levels 0..255;
2. a 9 × 9 grid on the part of the image that lies between the 5th and 95th percentile of the sums of absolute
   differences between neighbouring px, of columns and of rows: cropping a dull margin moves it little;
3. at each point the mean of a square of `max(2, ⌊½ + min(n, m) / 20⌋)` px, softened by a 3 × 3 mean;
4. for each of its eight neighbours on the grid: much darker, darker, same, lighter, much lighter, as -2 … 2.
   Same is a difference of at most 2 levels; the limit between lighter and much lighter is such that both are
   as frequent, and so for darker. Where the grid ends, 0;
5. the 648 numbers in reading order. Two signatures are compared by ‖u - v‖ / (‖u‖ + ‖v‖), 0 to 1; the paper
   takes below 0.6 for the same image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["SIZE", "distances", "signature"]

_GRID = 9
_NEIGHBORS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
#: Numbers of a signature.
SIZE = _GRID * _GRID * len(_NEIGHBORS)

_SAME_LEVELS = 2.0
_DULL_SHARE = 0.05


def signature(rgb: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the signature of an image, (648,), each number from -2 to 2.

    Args:
        rgb: (H, W, 3) uint8.
    """
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float64)
    rows = _grid(np.abs(np.diff(grey, axis=1)).sum(axis=1))
    columns = _grid(np.abs(np.diff(grey, axis=0)).sum(axis=0))
    means = _means(grey, rows, columns)
    framed = np.pad(means, 1, constant_values=np.nan)
    around = [framed[1 + dy : 1 + dy + _GRID, 1 + dx : 1 + dx + _GRID] for dy, dx in _NEIGHBORS]
    differences = np.nan_to_num(np.stack(around, axis=-1) - means[:, :, None])
    return _levels(differences).reshape(-1)


def distances(one: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the normalised distances, 0..1, of one signature, (648,), to others, (N, 648).

    Two without any difference, of flat images, are at 0.
    """
    u, v = one.astype(np.float64), others.astype(np.float64)
    apart = np.linalg.norm(v - u, axis=1)
    lengths = np.linalg.norm(v, axis=1) + np.linalg.norm(u)
    return np.asarray(apart / np.maximum(lengths, 1e-9), np.float64)


def _grid(sums: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return where the lines of the grid lie, (9,) px, from the differences in each row or column."""
    total = np.cumsum(sums)
    low, high = 0, len(sums) - 1
    if total[-1] > 0:
        low, high = np.searchsorted(total, [_DULL_SHARE * total[-1], (1 - _DULL_SHARE) * total[-1]])
    return np.rint(np.linspace(low, high, _GRID + 2)[1:-1]).astype(np.intp)


def _means(
    grey: NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the mean of the softened square around each point of the grid, (9, 9)."""
    height, width = grey.shape
    side = max(2, int(0.5 + min(height, width) / 20))
    sums = cv2.integral(cv2.blur(grey, (3, 3), borderType=cv2.BORDER_REPLICATE))
    top, left = (np.maximum(places - side // 2, 0) for places in (rows, columns))
    bottom = np.minimum(rows - side // 2 + side, height)
    right = np.minimum(columns - side // 2 + side, width)
    inside = (
        sums[np.ix_(bottom, right)]
        - sums[np.ix_(top, right)]
        - sums[np.ix_(bottom, left)]
        + sums[np.ix_(top, left)]
    )
    return np.asarray(inside / np.outer(bottom - top, right - left), np.float64)


def _levels(differences: NDArray[np.float64]) -> NDArray[np.int8]:
    levels = np.zeros(differences.shape, np.int8)
    for sign in (1, -1):
        amounts = sign * differences
        counted = amounts > _SAME_LEVELS
        if counted.any():
            levels[counted] = sign
            levels[counted & (amounts > np.median(amounts[counted]))] = 2 * sign
    return levels
