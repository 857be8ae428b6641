"""Where two aligned images show the same structure, however it was toned, blurred or compressed.

At each place both are correlated over a window (zero-mean normalised cross-correlation, Lewis 1995, of the
smoothed grey values), which no change of brightness and contrast changes. Places without detail in either
image say nothing: white ground looks like white ground.

A worse copy agrees nearly everywhere, if less well; a captioned one agrees perfectly but for the caption; two
receipts of one shop, two charts with one axis, two flags with one canton do neither. So two numbers are kept:
the share of the places that agree, and how well the middle one does.

The colours of what agrees tell how the colours were changed, as a whole (an affine map of RGB, to which hue,
saturation, grey and contrast belong); what then still differs in colour was not changed but replaced.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.verify.alignment import Alignment, gray

#: Both are compared with a long side of at most this, px …
_LONG_SIDE = 160
#: … smoothed by this (σ, px) and correlated over such a window, px. Measured on 992 edited images and 276
#: pairs of different images that share a frame, a head or axes: finer ones take halftones and strong
#: compression for something else, coarser ones overlook captions.
_SIGMA = 0.8
_WINDOW = (9, 9)
#: A place has detail where the grey values of its window spread by more than this, 0..128.
_DETAIL_STD = 6.0
#: Added to the variances: below it, it is noise that is correlated.
_NOISE_STD = 2.0
#: From this correlation on a place agrees.
AGREES = 0.5
#: The change of colours is that of places with this correlation.
_SURE = 0.8
#: With fewer places of detail than this, px, there is nothing that could differ.
_FEWEST = 20
#: Colours are fitted on at most so many places, and smoothed by as many px as hide a shift of one.
_SAMPLES = 2000
_SMOOTH = (3, 3)
#: A colour direction in which what agrees spreads by less than this, 0..128, is taken as unchanged.
_UNCHANGED_STD = 16.0
#: Paper is at least as bright as this and its channels at most that far apart, 0..255.
_PALE = 170
_COLORLESS = 24
#: A patch that was painted on takes this share of the overlap, and differs in structure and in colour in such
#: shares of its places; what is the same beside it correlates well in this share of the places with detail.
_PATCH = 0.002
_PATCH_STRUCTURE = 0.5
_PATCH_COLOR = 0.1
_PATCH_CORE = 0.4
_EDGE = np.ones((9, 9), np.uint8)
_SAME_SHARE = 0.3
#: Colours differ when the strongest channel does by more than this, 0..255.
_APART_LEVELS = 45.0


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """How far the structures of two aligned images agree.

    Attributes:
        share: of the places with detail, those that agree, 0..1.
        middle: the median correlation of the places with detail, -1..1.
        apart: share of the overlap whose colours differ after the change of colours that fits what agrees.
        changed: share of the overlap whose colours differ before it.
        paper: share of the overlap that is pale and grey in both: the ground of documents and charts.
        painted: (h, w) bool, where something was painted on: patches of other structure and other colours.
    """

    share: float
    middle: float
    apart: float
    changed: float
    paper: float
    painted: NDArray[np.bool_]


#: Of two images that share nothing.
NO_STRUCTURE = Structure(0.0, 0.0, 1.0, 1.0, 0.0, np.zeros((0, 0), np.bool_))


def structure(alignment: Alignment) -> Structure:
    """Compare the structures of both images. Cost: 1 ms."""
    height, width = alignment.mask.shape
    sides = [alignment.query, alignment.candidate]
    mask = alignment.mask
    if max(width, height) > _LONG_SIDE:
        factor = _LONG_SIDE / max(width, height)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        sides = [np.asarray(cv2.resize(s, size, interpolation=cv2.INTER_AREA), np.uint8) for s in sides]
        mask = _resized(mask, size)
    correlation, detailed = _correlation(sides, mask)
    share = middle = 1.0
    agrees = detailed & (correlation >= AGREES)
    if np.count_nonzero(detailed) >= _FEWEST:
        share = float(np.count_nonzero(agrees) / np.count_nonzero(detailed))
        middle = float(np.median(correlation[detailed]))
    fitted = detailed & (correlation >= _SURE)
    smooth = [np.asarray(cv2.blur(side, _SMOOTH), np.uint8) for side in sides]
    apart = _apart(smooth, mask, fitted if np.count_nonzero(fitted) >= _FEWEST else mask)
    area = max(1, int(np.count_nonzero(mask)))
    painted = np.zeros(mask.shape, np.bool_)
    if np.count_nonzero(fitted) >= _SAME_SHARE * np.count_nonzero(detailed):
        painted = _painted(detailed & ~agrees, apart, mask)
    return Structure(
        share,
        middle,
        np.count_nonzero(apart) / area,
        np.count_nonzero(_unlike(smooth[0], smooth[1]) & mask) / area,
        np.count_nonzero(_is_paper(smooth[0]) & _is_paper(smooth[1]) & mask) / area,
        _resized(painted, (width, height)) & alignment.mask,
    )


def _painted(
    other: NDArray[np.bool_], apart: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the patches that differ and whose structure and colours both do so, in part at least.

    Dark corners differ in colour alone, halftones in structure alone, and along the edge of the overlap a px
    of error shows what lies beside the one image.
    """
    core = cv2.erode(mask.view(np.uint8), _EDGE, borderType=cv2.BORDER_CONSTANT, borderValue=0).view(np.bool_)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((other | apart).view(np.uint8), connectivity=8)
    sizes = stats[:, cv2.CC_STAT_AREA]
    chosen = sizes >= _PATCH * np.count_nonzero(mask)
    for differs, least in ((other, _PATCH_STRUCTURE), (apart, _PATCH_COLOR), (core, _PATCH_CORE)):
        chosen &= np.bincount(np.asarray(labels)[differs], minlength=count) >= least * sizes
    chosen[0] = False
    return np.asarray(chosen[labels], np.bool_)


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    if mask.shape == size[::-1]:
        return mask
    return np.asarray(cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.bool_)


