"""Text in Pillow's bundled font, which has hardly more than ASCII: what it lacks is written otherwise."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import ImageFont

__all__ = ["Font", "clean", "font", "shorten", "width_of", "wrap"]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

OTHERWISE = {"×": "x", "→": "->", "–": "-", "—": "-", "•": "·", "≤": "<=", "≥": ">=", "½": "1/2", "ß": "ss"}
MISSING = "?"
MAX_CHARS = 2_000


@lru_cache(maxsize=16)
def font(size_px: int) -> Font:
    """Return the bundled font."""
    return ImageFont.load_default(size=size_px)


def clean(text: str) -> str:
    """Return one line that the font can write, whatever the text contains.

    Accents are dropped, some signs spelt out, control characters become spaces, anything else `?`.
    """
    flat = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Zs") else char
        for char in text[:MAX_CHARS]
    )
    return " ".join("".join(_writable(char) for char in flat).split())


@lru_cache(maxsize=4096)
def _writable(char: str) -> str:
    if char in OTHERWISE:
        return OTHERWISE[char]
    if char == " " or _has(char):
        return char
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if c.isascii())
    return plain or MISSING


def _has(char: str) -> bool:
    # A font draws one and the same box for all it lacks; a private character stands for them.
    try:
        lacking, drawn = font(20).getmask("\U000fffff"), font(20).getmask(char)
    except (UnicodeError, ValueError):
        return False
    return drawn.size != lacking.size or bytes(drawn) != bytes(lacking)


def width_of(text: str, size_px: int) -> float:
    """Return how wide a cleaned text is, px."""
    return float(font(size_px).getlength(text))


def shorten(text: str, size_px: int, max_width: float) -> str:
    """Return a cleaned text that fits, its middle replaced by an ellipsis if it must be."""
    text = clean(text)
    if width_of(text, size_px) <= max_width:
        return text
    low, high = 0, len(text)  # most characters that may stay
    while low < high:
        kept = (low + high + 1) // 2
        if width_of(_without_middle(text, kept), size_px) <= max_width:
            low = kept
        else:
            high = kept - 1
    return _without_middle(text, low)


def _without_middle(text: str, kept: int) -> str:
    tail = kept // 2
    return text[: kept - tail].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")


def wrap(text: str, size_px: int, max_width: float) -> list[str]:
    """Return lines of cleaned text that fit; a word too long for a line loses its middle."""
    lines: list[str] = []
    for word in clean(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size_px) <= max_width:
            lines[-1] = longer
        else:
            lines.append(shorten(word, size_px, max_width))
    return [line for line in lines if line]
