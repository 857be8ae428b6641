"""Changing a library: one writer at a time, in small transactions.

Order of writing: features and thumbnail into a pack, flushed; then the catalogue rows, committed. A kill
between the two loses nothing that was named. Segments come later still: images not yet in one are found by
every reader in the catalogue and indexed in its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any

from echo_image.catalogue import Catalogue, FileStamp, Packs, Place
from echo_image.store import checking, layout
from echo_image.store.extraction import Extracted
from echo_image.store.folder import Store
from echo_image.store.locking import WriterLock, translate
from echo_image.store.sealing import Sealer


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
        attributes: kept with the location; empty leaves those it has.
    """

    location: str
    stamp: FileStamp
    content_id: bytes
    extracted: Extracted | None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Writer:
    """Holds the writer's lock of a store. A context manager.

    Raises:
        LibraryBusy: another process is writing.
        LibraryReadOnly, StorageFull: at any method, as their names say; what was committed stays.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = WriterLock(store.path / layout.LOCK)
        try:
            self.catalogue = Catalogue(store.catalogue_path, writable=True)
            self._packs = Packs(store.path / layout.PACKS)
            self._sealer = Sealer(store, self.catalogue, self._packs)
            with self._translated():
                self._sealer.clear_leftovers()
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
        """Give the lock back. A merge that is under way is stopped; the next writer begins it again."""
        self._sealer.close()
        self._packs.close()
        self.catalogue.close()
        self._lock.release()

    def commit(
        self, entries: Sequence[Entry], *, also: Callable[[list[Outcome]], None] | None = None
    ) -> list[Outcome]:
        """Store a batch, all or nothing, and return what became of each entry.

        An image that one entry takes the last location from and another entry places anew stays.

        Args:
            entries: the batch.
            also: called inside the same transaction: what it writes is true exactly when the batch is stored.

        Cost: one flush of the disk; some hundred entries a second at least.
        """
        with self._translated():
            places = self._append(entries)
            known = self.catalogue.known_locations([entry.location for entry in entries])
            shown = {location: before.key for location, before in known.items()}
            outcomes, left = [], []
            with self.catalogue.transaction():
                for entry in entries:
                    key = self._key(entry, places)
                    if key is None:
                        outcomes.append(Outcome.RETRY)
                        continue
                    left.append(self.catalogue.set_location(entry.location, key, entry.stamp))
                    outcomes.append(self._outcome(entry, shown.get(entry.location), key))
                    shown[entry.location] = key
                self.catalogue.remove_unplaced(key for key in left if key is not None)
                if also is not None:
                    also(outcomes)
            return outcomes

    def _outcome(self, entry: Entry, before: int | None, key: int) -> Outcome:
        changed = bool(entry.attributes) and self.catalogue.change_attributes(
            entry.location, entry.attributes
        )
        if before is None:
            return Outcome.ADDED
        return Outcome.UPDATED if before != key or changed else Outcome.UNCHANGED

    def _append(self, entries: Sequence[Entry]) -> dict[bytes, Place]:
        """Write into the packs what is new, and flush it."""
        places: dict[bytes, Place] = {}
        try:
            for entry in entries:
                if entry.extracted is None or entry.content_id in places:
                    continue
                if self.catalogue.key_of_content(entry.content_id) is None:
                    extracted = entry.extracted
                    places[entry.content_id] = self._packs.append(extracted.features, extracted.thumbnail)
            if places:
                self._packs.flush()
        except OSError:
            # Given back to a full disk: each attempt would otherwise leave less room for the next.
            for place in reversed(places.values()):
                self._packs.take_back(place)
            raise
        return places

    def _key(self, entry: Entry, places: dict[bytes, Place]) -> int | None:
        key = self.catalogue.key_of_content(entry.content_id)
        if key is None and entry.extracted is not None and entry.content_id in places:
            return self.catalogue.add_image(entry.extracted.image, places[entry.content_id])
        return key

    def remove_locations(self, locations: Sequence[str]) -> tuple[list[str], int]:
        """Forget locations. Returns (those that were not known, how many images went with the others)."""
        missing, left = [], []
        with self._translated(), self.catalogue.transaction():
            for location in locations:
                key = self.catalogue.remove_location(location)
                if key is None:
                    missing.append(location)
                else:
                    left.append(key)
            return missing, self.catalogue.remove_unplaced(left)

    def remove_images(self, keys: Sequence[int]) -> int:
        """Remove images with all their locations; returns how many there were."""
        with self._translated():
            return self.catalogue.remove_images(keys)

    def seal(self, *, at_least: int | None = None) -> None:
        """Make segments of the images outside any, when there are at least so many.

        Args:
            at_least: `sealing.TAIL_IMAGES` when not given.
        """
        with self._translated():
            self._sealer.seal(at_least=at_least)

    def tidy(self, *, wait: bool = True, most_images: int | None = None) -> None:
        """Merge small segments, and write those anew of which much was removed.

        Args:
            wait: until all is done; else it goes on beside the writer, and a later call takes note of it.
            most_images: merges that make more are left for later; `sealing.MAX_IMAGES` when not given.
        """
        with self._translated():
            self._sealer.tidy(wait=wait, most_images=most_images)

    @property
    def is_merging(self) -> bool:
        """Whether segments are being merged beside this."""
        return self._sealer.is_merging

    def repair(self) -> list[str]:
        """Take out what is damaged and build every index anew; returns what was done.

        Nothing is done when the catalogue itself cannot be made whole: it is the truth.
        """
        with self._translated():
            done = checking.repair_catalogue(self._store, self.catalogue)
            if done is None:
                return []
            done += checking.remove_damaged(self.catalogue, self._packs)
            self._sealer.rebuild()
        return [*done, "every index was built anew from the catalogue"]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise translate(error, self._store.path) from error