def _correlation(
    sides: list[NDArray[np.uint8]], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the correlation at each place, and which places have detail in either image."""
    inside = mask.astype(np.float32)
    first, second = (
        # Less the middle grey: squares of small numbers keep more digits of the variance in float32.
        (np.asarray(cv2.GaussianBlur(gray(side).astype(np.float32), (0, 0), _SIGMA)) - 128) * inside
        for side in sides
    )
    weight = np.maximum(_box(inside), 1e-3)
    mean0, mean1 = _box(first) / weight, _box(second) / weight
    variance0 = np.maximum(_box(first * first) / weight - mean0 * mean0, 0)
    variance1 = np.maximum(_box(second * second) / weight - mean1 * mean1, 0)
    covariance = _box(first * second) / weight - mean0 * mean1
    correlation = covariance / np.sqrt((variance0 + _NOISE_STD**2) * (variance1 + _NOISE_STD**2))
    detailed = (np.maximum(variance0, variance1) > _DETAIL_STD**2) & mask
    return np.asarray(correlation, np.float32), np.asarray(detailed, np.bool_)


def _box(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(values, _WINDOW, borderType=cv2.BORDER_CONSTANT), np.float32)


def _apart(
    sides: list[NDArray[np.uint8]], mask: NDArray[np.bool_], agrees: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say where the colours differ after the change that fits the places that agree.

    A grey image is made from a coloured one and not the other way round, so both ways are tried, and the one
    that explains more is taken.
    """
    rows = np.flatnonzero(agrees)
    rows = rows[:: 1 + len(rows) // _SAMPLES]
    samples = [side.reshape(-1, 3)[rows].astype(np.float64) for side in sides]
    best: NDArray[np.bool_] | None = None
    for source, target in ((0, 1), (1, 0)):
        change = _fitted(samples[source], samples[target])
        changed = np.asarray(cv2.transform(sides[source], change), np.uint8)
        apart = _unlike(changed, sides[target]) & mask
        if best is None or apart.sum() < best.sum():
            best = apart
    assert best is not None
    return best


def _is_paper(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = cv2.split(rgb)
    low, high = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    return np.asarray((np.asarray(low) >= _PALE) & (np.asarray(cv2.subtract(high, low)) <= _COLORLESS))


def _unlike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = cv2.split(cv2.absdiff(first, second))
    return np.asarray(cv2.max(cv2.max(red, green), blue) > _APART_LEVELS)


def _fitted(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 4) affine map of colours by least squares, no change where that is undetermined."""
    means = source.mean(axis=0), target.mean(axis=0)
    centred = source - means[0], target - means[1]
    weight = np.eye(3) * _UNCHANGED_STD**2 * len(source)
    # (XᵀX + λ) Mᵀ = XᵀY + λ: ridge regression around the identity.
    linear = np.linalg.solve(centred[0].T @ centred[0] + weight, centred[0].T @ centred[1] + weight).T
    return np.column_stack([linear, means[1] - linear @ means[0]])
