"""A value as text or TOML → the value, or ValueError for what is not allowed; one maker for each kind."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

__all__ = ["flag", "listed", "number", "size", "whole", "word"]


def whole(low: int, high: int) -> Callable[[object], int]:
    def parse(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError(raw)
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(raw)
        return value

    return parse


_SIZE = re.compile(r"\s*(\d{1,15})\s*(B|KiB|MiB|GiB)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def size(low: int, high: int) -> Callable[[object], int]:
    within = whole(low, high)

    def parse(raw: object) -> int:
        if not isinstance(raw, str):
            return within(raw)
        found = _SIZE.fullmatch(raw.replace("_", ""))
        if found is None:
            raise ValueError(raw)
        return within(int(found[1]) * _UNITS[(found[2] or "B").lower()])

    return parse


def number(low: float, high: float) -> Callable[[object], float]:
    def parse(raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise ValueError(raw)
        value = float(raw)
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError(raw)
        return value

    return parse


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    try:
        return _FLAGS[str(raw).strip().lower()]
    except KeyError as error:
        raise ValueError(raw) from error


def word(pattern: str) -> Callable[[object], str]:
    shape = re.compile(pattern)

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or shape.fullmatch(raw.strip()) is None:
            raise ValueError(raw)
        return raw.strip()

    return parse


def listed(pattern: str) -> Callable[[object], tuple[str, ...]]:
    item = word(pattern)

    def parse(raw: object) -> tuple[str, ...]:
        parts = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple):
            raise ValueError(raw)
        return tuple(item(part) for part in parts if not (isinstance(part, str) and not part.strip()))

    return parse
