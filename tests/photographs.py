"""Real photographs for tests: those that scikit-image carries in its wheel, so nothing is fetched."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from echo_image.demo.originals import ORIGINALS

Rgb = NDArray[np.uint8]

#: Every photograph there is.
NAMES = tuple(original.name for original in ORIGINALS)
#: Five in colour, each of something else: a face, a still life, an animal, a landscape, vessels of an eye.
COLOURFUL = ("astronaut", "coffee", "chelsea", "rocket", "retina")


def _file(name: str) -> bytes:
    return next(original.read() for original in ORIGINALS if original.name == name)


@cache
def photograph(name: str, long_side: int | None = None) -> Rgb:
    """Return (H, W, 3) uint8 RGB, read-only; reduced so that the long side is `long_side` px."""
    whole = np.asarray(PIL.Image.open(io.BytesIO(_file(name))).convert("RGB"))
    pixels: Rgb = whole if long_side is None else scaled(whole, long_side / max(whole.shape[:2]))
    pixels.setflags(write=False)
    return pixels


def gray(rgb: Rgb) -> NDArray[np.uint8]:
    """Return the (H, W) uint8 luma."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def scaled(rgb: Rgb, factor: float) -> Rgb:
    """Return the image with both sides multiplied by `factor`."""
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8)


def encoded(rgb: Rgb, kind: str = "PNG", **options: Any) -> bytes:
    """Return the image as a file of a Pillow format."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(rgb).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(rgb: Rgb, quality: int = 60) -> bytes:
    """Return the image as JPEG."""
    return encoded(rgb, "JPEG", quality=quality)


def decoded(data: bytes) -> Rgb:
    """Return the pixels of a file, by Pillow."""
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def moved(rgb: Rgb, homography: NDArray[np.float64], size: tuple[int, int], fill: int = 255) -> Rgb:
    """Return the (width, height) image that shows `rgb` through `homography` (px of rgb → px of the new)."""
    return np.asarray(
        cv2.warpPerspective(rgb, homography, size, flags=cv2.INTER_CUBIC, borderValue=(fill, fill, fill)),
        np.uint8,
    )
