"""The colours of the evidence drawing, and the two scales: of lines, and of likeness."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACCENT",
    "BACKGROUND",
    "CARD",
    "INK",
    "MUTED",
    "RULE",
    "WHITE",
    "Colour",
    "heat",
    "heat_layer",
    "line_colours",
    "wash",
]

Colour = tuple[int, int, int]

BACKGROUND: Colour = (246, 246, 243)
CARD: Colour = (255, 255, 255)
RULE: Colour = (220, 220, 214)
INK: Colour = (30, 34, 42)
MUTED: Colour = (104, 110, 120)
ACCENT: Colour = (29, 99, 237)
WHITE: Colour = (255, 255, 255)

LINES = np.array(
    [(225, 29, 72), (245, 140, 11), (22, 163, 74), (14, 150, 220), (139, 72, 230)], dtype=np.float64
)
"""From the top of the query to its bottom: neighbours stay neighbours, so that a turn or mirroring shows."""

HEAT_AT = np.array([0.0, 0.25, 0.5, 1.0])
HEAT = np.array([(252, 248, 227), (253, 216, 80), (243, 120, 32), (190, 10, 30)], dtype=np.float64)
"""Colours of a difference of 0 … 1, which is 1 - SSIM."""


def line_colours(num: int) -> NDArray[np.uint8]:
    """Return (num, 3) colours, graded."""
    position = np.linspace(0, len(LINES) - 1, max(num, 1))[:num]
    steps = np.arange(len(LINES))
    channels = [np.interp(position, steps, LINES[:, channel]) for channel in range(3)]
    return np.rint(np.column_stack(channels)).astype(np.uint8)


def wash(image: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the image faded into the background by a share of 0 … 1."""
    faded = image.astype(np.float32) * (1 - share) + np.array(BACKGROUND, np.float32) * share
    return np.rint(faded).astype(np.uint8)


def heat(similarity: NDArray[np.float32], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) colours: a faded grey image where both are alike, yellow to dark red where not.

    Args:
        similarity: (H, W) float32 SSIM; below 0 counts as 0.
        grey: (H, W) uint8, the image to tell where one is.
    """
    colour, cover = _heat_of(similarity)
    paper = 150.0 + grey.astype(np.float64)[..., None] * (100.0 / 255.0)
    return cast("NDArray[np.uint8]", np.rint(paper * (1 - cover) + colour * cover).astype(np.uint8))


def heat_layer(similarity: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return (H, W, 4) RGBA to lay upon an image: clear where both are alike and outside the mask.

    Args:
        similarity: as for `heat`.
        mask: (H, W) bool, where there is anything to compare.
    """
    colour, cover = _heat_of(similarity)
    layer = np.concatenate([colour, 255.0 * cover * mask[..., None]], axis=-1)
    return cast("NDArray[np.uint8]", np.rint(layer).astype(np.uint8))


def _heat_of(similarity: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the colour of each place, (H, W, 3), and how far it covers what is below, (H, W, 1)."""
    difference = 1.0 - np.clip(similarity.astype(np.float64), 0.0, 1.0)
    colour = np.stack([np.interp(difference, HEAT_AT, HEAT[:, channel]) for channel in range(3)], axis=-1)
    return colour, np.clip(difference * 2.0, 0.0, 0.9)[..., None]
