"""Two images laid upon each other: the query warped onto the region of the library image it shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.evidence.planes import inverse_of, polygon_area, resize_matrix, visible_frame
from echo_image.verify.ssim import ssim_map

__all__ = ["Aligned", "align", "shrink_to"]

MARGIN = 0.06
"""Shown around the shared region, as a share of its longer side: what is beside it explains it."""
MIN_WORK_SIDE = 48
"""Least long side, px, at which both are compared, however coarse the coarser one is."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """A piece of the library image and what the query shows there.

    All arrays are of one size (H, W), at a resolution where neither image is enlarged, so that an image
    is not called different for being sharper.

    Attributes:
        query: (H, W, 3) uint8 RGB, meaningless outside `mask`.
        match: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, where the query covers the library image.
        similarity: (H, W) float32 structural similarity in [-1, 1], meaningless outside `mask`.
    """

    query: Rgb
    match: Rgb
    mask: NDArray[np.bool_]
    similarity: NDArray[np.float32]

    @property
    def mean_similarity(self) -> float:
        """Mean over the mask, in [-1, 1]."""
        return float(self.similarity[self.mask].mean(dtype=np.float64))


def align(
    query: Rgb,
    match: Rgb,
    homography: NDArray[np.float64],
    *,
    max_side: int,
    similarity: NDArray[np.float32] | None = None,
) -> Aligned | None:
    """Lay the query upon the library image.

    Args:
        query: (H, W, 3) uint8 RGB.
        match: (H, W, 3) uint8 RGB, the library image.
        homography: 3 × 3, from px of `query` to px of `match`.
        max_side: Most px of the long side of what is returned.
        similarity: (H, W) float32 of the size of `match`, if it is known already; not finite where unknown.

    Returns:
        None where the query does not cover a single pixel of the library image.
    """
    query_size, match_size = _size(query), _size(match)
    covered = visible_frame(homography, query_size, match_size)
    if len(covered) == 0:
        return None
    left, top, right, bottom = _crop(covered, match_size)
    crop_size = (right - left, bottom - top)
    work_size = _work_size(crop_size, covered, homography, query_size, match_size, max_side)
    to_crop = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], dtype=np.float64)
    to_work = resize_matrix(crop_size, work_size) @ to_crop
    mask = _fill(_transform(covered, to_work), work_size)
    if not mask.any():
        return None
    warped = _warp(query, to_work @ homography, work_size, mask)
    piece = shrink_to(np.ascontiguousarray(match[top:bottom, left:right]), work_size)
    if similarity is None:
        compared = ssim_map(_grey(np.where(mask[..., None], warped, piece)), _grey(piece))
    else:
        known = np.nan_to_num(similarity[top:bottom, left:right].astype(np.float32))
        compared = cast("NDArray[np.float32]", cv2.resize(known, work_size, interpolation=cv2.INTER_AREA))
    return Aligned(warped, piece, mask, compared)


def shrink_to(image: Rgb, size: tuple[int, int]) -> Rgb:
    """Resize to (width, height), averaging where it gets smaller."""
    smaller = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cast("Rgb", cv2.resize(image, size, interpolation=interpolation))


def _size(image: Rgb) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _grey(image: Rgb) -> NDArray[np.uint8]:
    return cast("NDArray[np.uint8]", cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _crop(covered: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the covered region with a margin, in whole px of the image."""
    low, high = covered.min(axis=0), covered.max(axis=0)
    margin = MARGIN * float((high - low).max())
    left, top = np.floor(np.clip(low - margin + 0.5, 0, None)).astype(int)
    right, bottom = np.ceil(high + margin + 0.5).astype(int)
    left, top = min(left, size[0] - 1), min(top, size[1] - 1)
    return left, top, max(left + 1, min(right, size[0])), max(top + 1, min(bottom, size[1]))


def _work_size(
    crop_size: tuple[int, int],
    covered: NDArray[np.float64],
    homography: NDArray[np.float64],
    query_size: tuple[int, int],
    match_size: tuple[int, int],
    max_side: int,
) -> tuple[int, int]:
    seen = visible_frame(inverse_of(homography), match_size, query_size)
    enlarged = np.sqrt(polygon_area(covered) / max(polygon_area(seen), 1e-6))
    long_side = max(crop_size)
    scale = min(1.0, max(1.0 / max(enlarged, 1e-6), MIN_WORK_SIDE / long_side), max_side / long_side)
    return max(1, round(crop_size[0] * scale)), max(1, round(crop_size[1] * scale))


def _transform(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def _fill(polygon: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies in a convex polygon."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    signs = []
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        signs.append((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0))
    inside = np.all(np.array(signs) >= -1e-6, axis=0) | np.all(np.array(signs) <= 1e-6, axis=0)
    return cast("NDArray[np.bool_]", inside)


def _warp(query: Rgb, matrix: NDArray[np.float64], size: tuple[int, int], mask: NDArray[np.bool_]) -> Rgb:
    covered_px = float(mask.sum())
    seen = polygon_area(visible_frame(inverse_of(matrix), size, _size(query)))
    shrink = np.sqrt(covered_px / max(seen, 1e-6))
    if shrink < 0.75:  # warping samples single px: what gets much smaller is averaged first
        smaller = (max(1, round(query.shape[1] * shrink)), max(1, round(query.shape[0] * shrink)))
        matrix = matrix @ inverse_of(resize_matrix(_size(query), smaller))
        query = shrink_to(query, smaller)
    return cast(
        "Rgb",
        cv2.warpPerspective(query, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
    )
