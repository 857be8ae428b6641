"""One job: its state, its counts, its failures, and who wants to hear of them."""

from __future__ import annotations

import asyncio
import enum
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from echo_image.errors import EchoImageError
from echo_image.server.requests.uploads import Tally

__all__ = ["MAX_FAILURES", "Job", "JobState"]

#: Failures whose rows are kept; the rest is only counted. A page shows no more, and a row has some 300 bytes.
MAX_FAILURES = 1000

_COUNTS = ("added", "updated", "unchanged", "skipped", "failed")
_MAX_LOCATION_CHARS = 500
# What stands before the last @ of a host.
_USER = re.compile(r"^(\w{1,20}://)[^/?#]*@")


class JobState(enum.StrEnum):
    """What a job is about."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing of the job will change any more."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(slots=True)
class Job:
    """One addition. Touched on the event loop only.

    Attributes:
        library: Name of the library.
        total: Items that were offered; the counts add up to it when the job is done.
        id: 32 hexadecimal digits.
        state: What it is about.
        counts: Items by what became of them.
        location: The last item finished.
        failures: `{"location", "code", "reason"}`, the first 1,000.
        error: What stopped the whole job, if something did.
        version: Rises with every change.
        stopping: Set when it is to stop after the item in flight.
        ended: Set when it has.
    """

    library: str
    total: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: JobState = JobState.QUEUED
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    location: str = ""
    failures: list[Mapping[str, object]] = field(default_factory=list)
    error: dict[str, str] | None = None
    version: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: datetime | None = None
    _finished: datetime | None = None
    _clock: float = 0.0
    _seconds: float | None = None
    _listeners: set[asyncio.Event] = field(default_factory=set)

    @property
    def done(self) -> int:
        """Items finished, in whichever way."""
        return sum(self.counts.values())

    def start(self) -> None:
        """The job has its turn."""
        self.state, self._started = JobState.RUNNING, datetime.now(UTC)
        self._clock = time.monotonic()
        self._changed()

    def skip(self, number: int) -> None:
        """Count items that are not looked at, as they were named before."""
        self.counts["skipped"] += number
        self._changed()

    def count(self, location: str, tally: Tally) -> None:
        """Count one finished item."""
        for name in _COUNTS:
            self.counts[name] += tally.counts[name]
        for row in tally.failures[: MAX_FAILURES - len(self.failures)]:
            self.failures.append({**row, "location": _shown(str(row["location"]))})
        self.location = _shown(location)
        self._changed()

    def stop(self) -> None:
        """Ask the job to end after the item in flight; one that waits ends at once."""
        if self.state is JobState.QUEUED:
            self.end(JobState.CANCELLED)
        self.stopping.set()

    def end(self, state: JobState, error: EchoImageError | None = None) -> None:
        """The job is over; `error` is what stopped it."""
        if self.state.ended:
            return
        self.state, self._finished = state, datetime.now(UTC)
        self._seconds = self.seconds
        self.error = None if error is None else error.to_dict()
        self.ended.set()
        self._changed()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        if self._seconds is not None:
            return self._seconds
        return 0.0 if self._started is None else time.monotonic() - self._clock

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """Return an event that is set at every change, for as long as the context lasts.

        A listener looks at the job when it gets to it, so a slow one misses intermediate counts and delays
        nobody.
        """
        changed = asyncio.Event()
        self._listeners.add(changed)
        try:
            yield changed
        finally:
            self._listeners.discard(changed)

    @property
    def num_listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def _changed(self) -> None:
        self.version += 1
        for listener in self._listeners:
            listener.set()

    def to_dict(self, *, failures: bool) -> dict[str, object]:
        """Return the JSON of the interface, with or without the rows of failures."""
        told: dict[str, object] = {
            "id": self.id,
            "library": self.library,
            "kind": "add",
            "state": str(self.state),
            "created_at": _iso(self._created),
            "started_at": _iso(self._started),
            "finished_at": _iso(self._finished),
            "total": self.total,
            "done": self.done,
            **self.counts,
            "seconds": round(self.seconds, 3),
            "location": self.location,
            "error": self.error,
        }
        return {**told, "failures": list(self.failures)} if failures else told


def _shown(location: str) -> str:
    """Return a location for all who may look at jobs: shortened, and an address without its password."""
    return _USER.sub(r"\1", location)[:_MAX_LOCATION_CHARS]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
