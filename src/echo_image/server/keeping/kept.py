"""Kept queries: what was searched with, for an address that can be opened again and sent to others.

An id has 128 random bits and is the only key to a query: there is no list of them. Two files each, the
picture first and then the description, so a description never lacks its picture. Bounded in number, bytes
and time since the last use; the one used longest ago goes first.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from echo_image.errors import LimitExceeded, NotFound, StorageFull
from echo_image.server.keeping.state import StateFolder, write_whole
from echo_image.settings import KeepingSettings

__all__ = ["QUERY_ID", "KeptQueries", "KeptQuery", "Origin"]

#: What an id looks like; anything else never reaches the file system.
QUERY_ID = "^[0-9a-f]{32}$"

_FOLDER = "queries"
_ID = re.compile(QUERY_ID)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a query was made of.

    Attributes:
        name: A file name to show; any text.
        data: Its bytes, None for an image of a library.
        url: Where the bytes were fetched, if they were.
        image_id, library: An image of a library, and which.
    """

    name: str
    data: bytes | None = None
    url: str | None = None
    image_id: str | None = None
    library: str | None = None


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """A query that was kept.

    Attributes:
        id: 32 hexadecimal digits.
        name, url, image_id, library: As in `Origin`.
        width, height: Pixels, upright.
        num_bytes: Of the picture; 0 for an image of a library.
        used: Unix time of the last use.
    """

    id: str
    name: str
    url: str | None
    image_id: str | None
    library: str | None
    width: int
    height: int
    num_bytes: int
    used: float = 0.0

    def to_dict(self, kept_s: float) -> dict[str, Any]:
        """Return the JSON of the interface; `kept_s` is how long after its last use it is kept."""
        until = datetime.fromtimestamp(self.used + kept_s, UTC).isoformat(timespec="seconds")
        return {
            "id": self.id,
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "url": self.url,
            "image_id": self.image_id,
            "library": self.library,
            "kept_until": until.replace("+00:00", "Z"),
        }


class KeptQueries:
    """The kept queries of one service. Thread-safe; every method blocks on the disk.

    Args:
        state: Where they are kept.
        settings: How many, how large, how long.
        clock: Returns Unix time.
    """

    def __init__(
        self, state: StateFolder, settings: KeepingSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        # Id → query, the one used longest ago first; None before the folder has been read.
        self._known: dict[str, KeptQuery] | None = None
        self._num_bytes = 0

    def keep(self, origin: Origin, *, width: int, height: int) -> KeptQuery:
        """Keep a query of `width` × `height` pixels and return it with its new id.

        Raises:
            LimitExceeded: It alone is larger than `max_kept_bytes`.
            StorageFull: The disk does not take it.
        """
        size = 0 if origin.data is None else len(origin.data)
        most = self._settings.max_kept_bytes
        if size > most:
            message = f"The image has {size:,} bytes; the limit max_kept_bytes is {most:,}."
            raise LimitExceeded(message, hint="Search without keeping the query.")
        query = KeptQuery(
            id=secrets.token_hex(16),
            name=origin.name[:255],
            url=origin.url,
            image_id=origin.image_id,
            library=origin.library,
            width=width,
            height=height,
            num_bytes=size,
            used=self._clock(),
        )
        with self._lock:
            known = self._loaded()
            self._make_room(size)
            folder = self._state.folder(_FOLDER)
            if origin.data is not None:
                write_whole(folder / query.id, origin.data)
            try:
                write_whole(folder / f"{query.id}.json", _described(query))
            except StorageFull:  # a picture that nothing describes would be in no count
                (folder / query.id).unlink(missing_ok=True)
                raise
            known[query.id] = query
            self._num_bytes += size
        return query

    def get(self, query_id: str) -> KeptQuery:
        """Return a kept query; that is a use of it.

        Raises:
            NotFound: There is none of that id, or no longer.
        """
        with self._lock:
            return self._used(query_id)

    def origin(self, query_id: str) -> Origin:
        """Return what a kept query was made of; that is a use of it. Raises NotFound."""
        with self._lock:
            query = self._used(query_id)
            data = None
            if query.image_id is None:
                try:
                    data = (self._state.folder(_FOLDER) / query.id).read_bytes()
                except OSError as error:
                    self._drop(query)
                    raise _gone(query_id) from error
            return Origin(query.name, data, query.url, query.image_id, query.library)

    def remove(self, query_id: str) -> None:
        """Forget a query; raises NotFound."""
        with self._lock:
            self._drop(self._used(query_id))

    def _used(self, query_id: str) -> KeptQuery:
        known, now = self._loaded(), self._clock()
        query = known.get(query_id)
        if query is None:
            raise _gone(query_id)
        if query.used + self._settings.kept_query_s <= now:
            self._drop(query)
            raise _gone(query_id)
        del known[query_id]
        known[query_id] = used = KeptQuery(**{**asdict(query), "used": now})
        with contextlib.suppress(OSError):  # then it is merely older than it is, after a restart
            os.utime(self._state.folder(_FOLDER) / f"{query_id}.json", (now, now))
        return used

    def _make_room(self, size: int) -> None:
        """Forget what is too old, then what was used longest ago until one more of `size` bytes fits."""
        settings, known = self._settings, self._loaded()
        oldest = self._clock() - settings.kept_query_s
        for query in list(known.values()):
            many = len(known) >= settings.max_kept_queries
            if query.used > oldest and not many and self._num_bytes + size <= settings.max_kept_bytes:
                break
            self._drop(query)

    def _drop(self, query: KeptQuery) -> None:
        folder = self._state.folder(_FOLDER)
        for name in (f"{query.id}.json", query.id):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
        if self._loaded().pop(query.id, None) is not None:
            self._num_bytes -= query.num_bytes

    def _loaded(self) -> dict[str, KeptQuery]:
        if self._known is None:
            folder = self._state.folder(_FOLDER)
            found = sorted(_readable(folder), key=lambda query: query.used)
            self._known = {query.id: query for query in found}
            self._num_bytes = sum(query.num_bytes for query in found)
            for path in folder.iterdir():  # halves of what was being written when the service was killed
                if path.name.removesuffix(".json") not in self._known:
                    path.unlink(missing_ok=True)
        return self._known


def _described(query: KeptQuery) -> bytes:
    return json.dumps({name: value for name, value in asdict(query).items() if name != "used"}).encode()


def _readable(folder: Path) -> list[KeptQuery]:
    found = []
    for path in folder.glob("*.json"):
        try:
            query = KeptQuery(**json.loads(path.read_bytes()), used=path.stat().st_mtime)
            whole = query.image_id is not None or (folder / query.id).stat().st_size == query.num_bytes
        except (OSError, TypeError, ValueError):
            continue
        if whole and path.stem == query.id and _ID.match(query.id):
            found.append(query)
    return found


def _gone(query_id: str) -> NotFound:
    return NotFound(f"There is no kept query {query_id[:40]!r}.", hint="It has expired; search again.")
