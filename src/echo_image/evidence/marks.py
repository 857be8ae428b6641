"""What is drawn on an RGB array: images, outlines, lines between points, hatching, the scale of the map."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.evidence.colours import ACCENT, RULE, WHITE, heat, wash
from echo_image.evidence.layout import Box

__all__ = ["as_grey", "checkered", "grid", "hatch", "legend", "lines", "outline", "paste", "scaled", "spread"]

SHIFT = 4
"""OpenCV draws at fractions of a px given as integers shifted by so many bits."""
MIN_GAP_PX = 9.0
"""Dots closer than this on the sheet cover each other, and what they lie on."""
SQUARES = 8
"""Alternating squares along the longer side."""
HATCH: tuple[int, int, int] = (226, 226, 222)
HATCH_LINE: tuple[int, int, int] = (205, 205, 200)

Rgb = NDArray[np.uint8]


def scaled(image: Rgb, box: Box) -> Rgb:
    """Return the image at the size of a box: averaged when smaller, with visible px when much larger."""
    factor = min(box.width / image.shape[1], box.height / image.shape[0])
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC if factor < 6 else cv2.INTER_NEAREST
    return cast("Rgb", cv2.resize(image, (box.width, box.height), interpolation=kind))


def paste(canvas: Rgb, image: Rgb, box: Box) -> None:
    """Put an image of the size of a box there, with a thin frame around it."""
    cv2.rectangle(canvas, (box.x - 1, box.y - 1), (box.right, box.bottom), RULE)
    canvas[box.y : box.bottom, box.x : box.right] = image


def outline(image: Rgb, polygon: NDArray[np.float64]) -> Rgb:
    """Return the image with a (K, 2) polygon outlined, and faded outside of it."""
    if len(polygon) < 3:
        return wash(image, 0.5)
    height, width = image.shape[:2]
    inset = np.clip(polygon, 2.0, np.maximum(np.array([width, height]) - 3.0, 2.0))
    corners = _fixed(inset)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [_fixed(polygon)], 255, lineType=cv2.LINE_AA, shift=SHIFT)
    cover = (inside.astype(np.float32) / 255)[..., None]
    drawn = np.rint(image * cover + wash(image, 0.6) * (1 - cover)).astype(np.uint8)
    for colour, thickness in ((WHITE, 5), (ACCENT, 2)):
        cv2.polylines(drawn, [corners], True, colour, thickness, lineType=cv2.LINE_AA, shift=SHIFT)
    return drawn


def lines(
    canvas: Rgb, start: NDArray[np.float64], end: NDArray[np.float64], colours: NDArray[np.uint8]
) -> None:
    """Draw thin lines between (N, 2) points, and a dot at each end whose middle has the line's colour."""
    drawn = canvas.copy()
    pairs = [
        (_fixed(a), _fixed(b), tuple(int(c) for c in colour))
        for a, b, colour in zip(start, end, colours, strict=True)
    ]
    for a, b, colour in pairs:
        cv2.line(drawn, _point(a), _point(b), colour, 1, lineType=cv2.LINE_AA, shift=SHIFT)
    cv2.addWeighted(drawn, 0.75, canvas, 0.25, 0, dst=canvas)
    for a, b, colour in pairs:
        for point in (a, b):
            for radius, fill in ((4.5, WHITE), (3.0, colour)):
                size = round(radius * 2**SHIFT)
                cv2.circle(canvas, _point(point), size, fill, -1, lineType=cv2.LINE_AA, shift=SHIFT)


def _point(fixed: NDArray[np.int32]) -> tuple[int, int]:
    return int(fixed[0]), int(fixed[1])


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.rint(np.clip(points, -1e5, 1e5) * 2**SHIFT).astype(np.int32)
    return fixed


def spread(start: NDArray[np.float64], end: NDArray[np.float64], num: int) -> NDArray[np.intp]:
    """Return indices of at most `num` of (N, 2) pairs of points, far from each other at both ends.

    Each is the farthest from those before it, until they come closer than `MIN_GAP_PX`. Deterministic; the
    first is the one nearest to the middle. Costs N · num.
    """
    if len(start) == 0:
        return np.zeros(0, np.intp)
    chosen = [int(np.argmin(_squared(start, start.mean(axis=0))))]
    distance = np.full(len(start), np.inf)
    while len(chosen) < num:
        newest = chosen[-1]
        distance = np.minimum(distance, _squared(start, start[newest]))
        distance = np.minimum(distance, _squared(end, end[newest]))
        farthest = int(np.argmax(distance))
        if distance[farthest] < MIN_GAP_PX**2:
            break
        chosen.append(farthest)
    return np.array(chosen, np.intp)


def _squared(points: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    squared: NDArray[np.float64] = ((points - point) ** 2).sum(axis=1)
    return squared


def checkered(query: Rgb, match: Rgb, mask: NDArray[np.bool_]) -> Rgb:
    """Return both images in alternating squares where the mask is true, the faded second one elsewhere."""
    rows, columns = _squares(*mask.shape)
    both = np.where(((rows[:, None] + columns[None, :]) % 2 == 0)[..., None], query, match)
    return np.where(mask[..., None], both, wash(match, 0.6)).astype(np.uint8)


def grid(image: Rgb, mask: NDArray[np.bool_]) -> Rgb:
    """Return the image with the edges of the squares drawn faintly where the mask is true."""
    rows, columns = _squares(*mask.shape)
    below = np.diff(rows, prepend=rows[0]) != 0
    beside = np.diff(columns, prepend=columns[0]) != 0
    edge = (below[:, None] | beside[None, :]) & mask
    return np.where(edge[..., None], wash(image, 0.4), image).astype(np.uint8)


def _squares(height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of the square that each row and each column is in."""
    side = max(height, width) / SQUARES
    rows, columns = (np.arange(height) + 0.5) / side, (np.arange(width) + 0.5) / side
    return rows.astype(np.intp), columns.astype(np.intp)


def hatch(height: int, width: int) -> Rgb:
    """Return (height, width, 3) of grey diagonal lines: nothing is compared here."""
    y, x = np.mgrid[:height, :width]
    striped = (x + y) % 9 < 2
    return np.where(striped[..., None], np.array(HATCH_LINE), np.array(HATCH)).astype(np.uint8)


def legend(canvas: Rgb, box: Box) -> None:
    """Draw the scale of likeness from 0, left, to 1, right."""
    scale = np.repeat(np.linspace(0, 1, box.width, dtype=np.float32)[None], box.height, axis=0)
    paste(canvas, heat(scale, np.full(scale.shape, 200, np.uint8)), box)


def as_grey(image: Rgb) -> Any:
    """Return (H, W) uint8."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
