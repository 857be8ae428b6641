"""Changing a library: one writer at a time, in small transactions.

Order of writing: features and thumbnail into a pack, flushed; then the catalogue rows, committed. A kill
between the two loses nothing that was named. Segments come later still: images not yet in one are found by
every reader in the catalogue and indexed in its memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np

from echo_image import index
from echo_image.catalogue import Catalogue, FileStamp, Packs, Place, SegmentRecord
from echo_image.errors import EchoImageError
from echo_image.features import thumbnail
from echo_image.index.segment import Segment, open_segment, verify_arrays, write
from echo_image.index.words import postings
from echo_image.store import snapshot as snapshots
from echo_image.store.extraction import Extracted
from echo_image.store.folder import SUFFIX, Store
from echo_image.store.locking import WriterLock, translate

#: Images a segment is made of at first; the features of so many are in memory while it is made (80 MB).
SEAL_IMAGES = 4096
#: So many images may stay outside any segment: each reader indexes them in its memory, in about 20 ms.
TAIL_IMAGES = 256
#: With more segments than this the two smallest neighbours become one.
MAX_SEGMENTS = 8


class Outcome(StrEnum):
    """What became of one offered location."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    #: The image was removed between its recognition and its commit: it must be extracted after all.
    RETRY = "retry"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One location to be committed.

    Attributes:
        location: where the image was found.
        stamp: of the file.
        content_id: SHA-256 of its bytes.
        extracted: what to store, None when the library already has these bytes.
    """

    location: str
    stamp: FileStamp
    content_id: bytes
    extracted: Extracted | None


class Writer:
    """Holds the writer's lock of a store. A context manager.

    Raises:
        LibraryBusy: another process is writing.
        LibraryReadOnly, StorageFull: at any method, as their names say; what was committed stays.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = WriterLock(store.path / "writer.lock")
        try:
            self.catalogue = Catalogue(store.catalogue_path, writable=True)
            self._packs = Packs(store.path / "packs")
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        self._packs.close()
        self.catalogue.close()
        self._lock.release()

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Store a batch, all or nothing, and return what became of each entry.

        Cost: one flush of the disk; some hundred entries a second at least.
        """
        with self._translated():
            places = {}
            for entry in entries:
                if entry.extracted is None or entry.content_id in places:
                    continue
                if self.catalogue.key_of_content(entry.content_id) is None:
                    extracted = entry.extracted
                    places[entry.content_id] = self._packs.append(extracted.features, extracted.thumbnail)
            if places:
                self._packs.flush()
            known = self.catalogue.known_locations([entry.location for entry in entries])
            outcomes = []
            with self.catalogue.transaction():
                for entry in entries:
                    key = self.catalogue.key_of_content(entry.content_id)
                    if key is None:
                        if entry.extracted is None or entry.content_id not in places:
                            outcomes.append(Outcome.RETRY)
                            continue
                        key = self.catalogue.add_image(entry.extracted.image, places[entry.content_id])
                    self.catalogue.set_location(entry.location, key, entry.stamp)
                    before = known.get(entry.location)
                    if before is None:
                        outcomes.append(Outcome.ADDED)
                    else:
                        outcomes.append(Outcome.UNCHANGED if before.key == key else Outcome.UPDATED)
            return outcomes

    def remove_locations(self, locations: Sequence[str]) -> tuple[list[str], int]:
        """Forget locations. Returns (those that were not known, how many images went with the others)."""
        missing, images = [], 0
        with self._translated(), self.catalogue.transaction():
            for location in locations:
                known, gone = self.catalogue.remove_location(location)
                images += gone
                if not known:
                    missing.append(location)
        return missing, images

    def remove_images(self, keys: Sequence[int]) -> int:
        """Remove images with all their locations; returns how many there were."""
        with self._translated():
            return self.catalogue.remove_images(keys)

    # Segments

    def seal(self, *, at_least: int = TAIL_IMAGES) -> None:
        """Make segments of the images outside any, when there are at least so many; then merge."""
        with self._translated():
            covered = max((record.last_id for record in self.catalogue.segments()), default=0)
            keys = self.catalogue.all_keys(after=covered)
            if len(keys) < max(at_least, 1):
                return
            for start in range(0, len(keys), SEAL_IMAGES):
                chunk = keys[start : start + SEAL_IMAGES]
                first = covered + 1
                covered = chunk[-1]
                self._replace([], self._segment_of(chunk), first, covered)
            while len(records := self.catalogue.segments()) > MAX_SEGMENTS:
                self._merge(*_smallest_neighbours(records))

    def _segment_of(self, keys: list[int]) -> Segment:
        images = snapshots.read_images(self.catalogue, self._packs, keys)
        return snapshots.build_segment(self.catalogue.records(keys), images)

    def _merge(self, first: SegmentRecord, second: SegmentRecord) -> None:
        parts = [self._open(record.name) for record in (first, second)]
        removed = np.array(self.catalogue.removals(), np.int64)
        rows, start = [], 0
        for part in parts:
            live = ~np.isin(part.keys, removed)
            rows.append(np.where(live, start + np.cumsum(live) - 1, -1))
            start += int(live.sum())
        kept = [part_rows >= 0 for part_rows in rows]
        merged = Segment(
            keys=np.concatenate([p.keys[k] for p, k in zip(parts, kept, strict=True)]),
            codes=np.concatenate([p.codes[k] for p, k in zip(parts, kept, strict=True)]),
            layouts=np.concatenate([p.layouts[k] for p, k in zip(parts, kept, strict=True)]),
            quality=np.concatenate([p.quality[k] for p, k in zip(parts, kept, strict=True)]),
            num_features=np.concatenate([p.num_features[k] for p, k in zip(parts, kept, strict=True)]),
            postings=postings.merge([part.postings for part in parts], rows),
        )
        self._replace([first.name, second.name], merged, first.first_id, second.last_id)

    def _open(self, name: str) -> Segment:
        return open_segment(self._store.segment_path(name), index.fingerprint())

    def _replace(self, old: list[str], new: Segment, first_id: int, last_id: int) -> None:
        name = uuid.uuid4().hex
        path = self._store.segment_path(name)
        path.parent.mkdir(exist_ok=True)
        write(path, new, index.fingerprint())
        self.catalogue.replace_segments(old, SegmentRecord(name, first_id, last_id, len(new)))
        for gone in old:
            self._store.segment_path(gone).unlink(missing_ok=True)

    # Checking

    def problems(self) -> list[str]:
        """Read everything and return what is wrong, one sentence each."""
        with self._translated():
            found = self.catalogue.is_whole()
            found += [f"{record}: features or thumbnail damaged" for record in self._damaged().values()]
            names = {record.name for record in self.catalogue.segments()}
            for name in sorted(names):
                try:
                    found += verify_arrays(self._store.segment_path(name), index.fingerprint())
                except (OSError, EchoImageError) as error:
                    found.append(f"index segment {name}: {error}")
            found += [f"{path.name}: left over" for path in self._strays(names)]
            return found

    def repair(self) -> list[str]:
        """Take out damaged images and build every index anew; returns what was done."""
        done = []
        with self._translated():
            damaged = self._damaged()
            if damaged:
                self.catalogue.remove_images(damaged)
                done += [f"{location}: removed, add it again" for location in damaged.values()]
            records = self.catalogue.segments()
            self.catalogue.replace_segments([record.name for record in records], None)
            for path in self._strays(set()):
                path.unlink(missing_ok=True)
        self.seal(at_least=1)
        self.catalogue.forget_removals()
        done.append("every index was built anew from the catalogue")
        return done

    def _damaged(self) -> dict[int, str]:
        """Keys of images whose stored parts cannot be read, with a location of each."""
        keys = self.catalogue.all_keys()
        bad = []
        for start in range(0, len(keys), SEAL_IMAGES):
            places = self.catalogue.places(keys[start : start + SEAL_IMAGES])
            bad += [key for key, place in places.items() if not self._is_readable(key, place)]
        return {
            key: record.locations[0] if record.locations else record.id
            for key, record in self.catalogue.records(bad).items()
        }

    def _is_readable(self, key: int, place: Place) -> bool:
        if not self._packs.is_whole(place):
            return False
        try:
            snapshots.read_images(self.catalogue, self._packs, [key])
            thumbnail.decode(self._packs.thumbnail(place))
        except EchoImageError:
            return False
        return True

    def _strays(self, names: set[str]) -> list[Path]:
        folder = self._store.path / "index"
        return [path for path in sorted(folder.iterdir()) if path.suffix != SUFFIX or path.stem not in names]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise translate(error, self._store.path) from error


def _smallest_neighbours(records: Sequence[SegmentRecord]) -> tuple[SegmentRecord, SegmentRecord]:
    return min(pairwise(records), key=lambda pair: pair[0].num_images + pair[1].num_images)
