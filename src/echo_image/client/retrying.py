"""When a call is sent again: where the service said so, or never got it.

503 and 429 come before the service has begun, so every call may be repeated then; so may one whose connection
was never made. A connection that breaks later says nothing about what was done, and is the caller's to judge.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

__all__ = ["Retries"]

_FIRST_WAIT_S = 0.25


@dataclass(slots=True)
class Retries:
    """The tries of one call.

    Attributes:
        most: Times it may be sent again.
        max_wait_s: Longest sum of all waits, in seconds.
        done: Times it was.
        waited_s: The sum so far.
    """

    most: int
    max_wait_s: float
    done: int = 0
    waited_s: float = 0.0
    _random: random.Random = field(default_factory=random.Random)

    def wait_s(self, retry_after: str | None) -> float | None:
        """Return how long to wait before the next try, None where there is none.

        Args:
            retry_after: The header of that name; seconds.
        """
        asked = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
        # Twice as long each time, with a part left to chance: many clients must not come back together.
        wait = max(asked, _FIRST_WAIT_S * 2.0**self.done) + _FIRST_WAIT_S * self._random.random()
        if self.done >= self.most or self.waited_s + wait > self.max_wait_s:
            return None
        self.done += 1
        self.waited_s += wait
        return wait
