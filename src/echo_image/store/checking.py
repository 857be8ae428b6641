"""Looking at a whole library, and taking out what is damaged.

Looking takes no lock and writes nothing: it may go on while another process writes, and in a folder that
cannot be written. What such a writer has under way is never a problem.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from echo_image import index
from echo_image.catalogue import Catalogue, Packs, Place, SegmentRecord
from echo_image.errors import EchoImageError, LibraryCorrupt
from echo_image.index.segment import open_segment, verify_arrays
from echo_image.store import layout
from echo_image.store import snapshot as snapshots
from echo_image.store.folder import Store

#: Images looked up in the catalogue at once.
_CHUNK = 2000
#: Damaged images told one by one; of more their number is enough.
_MAX_NAMED = 100


def find_problems(store: Store) -> list[str]:
    """Read everything and return what is wrong, one sentence each; empty when the library is whole.

    Cost: about the time to read the packs and segments from the disk.
    """
    found: list[str] = []
    # Connections of its own: the long reading must not keep searches of the same store waiting.
    packs = Packs(store.path / layout.PACKS)
    try:
        with contextlib.closing(Catalogue(store.catalogue_path, writable=False)) as catalogue:
            found += catalogue.problems()
            found += _image_problems(catalogue, packs)
            found += _segment_problems(store, catalogue)
    except LibraryCorrupt as error:
        found.append(error.message)  # a table that cannot be read ends the search for more
    finally:
        packs.close()
    return found


def repair_catalogue(store: Store, catalogue: Catalogue) -> list[str] | None:
    """Put the catalogue itself right; returns what was done, None when it cannot be made whole."""
    with contextlib.suppress(LibraryCorrupt):
        if not catalogue.problems():
            return []
        catalogue.repair()
        if not catalogue.problems():
            return [f"{store.catalogue_path.name}: its own indexes were built anew"]
    return None


def remove_damaged(catalogue: Catalogue, packs: Packs) -> list[str]:
    """Remove the images whose stored parts cannot be read; returns what was done."""
    damaged = list(_damaged(catalogue, packs))
    done = [f"{name}: removed, add it again" for name in _names(catalogue, damaged)]
    catalogue.remove_images(damaged)
    return done


def _image_problems(catalogue: Catalogue, packs: Packs) -> list[str]:
    damaged = list(_damaged(catalogue, packs))
    found = [f"{name}: features or thumbnail damaged" for name in _names(catalogue, damaged)]
    lost = sorted({place.pack for _, place in _places(catalogue) if not packs.path(place.pack).is_file()})
    return [f"{packs.path(pack).name} is missing" for pack in lost] + found


def _names(catalogue: Catalogue, keys: list[int]) -> Iterator[str]:
    """A location of each image; images that were removed meanwhile are left out."""
    for record in catalogue.records(keys[:_MAX_NAMED]).values():
        yield record.locations[0] if record.locations else record.id
    if len(keys) > _MAX_NAMED:
        yield f"{len(keys) - _MAX_NAMED} more images"


def _places(catalogue: Catalogue) -> Iterator[tuple[int, Place]]:
    after = 0
    while keys := catalogue.all_keys(after=after, limit=_CHUNK):
        after = keys[-1]
        yield from catalogue.places(keys).items()


def _damaged(catalogue: Catalogue, packs: Packs) -> Iterator[int]:
    for key, place in _places(catalogue):
        try:
            snapshots.parse(packs.features(place))
            packs.thumbnail(place)
        except LibraryCorrupt:
            yield key


def _segment_problems(store: Store, catalogue: Catalogue) -> list[str]:
    """Look at every segment; those that take the place of others meanwhile are looked at too."""
    checked: dict[str, list[str]] = {}
    while True:
        with catalogue.consistent():
            records = catalogue.segments.all()
            keys = np.array(catalogue.all_keys(), np.int64)
            removed = np.array(catalogue.segments.removals(), np.int64)
        left = [record for record in records if record.name not in checked]
        if not left:
            found = [problem for record in records for problem in checked[record.name]]
            return found + _uncovered(records, keys)
        for record in left:
            checked[record.name] = _problems_of(store, record, keys, removed)


def _uncovered(records: list[SegmentRecord], keys: NDArray[np.int64]) -> list[str]:
    """Images before the last segment must be in one; those behind it are indexed by each reader."""
    inside = np.zeros(len(keys), np.bool_)
    for record in records:
        inside |= (keys >= record.first_id) & (keys <= record.last_id)
    covered = max((record.last_id for record in records), default=0)
    count = int(np.count_nonzero(~inside & (keys <= covered)))
    return [f"{count} images are in no index segment"] if count else []


def _problems_of(
    store: Store, record: SegmentRecord, keys: NDArray[np.int64], removed: NDArray[np.int64]
) -> list[str]:
    path = store.segment_path(record.name)
    try:
        found = verify_arrays(path, index.fingerprint())
        held = open_segment(path, index.fingerprint()).keys
    except FileNotFoundError:
        return [f"index segment {path.name} is missing"]
    except (OSError, EchoImageError) as error:
        return [f"index segment {path.name}: {error}"]
    expected = keys[(keys >= record.first_id) & (keys <= record.last_id)]
    if not found and not np.array_equal(held[~np.isin(held, removed)], expected):
        found.append(f"index segment {path.name} does not hold the images that the catalogue says")
    return found
