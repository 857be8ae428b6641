"""What was done to the colours and the sharpness of an image, and whether something was painted on.

What was painted on has colours and edges of its own, so it is found first and left out of the rest: a white
bar does not make a picture brighter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.verify.alignment import Alignment, gray
from echo_image.verify.changes import COVERED, INVERTED, Change
from echo_image.verify.structure import Structure

_GRAY_SATURATION = 6.0
_COLORFUL_SATURATION = 16.0
_COLOR_DIFFERENCE = 12.0
#: Variance of the Laplacian over that of the other image; a blur of 2 px gives 0.04, warping alone 0.2.
_BLURRED = 0.15
#: Something was painted on when it takes this share of the overlap.
_COVERED = 0.006
#: With fewer places left than this there is nothing to compare colours on.
_FEWEST = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Two aligned images where nothing was painted on.

    Attributes:
        query, candidate: (h, w, 3) uint8.
        mask: (h, w) uint8, what counts.
    """

    query: NDArray[np.uint8]
    candidate: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def photometric_changes(alignment: Alignment, structure: Structure) -> list[Change]:
    """Say what was done to colours and sharpness, and whether something was painted on. Cost: 1 to 2 ms."""
    patches = structure.painted
    if patches.shape != alignment.mask.shape:  # the structures were not worth comparing
        patches = np.zeros(alignment.mask.shape, np.bool_)
    covered = np.count_nonzero(patches) >= _COVERED * np.count_nonzero(alignment.mask)
    rest = alignment.mask & ~_widened(patches) if covered else alignment.mask
    if np.count_nonzero(rest) < _FEWEST:
        rest = alignment.mask
    seen = _Seen(alignment.query, alignment.candidate, rest.astype(np.uint8))
    changes = _color_changes(seen)
    sharpness = [_sharpness(side, seen.mask) for side in (seen.query, seen.candidate)]
    if sharpness[0] < _BLURRED * sharpness[1]:
        changes.append(Change("blurred"))
    elif sharpness[1] < _BLURRED * sharpness[0]:
        changes.append(Change("sharper_or_noisier"))
    if covered:
        changes.append(COVERED)
    return changes


def _widened(patches: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The edge of what was painted on belongs to it."""
    return np.asarray(cv2.dilate(patches.view(np.uint8), np.ones((7, 7), np.uint8)), np.bool_)


def _color_changes(seen: _Seen) -> list[Change]:
    sides = (seen.query, seen.candidate)
    inside = seen.mask.view(np.bool_)
    saturation = [_saturation(side, seen.mask) for side in sides]
    luma = [gray(side)[inside].astype(np.float32) for side in sides]
    mean, deviation = [float(values.mean()) for values in luma], [float(values.std()) for values in luma]
    covariance = float(np.dot(luma[0] - mean[0], luma[1] - mean[1])) / len(luma[0])
    if min(deviation) > 3 and covariance < -0.5 * deviation[0] * deviation[1]:
        return [INVERTED]
    changes = []
    if saturation[0] < _GRAY_SATURATION and saturation[1] > _COLORFUL_SATURATION:
        changes.append(Change("made_grey"))
    elif saturation[1] < _GRAY_SATURATION and saturation[0] > _COLORFUL_SATURATION:
        changes.append(Change("coloured"))
    if abs(mean[0] - mean[1]) >= _COLOR_DIFFERENCE:
        changes.append(Change("brighter" if mean[0] > mean[1] else "darker"))
    elif not changes and _color_difference(seen) >= _COLOR_DIFFERENCE:
        changes.append(Change("colours_changed"))
    return changes


def _color_difference(seen: _Seen) -> float:
    """Mean absolute difference of the smoothed colours, 0..255."""
    sides = (np.asarray(cv2.blur(side, (5, 5)), np.uint8) for side in (seen.query, seen.candidate))
    return float(np.mean(cv2.mean(np.asarray(cv2.absdiff(*sides), np.uint8), mask=seen.mask)[:3]))


def _saturation(rgb: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """Mean difference of the strongest and the weakest channel of smoothed colours, 0..255.

    Smoothed: noise and halftones have colours of their own.
    """
    red, green, blue = cv2.split(cv2.blur(rgb, (5, 5)))
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(cv2.mean(spread, mask=mask)[0])


def _sharpness(rgb: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    inner = cv2.erode(mask, np.ones((5, 5), np.uint8)).view(np.bool_)
    if not inner.any():
        return 1.0
    return float(cv2.Laplacian(gray(rgb), cv2.CV_32F)[inner].var()) + 1.0
