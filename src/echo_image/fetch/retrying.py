"""Which failures are worth another attempt, and how long to wait for it.

The wait doubles from attempt to attempt and is drawn from its upper half, so that what failed together does
not come back together. A server that says how long it wants to be left alone (`Retry-After`) is believed, up
to a limit.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["TRANSIENT_STATUSES", "back_off_s", "parse_retry_after"]

#: Answers after which the same request may be granted: no time, too early, too many, trouble of the server.
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

_MAX_DOUBLINGS = 32


def back_off_s(attempts: int, *, first_s: float, max_s: float, rng: random.Random) -> float:
    """Return how long to wait after a number of failed attempts, s.

    Args:
        attempts: How many have failed, at least 1.
        first_s, max_s: The wait after the first, and the longest.
        rng: Draws the wait from the upper half of what it may be.
    """
    longest = min(max_s, first_s * 2.0 ** min(attempts - 1, _MAX_DOUBLINGS))
    return longest * rng.uniform(0.5, 1.0)


def parse_retry_after(text: str, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for; None if it says nothing sensible.

    Args:
        text: Seconds, or a date as HTTP writes it (RFC 9110, section 10.2.3).
        now: What the date is compared with; None for the present.

    >>> parse_retry_after("120")
    120.0
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:  # "-0000": the zone is unknown, HTTP's is always UTC
        date = date.replace(tzinfo=UTC)
    seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
