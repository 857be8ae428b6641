"""Making index segments, merging them, and writing those anew that hold too much of what was removed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import pairwise

from echo_image import index
from echo_image.catalogue import Catalogue, Packs, SegmentRecord
from echo_image.index.segment import Segment, write
from echo_image.store import layout
from echo_image.store import snapshot as snapshots
from echo_image.store.folder import Store
from echo_image.store.merging import Merger
from echo_image.store.tail import join

#: Images a segment is made of at first; its arrays are in memory while it is made (25 MB, twice).
SEAL_IMAGES = 4096
#: So many of them are indexed at once: their features, and what sorting them takes, are in memory (25 MB).
_BUILT_IMAGES = 512
#: So many images may stay outside any segment: each reader indexes them in its memory, in about 20 ms.
TAIL_IMAGES = 256
#: With more segments than this the newest become one: from the first that those after it outweigh. So sizes
#: fall off geometrically, an image is written anew some ten times on the way to a million, and most
#: images lie in one large segment, where a search looks at the fewest postings.
MAX_SEGMENTS = 4
#: Segments are not merged to more images than this: offsets of postings are 32 bits.
MAX_IMAGES = 4_000_000
#: Merges that make no more than this take a second: a single upload waits for them.
QUICK_IMAGES = 20_000
#: A segment of which a larger share than this was removed is written anew without it.
MAX_REMOVED = 0.25


class Sealer:
    """Changes the segments of a library. The caller holds the writer's lock."""

    def __init__(self, store: Store, catalogue: Catalogue, packs: Packs) -> None:
        self._store = store
        self._catalogue = catalogue
        self._packs = packs
        self._merger = Merger(store)

    def seal(self, *, at_least: int | None = None) -> None:
        """Make segments of the images outside any, when there are so many."""
        fewest = TAIL_IMAGES if at_least is None else at_least
        covered = max((record.last_id for record in self._catalogue.segments.all()), default=0)
        keys = self._catalogue.all_keys(after=covered)
        for start in range(0, len(keys), SEAL_IMAGES):
            chunk = keys[start : start + SEAL_IMAGES]
            if len(chunk) < min(fewest, SEAL_IMAGES):
                break
            record = self._write(self._segment_of(chunk), covered + 1, chunk[-1])
            self._replace([], [record], self._catalogue.segments.removals(record))
            covered = chunk[-1]

    def rebuild(self) -> None:
        """Build every segment anew from the catalogue and the packs, one after the other.

        Readers go on with the old ones meanwhile, so they never have to index everything in their memory.
        """
        self._merger.discard()  # its sources will be gone
        covered = 0
        for record in self._catalogue.segments.all():
            keys = self._catalogue.all_keys(after=covered, last=record.last_id)
            new = []
            for start in range(0, len(keys), SEAL_IMAGES):
                chunk = keys[start : start + SEAL_IMAGES]
                new.append(self._write(self._segment_of(chunk), covered + 1, chunk[-1]))
                covered = chunk[-1]
            self._replace([record], new, self._catalogue.segments.removals(record))
        self.seal(at_least=1)
        self.tidy(wait=True)

    def clear_leftovers(self) -> None:
        """Delete what a killed writer left in the folder of segments. Nobody else writes there now."""
        folder = self._store.path / layout.INDEX
        folder.mkdir(exist_ok=True)
        named = {self._store.segment_path(record.name).name for record in self._catalogue.segments.all()}
        for path in folder.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def tidy(self, *, wait: bool, most_images: int | None = None) -> None:
        """Merge small segments, and write those anew of which much was removed, beside what goes on.

        Args:
            wait: until all is tidy; else only what is done is put in its place, and the next merge begun.
            most_images: merges that make more are left for later; `MAX_IMAGES` when not given.
        """
        most_images = min(most_images or MAX_IMAGES, MAX_IMAGES)
        while True:
            merged = self._merger.fetch(wait=wait)
            if merged is not None:
                new = [] if merged.new is None else [merged.new]
                self._replace(merged.old, new, merged.dropped)
            if self._merger.is_running:
                return
            chosen = self._next_merge(most_images)
            if not chosen:
                return
            self._merger.start(chosen, self._catalogue.segments.removals())
            if not wait:
                return

    def _next_merge(self, most_images: int) -> Sequence[SegmentRecord]:
        """Return the segments to be merged next; none when all is tidy."""
        records = self._catalogue.segments.all()
        for record in records:
            num_removed = self._catalogue.segments.num_removed(record)
            if num_removed > MAX_REMOVED * record.num_images and record.num_images <= most_images:
                return [record]
        if len(records) <= MAX_SEGMENTS:
            return []
        return _outweighed(records, most_images) or _smallest_neighbours(records, most_images)

    @property
    def is_merging(self) -> bool:
        """Whether a merge is under way."""
        return self._merger.is_running

    def close(self) -> None:
        """Stop a merge that is under way; it is begun again by the next writer."""
        self._merger.close()

    def _segment_of(self, keys: list[int]) -> Segment:
        parts = [
            self._built(keys[start : start + _BUILT_IMAGES]) for start in range(0, len(keys), _BUILT_IMAGES)
        ]
        return join(parts) if len(parts) > 1 else parts[0]

    def _built(self, keys: list[int]) -> Segment:
        images = snapshots.read_images(self._catalogue, self._packs, keys)
        return snapshots.build_segment(self._catalogue.records(keys), images)

    def _write(self, segment: Segment, first_id: int, last_id: int) -> SegmentRecord:
        name = uuid.uuid4().hex
        write(self._store.segment_path(name), segment, index.fingerprint())
        return SegmentRecord(name, first_id, last_id, len(segment))

    def _replace(
        self, old: Sequence[SegmentRecord], new: Sequence[SegmentRecord], dropped: Sequence[int] = ()
    ) -> None:
        self._catalogue.segments.replace(old, new, dropped)
        for record in old:
            self._store.segment_path(record.name).unlink(missing_ok=True)


def _outweighed(records: Sequence[SegmentRecord], most_images: int) -> Sequence[SegmentRecord]:
    """Return the segments from the first on that is no larger than all after it together; none if it would
    make more than `most_images`, or there is none."""
    after = sum(record.num_images for record in records)
    for number, record in enumerate(records):
        whole, after = after, after - record.num_images
        if record.num_images <= after and whole <= most_images:
            return records[number:]
    return []


def _smallest_neighbours(records: Sequence[SegmentRecord], most_images: int) -> Sequence[SegmentRecord]:
    smallest = min(pairwise(records), key=lambda pair: pair[0].num_images + pair[1].num_images)
    return smallest if sum(record.num_images for record in smallest) <= most_images else []
