"""How alike two aligned images look, where it matters: in what has detail, and in colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.verify.alignment import Alignment, gray, recolored

#: The colour difference reported as the worst is that which this share of places stays below.
_WORST_SHARE = 0.97
#: A place has detail where the grey values around it spread by more than this, 0..128 …
_DETAIL_STD = 8.0
_DETAIL_WINDOW = (7, 7)
#: … and where less than this share of the overlap has any, all of it counts.
_DETAIL_SHARE = 0.005


def detail_ssim(alignment: Alignment) -> float:
    """Mean SSIM where the local spread of grey values of either image is above `_DETAIL_STD`."""
    detailed = np.zeros(alignment.mask.shape, bool)
    for side in (alignment.query, alignment.candidate):
        values = gray(side).astype(np.float32)
        variance = cv2.blur(values * values, _DETAIL_WINDOW) - cv2.blur(values, _DETAIL_WINDOW) ** 2
        detailed |= np.asarray(variance > _DETAIL_STD**2)
    detailed &= alignment.mask
    if detailed.sum() < _DETAIL_SHARE * alignment.mask.sum():
        detailed = alignment.mask
    return float(alignment.ssim[detailed].mean())


def color_differences(alignment: Alignment) -> tuple[float, float, float, float]:
    """Return mean and 97th percentile of the colour difference, the latter also recoloured, and contrast."""
    mask = alignment.mask.astype(np.uint8)
    first, second = (
        np.asarray(cv2.blur(side, (5, 5)), np.uint8) for side in (alignment.query, alignment.candidate)
    )
    difference = np.asarray(cv2.absdiff(first, second), np.uint8)
    after_change = np.asarray(cv2.absdiff(recolored(first, second, alignment.mask), second), np.uint8)
    contrast = min(float(cv2.meanStdDev(side, mask=mask)[1].max()) for side in (first, second))
    return (
        float(np.mean(cv2.mean(difference, mask=mask)[:3])),
        _percentile(difference, mask),
        _percentile(after_change, mask),
        contrast,
    )


def _percentile(difference: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """97th percentile of the strongest channel of an (H, W, 3) uint8 image within the mask."""
    red, green, blue = cv2.split(difference)
    counts = cv2.calcHist([cv2.max(cv2.max(red, green), blue)], [0], mask, [256], [0, 256]).ravel()
    return float(np.searchsorted(np.cumsum(counts), _WORST_SHARE * counts.sum()))
