"""Both images in one frame: how much they share, and how alike they look there.

The frame is the one with the coarser pixels of the two renderings (the query reduced to at most 512 px, the
candidate's thumbnail), so nothing is compared that only one of them can show. What shrinks is averaged
first, which keeps fine patterns from turning into noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.verify import geometry
from echo_image.verify.ssim import ssim_map

#: A frame narrower than this on its shorter side is too small to compare anything in.
MIN_FRAME_PX = 8

_Homogeneous = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """An image reduced for comparison.

    Attributes:
        rgb: (h, w, 3) uint8.
        width, height: px of the full upright image.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int

    def to_full(self) -> NDArray[np.float64]:
        """(3, 3): px of the rendering → px of the full image, half-pixel centres."""
        sx, sy = self.width / self.rgb.shape[1], self.height / self.rgb.shape[0]
        return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])

    def reduced(self, factor: float) -> Rendering:
        """Return the rendering at `factor` ≤ 1 of its size, area average."""
        height, width = self.rgb.shape[:2]
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        smaller = cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA)
        return Rendering(np.asarray(smaller, np.uint8), self.width, self.height)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Both images in one frame.

    Attributes:
        query, candidate: (h, w, 3) uint8.
        mask: (h, w) bool, where both are seen.
        ssim: (h, w) float32, local structural similarity, meaningful within the mask.
        to_query, to_candidate: (3, 3) float64, px of the frame → px of the full upright images.
    """

    query: NDArray[np.uint8]
    candidate: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    ssim: NDArray[np.float32]
    to_query: NDArray[np.float64]
    to_candidate: NDArray[np.float64]


def recolored(
    first: NDArray[np.uint8], second: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return `first` after the linear change of each channel that gives it mean and spread of `second`.

    Args:
        first, second: (h, w, 3) uint8.
        mask: (h, w), where mean and spread are taken.
    """
    inside = mask.astype(np.uint8)
    mean0, std0 = (values.ravel() for values in cv2.meanStdDev(first, mask=inside))
    mean1, std1 = (values.ravel() for values in cv2.meanStdDev(second, mask=inside))
    gain = np.clip(std1 / np.maximum(std0, 1.0), 0.2, 5.0)
    return np.asarray(cv2.transform(first, np.column_stack([np.diag(gain), mean1 - gain * mean0])), np.uint8)


def overlaps(
    homography: NDArray[np.float64], query_size: tuple[int, int], candidate_size: tuple[int, int]
) -> tuple[float, float]:
    """Return (share of the query that the candidate shows, share of the candidate that the query shows).

    Args:
        homography: (3, 3), query px → candidate px, last entry 1.
        query_size, candidate_size: (width, height) px.
    """
    # Not normalised: the inverse as it is keeps in front of the horizon what is there.
    return (
        _covered(np.linalg.inv(homography), candidate_size, query_size),
        _covered(homography, query_size, candidate_size),
    )


def _covered(homography: NDArray[np.floating], size: tuple[int, int], onto: tuple[int, int]) -> float:
    """Return the share of the `onto` rectangle that the mapped rectangle covers, 0..1."""
    x, y = shown(homography, size, onto).T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    return float(np.clip(area / (onto[0] * onto[1]), 0.0, 1.0))


