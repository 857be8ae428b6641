"""Edits that lay something on the image and leave the rest of it as it was."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from echo_image.evaluate.edits.drawing import (
    Rgb,
    covering,
    fitting_font,
    font,
    overlaid,
    pasted,
    phrase,
    transparent,
)

#: Stickers are drawn this much larger and then reduced, for smooth edges.
_OVERSAMPLING = 4
_SMALLEST_STICKER_PX = 8

_WHITE = (255, 255, 255, 255)
_INK = (40, 32, 24, 255)
#: With the gap to the next.
_AGENCY = "© SAMPLE PHOTO     "


def half_covered(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """One half, on any of the four sides, covered by another image."""
    height, width = rgb.shape[:2]
    side = int(rng.integers(4))
    if side < 2:
        half = max(1, width // 2)
        return pasted(rgb, covering(other, half, height), 0 if side == 0 else width - half, 0)
    half = max(1, height // 2)
    return pasted(rgb, covering(other, width, half), 0, 0 if side == 2 else height - half)


def caption(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A line of white letters with a black rim across the lower edge."""
    height, width = rgb.shape[:2]
    text = phrase(rng).upper()
    face = fitting_font(text, 0.11 * height, 0.94 * width)
    size = max(6.0, float(getattr(face, "size", 10)))
    layer, draw = transparent(width, height)
    place = (width / 2, height - 0.9 * size)
    rim = max(1, round(size / 12))
    draw.text(place, text, font=face, fill=_WHITE, anchor="mm", stroke_width=rim, stroke_fill=(0, 0, 0, 255))
    return overlaid(rgb, layer, 0, 0)


def overlaid_half(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Another image, half as wide and half as high, laid over it, anywhere."""
    height, width = rgb.shape[:2]
    w, h = max(1, width // 2), max(1, height // 2)
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return pasted(rgb, covering(other, w, h), x, y)


def sticker(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A smiling yellow face, 35 % of the short side wide, anywhere on the image."""
    return _anywhere(rgb, _face(max(_SMALLEST_STICKER_PX, round(0.35 * min(rgb.shape[:2])))), rng)


def emojis(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Eight small faces, each 15 % of the short side wide, here and there on the image."""
    face = _face(max(_SMALLEST_STICKER_PX, round(0.15 * min(rgb.shape[:2]))))
    for _ in range(8):
        rgb = _anywhere(rgb, face, rng)
    return rgb


def logo(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """The badge of some channel, 28 % of the width, in one of the corners."""
    height, width = rgb.shape[:2]
    w = max(_SMALLEST_STICKER_PX, round(0.28 * width))
    h = max(_SMALLEST_STICKER_PX, round(0.36 * w))
    color = tuple(int(level) for level in rng.integers(40, 200, 3))
    layer, draw = transparent(w * _OVERSAMPLING, h * _OVERSAMPLING)
    wide, tall = layer.size
    draw.rounded_rectangle((0, 0, wide - 1, tall - 1), tall // 4, fill=(*color, 255))
    draw.polygon(
        [(0.12 * tall, 0.85 * tall), (0.45 * tall, 0.15 * tall), (0.78 * tall, 0.85 * tall)], fill=_WHITE
    )
    draw.text((0.9 * tall, tall / 2), "NOVA 7", font=font(0.5 * tall), fill=_WHITE, anchor="lm")
    margin = round(0.02 * width)
    x = margin if rng.integers(2) else width - w - margin
    y = margin if rng.integers(2) else height - h - margin
    return overlaid(rgb, _reduced(layer, w, h), x, y)


def watermark(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """The name of a stock agency in half-transparent letters, slanted, again and again over all of it."""
    height, width = rgb.shape[:2]
    tile = _watermark_tile(max(10, round(0.06 * max(width, height))))
    turn = math.radians(30)
    cos, sin = math.cos(turn), math.sin(turn)
    place = np.array([[cos, -sin, rng.integers(tile.shape[1])], [sin, cos, rng.integers(tile.shape[0])]])
    # From px of the image to px of the tile, which goes on for ever.
    marks = cv2.warpAffine(
        tile,
        place,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    white, black = (
        np.float32(share) * marks[:, :, index, None] / 255 for index, share in ((0, 0.45), (1, 0.3))
    )
    return np.asarray(np.rint(rgb * (1 - white) * (1 - black) + 255 * white), np.uint8)


ALL = (half_covered, overlaid_half, caption, sticker, emojis, logo, watermark)


def _face(size: int) -> Image.Image:
    """Return a smiling yellow face, `size` px wide, on nothing."""
    large = size * _OVERSAMPLING
    layer, draw = transparent(large, large)

    def at(*shares: float) -> tuple[float, ...]:
        return tuple(share * large for share in shares)

    rim = max(1, large // 40)
    draw.ellipse(at(0.02, 0.02, 0.98, 0.98), fill=(252, 206, 68, 255), outline=_INK, width=rim)
    for x in (0.33, 0.67):
        draw.ellipse(at(x - 0.07, 0.28, x + 0.07, 0.46), fill=_INK)
    draw.chord(at(0.24, 0.36, 0.76, 0.82), 10, 170, fill=(190, 44, 52, 255), outline=_INK, width=rim)
    return _reduced(layer, size, size)


def _watermark_tile(size: int) -> NDArray[np.uint8]:
    """Return what is repeated: (H, W, 2), how much of each px is letter and how much is its rim, 0..255."""
    face = font(size)
    step, row = max(2, round(face.getlength(_AGENCY))) // 2 * 2, round(3.2 * size)
    planes = []
    for rim in (0, max(1, round(size / 16))):
        plane = Image.new("L", (step, 2 * row), 0)
        draw = ImageDraw.Draw(plane)
        for x, y in ((0, row // 2), (step // 2, row + row // 2), (-step // 2, row + row // 2)):
            draw.text((x, y), _AGENCY, font=face, fill=255, anchor="lm", stroke_width=rim, stroke_fill=255)
        planes.append(np.array(plane))
    letters, rimmed = planes
    return np.dstack([letters, np.where(rimmed > letters, rimmed - letters, 0).astype(np.uint8)])


def _reduced(layer: Image.Image, width: int, height: int) -> Image.Image:
    return layer.resize((width, height), Image.Resampling.BOX)


def _anywhere(rgb: Rgb, layer: Image.Image, rng: np.random.Generator) -> Rgb:
    x = int(rng.integers(max(1, rgb.shape[1] - layer.width + 1)))
    y = int(rng.integers(max(1, rgb.shape[0] - layer.height + 1)))
    return overlaid(rgb, layer, x, y)
