"""Edits that move pixels: crops, orientations, free rotation, perspective, scale.

Convention: (x, y) px, the centre of the top-left pixel is (0, 0).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.evaluate.edits.drawing import Rgb, resized, scaled

_BLACK = (0, 0, 0)
_TABLE = (58, 52, 46)


def crop_75(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A piece with 75 % of the area, anywhere in the image."""
    return cropped(rgb, 0.75, rng)


def crop_50(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A piece with half of the area, anywhere in the image."""
    return cropped(rgb, 0.5, rng)


def crop_25(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A piece with a quarter of the area, anywhere in the image."""
    return cropped(rgb, 0.25, rng)


def crop_12(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A piece with 12 % of the area, anywhere in the image."""
    return cropped(rgb, 0.12, rng)


def crop_10(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A piece with a tenth of the area, anywhere in the image."""
    return cropped(rgb, 0.10, rng)


def rotated_90(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A quarter turn to the left."""
    return np.rot90(rgb, 1).copy()


def rotated_180(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Half a turn."""
    return np.rot90(rgb, 2).copy()


def rotated_270(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A quarter turn to the right."""
    return np.rot90(rgb, 3).copy()


def mirrored(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Left and right exchanged."""
    return rgb[:, ::-1].copy()


def flipped(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Top and bottom exchanged."""
    return rgb[::-1].copy()


def transposed(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Mirrored along the diagonal from the top left."""
    return rgb.transpose(1, 0, 2).copy()


def transversed(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Mirrored along the diagonal from the top right."""
    return rgb[::-1, ::-1].transpose(1, 0, 2).copy()


def turned_bordered(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Turned by 5 to 45 degrees on a larger canvas with black corners."""
    angle = _angle(rng, 5, 45)
    height, width = rgb.shape[:2]
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    return _turned(rgb, angle, math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos))


def turned_cropped(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Turned by 5 to 45 degrees and cut to the largest piece of the same shape without corners."""
    return turned_inside(rgb, _angle(rng, 5, 45))


def perspective(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Seen from the side, as a print on a table: each corner moves in by up to 18 % of the sides."""
    height, width = rgb.shape[:2]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    inwards = 1.0 - 2.0 * corners
    size = np.array([width, height])
    source = (corners * size - 0.5).astype(np.float32)
    target = ((corners + inwards * rng.uniform(0.0, 0.18, (4, 2))) * size - 0.5).astype(np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(source, target), np.float64)
    seen = cv2.warpPerspective(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=_TABLE)
    return np.asarray(seen, np.uint8)


def stretched(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """One side longer by 20 to 50 %, the other as it was."""
    factor = float(rng.uniform(1.2, 1.5))
    height, width = rgb.shape[:2]
    if rng.integers(2):
        return resized(rgb, round(width * factor), height)
    return resized(rgb, width, round(height * factor))


def half_size(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Both sides halved."""
    return scaled(rgb, 0.5)


def quarter_size(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Both sides a quarter as long."""
    return scaled(rgb, 0.25)


def triple_size(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Enlarged to 300 %."""
    return scaled(rgb, 3.0)


ALL = (
    crop_75,
    crop_50,
    crop_25,
    crop_12,
    crop_10,
    rotated_90,
    rotated_180,
    rotated_270,
    mirrored,
    flipped,
    transposed,
    transversed,
    turned_bordered,
    turned_cropped,
    perspective,
    stretched,
    half_size,
    quarter_size,
    triple_size,
)


def cropped(rgb: Rgb, share: float, rng: np.random.Generator) -> Rgb:
    """Return a piece of the same shape with a share (0 to 1) of the area, anywhere in the image."""
    height, width = rgb.shape[:2]
    side = math.sqrt(share)
    w, h = max(1, round(width * side)), max(1, round(height * side))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return rgb[y : y + h, x : x + w].copy()


def turned_inside(rgb: Rgb, angle: float) -> Rgb:
    """Return the image turned counter-clockwise by radians, cut to a piece of its shape without corners.

    A piece of `k` times both sides lies, turned back, in a box of `k (w cos + h sin)` × `k (w sin + h cos)`,
    which must fit into the image.
    """
    height, width = rgb.shape[:2]
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    k = min(width / (width * cos + height * sin), height / (width * sin + height * cos))
    # At its corners the piece reaches between the outermost centres of px and the edge of the image.
    return _turned(rgb, angle, int(width * k), int(height * k), border=cv2.BORDER_REPLICATE)


def _angle(rng: np.random.Generator, low_deg: float, high_deg: float) -> float:
    degrees = float(rng.uniform(low_deg, high_deg))
    return math.radians(degrees if rng.integers(2) else -degrees)


def _turned(rgb: Rgb, angle: float, width: int, height: int, *, border: int = cv2.BORDER_CONSTANT) -> Rgb:
    """Return the image turned about its middle, on a canvas of this size with the same middle."""
    width, height = max(1, width), max(1, height)
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    here = np.array([rgb.shape[1] - 1, rgb.shape[0] - 1]) / 2
    there = np.array([width - 1, height - 1]) / 2
    matrix: NDArray[np.float64] = np.column_stack([turn, there - turn @ here])
    seen = cv2.warpAffine(
        rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border, borderValue=_BLACK
    )
    return np.asarray(seen, np.uint8)
