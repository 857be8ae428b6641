"""Where one image's frame lies in another under a homography, cut to what is visible.

Convention: `(x, y)` px, the centre of the top-left pixel is (0, 0), so a frame spans -0.5 to width - 0.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["inverse_of", "polygon_area", "resize_matrix", "usable", "visible_frame"]

Size = tuple[int, int]
"""Width, height in px."""


def usable(homography: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Return a finite, invertible 3 × 3 float64 homography, or None for anything else."""
    if homography is None:
        return None
    matrix = np.asarray(homography, dtype=np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        return None
    size = np.abs(matrix).max()
    if size == 0 or abs(np.linalg.det(matrix / size)) < 1e-15:
        return None
    return matrix


def inverse_of(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the homography the other way."""
    return np.linalg.inv(matrix).astype(np.float64)


def resize_matrix(old: Size, new: Size) -> NDArray[np.float64]:
    """Return the 3 × 3 matrix that takes px of an image to px of the same image resized."""
    scale_x, scale_y = new[0] / old[0], new[1] / old[1]
    return np.array(
        [[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]], dtype=np.float64
    )


def visible_frame(homography: NDArray[np.float64], size: Size, into: Size) -> NDArray[np.float64]:
    """Return the part of an image's frame that is visible in another image.

    Sutherland and Hodgman's clipping, in homogeneous coordinates, so that a frame that passes the
    horizon of a strong perspective is cut there instead of being turned inside out.

    Args:
        homography: From px of the first image to px of the second.
        size: Width and height of the first image.
        into: Width and height of the second.

    Returns:
        (K, 2) float64 corners in px of the second image; K is 0 where nothing is visible.
    """
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64) - 0.5
    homogeneous = np.column_stack([corners, np.ones(4)]) @ homography.T
    middle = homography @ np.array([(width - 1) / 2, (height - 1) / 2, 1.0])
    if middle[2] < 0:  # H and -H are the same homography; the middle is in front
        homogeneous = -homogeneous
    # Both planes of a direction together also keep what is in front of the horizon, and nothing else.
    right, bottom = into[0] - 0.5, into[1] - 0.5
    polygon = homogeneous
    for plane in ((1, 0, 0.5), (0, 1, 0.5), (-1, 0, right), (0, -1, bottom)):
        polygon = _clip(polygon, polygon @ np.array(plane, np.float64))
        if len(polygon) < 3:
            return np.zeros((0, 2))
    visible: NDArray[np.float64] = polygon[:, :2] / polygon[:, 2:]
    return visible if polygon_area(visible) > 0 else np.zeros((0, 2))


def _clip(polygon: NDArray[np.float64], inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep the part of a polygon where `inside`, linear in its corners, is not negative."""
    kept: list[NDArray[np.float64]] = []
    for index in range(len(polygon)):
        a, b = index - 1, index
        if (inside[a] < 0) != (inside[b] < 0):
            share = inside[a] / (inside[a] - inside[b])
            kept.append(polygon[a] + share * (polygon[b] - polygon[a]))
        if inside[b] >= 0:
            kept.append(polygon[b])
    return np.array(kept).reshape(-1, 3)


def polygon_area(polygon: NDArray[np.float64]) -> float:
    """Return the area of a (K, 2) polygon in px²."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
