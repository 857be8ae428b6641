"""The folder of a library, opened for reading."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from echo_image import index
from echo_image.catalogue import (
    Catalogue,
    ImageFilter,
    Packs,
    SegmentRecord,
    has_older_layout,
    take_over_log,
)
from echo_image.errors import LibraryCorrupt, LibraryError, LibraryNotFound, SpecMismatch
from echo_image.index.segment import Segment, open_segment
from echo_image.store import layout
from echo_image.store import snapshot as snapshots
from echo_image.store.locking import WriterLock, translate
from echo_image.store.snapshot import Snapshot, StoredImage
from echo_image.store.tail import Tail

#: A merge may take segments away between reading their names and opening them; then the names are read again.
_ATTEMPTS = 20
#: The setting that rises with every change of images, locations or segments, and with nothing else.
CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class _Current:
    """The last view.

    Attributes:
        version: of the database when it was last compared, `Catalogue.data_version`.
        changes: the catalogue's own count when the view was made; None in layout 1, which had none.
        snapshot: the view.
    """

    version: int
    changes: str | None
    snapshot: Snapshot


class Store:
    """Paths, catalogue (read only), packs and the current snapshot. Thread-safe.

    Args:
        path: the library folder.
        create: make the folder and an empty library where there is none.
        read_only: never write, not even to bring the tables of an older version to this one's layout.

    Attributes:
        path, catalogue, packs: of the library.
        made: the folders made around a new library, None when the library was there before.

    Raises:
        LibraryNotFound: there is no library and `create` is false.
        SpecMismatch: it was made with other extractors, or by a later version.
        LibraryError and its kinds: it cannot be opened.
    """

    def __init__(self, path: Path, *, create: bool, read_only: bool = False) -> None:
        self.path = path
        self.made: tuple[Path, ...] | None = None
        self._read_only = read_only
        self._lock = threading.Lock()
        self._segments: dict[str, Segment] = {}
        self._current: _Current | None = None
        self._restricted: tuple[Snapshot, ImageFilter, Snapshot] | None = None
        self._find(create=create)
        self.catalogue = self._open_catalogue()
        self.packs = Packs(path / layout.PACKS)
        self._tail = Tail(self.catalogue, self.packs)
        try:
            self._check_fingerprint()
        except BaseException:
            self.close()
            raise

    def _find(self, *, create: bool) -> None:
        try:
            found = self.catalogue_path.is_file()
        except OSError as error:
            raise translate(error, self.path) from error
        if found:
            return
        if not create:
            raise LibraryNotFound(
                f"there is no library in {self.path}",
                hint=f"make one with `echo-image add {self.path} FOLDER`",
            )
        self.made = layout.make_library(self.path)

    def _open_catalogue(self) -> Catalogue:
        try:
            return Catalogue(self.catalogue_path, writable=False)
        except SpecMismatch:
            if self._read_only or not has_older_layout(self.catalogue_path):
                raise
        lock = WriterLock(self.path / layout.LOCK)
        try:
            Catalogue(self.catalogue_path, writable=True).close()
        finally:
            lock.release()
        return Catalogue(self.catalogue_path, writable=False)

    def _check_fingerprint(self) -> None:
        found = self.catalogue.get_meta(layout.FINGERPRINT)
        if found != index.fingerprint():
            raise SpecMismatch(
                f"{self.path} was made with {found}, this program makes {index.fingerprint()}",
                hint="add the images into a new library, or use the version of echo-image that made this one",
            )

    @property
    def catalogue_path(self) -> Path:
        """Where the catalogue lies."""
        return self.path / layout.CATALOGUE

    def change(self, work: Callable[[Catalogue], object]) -> None:
        """Change what is no image, such as the state of a job; possible while another process writes."""
        catalogue = Catalogue(self.catalogue_path, writable=True)
        try:
            work(catalogue)
        finally:
            catalogue.close()

    def segment_path(self, name: str) -> Path:
        """Where the segment of this name lies."""
        return self.path / layout.INDEX / f"{name}{layout.SUFFIX}"

    def close(self) -> None:
        """Close files; snapshots already given out stay valid."""
        self.catalogue.close()
        self.packs.close()
        if not self._read_only:
            take_over_log(self.catalogue_path)

    def discard(self) -> None:
        """Take the library away again if this object made it and no image was ever in it. Close it first."""
        if self.made is not None:
            layout.discard_library(self.path, self.made)

    def snapshot(self) -> Snapshot:
        """Return the view of the last commit. Cost: a few µs when no image, location or segment changed.

        Raises:
            LibraryCorrupt: a segment or pack is damaged; `check --repair` rebuilds it.
        """
        with self._lock:
            version, current = self.catalogue.data_version(), self._current
            if current is not None and current.version != version:
                # A running job commits its own records all the time; those are nothing to a search.
                current = replace(current, version=version) if self._is_as_it_was(current) else None
            self._current = current or _Current(version, *self._load())
            return self._current.snapshot

    def _is_as_it_was(self, current: _Current) -> bool:
        return current.changes is not None and current.changes == self.catalogue.get_meta(CHANGES)

    def snapshot_of(self, only: ImageFilter) -> Snapshot:
        """Return the view of the images that a filter means. Cost: the catalogue is read once a filter.

        Of a million images 0.3 to 0.6 s; the filter last used is remembered until something changes.
        """
        snapshot, known = self.snapshot(), self._restricted
        if known is not None and known[0] is snapshot and known[1] == only:
            return known[2]
        # Without the lock: other searches must not wait for it.
        restricted = snapshot.restricted(self.catalogue.keys_of(only))
        self._restricted = (snapshot, only, restricted)
        return restricted

    def _load(self) -> tuple[str | None, Snapshot]:
        """Return the count of changes, and what there was when it was that."""
        for _ in range(_ATTEMPTS):
            # A segment that was merged into another since its name was read is no longer there.
            with contextlib.suppress(FileNotFoundError), self.catalogue.consistent():
                return self.catalogue.get_meta(CHANGES), self._load_once()
        raise LibraryCorrupt(
            f"{self.path}: an index segment named by the catalogue is missing",
            hint="run `echo-image check LIBRARY --repair` to rebuild it",
        )

    def _load_once(self) -> Snapshot:
        records = self.catalogue.segments.all()
        known = self._segments
        self._segments = {
            record.name: known[record.name] if record.name in known else self._open(record)
            for record in records
        }
        covered = max((record.last_id for record in records), default=0)
        removed = [key for key in self.catalogue.segments.removals() if key <= covered]
        return snapshots.make([*self._segments.values(), *self._tail.segments(covered)], removed)

    def _open(self, record: SegmentRecord) -> Segment:
        path = self.segment_path(record.name)
        try:
            return open_segment(path, index.fingerprint())
        except FileNotFoundError:
            raise
        except OSError as error:
            raise LibraryError(
                f"{path} cannot be read: {error.strerror or error}",
                hint="check the permissions of the library folder, and the disk",
            ) from error

    def stored(self, keys: list[int]) -> dict[int, StoredImage]:
        """Return hash and local features of images; those that are gone are left out.

        Raises:
            LibraryCorrupt: a pack is damaged. So do the next two.
        """
        return snapshots.read_images(self.catalogue, self.packs, keys)

    def codes(self, keys: list[int]) -> dict[int, bytes]:
        """Return the perceptual hashes of images, 32 bytes each; those that are gone are left out.

        Cost: some µs each, as the local features behind them are not read.
        """
        places = self.catalogue.places(keys)
        return {key: self.packs.start(place, snapshots.HASH_BYTES) for key, place in places.items()}

    def thumbnails(self, keys: list[int]) -> dict[int, bytes]:
        """Return the JPEG thumbnails of images; those that are gone are left out."""
        return {key: self.packs.thumbnail(place) for key, place in self.catalogue.places(keys).items()}
