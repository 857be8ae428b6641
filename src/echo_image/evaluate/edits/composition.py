"""Edits that make the image a part of something larger."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from echo_image.evaluate.edits.drawing import (
    Rgb,
    canvas,
    contained,
    covering,
    fitting_font,
    font,
    pasted,
    phrase,
    resized,
)
from echo_image.evaluate.edits.photometric import blurred_by

#: Width of the images that others are laid on: that of a photograph on the web.
_GROUND_PX = 1024
_CELL_PX = 400
_GAP_PX = 8


def inset_50(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Laid on another image, half as wide as that."""
    return _inset(rgb, other, 0.5, rng)


def inset_40(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Laid on another image, 40 % as wide as that."""
    return _inset(rgb, other, 0.4, rng)


def inset_30(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Laid on another image, 30 % as wide as that."""
    return _inset(rgb, other, 0.3, rng)


def inset_20(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Laid on another image, a fifth as wide as that."""
    return _inset(rgb, other, 0.2, rng)


def collage(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """One of four square cells, cut to fit; the others show another image and pieces of it."""
    height, width = other.shape[:2]
    companions = [
        other,
        other[: max(1, height // 2), ::-1],
        other[height // 2 :, width // 2 :],
    ]
    cells = [covering(rgb, _CELL_PX, _CELL_PX)]
    cells += [covering(np.ascontiguousarray(part), _CELL_PX, _CELL_PX) for part in companions]
    side = 2 * _CELL_PX + 3 * _GAP_PX
    sheet = canvas(side, side, (250, 250, 250))
    for cell, place in zip(cells, rng.permutation(4), strict=True):
        row, column = divmod(int(place), 2)
        step = _CELL_PX + _GAP_PX
        sheet = pasted(sheet, cell, _GAP_PX + step * column, _GAP_PX + step * row)
    return sheet


def meme_bar(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A white bar with a line of black letters above the image."""
    height, width = rgb.shape[:2]
    bar = max(12, round(0.22 * height))
    whole = Image.fromarray(pasted(canvas(width, height + bar, (255, 255, 255)), rgb, 0, bar))
    text = phrase(rng)
    face = fitting_font(text, 0.42 * bar, 0.94 * width)
    ImageDraw.Draw(whole).text((width / 2, bar / 2), text, font=face, fill=(10, 10, 10), anchor="mm")
    return np.array(whole)


def screenshot(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A screenshot of a phone or of a browser that shows the image between bars, text and buttons."""
    return _phone(rgb, rng) if rng.integers(2) else _browser(rgb, rng)


def letterbox(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Black bars above and below, each 15 to 30 % of the height."""
    height, width = rgb.shape[:2]
    bar = max(1, round(height * float(rng.uniform(0.15, 0.3))))
    return pasted(canvas(width, height + 2 * bar, (0, 0, 0)), rgb, 0, bar)


def pillarbox(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """Black bars on the left and right, each 15 to 30 % of the width."""
    height, width = rgb.shape[:2]
    bar = max(1, round(width * float(rng.uniform(0.15, 0.3))))
    return pasted(canvas(width + 2 * bar, height, (0, 0, 0)), rgb, bar, 0)


def padded(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """A white border all around, 8 to 20 % of the long side wide."""
    height, width = rgb.shape[:2]
    border = max(1, round(max(height, width) * float(rng.uniform(0.08, 0.2))))
    return pasted(canvas(width + 2 * border, height + 2 * border, (255, 255, 255)), rgb, border, border)


def blurred_fill(rgb: Rgb, *, rng: np.random.Generator, other: Rgb) -> Rgb:
    """In the middle of a tall video frame, above an enlarged and blurred copy of itself."""
    width, height = 720, 1280
    # A quarter of the size blurs the same in a thirtieth of the time.
    ground = resized(blurred_by(covering(rgb, width // 4, height // 4), 6.0), width, height)
    shown = contained(rgb, width, round(0.8 * height))
    return pasted(ground, shown, (width - shown.shape[1]) // 2, (height - shown.shape[0]) // 2)


ALL = (
    inset_50,
    inset_40,
    inset_30,
    inset_20,
    collage,
    meme_bar,
    screenshot,
    letterbox,
    pillarbox,
    padded,
    blurred_fill,
)


def _inset(rgb: Rgb, other: Rgb, share: float, rng: np.random.Generator) -> Rgb:
    tall = round(_GROUND_PX * float(np.clip(other.shape[0] / other.shape[1], 0.5, 1.5)))
    ground = covering(other, _GROUND_PX, tall)
    width = round(share * _GROUND_PX)
    height = width * rgb.shape[0] / rgb.shape[1]
    fits = min(1.0, 0.9 * tall / height)
    shown = resized(rgb, round(width * fits), round(height * fits))
    x = int(rng.integers(_GROUND_PX - shown.shape[1] + 1))
    y = int(rng.integers(tall - shown.shape[0] + 1))
    return pasted(ground, shown, x, y)


def _phone(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    width, height, top = 720, 1280, 150
    shown = contained(rgb, width, 760)
    sheet = pasted(canvas(width, height, (255, 255, 255)), shown, (width - shown.shape[1]) // 2, top)
    screen = Image.fromarray(sheet)
    draw = ImageDraw.Draw(screen)
    grey, dark = (150, 150, 156), (28, 28, 32)
    draw.text((28, 14), "9:41", font=font(26), fill=dark)
    draw.rounded_rectangle((650, 18, 692, 38), 5, outline=dark, width=3)
    draw.ellipse((24, 66, 88, 130), fill=tuple(int(level) for level in rng.integers(60, 220, 3)))
    draw.text((106, 72), "daily.finds", font=font(30), fill=dark)
    draw.text((106, 106), "2 h", font=font(22), fill=grey)
    below = top + shown.shape[0] + 24
    for number, word in enumerate(("Like", "Reply", "Share")):
        left = 24 + 226 * number
        draw.rounded_rectangle((left, below, left + 206, below + 60), 30, fill=(236, 236, 240))
        draw.text((left + 103, below + 30), word, font=font(26), fill=dark, anchor="mm")
    for line in range(3):
        draw.text((28, below + 84 + 44 * line), phrase(rng), font=font(28), fill=dark)
    draw.line((0, height - 96, width, height - 96), fill=(222, 222, 226), width=2)
    for number in range(5):
        x = 72 + 144 * number
        draw.rounded_rectangle((x - 20, height - 70, x + 20, height - 30), 10, outline=dark, width=4)
    return np.array(screen)


def _browser(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    width, height = 1280, 800
    shown = contained(rgb, 760, 560)
    sheet = pasted(canvas(width, height, (246, 246, 248)), shown, 48, 190)
    screen = Image.fromarray(sheet)
    draw = ImageDraw.Draw(screen)
    dark, line = (40, 42, 50), (206, 206, 212)
    draw.rectangle((0, 0, width, 44), fill=(58, 62, 72))
    for number, color in enumerate(((235, 96, 90), (244, 189, 80), (98, 196, 86))):
        draw.ellipse((18 + 28 * number, 14, 34 + 28 * number, 30), fill=color)
    draw.rounded_rectangle((20, 56, width - 20, 92), 12, fill=(255, 255, 255), outline=line)
    draw.text((40, 64), "https://gallery.example.net/view", font=font(20), fill=dark)
    draw.text((48, 124), phrase(rng).capitalize(), font=font(40), fill=dark)
    for row in range(16):
        end = 1230 - int(rng.integers(0, 160))
        draw.line((850, 200 + 30 * row, end, 200 + 30 * row), fill=(160, 160, 168), width=9)
    for number, word in enumerate(("Save", "Send")):
        left = 850 + 180 * number
        draw.rounded_rectangle((left, 700, left + 160, 752), 8, fill=(44, 108, 210))
        draw.text((left + 80, 726), word, font=font(24), fill=(255, 255, 255), anchor="mm")
    return np.array(screen)
