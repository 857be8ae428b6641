"""Values on the command line: text to numbers, with a message that names what was expected."""

from __future__ import annotations

import argparse
import json
import math
import re
from typing import Any

_MAX_WORKERS = 256
_MAX_LIMIT = 1000


def region(text: str) -> tuple[int, int, int, int]:
    """Read `x,y,w,h` in pixels of the upright query: no negative corner, no empty side."""
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not x,y,w,h: four whole numbers of pixels, as in 0,0,200,100"
        ) from None
    if x < 0 or y < 0 or w <= 0 or h <= 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a region: x and y must not be negative, w and h at least 1"
        )
    return x, y, w, h


def score(text: str) -> float:
    """Read a score from 0 to 100."""
    value = _number(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a score: expected 0 to 100")
    return value


def limit(text: str) -> int:
    """Read how many matches are wanted, 1 to 1000."""
    return _whole(text, 1, _MAX_LIMIT)


def workers(text: str) -> int:
    """Read a number of worker processes, 1 to 256."""
    return _whole(text, 1, _MAX_WORKERS)


def pixels(text: str) -> int:
    """Read a number of pixels."""
    return _whole(text, 0, 2**31 - 1)


def names(text: str) -> list[str]:
    """Read names parted by commas, at least one."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing")
    return found


def port(text: str) -> int:
    """Read a TCP port; 0 lets the system choose a free one."""
    return _whole(text, 0, 65_535)


def attributes(text: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is not a JSON object, as in {{"album": "summer"}}')
    return value


def count(text: str) -> int:
    """Read how many, at least 1."""
    return _whole(text, 1, 2**31 - 1)


def depth(text: str) -> int:
    """Read how many links away, 0 for the named page alone."""
    return _whole(text, 0, 1000)


def seconds(text: str) -> float:
    """Read a time in seconds, not negative, at most an hour."""
    value = _number(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is outside 0 to 3600 seconds")
    return value


def job(text: str) -> str:
    """Read the id of a job, or its beginning: 4 to 32 hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-fA-F]{4,32}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a job: 4 to 32 digits of its id, as `list` shows it"
        )
    return text.lower()


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _whole(text: str, smallest: int, largest: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not smallest <= value <= largest:
        raise argparse.ArgumentTypeError(f"{text!r} is outside {smallest} to {largest}")
    return value
