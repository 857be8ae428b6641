"""Images that a page names in JSON-LD: schema.org's `image`, `thumbnailUrl` and `contentUrl`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from echo_image.ingest.web.urls import looks_like_image

#: Values looked at in one block.
_MAX_VALUES = 50_000
_IMAGE_KEYS = ("image", "photo", "primaryImageOfPage", "screenshot")


class Named(NamedTuple):
    """An image of a block: URL as written, caption, width and height in px (0: not said)."""

    url: str
    caption: str
    width: int
    height: int


def read_json_ld(text: str) -> list[Named]:
    """Return the images of a block; nothing of one that is no JSON, or is nested deeper than JSON is read.

    An object that is an image gives one URL: `contentUrl`, else `url`, else `thumbnailUrl`.
    """
    clean = text.strip()
    for opening in ("<!--", "//<![CDATA[", "/*<![CDATA[*/"):
        clean = clean.removeprefix(opening)
    for closing in ("-->", "//]]>", "/*]]>*/"):
        clean = clean.removesuffix(closing)
    try:
        value = json.loads(clean.rstrip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):  # numbers of more than 4,300 digits are a ValueError, too
        return []
    return list(_images(value))


def _images(value: object) -> Iterator[Named]:
    # A list of its own instead of calls within calls. The flag: the value stands where an image is due.
    left: list[tuple[object, bool]] = [(value, False)]
    for _ in range(_MAX_VALUES):
        if not left:
            return
        value, is_image = left.pop()
        if isinstance(value, str):
            if is_image and value:
                yield Named(value, "", 0, 0)
        elif isinstance(value, list):
            left += [(entry, is_image) for entry in reversed(value)]
        elif isinstance(value, dict):
            is_image = is_image or "ImageObject" in _types(value)
            named = _own(value, is_image=is_image)
            if named.url:
                yield named
            for key in reversed(value):
                entry = value[key]
                if is_image and key == "thumbnail":
                    continue  # the same image, smaller
                if key in _IMAGE_KEYS:
                    left.append((entry, True))
                elif isinstance(entry, (dict, list)):
                    left.append((entry, False))


def _types(value: dict[str, Any]) -> tuple[object, ...]:
    kind = value.get("@type")
    return tuple(kind) if isinstance(kind, list) else (kind,)


def _own(value: dict[str, Any], *, is_image: bool) -> Named:
    """The image that an object is, or (a product, a video) that stands for it."""
    url = _first(value.get("contentUrl"))
    if not is_image:
        # That of a video is the video.
        url = url if looks_like_image(url) else _first(value.get("thumbnailUrl"))
        return Named(url, _text(value.get("name")), 0, 0)
    url = url or _first(value.get("url")) or _first(value.get("thumbnailUrl")) or _id(value)
    caption = _text(value.get("caption")) or _text(value.get("name"))
    return Named(url, caption, _px(value.get("width")), _px(value.get("height")))


def _id(value: dict[str, Any]) -> str:
    name = _text(value.get("@id"))
    return name if looks_like_image(name) else ""


def _first(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return _text(value)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _px(value: object) -> int:
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, str):
        found = re.match(r"\s*([0-9]{1,6})(?:\.[0-9]+)?\s*(?:px)?\s*\Z", value)
        value = int(found[1]) if found else 0
    return int(value) if isinstance(value, (int, float)) and 0 < value < 1_000_000 else 0
