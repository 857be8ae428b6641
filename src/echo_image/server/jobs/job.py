"""One job as the service knows it: how the library has it, how fast it goes, and who wants to hear of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from echo_image import Progress
from echo_image.errors import EchoImageError
from echo_image.ingest.jobs.records import JobInfo, JobItem
from echo_image.ingest.jobs.reporting import shown_location

__all__ = ["MAX_FAILURES", "Job", "shown_item"]

#: Failures whose rows are kept; the rest is only counted. A page shows no more, and a row has some 300 bytes.
MAX_FAILURES = 1000

_MAX_LOCATION_CHARS = 500


@dataclass(slots=True)
class Job:
    """One job. Touched on the event loop only, but for the two events of threads.

    Attributes:
        library: Name of the library.
        info: As the library had it last.
        asked: What was asked for: add, crawl, recheck; empty where that is no longer known.
        expected: Items that will be offered, where that is known beforehand.
        location: The last item finished.
        rate: Items a second, of late.
        eta_s: Seconds until the end at that rate.
        pages: Of a web site, read so far.
        run_s: Seconds of the run that is under way, which the library adds at its end.
        failures: `{"location", "code", "reason"}`, the first 1,000.
        loaded: Whether `failures` has been read from the library.
        trouble: What keeps it from running now, where the library does not know.
        version: Rises with every change.
        cancelling: Set when it is to end after the items in flight.
        over: Set while it neither waits nor runs.
    """

    library: str
    info: JobInfo
    asked: str = ""
    expected: int | None = None
    location: str = ""
    rate: float = 0.0
    eta_s: float | None = None
    pages: int = 0
    run_s: float = 0.0
    failures: list[Mapping[str, object]] = field(default_factory=list)
    loaded: bool = False
    trouble: EchoImageError | None = None
    version: int = 0
    cancelling: threading.Event = field(default_factory=threading.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _listeners: set[asyncio.Event] = field(default_factory=set)

    @property
    def id(self) -> str:
        """32 hexadecimal digits."""
        return self.info.id

    @property
    def state(self) -> str:
        """One of the states of `JobInfo`.

        The library says that a job has ended a moment before its thread is through; listeners take the
        state for the end, so it is told together with it.
        """
        if self.trouble is not None:
            return "failed"
        return self.info.state if self.ended or self.info.state == "queued" else "running"

    @property
    def ended(self) -> bool:
        """Whether nothing of it changes unless somebody asks for it."""
        return self.over.is_set()

    def begin(self) -> None:
        """It waits for its turn, for the first time or again."""
        self.info = replace(self.info, state="queued", error=None, finished_at=None)
        self.trouble = None
        self.cancelling.clear()
        self.over.clear()
        self._changed()

    def forget_failures(self) -> None:
        """What failed is tried again."""
        self.failures.clear()

    def update(self, info: JobInfo, failed: Sequence[JobItem], progress: Progress | None) -> None:
        """Take over how far it is.

        Args:
            info: As the library has it now.
            failed: Items that failed since.
            progress: As the run tells it.
        """
        self.info = info
        self.loaded = True
        self.failures += [shown_failure(item) for item in failed[: MAX_FAILURES - len(self.failures)]]
        self.run_s = 0.0 if progress is None else progress.seconds
        if progress is not None:
            self.location = shown(progress.location) if progress.location else self.location
            self.rate, self.eta_s, self.pages = progress.rate, progress.eta_s, progress.pages
        self._changed()

    def end(self, trouble: EchoImageError | None = None) -> None:
        """It does not run any more; `trouble` is why, where the library does not know."""
        self.trouble, self.rate, self.eta_s = trouble, 0.0, None
        self.over.set()
        self._changed()

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
        told: dict[str, object] = self.info.to_dict()
        del told["origin"]
        error = self.info.error if self.trouble is None else self.trouble.to_dict()
        told |= {
            "library": self.library,
            "kind": self.asked or ("crawl" if self.info.pages is not None else self.info.kind),
            "state": self.state,
            "sources": [shown(source) for source in self.info.sources],
            "total": self.info.offered if self.info.listed else self.expected,
            "seconds": round(self.info.seconds + (0.0 if self.ended else self.run_s), 3),
            "resumable": self.ended and (self.info.resumable or self.trouble is not None),
            "rate": round(self.rate, 3),
            "eta_s": None if self.eta_s is None else round(self.eta_s, 1),
            "pages": self._pages(),
            "location": self.location,
            "error": None if error is None else dict(error),
        }
        return {**told, "failures": list(self.failures)} if failures else told

    def _pages(self) -> dict[str, int] | None:
        if self.info.pages is not None:
            return dict(self.info.pages)
        return {"done": self.pages} if self.pages else None


def shown(location: str) -> str:
    """Return a location for all who may look at jobs: shortened, and an address without its password."""
    return shown_location(location)[:_MAX_LOCATION_CHARS]


def shown_failure(item: JobItem) -> dict[str, object]:
    """Return a failure as the contract has it."""
    return {"location": shown(item.location), "code": item.code, "reason": item.reason}


def shown_item(item: JobItem) -> dict[str, object]:
    """Return an item for all who may look at jobs."""
    return item.to_dict() | {"location": shown(item.location)}
