"""Recording what the sources offer, in a thread of its own, ahead of the work.

So the number of items is known early, a slow disk and the workers do not wait for each other, and a killed
job knows what is left. What has not changed since it was last read is recorded as such without being opened.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from echo_image.catalogue import UNKNOWN, Catalogue, KnownLocation
from echo_image.catalogue.checks import Quarantined
from echo_image.catalogue.items import NewItem
from echo_image.errors import EchoImageError, EmptyImage, NotAFile, NotFound, UnsupportedFormat
from echo_image.ingest.jobs.loading import Loaded, Loads
from echo_image.ingest.jobs.plan import Plan
from echo_image.ingest.jobs.recording import packed, together
from echo_image.ingest.sources import UNREADABLE, Checkpoint, Kind, Offered, Source, SourceContext
from echo_image.ingest.workers.worker import failure_of

_log = logging.getLogger(__name__)

_CHUNK = 500
_CHUNK_S = 0.3
#: Codes that make a file of a folder no image rather than a broken one, where its name does not promise one.
NO_IMAGE = frozenset({UnsupportedFormat.code, EmptyImage.code, NotAFile.code, NotFound.code, UNREADABLE})
QUARANTINED = "quarantined"


class Listing:
    """Lists the sources of one job.

    Args:
        plan: the job.
        catalogue: open for writing.
        context: what the sources are given.
        loads: where the bytes of streams go.
        touched: called when rows were written.

    Attributes:
        trouble: what ended it early: the library cannot be written, or a fault of the program.
        walk: number of the listing.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        context: SourceContext,
        loads: Loads,
        touched: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._catalogue = catalogue
        self._context = context
        self._loads = loads
        self._touched = touched
        self._quarantine: dict[str, Quarantined] = catalogue.checks.quarantine()
        self._chunk: list[Offered] = []
        self._since = 0.0
        self._thread = threading.Thread(target=self._run, name="echo-image-listing", daemon=True)
        self.trouble: BaseException | None = None
        self.walk = catalogue.jobs.begin_listing(plan.job)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be recorded."""
        return not self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            for source in self._plan.sources:
                self._list(source)
                if self._context.stop():
                    return
            self._flush()
            if not self._context.stop():
                self._catalogue.jobs.end_listing(self._plan.job)
        except BaseException as error:  # told by the thread that runs the job
            _log.debug("listing ended", exc_info=True)
            # The rows of a job that was forgotten meanwhile are refused; it is over anyway.
            if self._catalogue.jobs.get(self._plan.job) is not None:
                self.trouble = error
        finally:
            self._touched()

    def _list(self, source: Source) -> None:
        try:
            for thing in self._things(source):
                if self._context.stop():
                    return
                if isinstance(thing, Checkpoint):
                    self._flush(thing.save)
                elif thing.kind is Kind.STREAM:
                    self._flush()
                    self._stream(thing)
                else:
                    if not self._chunk:
                        self._since = time.monotonic()
                    self._chunk.append(thing)
                    if len(self._chunk) >= _CHUNK or time.monotonic() - self._since >= _CHUNK_S:
                        self._flush()
        except EchoImageError as error:
            if error.code.startswith(("library_", "storage_")):
                raise
            if self._context.stop():
                return  # what it was doing was cut short, which is no failure of the source
            self._flush()
            name = self._catalogue.items.name_of_source(self._plan.job, source.label)
            self._record([NewItem(name, "source", "failed", error.code, _reason(error))])

    def _things(self, source: Source) -> Iterator[Offered | Checkpoint]:
        """Yield what a source offers; whatever it raises is that source's failure and not that of the job."""
        try:
            yield from source.offer(self._context)
        except EchoImageError:
            raise
        except Exception as error:
            _log.warning("%s ended in an unforeseen way", source.label, exc_info=True)
            raise _error_of(error) from error

    def _flush(self, save: Callable[[], None] | None = None) -> None:
        chunk, self._chunk = self._chunk, []
        if not chunk and save is None:
            return
        with self._catalogue.transaction():
            if chunk:
                self._record(self._rows(chunk))
            if save is not None:
                save()
        self._touched()

    def _stream(self, offered: Offered) -> None:
        """Record an item of a stream, and read it at once if it must be read: it will be gone."""
        (row,) = self._rows([offered])
        item = self._record([row]).get(offered.location)
        if item is None:
            self._touched()
            return
        offered = self._with_attributes(offered)
        began = time.monotonic()
        loaded = Loaded(item, replace(offered, read=None))
        try:
            assert offered.read is not None
            loaded.data = offered.read()
        except EchoImageError as error:
            loaded.error = error
        except Exception as error:  # whatever a stranger's archive makes its reader raise
            loaded.error = _error_of(error)
        loaded.seconds = time.monotonic() - began
        self._loads.put(loaded, wait=True)

    def _record(self, rows: Sequence[NewItem]) -> dict[str, int]:
        return self._catalogue.items.offer(self._plan.job, self.walk, rows, now=time.time())

    def _with_attributes(self, offered: Offered) -> Offered:
        if not self._plan.attributes and not offered.attributes:
            return offered
        return replace(offered, attributes=together(self._plan.attributes, offered.attributes))

    def _rows(self, chunk: Sequence[Offered]) -> list[NewItem]:
        known = self._catalogue.known_locations([item.location for item in chunk])
        there = []
        rows = []
        for item in chunk:
            before = known.get(item.location)
            row = self._row(self._with_attributes(item), before)
            if before is not None and row.status != "failed":
                there.append(item.location)
            rows.append(row)
        if self._plan.recheck and there:
            self._catalogue.checks.found_again(there)
        return rows

    def _row(self, item: Offered, before: KnownLocation | None) -> NewItem:
        kind = item.kind.value
        if item.problem:
            skipped = item.skipped or (not item.expected and item.code in NO_IMAGE)
            if not skipped and before is not None and item.code == NotFound.code:
                self._catalogue.checks.missing(item.location, item.code, item.problem)
            status = "skipped" if skipped else "failed"
            return NewItem(
                item.location, kind, status, item.code, item.problem, "" if skipped else packed(item)
            )
        if before is not None and item.stamp != UNKNOWN and before.stamp == item.stamp:
            changed = bool(item.attributes) and self._catalogue.change_attributes(
                item.location, item.attributes
            )
            return NewItem(item.location, kind, "updated" if changed else "unchanged")
        quarantined = self._quarantine.get(item.location)
        if quarantined is not None and item.stamp != UNKNOWN and quarantined.stamp == item.stamp:
            reason = f"it broke its reader before and was not tried again ({quarantined.reason})"
            return NewItem(item.location, kind, "failed", QUARANTINED, reason, packed(item))
        return NewItem(item.location, kind, "pending", offered=packed(item))


def _reason(error: EchoImageError) -> str:
    """Return the message and the hint of an error as one text: a row has no place of its own for hints."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _error_of(error: Exception) -> EchoImageError:
    """Return an error of ours for any, with the code that workers give it."""
    code, reason = failure_of(error)
    made = EchoImageError(reason)
    made.code = code  # type: ignore[misc]
    return made
