"""Pairs of different images that are hard to tell apart, drawn: the same frame, logo, layout, other content.

Each function takes a generator and two different photographs and returns two images. Where both truly share a
piece (a logo, a frame of a screenshot), `part` is the right answer and `similar` is allowed; where they share
nothing but their manner (font, layout, texture), only `similar` is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from echo_image.evaluate.edits.composition import screenshot
from echo_image.evaluate.edits.drawing import Rgb, canvas, covering, font, overlaid, pasted, transparent

__all__ = ["LOOKALIKES", "Lookalike"]

_Pair = tuple[Rgb, Rgb]
_SYLLABLES = ("an", "bel", "cor", "du", "el", "fra", "gon", "hi", "in", "ka", "lor", "mu", "ner", "or", "pe")


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A way to draw two different images that look alike.

    Attributes:
        name: of the way.
        shares: both truly show a piece of the same.
        draw: generator and two photographs → two images.
    """

    name: str
    shares: bool
    draw: Callable[[np.random.Generator, Rgb, Rgb], _Pair]


def _word(rng: np.random.Generator) -> str:
    return "".join(_SYLLABLES[int(i)] for i in rng.integers(0, len(_SYLLABLES), int(rng.integers(1, 5))))


def _sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(_word(rng) for _ in range(words))


def _color(rng: np.random.Generator, low: int = 20, high: int = 236) -> tuple[int, int, int]:
    red, green, blue = rng.integers(low, high, 3)
    return int(red), int(green), int(blue)


def _both(rng: np.random.Generator, draw: Callable[[np.random.Generator], Rgb]) -> _Pair:
    """Two drawings in the same manner with other contents."""
    return draw(rng), draw(rng)


