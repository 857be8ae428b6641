"""The folder of a library, opened for reading."""

from __future__ import annotations

import threading
from pathlib import Path

from echo_image import index
from echo_image.catalogue import Catalogue, ImageRecord, Packs, SegmentRecord
from echo_image.errors import LibraryCorrupt, LibraryError, LibraryNotFound, SpecMismatch
from echo_image.index.segment import Segment, open_segment
from echo_image.store import snapshot as snapshots
from echo_image.store.locking import WriterLock, translate
from echo_image.store.snapshot import Snapshot, StoredImage

CATALOGUE = "catalogue.sqlite"
SUFFIX = ".segment"
_FINGERPRINT = "fingerprint"
#: A merge may take segments away between reading their names and opening them; then the names are read again.
_ATTEMPTS = 5


class Store:
    """Paths, catalogue (read only), packs and the current snapshot. Thread-safe.

    Args:
        path: the library folder.
        create: make the folder and an empty library where there is none.

    Raises:
        LibraryNotFound: there is no library and `create` is false.
        SpecMismatch: it was made with other extractors.
        LibraryError and its kinds: it cannot be opened.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._segments: dict[str, Segment] = {}
        self._tail: dict[int, StoredImage] = {}
        self._current: tuple[int, Snapshot] | None = None
        if not self.catalogue_path.is_file():
            if not create:
                raise LibraryNotFound(
                    f"there is no library in {path}",
                    hint=f"make one with `echo-image add {path} FOLDER`",
                )
            self._create()
        self.catalogue = Catalogue(self.catalogue_path, writable=False)
        self.packs = Packs(path / "packs")
        found = self.catalogue.get_meta(_FINGERPRINT)
        if found != index.fingerprint():
            self.close()
            raise SpecMismatch(
                f"{path} was made with {found}, this program makes {index.fingerprint()}",
                hint="add the images into a new library, or use the version of echo-image that made this one",
            )

    @property
    def catalogue_path(self) -> Path:
        """Where the catalogue lies."""
        return self.path / CATALOGUE

    def segment_path(self, name: str) -> Path:
        """Where the segment of this name lies."""
        return self.path / "index" / f"{name}{SUFFIX}"

    def _create(self) -> None:
        try:
            if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / "writer.lock").exists():
                raise LibraryError(
                    f"{self.path} is a folder with other things in it, and no library",
                    hint="name an empty or a new folder for the library",
                )
            for folder in (self.path, self.path / "packs", self.path / "index"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translate(error, self.path) from error
        lock = WriterLock(self.path / "writer.lock")
        try:
            catalogue = Catalogue(self.catalogue_path, writable=True)
            try:
                if catalogue.get_meta(_FINGERPRINT) is None:
                    catalogue.set_meta(_FINGERPRINT, index.fingerprint())
            finally:
                catalogue.close()
        finally:
            lock.release()

    def close(self) -> None:
        """Close files; snapshots already given out stay valid."""
        self.catalogue.close()
        self.packs.close()

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

    def _load(self) -> Snapshot:
        for _ in range(_ATTEMPTS):
            records = self.catalogue.segments()
            try:
                self._segments = {
                    record.name: self._segments.get(record.name) or self._open(record) for record in records
                }
            except FileNotFoundError:
                continue
            covered = max((record.last_id for record in records), default=0)
            tail = self._load_tail(covered)
            return snapshots.make([*self._segments.values(), tail], self.catalogue.removals())
        raise LibraryCorrupt(
            f"{self.path}: an index segment named by the catalogue is missing",
            hint="run `echo-image check LIBRARY --repair` to rebuild it",
        )

    def _open(self, record: SegmentRecord) -> Segment:
        return open_segment(self.segment_path(record.name), index.fingerprint())

    def _load_tail(self, covered: int) -> Segment:
        """The index of the images behind the last segment; features read before are kept."""
        records = self._records_after(covered)
        new = [key for key in records if key not in self._tail]
        loaded = snapshots.read_images(self.catalogue, self.packs, new)
        self._tail = {key: image for key, image in (self._tail | loaded).items() if key in records}
        records = {key: record for key, record in records.items() if key in self._tail}
        return snapshots.build_segment(records, self._tail)

    def _records_after(self, covered: int) -> dict[int, ImageRecord]:
        return self.catalogue.records(self.catalogue.all_keys(after=covered))

    def stored(self, keys: list[int]) -> dict[int, StoredImage]:
        """Return hash and local features of images; those that are gone are left out."""
        return snapshots.read_images(self.catalogue, self.packs, keys)

    def thumbnails(self, keys: list[int]) -> dict[int, bytes]:
        """Return the JPEG thumbnails of images; those that are gone are left out."""
        return {key: self.packs.thumbnail(place) for key, place in self.catalogue.places(keys).items()}

    def index_bytes(self) -> int:
        """Return the bytes of all segments on disk."""
        return sum(path.stat().st_size for path in (self.path / "index").glob(f"*{SUFFIX}"))
