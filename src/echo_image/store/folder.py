"""The folder of a library, opened for reading."""

from __future__ import annotations

import contextlib
import threading
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

#: A merge may take segments away between reading their names and opening them; then the names are read again.
_ATTEMPTS = 20


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
        self._tail: dict[int, StoredImage] = {}
        self._current: tuple[int, Snapshot] | None = None
        self._restricted: tuple[Snapshot, ImageFilter, Snapshot] | None = None
        self._find(create=create)
        self.catalogue = self._open_catalogue()
        self.packs = Packs(path / layout.PACKS)
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
        """Return the view of the last commit. Cost: a few µs when nothing changed.

        Raises:
            LibraryCorrupt: a segment or pack is damaged; `check --repair` rebuilds it.
        """
        with self._lock:
            version = self.catalogue.data_version()
            if self._current is None or self._current[0] != version:
                self._current = (version, self._load())
            return self._current[1]

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

    def _load(self) -> Snapshot:
        for _ in range(_ATTEMPTS):
            # A segment that was merged into another since its name was read is no longer there.
            with contextlib.suppress(FileNotFoundError), self.catalogue.consistent():
                return self._load_once()
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
        return snapshots.make([*self._segments.values(), self._load_tail(covered)], removed)

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

    def _load_tail(self, covered: int) -> Segment:
        """The index of the images behind the last segment; features read before are kept."""
        records = self.catalogue.records(self.catalogue.all_keys(after=covered))
        new = [key for key in records if key not in self._tail]
        loaded = snapshots.read_images(self.catalogue, self.packs, new)
        self._tail = {key: image for key, image in (self._tail | loaded).items() if key in records}
        return snapshots.build_segment(records, self._tail)

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
