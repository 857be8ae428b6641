"""By when a call has to be answered.

The time runs from the moment at which the whole body is there: how long it takes to arrive is the client's
affair and has a limit of its own (`upload_timeout_s`). Everything after it counts: the fetching of a URL, the
waiting for a thread, the work.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

__all__ = ["body_arrived", "deadline"]

# Each request is a task with a context of its own, so this is one request's and nobody else's.
_arrived: ContextVar[float | None] = ContextVar("body_arrived", default=None)


def body_arrived() -> None:
    """Start the time of this call."""
    _arrived.set(asyncio.get_running_loop().time())


def deadline(seconds: float) -> float:
    """Return the time, by the event loop's clock, at which this call has to be answered."""
    began = _arrived.get()
    return (asyncio.get_running_loop().time() if began is None else began) + seconds
