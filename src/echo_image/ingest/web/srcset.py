"""Lists of one image in several resolutions: `srcset`, and the functions of CSS."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Candidates read of one list; pages have up to 30.
_MAX_CANDIDATES = 200

_SPACES = " \t\n\r\f"
_URL = re.compile(r"[\s,]*+([^\s]++)")
_DESCRIPTORS = re.compile(r"((?:[^,(]++|\([^)]*+\)?)*+)(?:,|\Z)")
_DESCRIPTOR = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([wx])(?![\w.])")
_CSS_FUNCTION = re.compile(r"(?:-webkit-)?image-set\(|url\(\s*+", re.IGNORECASE)
_CSS_QUOTED = re.compile(r"\"([^\"]*+)\"|'([^']*+)'")
_CSS_BARE = re.compile(r"[^)\"'\s]*+")
_CSS_DENSITY = re.compile(r"(?<![\w.])([0-9]{1,4}(?:\.[0-9]{1,4})?)(x|dppx|dpi)\b", re.IGNORECASE)
#: What follows a URL within a set: `2x type("image/avif")`.
_CSS_TAIL = re.compile(r"(?:[^,()]++|\([^)]*+\)?)*+")
_CSS_CLOSING = re.compile(r"\s*+\)")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})\s?|(.))")


class Candidate(NamedTuple):
    """One URL of an image in several resolutions.

    Attributes:
        url: as written.
        width: px, 0 where the page does not say.
        density: px per CSS px, 1 where the page does not say.
    """

    url: str
    width: int
    density: float


def read_srcset(text: str) -> list[Candidate]:
    """Return the candidates of a `srcset`, in their order. A URL may contain commas, but not end with one.

    >>> read_srcset("a,b.jpg 1x, c.jpg 640w")
    [Candidate(url='a,b.jpg', width=0, density=1.0), Candidate(url='c.jpg', width=640, density=1.0)]
    """
    found: list[Candidate] = []
    position = 0
    while len(found) < _MAX_CANDIDATES:
        start = _URL.match(text, position)
        if start is None:
            break
        url, position = start[1], start.end()
        width, density = 0, 1.0
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            rest = _DESCRIPTORS.match(text, position)
            position = rest.end() if rest else len(text)
            for number, unit in _DESCRIPTOR.findall(rest[1][:100] if rest else ""):
                width, density = (int(float(number)), density) if unit == "w" else (width, float(number))
        if url:
            found.append(Candidate(url, width, density))
    return found


def css_images(style: str) -> list[str]:
    """Return the URLs of images in CSS declarations; of an `image-set` only the one of the largest density.

    >>> css_images("background: url('a.jpg'), image-set('b.jpg' 1x, 'c.jpg' 2x)")
    ['a.jpg', 'c.jpg']
    """
    found: list[str] = []
    position = 0
    while len(found) < _MAX_CANDIDATES:
        function = _CSS_FUNCTION.search(style, position)
        if function is None:
            break
        position = function.end()
        if "set" in function[0].lower():
            url, position = _largest_of_set(style, position)
        else:
            url, position = _css_url(style, position)
        if url:
            found.append(url)
    return found


def _css_url(style: str, position: int) -> tuple[str, int]:
    """Read what stands in `url(`; returns it and where it ends."""
    found = _CSS_QUOTED.match(style, position)
    if found is None:
        found = _CSS_BARE.match(style, position)
        assert found is not None
        return _css_text(found[0]), found.end()
    return _css_text(found[1] or found[2] or ""), found.end()


def _largest_of_set(style: str, position: int) -> tuple[str, int]:
    """Read what stands in `image-set(`; returns the URL of the largest density and where the set ends."""
    best, most = "", 0.0
    for _ in range(_MAX_CANDIDATES):
        while style[position : position + 1] in _SPACES and position < len(style):
            position += 1
        function = _CSS_FUNCTION.match(style, position)
        url, after = _css_url(style, function.end() if function else position)
        closing = _CSS_CLOSING.match(style, after) if function else None
        tail = _CSS_TAIL.match(style, closing.end() if closing else after)
        assert tail is not None
        density = _CSS_DENSITY.search(tail[0][:200])
        size = float(density[1]) / (96 if density[2].lower() == "dpi" else 1) if density else 1.0
        if url and size > most:
            best, most = url, size
        position = tail.end()
        if not style.startswith(",", position):
            break
        position += 1
    return best, position


def _css_text(text: str) -> str:
    return _CSS_ESCAPE.sub(_css_character, text) if "\\" in text else text


def _css_character(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2] or ""
    number = int(found[1], 16)
    return (
        chr(number)
        if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000
        else "\N{REPLACEMENT CHARACTER}"
    )
