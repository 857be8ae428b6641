"""Which images are meant: by where they were found, format, size, date and attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from echo_image.errors import UsageError

#: What a stranger may ask for at most, so that a condition stays cheap.
MAX_ATTRIBUTES = 20
MAX_VALUES = 200
MAX_TEXT_CHARS = 8192

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Sorts behind every other character, in SQLite's order by UTF-8 bytes as well.
_LAST_CHARACTER = "\U0010ffff"

_Condition = tuple[str, list[Any]]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Conditions on images; all that are given must hold.

    Attributes:
        location: what a location begins with: a folder, a URL, or the host of URLs (`images.example`).
        contains: what stands anywhere in a location, such as a part of a file's name; a to z in any case.
        format: as `Image.format`, such as `JPEG`; any case.
        min_side, max_side: of the longer side, px.
        added_after, added_before: ISO 8601 dates or times, UTC where they do not say; from `added_after` on
            and before `added_before`.
        where: attribute → the value it has (or, where the attribute is a list, holds), or conditions on it:
            `{"price": {"gte": 10, "lt": 20}, "brand": {"in": ["Acme", "Ajax"]}}`. Top level attributes only.

    Raises:
        UsageError: a condition cannot be read.
    """

    location: str | None = None
    contains: str | None = None
    format: str | None = None
    min_side: int | None = None
    max_side: int | None = None
    added_after: str | None = None
    added_before: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sql()

    @property
    def is_empty(self) -> bool:
        """Whether every image is meant."""
        return not self.sql()[0]

    def sql(self) -> _Condition:
        """Return a condition on a row of `images` with its values; empty where every image is meant."""
        conditions = list(self._conditions())
        text = " AND ".join(condition for condition, _ in conditions)
        return text, [value for _, values in conditions for value in values]

    def _conditions(self) -> Iterator[_Condition]:
        if self.location:
            yield _begins(_text("location", self.location))
        if self.contains:
            yield _contains(_text("contains", self.contains))
        if self.format:
            yield "format = ?", [_text("format", self.format).upper()]
        if self.min_side is not None:
            yield "max(width, height) >= ?", [_size("min_side", self.min_side)]
        if self.max_side is not None:
            yield "max(width, height) <= ?", [_size("max_side", self.max_side)]
        if self.added_after:
            yield "added_at >= ?", [_time("added_after", self.added_after)]
        if self.added_before:
            yield "added_at < ?", [_time("added_before", self.added_before)]
        if not isinstance(self.where, Mapping) or len(self.where) > MAX_ATTRIBUTES:
            raise UsageError(
                f"where must be an object of at most {MAX_ATTRIBUTES} attributes",
                hint='such as {"brand": "Acme"}',
            )
        for name, wanted in self.where.items():
            yield from _attribute(_text("where", name), wanted)


EVERY_IMAGE = ImageFilter()


def _begins(start: str) -> _Condition:
    starts = [start]
    if "/" not in start:
        starts += [f"{scheme}://{start}{end}" for scheme in ("http", "https") for end in ("/", ":")]
    ranges = " OR ".join("location >= ? AND location < ?" for _ in starts)
    values = [value for one in starts for value in (one, one + _LAST_CHARACTER)]
    return f"id IN (SELECT image_id FROM locations WHERE {ranges})", values  # noqa: S608 - constants only


def _contains(text: str) -> _Condition:
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return "id IN (SELECT image_id FROM locations WHERE location LIKE ? ESCAPE '\\')", [f"%{escaped}%"]


def _attribute(name: str, wanted: Any) -> Iterator[_Condition]:
    conditions = wanted if isinstance(wanted, Mapping) else {"in": [wanted]}
    if not conditions:
        raise UsageError(f"the condition on {name!r} is empty", hint='such as {"price": {"gte": 10}}')
    for operator, value in conditions.items():
        if operator == "in":
            yield _one_of(name, value)
        elif operator in _COMPARISONS:
            yield _compared(name, operator, value)
        else:
            known = ", ".join([*_COMPARISONS, "in"])
            raise UsageError(f"the condition on {name!r} has {operator!r}; expected one of {known}")


def _one_of(name: str, values: Any) -> _Condition:
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= MAX_VALUES:
        raise UsageError(f"the values of {name!r} must be a list of 1 to {MAX_VALUES}")
    tests = [_equal(name, value) for value in values]
    either = " OR ".join(test for test, _ in tests)
    inside = either.replace("had.", "item.")
    bound = [value for _, one in tests for value in one]
    return (
        "EXISTS (SELECT 1 FROM json_each(images.attributes) AS had WHERE had.key = ? AND"  # noqa: S608
        f" ({either} OR (had.type = 'array' AND EXISTS"
        f" (SELECT 1 FROM json_each(had.value) AS item WHERE {inside}))))",
        [name, *bound, *bound],
    )


def _equal(name: str, value: Scalar) -> _Condition:
    if value is None:
        return "had.type = 'null'", []
    if isinstance(value, bool):
        return f"had.type = '{str(value).lower()}'", []
    if isinstance(value, int | float):
        return "(had.type IN ('integer', 'real') AND had.value = ?)", [_number(name, value)]
    if isinstance(value, str):
        return "(had.type = 'text' AND had.value = ?)", [_text(name, value)]
    raise UsageError(
        f"{name!r} is compared with a {type(value).__name__}; expected text, a number, true, false, null"
    )


def _compared(name: str, operator: str, value: Any) -> _Condition:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UsageError(f"{name!r} is compared with {value!r}; expected a number or text")
    is_text = isinstance(value, str)
    bound = _text(name, value) if isinstance(value, str) else _number(name, value)
    kinds = "('text')" if is_text else "('integer', 'real')"
    return (
        "EXISTS (SELECT 1 FROM json_each(images.attributes) AS had WHERE had.key = ?"  # noqa: S608
        f" AND had.type IN {kinds} AND had.value {_COMPARISONS[operator]} ?)",
        [name, bound],
    )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        raise UsageError(f"{name} must be text of at most {MAX_TEXT_CHARS} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} holds half a surrogate pair, which is no text") from error
    return value


def _number(name: str, value: float) -> float:
    # SQLite has 64-bit integers; a larger one equals none of them.
    if isinstance(value, int) and abs(value) >= 2**63:
        value = float(value) if abs(value) < 2**1023 else float("inf")
    if value != value or value in (float("inf"), float("-inf")):
        raise UsageError(f"{name} must be a finite number")
    return value


def _size(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise UsageError(f"{name} must be a whole number of px, not {value!r}")
    return value


def _time(name: str, value: object) -> str:
    """Return an ISO 8601 date or time as the catalogue writes it."""
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        if _DATE.fullmatch(value):
            moment = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
        else:
            moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{name} is {str(value)[:60]!r}; expected a date",
            hint="such as 2026-03-01 or 2026-03-01T12:00:00Z",
        ) from error
    return moment.isoformat(timespec="seconds")
