"""Fields that several calls have: how each may be written, in forms and in JSON."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, FailFast, Field

from echo_image.errors import InvalidRegion

__all__ = ["Attributes", "ImageId", "LibraryName", "QueryId", "Region", "Scoring", "Url", "Urls", "lines"]

_MAX_URL_CHARS = 8_192


def _region(value: object) -> object:
    """`"x,y,w,h"` or a list of four whole numbers → a tuple; None and empty text → None."""
    if value is None or value == "":
        return None
    parts = value.split(",") if isinstance(value, str) else value
    try:
        if not isinstance(parts, list | tuple):
            raise ValueError(parts)
        x, y, w, h = (_whole(part) for part in parts)
    except ValueError as error:
        message = f"The region is {str(value)[:80]!r}; expected x,y,w,h in whole pixels."
        raise InvalidRegion(
            message, hint="Such as 10,20,300,200: from the left, from the top, width, height."
        ) from error
    return (x, y, w, h)


def _whole(part: object) -> int:
    if isinstance(part, bool) or not isinstance(part, int | str) or len(str(part)) > 12:
        raise ValueError(part)
    return int(part)


def _attributes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON object") from error


def lines(value: object) -> object:
    """One URL, several lines of them or a list → a list without blanks."""
    parts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(parts, list):
        return parts
    return [part.strip() if isinstance(part, str) else part for part in parts if part != ""]


Url = Annotated[str, Field(min_length=1, max_length=_MAX_URL_CHARS, description="Web address of an image.")]
# Lists stop at the first bad entry: a complaint of each of 500,000 takes seconds of the event loop.
Urls = Annotated[list[Url], FailFast(), BeforeValidator(lines, json_schema_input_type=str | list[str])]
ImageId = Annotated[
    str, Field(pattern="^[0-9a-fA-F]{64}$", description="Content id: SHA-256 of the file, in hex.")
]
LibraryName = Annotated[
    str | None, Field(max_length=255, description="Which library, where several are served.")
]
QueryId = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$", description="Id of a kept query, as a search with `keep` gave it.")
]
Scoring = Annotated[
    Literal["aligned", "plain"],
    Field(description="`plain` is the score of the first application, without alignment."),
]
Region = Annotated[
    tuple[int, int, int, int] | None,
    BeforeValidator(_region, json_schema_input_type=str | list[int] | None),
    Field(
        description="Part of the query to search with: x,y,width,height in pixels.",
        examples=["10,20,300,200"],
    ),
]
Attributes = Annotated[
    dict[str, object] | None,
    BeforeValidator(_attributes, json_schema_input_type=str | dict[str, object] | None),
    Field(description="Any JSON object to keep with the images."),
]
