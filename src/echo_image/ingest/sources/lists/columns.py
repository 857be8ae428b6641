"""Which column of a row has the image, what it names, and what is kept of the others."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from echo_image.errors import UsageError
from echo_image.fetch import is_url
from echo_image.ingest.sources.lists.opening import readable
from echo_image.ingest.web import looks_like_image

#: Names of columns with an image, the likeliest first; `_`, `-`, blanks and case do not count.
_NAMES = (
    *(
        "imageurl",
        "imagelink",
        "imagesrc",
        "imguri",
        "imgurl",
        "imgsrc",
        "image",
        "images",
        "imageurls",
        "img",
    ),
    *("picture", "pictures", "photo", "photos", "photourl", "pictureurl", "src", "contenturl", "mediaurl"),
    *("imagepath", "imagefile", "filepath", "path", "file", "filename", "url", "urls", "uri", "href", "link"),
    *("location", "target", "thumbnailurl", "thumbnail"),
)
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_FILLING = re.compile(r"[\s_.:-]+")
#: Bounds of what is kept with an image; the catalogue takes 64 KiB.
_MAX_TEXT = 4_000
_MAX_NAME = 200
_MAX_NESTED = 8_000
_MAX_ATTRIBUTES_BYTES = 32_000
#: A number as a person or program writes one: no leading zeros (postcodes), not too many digits (ids of
#: articles).
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")
_BETWEEN_URLS = re.compile(r"\s*\|\s*|[,;]?\s+")
_MAX_IN_CELL = 1_000


def place_of(name: str) -> int | None:
    """Return how likely a column of this name has the image, 0 first; None if it is not known to."""
    return _PLACES.get(_FILLING.sub("", name.lower())) if len(name) <= _MAX_NAME else None


def names_an_image(value: object) -> bool:
    """Tell whether a value looks like a URL or the name of an image file, or holds one that does."""
    if isinstance(value, str):
        text = value.strip()
        return is_url(text) or looks_like_image(text)
    if isinstance(value, list):
        return bool(value) and names_an_image(value[0])
    return isinstance(value, dict) and likely_column(value) is not None


def likely_column(row: Mapping[str, Any]) -> str | None:
    """Return the column of a row that has the image, told by its name; None if none has."""
    known = [(place, name) for name in row if (place := place_of(name)) is not None]
    return min(known)[1] if known else None


def column_of_table(names: Sequence[str], sample: Sequence[Mapping[str, Any]], wanted: str | None) -> str:
    """Return the column of a table that has the images.

    Args:
        names: of its columns.
        sample: its first rows.
        wanted: as the user named it; None to find it by name and content.

    Raises:
        UsageError: none has.
    """
    shown = ", ".join(readable(name) for name in names[:20])
    if wanted is not None:
        for name in names:
            if name == wanted or name.strip().lower() == wanted.strip().lower():
                return name
        raise UsageError(f"the list has no column {wanted!r}", hint=f"its columns are: {shown}")

    def share(name: str) -> float:
        filled = [row[name] for row in sample if row.get(name) not in (None, "")]
        return sum(map(names_an_image, filled)) / len(filled) if filled else 0.0

    shares = {name: share(name) for name in names}
    known = sorted((place, name) for name in names if (place := place_of(name)) is not None)
    # By name where its content bears it out; else by content; else by name alone.
    for _, name in known:
        if shares[name] >= 0.5:
            return name
    best = max(names, key=lambda name: shares[name], default=None)
    if best is not None and shares[best] >= 0.5:
        return best
    if known:
        return known[0][1]
    raise UsageError(
        "no column of the list has URLs or paths of images", hint=f"name one of its columns: {shown}"
    )


def images_of(value: object) -> list[str]:
    """Return the URLs or paths that a cell names, as written: one, several, or none.

    >>> images_of("http://a.example/1.jpg | http://a.example/2.jpg")
    ['http://a.example/1.jpg', 'http://a.example/2.jpg']
    """
    found: list[str] = []
    left: list[tuple[object, int]] = [(value, 0)]
    while left and len(found) < _MAX_IN_CELL:
        entry, depth = left.pop()
        if isinstance(entry, str):
            found += _of_text(entry)
        elif isinstance(entry, list) and depth < 4:
            left += [(one, depth + 1) for one in reversed(entry[:_MAX_IN_CELL])]
        elif isinstance(entry, dict) and depth < 4:
            column = likely_column(entry)
            if column is not None:
                left.append((entry[column], depth + 1))
    return found[:_MAX_IN_CELL]


def _of_text(text: str) -> list[str]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError):
            entries = None
        if isinstance(entries, list) and all(isinstance(entry, str) for entry in entries):
            return [entry.strip() for entry in entries if entry.strip()]
    if is_url(text) and ("|" in text or " " in text or "\n" in text or "\t" in text):
        parts = [part for part in _BETWEEN_URLS.split(text) if part]
        if all(map(is_url, parts)):
            return parts
    return [text] if text else []


def attributes_of(row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the other columns of a row as a JSON object of bounded size; empty cells are left out."""
    kept: dict[str, Any] = {}
    left = _MAX_ATTRIBUTES_BYTES
    for name, cell in row.items():
        if name == column:
            continue
        value = json_value(cell)
        if value is None or value == "":
            continue
        key = readable(str(name))[:_MAX_NAME]
        size = len(key) + (len(value.encode()) if isinstance(value, str) else 20)
        if isinstance(value, (list, dict)):
            size += len(json.dumps(value))
        if size > left:
            break
        left -= size
        kept[key] = value
    return kept


def json_value(value: object) -> Any:
    """Return a cell as JSON has it; None for what is nothing: NaN, bytes, nested values that are too long."""
    if isinstance(value, str):
        return readable(value[:_MAX_TEXT])
    if value is None or isinstance(value, (bool, int)):
        # Whole numbers of more than 64 bits are no numbers to the catalogue.
        return value if value is None or abs(value) < 2**63 else str(value)[:100]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, (list, dict)):
        try:
            text = readable(json.dumps(value, default=str, allow_nan=False, ensure_ascii=False))
        except (ValueError, RecursionError, TypeError):
            return None
        return json.loads(text) if len(text) <= _MAX_NESTED else None
    return None


def typed(text: str) -> str | int | float:
    """Return a cell of a table of texts: numbers as numbers, so that they can be compared.

    >>> typed("9.90"), typed("01234"), typed("1e5")
    (9.9, '01234', '1e5')
    """
    if text and text[-1].isdigit() and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
