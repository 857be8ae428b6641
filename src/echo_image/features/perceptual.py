"""PDQ: 256 bits that stay nearly the same when a picture is re-encoded, resized or recoloured.

Written from "PDQ & TMK + PDQF: A Test-Drive of Facebook's Perceptual Hashing Algorithms" (2019),
section "PDQ": luminance, two passes of a box filter (Jarosz), 64 × 64 samples, the lowest 16 × 16
cosine coefficients without the constant ones, one bit each: above the median or not. The bit order
is the published one (bit 0 is the last bit of the last byte), so codes can be exchanged with others.

The filter runs on the reduced working image rather than on the full one: a few bits of 256 differ
from the reference on full-size input, which is far below the 31 bits taken as "the same".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

VERSION = 2

NUM_BITS = 256
_SAMPLES = 64
_COEFFICIENTS = 16
# The reference divides the summed gradients by 90 and caps at 100.
_QUALITY_DIVISOR = 90


@dataclass(frozen=True, slots=True, eq=False)
class PerceptualHash:
    """A PDQ code and how much structure stood behind it.

    Attributes:
        codes: (8, 32) uint8, the code of the eight orientations of the image; row 0 is the image as
            it is, then the mirror image and the turns in the order of `ORIENTATIONS`.
        quality: 0 (flat, the code means nothing) to 100; below 50 a code is not to be trusted.
    """

    codes: NDArray[np.uint8]
    quality: int

    @property
    def code(self) -> NDArray[np.uint8]:
        """(32,) uint8, the code of the image as it is."""
        return np.asarray(self.codes[0])


#: For each row of `PerceptualHash.codes`: (transposed first, then mirrored left-right, then flipped
#: top-bottom). The code in that row is the code of the image after these operations.
ORIENTATIONS: tuple[tuple[bool, bool, bool], ...] = (
    (False, False, False),
    (False, True, False),
    (False, False, True),
    (False, True, True),
    (True, False, False),
    (True, True, False),
    (True, False, True),
    (True, True, True),
)


def is_mirroring(orientation: int) -> bool:
    """Say whether an orientation (row of `ORIENTATIONS`) shows the mirror image rather than a turned one."""
    return sum(ORIENTATIONS[orientation]) % 2 == 1


@lru_cache(maxsize=1)
def _dct_matrix() -> NDArray[np.float64]:
    """(16, 64): rows 1 to 16 of the orthonormal DCT-II of length 64."""
    k = np.arange(1, _COEFFICIENTS + 1)[:, None]
    n = np.arange(_SAMPLES)[None, :]
    return np.asarray(np.sqrt(2.0 / _SAMPLES) * np.cos(np.pi / (2 * _SAMPLES) * k * (2 * n + 1)))


def _box(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Sum over the part of a rows × columns window that lies inside the array."""
    total = cv2.boxFilter(
        values,
        cv2.CV_32F,
        (columns, rows),
        anchor=((columns - 1) // 2, (rows - 1) // 2),  # an even window reaches one px further ahead
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    return np.asarray(total, np.float32)


@lru_cache(maxsize=32)
def _inverse_weights(height: int, width: int) -> NDArray[np.float32]:
    """One over the number of pixels of each window that lie inside; most images of a library share a size."""
    ones = np.ones((height, width), np.float32)
    return np.asarray(1 / _box(ones, _window(height), _window(width)), np.float32)


def _window(length: int) -> int:
    """Width of the box for a side of `length` px: half the distance of two samples, rounded up."""
    return (length + 2 * _SAMPLES - 1) // (2 * _SAMPLES)


def _sample(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(64, 64) float64 samples of the twice filtered image."""
    height, width = gray.shape
    values = gray.astype(np.float32)
    rows, columns = _window(height), _window(width)
    if rows > 1 or columns > 1:
        share = _inverse_weights(height, width)
        values = _box(values, rows, columns) * share
        values = _box(values, rows, columns) * share
    y = ((np.arange(_SAMPLES) + 0.5) * height / _SAMPLES).astype(np.intp)
    x = ((np.arange(_SAMPLES) + 0.5) * width / _SAMPLES).astype(np.intp)
    return values[np.ix_(y, x)].astype(np.float64)


def _quality(samples: NDArray[np.float64]) -> int:
    down = np.abs(np.diff(samples, axis=0)) * 100 / 255
    right = np.abs(np.diff(samples, axis=1)) * 100 / 255
    total = int(down.astype(np.int64).sum() + right.astype(np.int64).sum())
    return min(total // _QUALITY_DIVISOR, 100)


def _pack(coefficients: NDArray[np.float64]) -> NDArray[np.uint8]:
    # The published code sets a bit for a coefficient strictly above the lower median.
    median = np.partition(coefficients.ravel(), NUM_BITS // 2 - 1)[NUM_BITS // 2 - 1]
    return np.packbits((coefficients > median).ravel()[::-1])


def perceptual_hash(gray: NDArray[np.uint8]) -> PerceptualHash:
    """Return the PDQ codes of an image in its eight orientations.

    Args:
        gray: (H, W) uint8 luminance, H and W at least 1.

    Raises:
        ValueError: `gray` is not a two-dimensional, non-empty uint8 array.

    Cost: about 0.5 ms for 512 × 384 px.
    """
    if gray.ndim != 2 or gray.dtype != np.uint8 or gray.size == 0:
        raise ValueError(f"gray must be a non-empty (H, W) uint8 array, not {gray.shape} {gray.dtype}")
    samples = _sample(gray)
    dct = _dct_matrix()
    upright = dct @ samples @ dct.T
    # Mirroring an image flips the sign of its odd cosine coefficients, transposing it transposes them.
    sign = np.where(np.arange(1, _COEFFICIENTS + 1) % 2 == 1, -1.0, 1.0)
    codes = []
    for transposed, mirrored, flipped in ORIENTATIONS:
        coefficients = upright.T if transposed else upright
        if mirrored:
            coefficients = coefficients * sign[None, :]
        if flipped:
            coefficients = coefficients * sign[:, None]
        codes.append(_pack(coefficients))
    return PerceptualHash(np.stack(codes), _quality(samples))
