"""How large the libraries are, asked seldom and beside everything else.

A catalogue of a million images takes a second to sum up, and a scraper does not wait for a busy service; so
it gets what was known when it asked, and its asking starts the next count where the last is old.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from echo_image import Library, LibraryInfo

__all__ = ["Sizes"]

_log = logging.getLogger(__name__)

_FRESH_S = 30.0
#: So many times as long as the asking took, its answer is good for who waits for it.
_REST = 20


class Sizes:
    """What each library held when it was last asked.

    Args:
        libraries: Name → library.
        clock: Seconds.

    Attributes:
        by_library: Name → what it holds; nothing for a library that could not be asked yet.
    """

    def __init__(
        self, libraries: Mapping[str, Library], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.by_library: dict[str, LibraryInfo] = {}
        self._libraries = libraries
        self._clock = clock
        self._asked: float | None = None
        self._took_s = 0.0
        self._stale = False
        self._asking: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Begin to ask the libraries where the last asking was long ago; returns at once."""
        self._begin(_FRESH_S)

    def changed(self) -> None:
        """Something was added or removed: what is known, or being asked, is no longer so."""
        self._stale = True

    async def current(self) -> Mapping[str, LibraryInfo]:
        """Return what they hold, or held a moment ago: at most a twentieth of the time goes into asking.

        Whoever has just changed a library sees the change: half of the time may go into asking then.
        """
        await self.settled()  # it may have begun before the change
        self._begin(min(_FRESH_S, (1 if self._stale else _REST) * self._took_s))
        await self.settled()
        return self.by_library

    def _begin(self, fresh_s: float) -> None:
        now = self._clock()
        under_way = self._asking is not None and not self._asking.done()
        if not under_way and (self._asked is None or now - self._asked >= fresh_s):
            self._asked = now
            self._stale = False
            self._asking = asyncio.create_task(self._ask())

    async def settled(self) -> None:
        """Wait for an asking that is under way; a library may be closed only then."""
        if self._asking is not None:
            await asyncio.shield(self._asking)  # one that waits for it may be cancelled

    async def _ask(self) -> None:
        started = self._clock()
        for name, library in self._libraries.items():
            try:
                self.by_library[name] = await asyncio.to_thread(library.info)
            except Exception:  # whatever is wrong with the library, its searches tell
                _log.debug("library %s has no size to tell", name, exc_info=True)
        self._took_s = self._clock() - started
