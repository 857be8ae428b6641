"""How far a job is, told about ten times a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from echo_image.catalogue import Catalogue
from echo_image.catalogue.jobs import JobRecord
from echo_image.ingest.reports import Progress

PROGRESS_S = 0.1
#: The rate is that of so many last seconds: a shop's server that slows down shows at once.
_WINDOW_S = 10.0

ProgressCallback = Callable[[Progress], None]


class Meter:
    """Tells how far a job is.

    Args:
        catalogue: of the library.
        job: key of the job.
        callback: whom; None for nobody.
    """

    def __init__(self, catalogue: Catalogue, job: int, callback: ProgressCallback | None) -> None:
        self._catalogue = catalogue
        self._job = job
        self._callback = callback
        self._began = time.monotonic()
        self._told = -PROGRESS_S
        self._location = ""
        self._last: JobRecord | None = None
        self._marks: deque[tuple[float, int]] = deque()

    def mute(self) -> None:
        """Tell nothing more."""
        self._callback = None

    def tell(self, location: str, *, last: bool = False) -> None:
        """Tell, unless that was done a moment ago.

        Args:
            location: the last item finished; empty for the one before.
            last: tell in any case.
        """
        self._location = location or self._location
        now = time.monotonic()
        if self._callback is None or (not last and now - self._told < PROGRESS_S):
            return
        self._told = now
        record = self._catalogue.jobs.get(self._job)
        if record is None or (record == self._last and not last):
            return
        self._last = record
        done = record.done
        rate = self._rate(now, done)
        self._callback(
            Progress(
                done=done,
                total=done + record.pending if record.listed else None,
                location=self._location,
                added=record.added,
                failed=record.failed,
                seconds=now - self._began,
                pending=record.pending,
                rate=rate,
                eta_s=record.pending / rate if record.listed and rate else None,
                pages=(self._catalogue.pages.counts(self._job) or {}).get("done", 0),
                job=record.name,
            )
        )

    def _rate(self, now: float, done: int) -> float:
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        since, before = self._marks[0]
        return (done - before) / (now - since) if now > since else 0.0
