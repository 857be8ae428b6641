"""Images that are drawn: a poster, a chart, a street plan and a sheet of stamps, always the same."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as PilImage

_INK = (24, 32, 48)
_PAPER = (255, 255, 255)
_COLOURS = ((214, 64, 54), (38, 110, 178), (242, 176, 52), (62, 142, 86), (120, 72, 150), (30, 158, 160))


def poster() -> PilImage:
    """Return a concert poster, 480 × 680: circles, rays and lettering."""
    rng = np.random.default_rng(11)
    image = Image.new("RGB", (480, 680), (246, 236, 214))
    draw = ImageDraw.Draw(image)
    for turn in range(36):
        draw.pieslice((-160, -60, 640, 740), turn * 10, turn * 10 + 5, fill=(240, 212, 160))
    for _ in range(40):
        x, y = int(rng.integers(0, 480)), int(rng.integers(120, 560))
        radius = int(rng.integers(8, 60))
        colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=_INK, width=3)
    draw.rectangle((0, 0, 480, 96), fill=_INK)
    draw.text((24, 18), "NIGHT OF ECHOES", font=ImageFont.load_default(44), fill=(250, 240, 220))
    draw.rectangle((0, 584, 480, 680), fill=(214, 64, 54))
    draw.text(
        (24, 604), "Old Observatory, 9 May, 20:00", font=ImageFont.load_default(26), fill=(255, 255, 255)
    )
    return image


def chart() -> PilImage:
    """Return a line chart, 640 × 440, with grid, axis figures and a legend."""
    rng = np.random.default_rng(12)
    image = Image.new("RGB", (640, 440), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    for step in range(9):
        y = 40 + step * 42
        draw.line((60, y, 610, y), fill=(222, 222, 222))
        draw.text((22, y - 8), str(80 - step * 10), font=font, fill=_INK)
    for number, colour in enumerate(_COLOURS[:4]):
        walk = 210 + np.cumsum(rng.normal(0, 14, 56))
        points = [(60 + 10 * i, float(np.clip(value, 44, 372))) for i, value in enumerate(walk)]
        draw.line(points, fill=colour, width=3)
        draw.rectangle((90 + 130 * number, 404, 106 + 130 * number, 418), fill=colour)
        draw.text((112 + 130 * number, 402), ("North", "East", "South", "West")[number], font=font, fill=_INK)
    draw.text((200, 10), "Visitors in thousands, by week", font=ImageFont.load_default(18), fill=_INK)
    return image


def plan() -> PilImage:
    """Return a street plan, 600 × 600: blocks, a river and named squares."""
    rng = np.random.default_rng(13)
    image = Image.new("RGB", (600, 600), (238, 234, 224))
    draw = ImageDraw.Draw(image)
    edges = [0, *np.cumsum(rng.integers(36, 84, 14)).tolist()]
    for left, right in pairwise(edges):
        for top, bottom in pairwise(edges):
            shade = int(rng.integers(188, 224))
            inset = int(rng.integers(3, 9))
            draw.rectangle(
                (left + inset, top + inset, right - inset, bottom - inset),
                fill=(shade, shade - int(rng.integers(0, 24)), shade - 26),
                outline=(150, 140, 128),
            )
    bends = np.cumsum(rng.normal(0, 26, 13)) + 300
    river = [(50.0 * i, float(y)) for i, y in enumerate(bends)]
    draw.line(river, fill=(128, 176, 214), width=34, joint="curve")
    font = ImageFont.load_default(20)
    for name in ("Mill Square", "Station", "Old Market", "Harbour", "Museum"):
        x, y = int(rng.integers(20, 480)), int(rng.integers(20, 560))
        draw.text((x, y), name, font=font, fill=_INK, stroke_width=2, stroke_fill=_PAPER)
    return image


def stamps() -> PilImage:
    """Return a sheet of twelve stamps, 560 × 440, each another figure and value."""
    rng = np.random.default_rng(14)
    image = Image.new("RGB", (560, 440), (232, 226, 214))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(18)
    for number in range(12):
        x, y = 16 + 136 * (number % 4), 16 + 140 * (number // 4)
        draw.rectangle((x, y, x + 120, y + 124), fill=(255, 253, 246), outline=(140, 132, 120))
        corners = rng.integers(12, 108, (int(rng.integers(5, 9)), 2))
        colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
        draw.polygon([(x + int(px), y - 4 + int(py)) for px, py in corners], fill=colour, outline=_INK)
        draw.text((x + 8, y + 98), f"{int(rng.integers(5, 99))} ct", font=font, fill=_INK)
    return image


DRAWN: dict[str, Callable[[], PilImage]] = {"poster": poster, "chart": chart, "plan": plan, "stamps": stamps}
