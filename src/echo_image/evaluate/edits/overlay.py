"""Edits that lay something on the image and leave the rest of it as it was."""

from __future__ import annotations

import numpy as np
from PIL import Image

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


def sticker(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A smiling yellow face, 35 % of the short side wide, anywhere on the image."""
    size = max(_SMALLEST_STICKER_PX, round(0.35 * min(rgb.shape[:2])))
    large = size * _OVERSAMPLING
    layer, draw = transparent(large, large)

    def at(*shares: float) -> tuple[float, ...]:
        return tuple(share * large for share in shares)

    rim = max(1, large // 40)
    draw.ellipse(at(0.02, 0.02, 0.98, 0.98), fill=(252, 206, 68, 255), outline=_INK, width=rim)
    for x in (0.33, 0.67):
        draw.ellipse(at(x - 0.07, 0.28, x + 0.07, 0.46), fill=_INK)
    draw.chord(at(0.24, 0.36, 0.76, 0.82), 10, 170, fill=(190, 44, 52, 255), outline=_INK, width=rim)
    return _anywhere(rgb, _reduced(layer, size, size), rng)


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
    reach = width + height
    size = max(10.0, 0.06 * max(width, height))
    face = font(size)
    line = "© SAMPLE PHOTO     "
    step = max(1, int(face.getlength(line)))
    layer, draw = transparent(reach, reach)
    for row, y in enumerate(range(0, reach, max(1, round(3.2 * size)))):
        for x in range(-(row % 2) * step // 2, reach, step):
            draw.text((x, y), line, font=face, fill=(255, 255, 255, 110))
    slanted = layer.rotate(30, resample=Image.Resampling.BILINEAR)
    x, y = int(rng.integers(step)), int(rng.integers(max(1, round(size))))
    left, top = (reach - width) // 2, (reach - height) // 2
    shift = (min(left, x), min(top, y))
    part = slanted.crop((left - shift[0], top - shift[1], left - shift[0] + width, top - shift[1] + height))
    return overlaid(rgb, part, 0, 0)


ALL = (half_covered, caption, sticker, logo, watermark)


def _reduced(layer: Image.Image, width: int, height: int) -> Image.Image:
    return layer.resize((width, height), Image.Resampling.LANCZOS)


def _anywhere(rgb: Rgb, layer: Image.Image, rng: np.random.Generator) -> Rgb:
    x = int(rng.integers(max(1, rgb.shape[1] - layer.width + 1)))
    y = int(rng.integers(max(1, rgb.shape[0] - layer.height + 1)))
    return overlaid(rgb, layer, x, y)