def corners(size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the (4, 2) outer corners of a width × height image, clockwise from the top left."""
    right, bottom = size[0] - 0.5, size[1] - 0.5
    return np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])


def shown(
    homography: NDArray[np.floating], size: tuple[int, int], onto: tuple[int, int]
) -> NDArray[np.float64]:
    """Return what the mapped rectangle covers of the `onto` rectangle: the corners of a convex polygon.

    Clipped in homogeneous coordinates (Blinn & Newell 1978), where what lies behind the horizon is cut off
    by a half space like what lies beside the image.

    Args:
        homography: (3, 3), px of the one → px of `onto`; positive weights are in front of the horizon.
        size, onto: (width, height) px.

    Returns:
        (K, 2) float64 px, none where nothing is covered.
    """
    polygon = [tuple(row) for row in np.column_stack([corners(size), np.ones(4)]) @ homography.T]
    right, bottom = onto[0] - 0.5, onto[1] - 0.5
    weight = max(abs(w) for _, _, w in polygon)
    polygon = _clipped(polygon, [w - 1e-9 * weight for _, _, w in polygon])
    polygon = _clipped(polygon, [u + 0.5 * w for u, _, w in polygon])
    polygon = _clipped(polygon, [right * w - u for u, _, w in polygon])
    polygon = _clipped(polygon, [v + 0.5 * w for _, v, w in polygon])
    polygon = _clipped(polygon, [bottom * w - v for _, v, w in polygon])
    return np.array([(u / w, v / w) for u, v, w in polygon], np.float64).reshape(-1, 2)


def _clipped(polygon: list[_Homogeneous], inside: list[float]) -> list[_Homogeneous]:
    """Keep what has `inside` ≥ 0 (Sutherland & Hodgman 1974)."""
    kept: list[_Homogeneous] = []
    for i, corner in enumerate(polygon):
        before, now = inside[i - 1], inside[i]
        if (before < 0) != (now < 0):
            share = before / (before - now)
            u, v, w = (a + share * (b - a) for a, b in zip(polygon[i - 1], corner, strict=True))
            kept.append((u, v, w))
        if now >= 0:
            kept.append(corner)
    return kept


def align(query: Rendering, candidate: Rendering, homography: NDArray[np.float64]) -> Alignment | None:
    """Bring both into one frame; None when they share too little to be compared.

    Args:
        homography: (3, 3), query px → candidate px, full upright images. May mirror.
    """
    between = np.linalg.inv(candidate.to_full()) @ homography @ query.to_full()
    height, width = query.rgb.shape[:2]
    magnification = _magnification(between, (width, height), candidate.rgb.shape[1::-1])
    if magnification is None:
        return None
    if magnification <= 1.0:
        moved, target = query, candidate
    else:
        moved, target = candidate, query
        homography = np.asarray(np.linalg.inv(homography), np.float64)
        magnification = 1.0 / magnification
    if magnification < 0.75:
        moved = moved.reduced(magnification)
    warp = np.linalg.inv(target.to_full()) @ homography @ moved.to_full()
    return _frame(moved, target, warp, query_moves=target is candidate)


def _frame(
    moved: Rendering, target: Rendering, warp: NDArray[np.float64], *, query_moves: bool
) -> Alignment | None:
    height, width = target.rgb.shape[:2]
    box = _bounding_box(warp, moved.rgb.shape[1::-1], (width, height))
    if box is None:
        return None
    left, top, right, bottom = box
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64)
    size = (right - left, bottom - top)
    warped = cv2.warpPerspective(moved.rgb, shift @ warp, size, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(
        np.full(moved.rgb.shape[:2], 255, np.uint8), shift @ warp, size, flags=cv2.INTER_LINEAR
    )
    mask = (np.asarray(inside) >= 250) & _in_front(shift @ warp, size)
    if mask.sum() < MIN_FRAME_PX**2:
        return None
    still = np.ascontiguousarray(target.rgb[top:bottom, left:right])
    local = ssim_map(gray(np.asarray(warped, np.uint8)), gray(still))
    first, second = np.asarray(warped, np.uint8), still
    to_first = moved.to_full() @ np.linalg.inv(shift @ warp)
    to_second = target.to_full() @ np.linalg.inv(shift)
    if query_moves:
        return Alignment(first, second, mask, local, to_first, to_second)
    return Alignment(second, first, mask, local, to_second, to_first)


def _in_front(warp: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_] | bool:
    """Say which px of the frame are not behind the horizon, where the warp shows the image once more."""
    back = np.linalg.inv(warp)[2]
    if (np.column_stack([corners(size), np.ones(4)]) @ back > 0).all():
        return True
    return np.asarray(
        back[0] * np.arange(size[0]) + back[1] * np.arange(size[1])[:, None] + back[2] > 0, np.bool_
    )


def gray(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (h, w) uint8 luma of (h, w, 3) uint8."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _magnification(
    homography: NDArray[np.float64], size: tuple[int, int], onto: tuple[int, int]
) -> float | None:
    """Return the linear magnification in the middle of what both share, None when they share nothing."""
    box = _bounding_box(homography, size, onto)
    if box is None:
        return None
    back = np.asarray(np.linalg.inv(homography), np.float64)
    middle = np.array([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]])
    x, y = geometry.apply(back, middle)[0]
    if not np.isfinite([x, y]).all():
        return None
    return float(np.sqrt(abs(np.linalg.det(geometry.jacobian(homography, x, y)))))


def _bounding_box(
    homography: NDArray[np.float64], size: tuple[int, int], onto: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom) of what the mapped rectangle covers of `onto`, None if too little."""
    polygon = shown(homography, size, onto)
    if not len(polygon):
        return None
    low = np.clip(np.floor(polygon.min(axis=0) + 0.5), 0, onto).astype(int)
    high = np.clip(np.ceil(polygon.max(axis=0) + 0.5), 0, onto).astype(int)
    if (high - low).min() < MIN_FRAME_PX:
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
