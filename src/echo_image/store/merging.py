"""Merging segments beside the writer: the files in a thread of their own, the catalogue by the writer.

Merging a million images takes a minute, in which images go on being added. Only files are written by the
thread; that the new segment takes the place of the old ones is told to the catalogue by the writer, when it
next looks. What is removed meanwhile stays written down, as the new segment still names it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image import index
from echo_image.catalogue import SegmentRecord
from echo_image.errors import LibraryCorrupt
from echo_image.index.pages import release
from echo_image.index.segment import Segment, create, open_segment, verify_arrays
from echo_image.index.words import postings
from echo_image.store.folder import Store

#: What the merging thread adds to its niceness. Beside merges without end among 60,000 images, on two cores,
#: search p95 was 1.2 times the idle one with it, 2.0 times without (medians of three); merges took half as
#: long again.
NICENESS = 5

#: Images whose keys, hashes and layouts are copied at once.
_COPIED = 65_536


@dataclass(frozen=True, slots=True)
class Merged:
    """What takes the place of what.

    Attributes:
        old: the segments that were merged, neighbours.
        new: what takes their place; None where nothing of them is left.
        dropped: keys of removed images among those that the old segments cover; the new one names none.
    """

    old: tuple[SegmentRecord, ...]
    new: SegmentRecord | None
    dropped: tuple[int, ...]


class Merger:
    """Merges one group of segments at a time, in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._thread: ThreadPoolExecutor | None = None
        self._job: Future[Merged] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a merge is under way or waits to be fetched."""
        return self._job is not None

    def start(self, old: Sequence[SegmentRecord], removed: Sequence[int]) -> None:
        """Begin to merge segments; `fetch` gives the outcome."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="merge", initializer=_give_way)
        self._job = self._thread.submit(merge, self._store, tuple(old), tuple(removed), self._stop)

    def fetch(self, *, wait: bool) -> Merged | None:
        """Return what was merged, once; None where nothing is under way, or not done and not waited for.

        Raises:
            LibraryCorrupt: one of the segments is damaged.
            OSError: the disk is full or not writable; nothing is left behind.
        """
        if self._job is None or not (wait or self._job.done()):
            return None
        job, self._job = self._job, None
        return job.result()

    def discard(self) -> None:
        """Wait for what is under way and throw it away, whatever came of it."""
        with contextlib.suppress(Exception):
            merged = self.fetch(wait=True)
            if merged is not None and merged.new is not None:
                self._store.segment_path(merged.new.name).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop what is under way. What a merge left all the same the next writer clears away."""
        self._stop.set()
        if self._thread is not None:
            self._thread.shutdown(wait=True)


def _give_way() -> None:
    """Let searches go first: nobody waits for a merge. Only Linux knows the priority of a thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + NICENESS)


def merge(
    store: Store, old: tuple[SegmentRecord, ...], removed: tuple[int, ...], stop: threading.Event
) -> Merged:
    """Write segments as one, without what was removed.

    Memory: 65 MB, mapped pages included, and 8 bytes an image.

    Raises:
        LibraryCorrupt: one of them is damaged.
        OSError: the disk is full or not writable; nothing is left behind.
        postings.Stopped: `stop` was set; nothing is left behind.
    """
    parts = [_open_whole(store, record) for record in old]
    rows, start = [], 0
    for part in parts:
        rows.append(_new_rows(part, np.array(removed, np.int64), start))
        start += int(np.count_nonzero(rows[-1] >= 0))
    dropped = tuple(key for key in removed if old[0].first_id <= key <= old[-1].last_id)
    if not start:
        return Merged(old, None, dropped)
    new = SegmentRecord(uuid.uuid4().hex, old[0].first_id, old[-1].last_id, start)
    num_postings = sum(postings.count_kept(p.postings, r) for p, r in zip(parts, rows, strict=True))
    with create(store.segment_path(new.name), start, num_postings, index.fingerprint()) as merged:
        for part, new_rows in zip(parts, rows, strict=True):
            _copy(part, new_rows, merged)
        postings.merge([part.postings for part in parts], rows, merged.postings, stop)
    return Merged(old, new, dropped)


def _new_rows(part: Segment, removed: NDArray[np.int64], start: int) -> NDArray[np.int64]:
    """Return (N,) new rows of the images of a segment, from `start` on; -1 for those that were removed."""
    places = np.searchsorted(part.keys, removed)
    inside = places < len(part)
    places, removed = places[inside], removed[inside]
    live = np.ones(len(part), np.bool_)
    live[places[part.keys[places] == removed]] = False
    release(part.keys)
    rows = np.cumsum(live, dtype=np.int64)
    rows += start - 1
    rows[~live] = -1
    return rows


def _copy(part: Segment, new_rows: NDArray[np.int64], merged: Segment) -> None:
    """Fill in, from one segment, all but the postings."""
    for begin in range(0, len(part), _COPIED):
        old = slice(begin, begin + _COPIED)
        live = new_rows[old] >= 0
        if not live.any():
            continue
        first = int(new_rows[old][live][0])
        new = slice(first, first + int(np.count_nonzero(live)))
        columns = [
            (part.keys, merged.keys),
            (part.layouts, merged.layouts),
            (part.quality, merged.quality),
            (part.num_features, merged.num_features),
            *zip(part.codes, merged.codes, strict=True),
        ]
        for source, target in columns:
            target[new] = source[old][live]
            release(source[old])
            release(target[new])


def _open_whole(store: Store, record: SegmentRecord) -> Segment:
    """Open a segment that is whole: copied, damage would get a checksum that says it is right."""
    path = store.segment_path(record.name)
    try:
        problems = verify_arrays(path, index.fingerprint())
    except FileNotFoundError:
        problems = [f"index segment {path.name} is missing"]
    if problems:
        raise LibraryCorrupt(
            f"{store.path}: {problems[0]}",
            hint="run `echo-image check LIBRARY --repair` to rebuild it",
        )
    return open_segment(path, index.fingerprint())
