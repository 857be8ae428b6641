"""Which of the many URLs in the attributes of one image is the image itself: the largest, not its stand-in.

Pages name one image many times: in several widths, for browsers that load it late, for a zoom. Only one of
these is wanted. What a page says about widths decides; where it says nothing, names of attributes do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from echo_image.ingest.web.srcset import read_srcset
from echo_image.ingest.web.urls import looks_like_image

#: Attributes with the image in full, where the rest is smaller.
LARGE = (
    "data-zoom-image",
    "data-zoom-src",
    "data-zoom",
    "data-large_image",
    "data-large-image",
    "data-large-file",
    "data-large",
    "data-orig-file",
    "data-full-src",
    "data-full",
    "data-fullsize",
    "data-high-res-src",
    "data-highres",
    "data-hires",
)
#: Attributes with the image itself, while `src` holds its place.
LAZY = (
    "data-src",
    "data-original",
    "data-original-src",
    "data-lazy-src",
    "data-lazy",
    "data-lazyload",
    "data-ll-src",
    "data-echo",
    "data-defer-src",
    "data-actualsrc",
    "data-cfsrc",
    "data-image",
    "data-img",
    "data-img-src",
    "data-img-url",
    "data-image-src",
    "data-url",
    "lazy-src",
    "lazysrc",
    "ng-src",
    "v-lazy",
)
LAZY_SRCSET = (
    "data-srcset",
    "data-lazy-srcset",
    "data-original-set",
    "data-ll-srcset",
    "data-bgset",
    "lazy-srcset",
)
#: Attributes of any element that hold its background.
BACKGROUND = (
    "data-bg",
    "data-bg-src",
    "data-bg-image",
    "data-bg-url",
    "data-background",
    "data-background-image",
    "data-background-src",
    "data-lazy-bg",
    "data-lazy-background",
    "background",
)
_SMALL = re.compile(
    r"small|medium|thumb|tiny|low|lqip|blur|placeholder|preview|fallback|icon|avatar|permalink"
)
_PLACE = {name: place for place, name in enumerate(LARGE + LAZY_SRCSET + LAZY + BACKGROUND)}
_KNOWN = frozenset(_PLACE)
_MEDIA_WIDTH = re.compile(r"min(?:-device)?-width\s*:\s*([0-9]{1,5})")
#: Wider than any width that a page says.
_FULL = 1_000_000


class Choice(NamedTuple):
    """One URL that may be the image.

    Attributes:
        rank: the largest wins: width in px, density, whose word it is.
        url: as written.
        width: px, as a `w` descriptor says; else 0.
        how: where it was found.
    """

    rank: tuple[float, float, int]
    url: str
    width: int
    how: str


def is_web_url(url: str) -> bool:
    """Tell whether a value is worth resolving: neither empty nor of a scheme that leads to no file."""
    start = url.lstrip()[:20].lower()
    return bool(start) and not start.startswith(
        ("data:", "blob:", "javascript:", "mailto:", "tel:", "about:", "#", "{", "[", "<")
    )


def choices(attributes: Mapping[str, str], *, how: str) -> list[Choice]:
    """Return what the attributes of an `img` or `amp-img` offer; without `src` where a lazy form is there."""
    lazy, large = [], []
    for name in sorted(_KNOWN.intersection(attributes), key=_PLACE.__getitem__):
        value = attributes[name]
        if name in LAZY_SRCSET:
            lazy += _of_srcsets([value], "lazy")
        elif name in LAZY and is_web_url(value):
            lazy.append(Choice((0, 1, 2), value, 0, "lazy"))
        elif name in LARGE and is_web_url(value) and looks_like_image(value, in_query=True):
            large.append(Choice((_FULL, 1, 2), value, 0, "large"))
    shown = _of_srcsets([attributes.get("srcset", "")], "srcset")
    if not any(choice.how == "lazy" and choice.rank[2] == 3 for choice in lazy):
        lazy += shown
    source = attributes.get("src", "")
    if not any(choice.how == "lazy" for choice in lazy) and is_web_url(source):
        lazy.append(Choice((0, 1, 1), source, 0, how))
    return large + lazy


def source_choices(attributes: Mapping[str, str]) -> list[Choice]:
    """Return what a `source` within a `picture` offers; without widths, the one for the widest screen."""
    media = _MEDIA_WIDTH.search(attributes.get("media", "")[:500])
    width = int(media[1]) if media else 0
    found = _of_srcsets([attributes.get(name, "") for name in ("srcset", *LAZY_SRCSET)], "picture")
    return [
        choice if choice.width else choice._replace(rank=(width, choice.rank[1], 0 if width else -1))
        for choice in found
    ]


def _of_srcsets(values: Iterable[str], how: str) -> list[Choice]:
    return [
        Choice((entry.width, entry.density if not entry.width else 1, 3), entry.url, entry.width, how)
        for value in values
        if value
        for entry in read_srcset(value)
        if is_web_url(entry.url)
    ]


def best(found: Iterable[Choice]) -> Choice | None:
    """Return the largest choice, the first of equal ones."""
    return max(found, key=lambda choice: choice.rank, default=None)


def other_data(attributes: Mapping[str, str]) -> list[str]:
    """Return values of other `data-*` attributes that look like URLs of images; small forms are left out."""
    return [
        value
        for name, value in attributes.items()
        if name.startswith("data-")
        and name not in _KNOWN
        and len(value) < 4_000
        and is_web_url(value)
        and not any(blank in value.strip() for blank in " \n")
        and looks_like_image(value, in_query=True)
        and _SMALL.search(name) is None
    ]
