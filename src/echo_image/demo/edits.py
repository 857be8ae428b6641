"""What people do to images before they meet them again: each edit takes an image and returns a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as PilImage


def cropped(image: PilImage, share: float = 0.5) -> PilImage:
    """Return the middle of the image with `share` (0 to 1) of its area."""
    side = share**0.5
    width, height = round(image.width * side), round(image.height * side)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def mirrored(image: PilImage) -> PilImage:
    """Return the image with left and right exchanged."""
    return ImageOps.mirror(image)


def rotated(image: PilImage, degrees: float = 90) -> PilImage:
    """Return the image turned counter-clockwise, on a canvas that holds all of it."""
    return image.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))


def resized(image: PilImage, factor: float = 0.5) -> PilImage:
    """Return the image with both sides multiplied by `factor`."""
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))


def faded(image: PilImage) -> PilImage:
    """Return the image in grey, lighter and with less contrast, as an old print."""
    grey = ImageOps.grayscale(image).point(lambda level: round(60 + level * 0.7))
    return grey.convert("RGB")


def captioned(image: PilImage, text: str = "LOOK WHAT I FOUND") -> PilImage:
    """Return the image with white bars above and below and a line of text, as a meme."""
    bar = max(28, image.height // 9)
    framed = ImageOps.expand(image, (0, bar, 0, bar), fill=(255, 255, 255))
    draw = ImageDraw.Draw(framed)
    font = ImageFont.load_default(bar * 0.5)
    for y in (bar // 2, framed.height - bar // 2):
        draw.text((framed.width / 2, y), text, font=font, fill=(0, 0, 0), anchor="mm")
    return framed


def screenshot(image: PilImage) -> PilImage:
    """Return a screen with the image in a window: title bar, address line, a column of text."""
    shown = ImageOps.contain(image, (560, 480))
    screen = Image.new("RGB", (1000, 640), (244, 244, 246))
    draw = ImageDraw.Draw(screen)
    font = ImageFont.load_default(16)
    draw.rectangle((0, 0, 1000, 36), fill=(52, 56, 66))
    for number, colour in enumerate(((236, 95, 88), (245, 190, 79), (97, 197, 84))):
        draw.ellipse((14 + 24 * number, 11, 28 + 24 * number, 25), fill=colour)
    draw.rounded_rectangle((16, 48, 984, 80), 10, fill=(255, 255, 255), outline=(200, 200, 206))
    draw.text((32, 55), "https://news.example.org/today", font=font, fill=(70, 70, 80))
    for line in range(18):
        y, end = 130 + 24 * line, 960 - 37 * line % 120
        draw.line((660, y, end, y), fill=(150, 150, 158), width=7)
    screen.paste(shown, (48, 110))
    return screen


def photographed(image: PilImage, seed: int = 5) -> PilImage:
    """Return the image as a print photographed from the side: perspective, blur, uneven light, noise."""
    width, height = image.size
    # Where the corners of the photograph lie in the print: left top, left bottom, right bottom, right top.
    corners = ((-0.06, -0.02), (0.03, 1.05), (1.04, 1.02), (1.1, 0.0))
    slant = [value for x, y in corners for value in (x * width, y * height)]
    seen = image.transform(
        image.size, Image.Transform.QUAD, slant, resample=Image.Resampling.BICUBIC, fillcolor=(120, 104, 88)
    ).filter(ImageFilter.GaussianBlur(0.8))
    rng = np.random.default_rng(seed)
    light = np.linspace(0.75, 1.1, width, dtype=np.float32)[None, :, None]
    pixels = np.asarray(seen, dtype=np.float32) * light + rng.normal(0, 5, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def collage(images: Sequence[PilImage], cell: int = 300) -> PilImage:
    """Return the images side by side on a light ground, two in a row."""
    rows = (len(images) + 1) // 2
    sheet = Image.new("RGB", (2 * cell + 30, rows * (cell + 10) + 10), (250, 250, 250))
    for number, image in enumerate(images):
        shown = ImageOps.fit(image, (cell, cell))
        sheet.paste(shown, (10 + (cell + 10) * (number % 2), 10 + (cell + 10) * (number // 2)))
    return sheet


def inset(image: PilImage, ground: PilImage, share: float = 0.45) -> PilImage:
    """Return `ground` with the image, `share` as wide, in its lower right corner."""
    shown = image.resize(
        (round(ground.width * share), round(ground.width * share * image.height / image.width))
    )
    whole = ground.copy()
    whole.paste(shown, (ground.width - shown.width - 12, max(0, ground.height - shown.height - 12)))
    return whole
