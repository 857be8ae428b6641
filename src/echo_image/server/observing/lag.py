"""How late the event loop is: what a call waits for before anything looks at it.

A task asks to be woken every 20 ms and measures how much later it is. While it is late, so is every answer,
every progress event and every new connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

__all__ = ["watching_lag"]

_PERIOD_S = 0.02


@asynccontextmanager
async def watching_lag(observe: Callable[[float], None]) -> AsyncIterator[None]:
    """Call `observe` with the loop's lateness, in seconds, every 20 ms until the context is left."""

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _PERIOD_S
            await asyncio.sleep(_PERIOD_S)
            observe(max(0.0, loop.time() - due))

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
