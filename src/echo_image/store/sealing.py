"""Making index segments, merging them, and writing those anew that hold too much of what was removed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from echo_image import index
from echo_image.catalogue import Catalogue, Packs, SegmentRecord
from echo_image.errors import LibraryCorrupt
from echo_image.index.segment import Segment, open_segment, verify_arrays, write
from echo_image.index.words import postings
from echo_image.store import layout
from echo_image.store import snapshot as snapshots
from echo_image.store.folder import Store

#: Images a segment is made of at first; the features of so many are in memory while it is made (80 MB).
SEAL_IMAGES = 4096
#: So many images may stay outside any segment: each reader indexes them in its memory, in about 20 ms.
TAIL_IMAGES = 256
#: With more segments than this the two smallest neighbours become one.
MAX_SEGMENTS = 8
#: A segment of which a larger share than this was removed is written anew without it.
MAX_REMOVED = 0.25


class Sealer:
    """Changes the segments of a library. The caller holds the writer's lock."""

    def __init__(self, store: Store, catalogue: Catalogue, packs: Packs) -> None:
        self._store = store
        self._catalogue = catalogue
        self._packs = packs

    def seal(self, *, at_least: int | None = None) -> None:
        """Make segments of the images outside any, when there are so many; then tidy the segments."""
        fewest = TAIL_IMAGES if at_least is None else at_least
        covered = max((record.last_id for record in self._catalogue.segments.all()), default=0)
        keys = self._catalogue.all_keys(after=covered)
        for start in range(0, len(keys), SEAL_IMAGES):
            chunk = keys[start : start + SEAL_IMAGES]
            if len(chunk) < min(fewest, SEAL_IMAGES):
                break
            self._replace([], [self._write(self._segment_of(chunk), covered + 1, chunk[-1])])
            covered = chunk[-1]
        self._tidy()

    def rebuild(self) -> None:
        """Build every segment anew from the catalogue and the packs, one after the other.

        Readers go on with the old ones meanwhile, so they never have to index everything in their memory.
        """
        covered = 0
        for record in self._catalogue.segments.all():
            keys = self._catalogue.all_keys(after=covered, last=record.last_id)
            new = []
            for start in range(0, len(keys), SEAL_IMAGES):
                chunk = keys[start : start + SEAL_IMAGES]
                new.append(self._write(self._segment_of(chunk), covered + 1, chunk[-1]))
                covered = chunk[-1]
            self._replace([record], new)
        self.seal(at_least=1)

    def clear_leftovers(self) -> None:
        """Delete what a killed writer left in the folder of segments. Nobody else writes there now."""
        folder = self._store.path / layout.INDEX
        folder.mkdir(exist_ok=True)
        named = {self._store.segment_path(record.name).name for record in self._catalogue.segments.all()}
        for path in folder.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _tidy(self) -> None:
        for record in self._catalogue.segments.all():
            if self._catalogue.segments.num_removed(record) > MAX_REMOVED * record.num_images:
                self._merge([record])
        while len(records := self._catalogue.segments.all()) > MAX_SEGMENTS:
            self._merge(_smallest_neighbours(records))

    def _segment_of(self, keys: list[int]) -> Segment:
        images = snapshots.read_images(self._catalogue, self._packs, keys)
        return snapshots.build_segment(self._catalogue.records(keys), images)

    def _merge(self, old: Sequence[SegmentRecord]) -> None:
        parts = [self._open_whole(record) for record in old]
        removed = np.array(self._catalogue.segments.removals(), np.int64)
        kept = [~np.isin(part.keys, removed) for part in parts]
        rows, start = [], 0
        for live in kept:
            rows.append(np.where(live, start + np.cumsum(live) - 1, -1))
            start += int(live.sum())
        merged = Segment(
            keys=np.concatenate([p.keys[k] for p, k in zip(parts, kept, strict=True)]),
            codes=np.concatenate([p.codes[k] for p, k in zip(parts, kept, strict=True)]),
            layouts=np.concatenate([p.layouts[k] for p, k in zip(parts, kept, strict=True)]),
            quality=np.concatenate([p.quality[k] for p, k in zip(parts, kept, strict=True)]),
            num_features=np.concatenate([p.num_features[k] for p, k in zip(parts, kept, strict=True)]),
            postings=postings.merge([part.postings for part in parts], rows),
        )
        new = [self._write(merged, old[0].first_id, old[-1].last_id)] if len(merged) else []
        self._replace(old, new)

    def _open_whole(self, record: SegmentRecord) -> Segment:
        """Open a segment that is whole: copied, damage would get a checksum that says it is right."""
        path = self._store.segment_path(record.name)
        try:
            problems = verify_arrays(path, index.fingerprint())
        except FileNotFoundError:
            problems = [f"index segment {path.name} is missing"]
        if problems:
            raise LibraryCorrupt(
                f"{self._store.path}: {problems[0]}",
                hint="run `echo-image check LIBRARY --repair` to rebuild it",
            )
        return open_segment(path, index.fingerprint())

    def _write(self, segment: Segment, first_id: int, last_id: int) -> SegmentRecord:
        name = uuid.uuid4().hex
        write(self._store.segment_path(name), segment, index.fingerprint())
        return SegmentRecord(name, first_id, last_id, len(segment))

    def _replace(self, old: Sequence[SegmentRecord], new: Sequence[SegmentRecord]) -> None:
        self._catalogue.segments.replace(old, new)
        for record in old:
            self._store.segment_path(record.name).unlink(missing_ok=True)


def _smallest_neighbours(records: Sequence[SegmentRecord]) -> tuple[SegmentRecord, SegmentRecord]:
    return min(pairwise(records), key=lambda pair: pair[0].num_images + pair[1].num_images)
