"""What several edits draw with: sizes, layers, words."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SMALLEST_FONT_PX = 6

#: What people write on images, in the words of nobody in particular.
PHRASES = (
    "when the weekend starts at noon",
    "nobody told me it was monday",
    "this is fine, really",
    "found this on my way home",
    "look twice before you leave",
    "made my day",
    "me explaining the plan",
    "summer is not over yet",
)


def resized(rgb: Rgb, width: int, height: int) -> Rgb:
    """Return the image at exactly this size, at least 1 × 1; averaged where it shrinks, else interpolated."""
    width, height = max(1, width), max(1, height)
    shrinks = width * height < rgb.shape[0] * rgb.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=method), np.uint8)


def scaled(rgb: Rgb, factor: float) -> Rgb:
    """Return the image with both sides multiplied."""
    return resized(rgb, round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))


def contained(rgb: Rgb, width: int, height: int) -> Rgb:
    """Return the image as large as fits into a box, all of it."""
    return scaled(rgb, min(width / rgb.shape[1], height / rgb.shape[0]))


def covering(rgb: Rgb, width: int, height: int) -> Rgb:
    """Return the middle of the image, cut to the shape of a box and brought to its size."""
    share = min(rgb.shape[1] / width, rgb.shape[0] / height)
    w, h = max(1, int(width * share)), max(1, int(height * share))
    left, top = (rgb.shape[1] - w) // 2, (rgb.shape[0] - h) // 2
    return resized(rgb[top : top + h, left : left + w], width, height)


def canvas(width: int, height: int, color: tuple[int, int, int]) -> Rgb:
    """Return an image of one colour."""
    return np.full((max(1, height), max(1, width), 3), color, np.uint8)


def pasted(ground: Rgb, part: Rgb, x: int, y: int) -> Rgb:
    """Return the ground with a part laid on it; what reaches beyond the ground is cut off."""
    whole = ground.copy()
    left, top = max(0, x), max(0, y)
    right, bottom = min(ground.shape[1], x + part.shape[1]), min(ground.shape[0], y + part.shape[0])
    if right > left and bottom > top:
        whole[top:bottom, left:right] = part[top - y : bottom - y, left - x : right - x]
    return whole


def overlaid(rgb: Rgb, layer: Image.Image, x: int, y: int) -> Rgb:
    """Return the image with an RGBA layer composited at (x, y); what reaches beyond is cut off."""
    ground = Image.fromarray(rgb)
    ground.paste(layer, (x, y), layer)
    return np.array(ground)


def font(size: float) -> Font:
    """Return the font that Pillow carries, at a size in px; no font of the machine is asked for."""
    return _font(max(_SMALLEST_FONT_PX, round(size)))


@lru_cache(maxsize=64)
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def fitting_font(text: str, size: float, width: float) -> Font:
    """Return a font of at most `size` px in which the text is at most `width` px wide, where that can be."""
    wanted = font(size)
    length = wanted.getlength(text)
    return wanted if length <= width else font(size * width / length)


def phrase(rng: np.random.Generator) -> str:
    """Return something people write on images."""
    return PHRASES[int(rng.integers(len(PHRASES)))]


def transparent(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty RGBA layer and what draws on it."""
    layer = Image.new("RGBA", (max(1, width), max(1, height)), (0, 0, 0, 0))
    return layer, ImageDraw.Draw(layer)
