"""Edits that encode the image with loss and decode it again."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from echo_image.evaluate.edits.drawing import Rgb, contained

#: No WebP file is longer on a side.
_WEBP_SIDE_PX = 16_383


def jpeg_30(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """JPEG with quality 30."""
    return as_jpeg(rgb, 30)


def jpeg_20(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """JPEG with quality 20."""
    return as_jpeg(rgb, 20)


def jpeg_10(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """JPEG with quality 10."""
    return as_jpeg(rgb, 10)


def jpeg_5(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """JPEG with quality 5."""
    return as_jpeg(rgb, 5)


def webp(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """WebP with quality 20."""
    if max(rgb.shape[:2]) > _WEBP_SIDE_PX:
        rgb = contained(rgb, _WEBP_SIDE_PX, _WEBP_SIDE_PX)
    return _recoded(rgb, "WEBP", quality=20, method=2)


ALL = (jpeg_30, jpeg_20, jpeg_10, jpeg_5, webp)


def as_jpeg(rgb: Rgb, quality: int) -> Rgb:
    """Return the image after a JPEG of this quality, colours at half the resolution."""
    return _recoded(rgb, "JPEG", quality=quality)


def _recoded(rgb: Rgb, name: str, **options: int) -> Rgb:
    written = BytesIO()
    Image.fromarray(rgb).save(written, name, **options)
    with Image.open(written) as image:
        return np.array(image.convert("RGB"))
