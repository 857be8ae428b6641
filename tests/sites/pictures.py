"""The images of a made site: those of a folder, or drawn ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.sites.shop import BADGE, BANNER, ICON, LOGO

_SIZES = {ICON: (24, 24), LOGO: (220, 80), BADGE: (300, 90), BANNER: (1000, 420)}
_TYPES = {".png": "image/png", ".webp": "image/webp", ".gif": "image/gif"}
_MIN_SIDE, _MAX_BYTES = 100, 400_000


def drawn(seed: int, size: tuple[int, int], form: str = "PNG") -> bytes:
    """Return an image of circles and lines, always the same for a seed."""
    rng = np.random.default_rng(abs(seed) * 2 + (seed < 0))
    width, height = size
    image = Image.new("RGB", size, tuple(int(value) for value in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        x, y, radius = (int(rng.integers(0, most)) for most in (width, height, max(4, width // 4)))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(0, 0, 0))
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


class Pictures:
    """Encoded images by number.

    Args:
        images: (bytes, content type) each; number n is served as the n-th, over and over.
    """

    def __init__(self, images: Sequence[tuple[bytes, str]]) -> None:
        self._images = images
        self._odd = {number: (drawn(number, size), "image/png") for number, size in _SIZES.items()}

    def of(self, number: int) -> tuple[bytes, str]:
        """Return bytes and content type of an image."""
        return self._odd.get(number) or self._images[number % len(self._images)]

    @classmethod
    def drawn(cls, number: int = 40) -> Pictures:
        """Return drawn images of 160 × 120 px."""
        return cls([(drawn(seed, (160, 120)), "image/png") for seed in range(number)])

    @classmethod
    def of_folder(cls, folder: Path) -> Pictures:
        """Return the images that `manifest.csv` of a folder lists, but for very small and large ones."""
        images = []
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                side = min(int(row["width"] or 0), int(row["height"] or 0))
                if row["role"] != "nasty" and side >= _MIN_SIDE and int(row["bytes"]) <= _MAX_BYTES:
                    path = folder / row["path"]
                    images.append((path.read_bytes(), _TYPES.get(path.suffix.lower(), "image/jpeg")))
        return cls(images)