def watermark(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Half-transparent words all over both."""
    text = _sentence(rng, 2).upper()
    layer, draw = transparent(640, 480)
    for row in range(4):
        draw.text((20 + 60 * (row % 2), 40 + 110 * row), text, font=font(44), fill=(255, 255, 255, 110))
    return overlaid(covering(one, 640, 480), layer, 0, 0), overlaid(covering(two, 640, 480), layer, 0, 0)


def crest(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """The same crest in the corner of both."""
    layer, draw = transparent(150, 150)
    draw.ellipse((2, 2, 148, 148), fill=(*_color(rng), 255), outline=(255, 255, 255, 255), width=5)
    angles = np.arange(10) * np.pi / 5 + rng.uniform(0, 1)
    radii = np.where(np.arange(10) % 2, 24.0, 56.0)
    star = [(75 + r * np.cos(a), 70 + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]
    draw.polygon(star, fill=(*_color(rng), 255))
    draw.text((75, 118), _word(rng).upper()[:8], font=font(22), fill=(255, 255, 255, 255), anchor="mm")
    x, y = int(rng.integers(0, 490)), int(rng.integers(0, 330))
    return overlaid(covering(one, 640, 480), layer, x, y), overlaid(covering(two, 640, 480), layer, x, y)


def caption_bar(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """The same bar with the same words below both."""
    text, ground = _sentence(rng, 5), _color(rng, 0, 80)

    def captioned(rgb: Rgb) -> Rgb:
        whole = Image.fromarray(pasted(canvas(640, 560, ground), covering(rgb, 640, 480), 0, 0))
        ImageDraw.Draw(whole).text((320, 520), text, font=font(38), fill=(255, 255, 255), anchor="mm")
        return np.array(whole)

    return captioned(one), captioned(two)


def screen_frame(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Screenshots of the same application with the same words around two photographs."""
    seed = int(rng.integers(1 << 31))
    one, two = covering(one, 720, 600), covering(two, 720, 600)
    first = screenshot(one, rng=np.random.default_rng(seed), other=one)
    return first, screenshot(two, rng=np.random.default_rng(seed), other=two)


def border(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """The same ornamental frame around both."""
    frame = Image.fromarray(canvas(640, 520, _color(rng)))
    draw, light = ImageDraw.Draw(frame), _color(rng, 120, 256)
    for x in range(0, 640, 32):
        for y in (6, 486):
            draw.ellipse((x + 4, y, x + 28, y + 26), outline=light, width=4)
            draw.line((x, y + 26, x + 32, y), fill=light, width=3)
    for y in range(40, 480, 32):
        for x in (6, 606):
            draw.rectangle((x, y + 4, x + 26, y + 26), outline=light, width=4)
    ground = np.array(frame)
    return pasted(ground, covering(one, 560, 440), 40, 40), pasted(ground, covering(two, 560, 440), 40, 40)


def stickers(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """The same six faces at the same places of both."""
    layer, draw = transparent(640, 480)
    for _ in range(6):
        x, y, r = int(rng.integers(0, 540)), int(rng.integers(0, 380)), int(rng.integers(28, 50))
        draw.ellipse((x, y, x + 2 * r, y + 2 * r), fill=(*_color(rng, 140, 256), 255))
        draw.ellipse((x + 0.5 * r, y + 0.5 * r, x + 0.8 * r, y + 0.9 * r), fill=(30, 20, 10, 255))
        draw.ellipse((x + 1.2 * r, y + 0.5 * r, x + 1.5 * r, y + 0.9 * r), fill=(30, 20, 10, 255))
        mouth = (x + 0.4 * r, y + 0.7 * r, x + 1.6 * r, y + 1.6 * r)
        draw.arc(mouth, 20, 160, fill=(30, 20, 10, 255), width=5)
    return overlaid(covering(one, 640, 480), layer, 0, 0), overlaid(covering(two, 640, 480), layer, 0, 0)


def _page(rng: np.random.Generator, head: str | None = None) -> Rgb:
    page = Image.new("RGB", (700, 920), (252, 252, 250))
    draw = ImageDraw.Draw(page)
    draw.text((60, 40), head or _sentence(rng, 3).capitalize(), font=font(34), fill=(20, 20, 24))
    for row in range(32):
        indent = 24 if row % 8 == 0 else 0
        draw.text((60 + indent, 110 + 24 * row), _sentence(rng, 9), font=font(17), fill=(30, 30, 34))
    return np.array(page.crop((0, 0, 640, 900)))


def dense_text(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two pages in the same font and layout with other words."""
    return _both(rng, _page)


def letterhead(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two letters with one head."""
    head = _sentence(rng, 3).upper()
    return _both(rng, lambda generator: _page(generator, head))


def receipt(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two receipts of one shop."""
    shop = [_sentence(rng, 3).upper() for _ in range(4)]

    def printed(generator: np.random.Generator) -> Rgb:
        paper = Image.new("RGB", (360, 760), (248, 248, 244))
        draw = ImageDraw.Draw(paper)
        for row, line in enumerate(shop):
            draw.text((180, 30 + 24 * row), line, font=font(18), fill=(40, 40, 40), anchor="mm")
        for row in range(20):
            y = 150 + 26 * row
            draw.text((24, y), _sentence(generator, 2).upper(), font=font(16), fill=(40, 40, 40))
            price = f"{generator.integers(1, 90)}.{generator.integers(10, 99)}"
            draw.text((336, y), price, font=font(16), fill=(40, 40, 40), anchor="ra")
        return np.array(paper)

    return _both(rng, printed)


def chart(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two bar charts in one style, same axes, other data and title."""
    fill = _color(rng)

    def drawn(generator: np.random.Generator) -> Rgb:
        sheet = Image.new("RGB", (640, 480), (255, 255, 255))
        draw = ImageDraw.Draw(sheet)
        draw.text((320, 24), _sentence(generator, 3).capitalize(), font=font(24), fill=(0, 0, 0), anchor="mm")
        for tick in range(6):
            y = 420 - 70 * tick
            draw.line((70, y, 620, y), fill=(220, 220, 220))
            draw.text((60, y), str(20 * tick), font=font(16), fill=(60, 60, 60), anchor="rm")
        for bar in range(12):
            height = int(generator.integers(10, 340))
            draw.rectangle((80 + 45 * bar, 420 - height, 112 + 45 * bar, 420), fill=fill)
            draw.text((96 + 45 * bar, 440), chr(65 + bar), font=font(16), fill=(60, 60, 60), anchor="mm")
        return np.array(sheet)

    return _both(rng, drawn)


def bricks(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two walls of the same bricks."""
    tint = np.array(_color(rng, 90, 200))

    def wall(generator: np.random.Generator) -> Rgb:
        sheet = canvas(640, 480, (190, 186, 180))
        for row in range(13):
            for column in range(-1, 9):
                x, y = 80 * column + 40 * (row % 2), 38 * row
                shade = np.clip(tint + generator.normal(0, 16, 3), 0, 255).astype(int)
                cv2.rectangle(sheet, (x, y), (x + 74, y + 32), shade.tolist(), -1)
        return np.clip(sheet + generator.normal(0, 9, sheet.shape), 0, 255).astype(np.uint8)

    return _both(rng, wall)


def mesh(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """The same kind of wire mesh before two photographs out of focus, shifted."""
    step = int(rng.integers(24, 40))

    def behind(rgb: Rgb) -> Rgb:
        ground = np.asarray(cv2.GaussianBlur(covering(rgb, 640, 480), (0, 0), 12), np.uint8)
        offset = int(rng.integers(0, step))
        for at in range(-640, 1280, step):
            cv2.line(ground, (at + offset, 0), (at + offset + 480, 480), (40, 40, 40), 3, cv2.LINE_AA)
            cv2.line(ground, (at + offset, 480), (at + offset + 480, 0), (40, 40, 40), 3, cv2.LINE_AA)
        return ground

    return behind(one), behind(two)


def checks(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two checkerboards with squares of other sizes and colours."""

    def board(generator: np.random.Generator) -> Rgb:
        step = int(generator.integers(24, 70))
        y, x = np.indices((480, 640)) // step
        colors = np.array([_color(generator, 0, 120), _color(generator, 140, 256)], np.uint8)
        return np.ascontiguousarray(colors[(x + y) % 2])

    return _both(rng, board)


def packs(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two packs of one brand with another flavour, colour and photograph."""
    brand, ground = _word(rng).upper()[:8], _color(rng)
    note = _sentence(rng, 3)

    def pack(rgb: Rgb) -> Rgb:
        sheet = Image.fromarray(pasted(canvas(420, 600, _color(rng)), covering(rgb, 300, 240), 60, 260))
        draw = ImageDraw.Draw(sheet)
        draw.rounded_rectangle((40, 30, 380, 150), 30, fill=ground, outline=(255, 255, 255), width=5)
        draw.text((210, 90), brand, font=font(58), fill=(255, 255, 255), anchor="mm")
        draw.text((210, 200), _sentence(rng, 2), font=font(36), fill=(250, 250, 240), anchor="mm")
        draw.text((210, 560), note, font=font(20), fill=(250, 250, 240), anchor="mm")
        return np.array(sheet)

    return pack(one), pack(two)


def ensigns(rng: np.random.Generator, one: Rgb, two: Rgb) -> _Pair:
    """Two flags with the same canton, another field and badge."""
    canton = Image.new("RGB", (300, 200), _color(rng, 0, 120))
    draw, light, strong = ImageDraw.Draw(canton), (255, 255, 255), _color(rng, 140, 256)
    for width, color in ((44, light), (18, strong)):
        draw.line((0, 0, 300, 200), fill=color, width=width)
        draw.line((0, 200, 300, 0), fill=color, width=width)
    for width, color in ((66, light), (38, strong)):
        draw.line((150, 0, 150, 200), fill=color, width=width)
        draw.line((0, 100, 300, 100), fill=color, width=width)
    shared = np.array(canton)

    def flag(color: tuple[int, int, int]) -> Rgb:
        field = Image.fromarray(pasted(canvas(600, 400, color), shared, 0, 0))
        pen = ImageDraw.Draw(field)
        for _ in range(int(rng.integers(1, 5))):
            x, y = int(rng.integers(320, 540)), int(rng.integers(40, 340))
            pen.regular_polygon((x, y, 34), int(rng.integers(3, 8)), fill=_color(rng))
        return np.array(field)

    # One field is dark and the other light: of one colour they would be one flag with a badge painted over.
    return flag(_color(rng, 0, 110)), flag(_color(rng, 150, 256))


#: Every way, and whether both images truly share a piece.
LOOKALIKES = tuple(
    Lookalike(draw.__name__, shares, draw)
    for draw, shares in (
        (watermark, True),
        (crest, True),
        (caption_bar, True),
        (screen_frame, True),
        (border, True),
        (stickers, True),
        (dense_text, False),
        (letterhead, True),
        (receipt, True),
        (chart, True),
        (bricks, False),
        (mesh, False),
        (checks, False),
        (packs, True),
        (ensigns, True),
    )
)
