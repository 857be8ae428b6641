"""A library made larger with synthetic images, in the folder and with the files of any other.

A synthetic image has a catalogue row, a place in the index, and the stored features and thumbnail of one of
the real images (their places in the packs are given twice), so that comparing it with a query costs what
comparing any image costs. Segments are written as the program writes them, and merged by it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.reporting import say
from benchmarks.synthetic import Pool, make_pool
from echo_image import index
from echo_image.catalogue import Catalogue, ImageRecord, Packs, Place, SegmentRecord
from echo_image.index.segment import write
from echo_image.index.words import vocabulary
from echo_image.store import Store, layout
from echo_image.store.locking import WriterLock
from echo_image.store.sealing import Sealer

__all__ = ["Growth", "grow"]

#: Images of a new segment.
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Growth:
    """What it took to make a library larger.

    Attributes:
        images: added.
        made_s: s, drawing their features and ordering them by words.
        written_s: s, writing segments and catalogue rows.
        merged_s: s, merging segments.
    """

    images: int
    made_s: float
    written_s: float
    merged_s: float


def grow(path: Path, size: int, *, apart: Sequence[str], seed: int) -> Growth:
    """Add synthetic images to a library until it has `size`.

    Args:
        path: of the library.
        size: wanted number of images.
        apart: locations of images that no synthetic image may be made of: those that are searched for.
        seed: of what is drawn.
    """
    store = Store(path, create=False)
    lock = WriterLock(path / layout.LOCK)
    catalogue, packs = Catalogue(store.catalogue_path, writable=True), Packs(path / layout.PACKS)
    try:
        sealer = Sealer(store, catalogue, packs)
        sealer.seal(at_least=1)
        donors = _donors(store, apart)
        pool = _pool(store, donors, seed)
        made = written = merged = 0.0
        before = catalogue.counts()["images"]
        while (left := size - catalogue.counts()["images"]) > 0:
            began = time.perf_counter()
            first_key = max((record.last_id for record in catalogue.segments.all()), default=0) + 1
            segment = pool.segment(min(left, CHUNK), first_key, seed=seed)
            made += time.perf_counter() - began
            began = time.perf_counter()
            record = SegmentRecord(uuid.uuid4().hex, first_key, first_key + len(segment) - 1, len(segment))
            write(store.segment_path(record.name), segment, index.fingerprint())
            _add_rows(catalogue, store, donors, first_key, len(segment), seed)
            catalogue.segments.replace([], [record])
            written += time.perf_counter() - began
            began = time.perf_counter()
            sealer.tidy(wait=True)
            merged += time.perf_counter() - began
            say(f"{catalogue.counts()['images']} images")
        return Growth(catalogue.counts()["images"] - before, made, written, merged)
    finally:
        sealer.close()
        packs.close()
        catalogue.close()
        lock.release()
        store.close()


def _donors(store: Store, apart: Sequence[str]) -> list[ImageRecord]:
    keys = store.catalogue.all_keys()
    avoided = frozenset(apart)
    records = store.catalogue.records(keys)
    return [
        records[key]
        for key in keys
        if not avoided.intersection(records[key].locations) and records[key].format != _FORMAT
    ]


#: Of the catalogue rows of synthetic images.
_FORMAT = "SYNTHETIC"


def _pool(store: Store, donors: Sequence[ImageRecord], seed: int) -> Pool:
    stored = store.stored([record.key for record in donors])
    images = [stored[record.key] for record in donors]
    return make_pool(images, [record.quality for record in donors], vocabulary.load(), seed=seed)


def _add_rows(
    catalogue: Catalogue, store: Store, donors: Sequence[ImageRecord], first_key: int, num: int, seed: int
) -> None:
    places = catalogue.places([record.key for record in donors])
    rng = np.random.default_rng([seed, first_key, 1])
    chosen = rng.integers(0, len(donors), num)
    names = rng.bytes(32 * num)
    with catalogue.transaction() as connection:
        connection.executemany(
            "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '2000-01-01', '{}')",
            (
                _row(first_key + i, names[32 * i : 32 * i + 32], donor, places[donor.key])
                for i, donor in enumerate(donors[int(c)] for c in chosen)
            ),
        )
        connection.executemany(
            "INSERT INTO locations (location, image_id, num_bytes, mtime_ns) VALUES (?, ?, -1, -1)",
            ((f"synthetic/{first_key + i}", first_key + i) for i in range(num)),
        )


def _row(key: int, name: bytes, donor: ImageRecord, place: Place) -> tuple[object, ...]:
    return (
        key,
        name,
        name[::-1],
        donor.width,
        donor.height,
        _FORMAT,
        donor.num_bytes,
        donor.quality,
        donor.num_features,
        place.pack,
        place.offset,
        place.features_bytes,
        place.thumbnail_bytes,
    )
