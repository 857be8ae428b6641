"""Text for people: names made harmless for a terminal, numbers with units, a score as a bar."""

from __future__ import annotations

import math
import unicodedata

# Control, format (bidirectional overrides, zero-width), surrogate, private-use and the two separators that
# terminals treat as a line end: none of them may come out of a file name that a stranger chose.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BAR_CELLS = 8


def printable(text: str) -> str:
    r"""Return `text` with every character that could steer a terminal written as an escape.

    A location is chosen by whoever made the file or the web page, so it may hold escape sequences,
    line breaks or marks that turn the reading direction.

    Example:
        >>> printable("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    return "".join(
        _escaped(char) if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in text
    )


def _escaped(char: str) -> str:
    point = ord(char)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def byte_size(num_bytes: int) -> str:
    """Return a size with a decimal unit and at most three digits that matter.

    Example:
        >>> byte_size(1_234_567)
        '1.23 MB'
    """
    size = float(num_bytes)
    if size < 1000:
        return f"{num_bytes} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        # 999.5 would round to 1000 at three digits, so it already belongs to the next unit.
        if size < 999.5 or unit == "TB":
            break
    digits = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{size:.{digits}f} {unit}"


def duration(seconds: float) -> str:
    """Return a time to wait, no finer than it can be foretold.

    Example:
        >>> duration(42), duration(184), duration(20_000)
        ('42 s', '3 min', '5 h 33 min')
    """
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"


def whole_score(score: float) -> str:
    """Return a score without its fraction; 100 is kept for what is identical.

    Example:
        >>> whole_score(99.9)
        '99'
    """
    return str(math.floor(score))


def score_bar(score: float, *, ascii_only: bool = False) -> str:
    """Return a score of 0 to 100 as a bar of eight cells.

    Example:
        >>> score_bar(50, ascii_only=True)
        '####....'
    """
    full = round(min(max(score, 0.0), 100.0) / 100 * _BAR_CELLS)
    filled, empty = ("#", ".") if ascii_only else ("█", "░")
    return filled * full + empty * (_BAR_CELLS - full)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return the count with its noun.

    Example:
        >>> plural(1, "image"), plural(3, "image")
        ('1 image', '3 images')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
