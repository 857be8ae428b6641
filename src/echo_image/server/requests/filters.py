"""The filters of a call: which images are meant, wherever they are listed or searched."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from echo_image import ImageFilter, Verdict

__all__ = ["Filtered", "VerdictList"]


# There are five, so this is room for each of them many times.
_MAX_VERDICT_CHARS = 1_000


def _object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else {}
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON object") from error


def _listed(value: object) -> object:
    """`"copy,edited"` or a list of such texts → a list without blanks; nothing → None."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return parts
    if sum(map(len, parts)) > _MAX_VERDICT_CHARS:
        raise ValueError("too long")
    return [name.strip() for part in parts for name in part.split(",") if name.strip()] or None


VerdictList = Annotated[
    list[Verdict] | None,
    BeforeValidator(_listed, json_schema_input_type=str | list[str] | None),
    Field(
        description="Only matches with these verdicts, as a list or parted by commas.",
        examples=["copy,edited"],
    ),
]
_Side = Annotated[int | None, Field(ge=0, lt=2**31)]
_Text = Annotated[str | None, Field(max_length=8192)]


class Filtered(BaseModel):
    """Conditions on images; all that are given must hold."""

    location: Annotated[
        _Text, Field(description="What a location begins with: a folder, a URL, or the host of URLs.")
    ] = None
    contains: Annotated[
        _Text, Field(description="What stands anywhere in a location, such as a part of a file's name.")
    ] = None
    format: Annotated[_Text, Field(description="Such as JPEG or PNG.")] = None
    min_side: Annotated[_Side, Field(description="Least pixels of the longer side.")] = None
    max_side: Annotated[_Side, Field(description="Most pixels of the longer side.")] = None
    added_after: Annotated[_Text, Field(description="Date or time, ISO 8601; from it on.")] = None
    added_before: Annotated[_Text, Field(description="Date or time, ISO 8601; before it.")] = None
    where: Annotated[
        dict[str, Any],
        BeforeValidator(_object, json_schema_input_type=str | dict[str, Any]),
        Field(
            description="Attributes and their values, or conditions on them (gt, gte, lt, lte, in), as JSON.",
            examples=['{"brand": "Acme", "price": {"lt": 20}}'],
        ),
    ] = {}

    @property
    def only(self) -> ImageFilter:
        """The filter; raises UsageError where a condition cannot be read."""
        return ImageFilter(
            location=self.location,
            contains=self.contains,
            format=self.format,
            min_side=self.min_side,
            max_side=self.max_side,
            added_after=self.added_after,
            added_before=self.added_before,
            where=self.where,
        )
