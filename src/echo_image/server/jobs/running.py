"""Running one job on a thread, and telling the event loop how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from echo_image import Library, Progress
from echo_image.errors import EchoImageError, LibraryBusy
from echo_image.ingest.jobs.records import JobInfo, JobItem
from echo_image.server.jobs.job import MAX_FAILURES

__all__ = ["Tell", "failures_of", "run_job"]

_log = logging.getLogger(__name__)

#: Waits, in seconds, for another process that writes to the library, before the job is given up for now.
_BUSY_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)

#: Called on the thread with the job, items that failed since the last call, and how far it is.
Tell = Callable[[JobInfo, Sequence[JobItem], Progress | None], None]


def run_job(
    library: Library,
    job_id: str,
    tell: Tell,
    *,
    stopping: threading.Event,
    cancelling: threading.Event,
    retry: bool = False,
) -> EchoImageError | None:
    """Run a job until it is done, stopped or cancelled; blocks.

    Args:
        library: Where it is.
        job_id: Its id.
        tell: Called about ten times a second, and at the end.
        stopping: Set when the service stops: the job is left for its next start.
        cancelling: Set when the job is to end.
        retry: Whether what failed is tried again first.

    Returns:
        What keeps it from running, if the library does not note that itself.
    """
    watch = _Watch(library, job_id, tell)
    trouble = None
    try:
        if retry:
            library.jobs.reopen(job_id)
        trouble = _run(library, job_id, watch, stopping, cancelling)
        if cancelling.is_set() and not library.jobs.get(job_id).ended:
            library.jobs.cancel(job_id)
    except EchoImageError as error:
        trouble = error
    except Exception:
        _log.exception("job %s failed", job_id)
        message = "The service failed on this job."
        trouble = EchoImageError(message, hint=f"The log has the reason; see {job_id}.")
    try:
        watch.tell(None)
        if library.jobs.get(job_id).state == "failed":
            return None
    except EchoImageError as error:  # it was forgotten meanwhile, or the library cannot be read
        return trouble or error
    return trouble


def _run(
    library: Library,
    job_id: str,
    watch: _Watch,
    stopping: threading.Event,
    cancelling: threading.Event,
) -> EchoImageError | None:
    for wait in (*_BUSY_WAITS_S, None):
        if stopping.is_set() or cancelling.is_set():
            return None
        try:
            library.jobs.run(
                job_id, progress=watch.tell, stop=lambda: stopping.is_set() or cancelling.is_set()
            )
        except LibraryBusy as error:
            if wait is None:
                return error
            stopping.wait(wait)
        else:
            return None
    raise AssertionError("the last wait is None")


def failures_of(library: Library, job_id: str) -> list[JobItem]:
    """Return the first failures of a job; blocks."""
    return list(library.jobs.items(job_id, statuses=("failed",), limit=MAX_FAILURES))


class _Watch:
    """Tells of a job, each failure once."""

    def __init__(self, library: Library, job_id: str, tell: Tell) -> None:
        self._library = library
        self._job_id = job_id
        self._tell = tell
        self._failed = 0
        self._seen: set[int] = set()

    def tell(self, progress: Progress | None) -> None:
        info = self._library.jobs.get(self._job_id)
        new: list[JobItem] = []
        if info.failed != self._failed and len(self._seen) < MAX_FAILURES:
            # Items fail in another order than they were offered, so the number of the last says nothing.
            found = failures_of(self._library, self._job_id)
            new = [item for item in found if item.number not in self._seen]
            self._seen.update(item.number for item in new)
        self._failed = info.failed
        self._tell(info, new, progress)
