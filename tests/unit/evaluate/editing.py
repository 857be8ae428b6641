"""Drawn and flat images, and one edit of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.evaluate.edits import EDITS
from tests.libraries import drawn

Rgb = NDArray[np.uint8]


def image(width: int, height: int, seed: int = 1) -> Rgb:
    """Return a drawn image that nobody may write into."""
    pixels = np.ascontiguousarray(drawn(seed, (max(width, 32), max(height, 32)))[:height, :width])
    pixels.setflags(write=False)
    return pixels


def applied(name: str, rgb: Rgb, other: Rgb | None = None, seed: int = 0) -> Rgb:
    """Return an image after one edit."""
    return EDITS[name](
        rgb, rng=np.random.default_rng(seed), other=image(200, 150, 2) if other is None else other
    )


def flat(width: int, height: int, level: int) -> Rgb:
    """Return an image of one grey."""
    return np.full((height, width, 3), level, np.uint8)


def error(first: Rgb, second: Rgb) -> float:
    """Return the mean absolute difference."""
    return float(np.abs(first.astype(int) - second).mean())
