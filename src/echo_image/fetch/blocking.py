"""Fetch from code that has no event loop, or that blocks inside one."""

from __future__ import annotations

import asyncio
import threading

from echo_image.fetch.download import fetch
from echo_image.fetch.limits import DEFAULT_LIMITS, Fetched, FetchLimits

__all__ = ["fetch_sync"]


def fetch_sync(url: str, *, limits: FetchLimits = DEFAULT_LIMITS) -> Fetched:
    """Return what is at a URL; as `fetch`, but waits.

    Runs an event loop of its own, in another thread if one is running in this one already (a notebook).

    Raises:
        EchoImageError: As `fetch`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(fetch(url, limits=limits))
    outcome: list[Fetched | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(fetch(url, limits=limits)))
        except BaseException as error:  # handed to the waiting thread, which raises it
            outcome.append(error)

    thread = threading.Thread(target=run, name="echo-image-fetch", daemon=True)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
