"""Features and thumbnails, appended to pack files of at most 1 GiB.

A record is its two parts one after the other, preceded by `length, length, crc32, crc32` (4 × uint32, little
endian): first of the features, then of the thumbnail. The catalogue row written *after* the record says where
it lies, so a kill between the two leaves bytes that nobody names: the next append goes behind them, and
nothing that is named is ever overwritten.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from pathlib import Path

from echo_image.catalogue.records import Place
from echo_image.errors import LibraryCorrupt

PACK_BYTES = 2**30
_HEADER = struct.Struct("<IIII")
_HINT = "run `echo-image check LIBRARY --repair`, then add the images again"


class Packs:
    """The pack files of one library. Reading is thread-safe; one thread appends at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[int, int] = {}
        self._writer: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def append(self, features: bytes, thumbnail: bytes) -> Place:
        """Write a record and return its place. It is durable after `flush`.

        Raises:
            OSError: the disk is full or not writable; what was half written is cut off again.
        """
        pack, descriptor = self._open_writer()
        offset = os.lseek(descriptor, 0, os.SEEK_END)
        header = _HEADER.pack(len(features), len(thumbnail), zlib.crc32(features), zlib.crc32(thumbnail))
        record = memoryview(header + features + thumbnail)
        try:
            written = 0
            while written < len(record):
                written += os.write(descriptor, record[written:])
        except OSError:
            os.ftruncate(descriptor, offset)
            raise
        return Place(pack, offset, len(features), len(thumbnail))

    def flush(self) -> None:
        """Bring everything appended to the disk."""
        if self._writer is not None:
            os.fdatasync(self._writer[1])

    def take_back(self, place: Place) -> None:
        """Cut off a record and all behind it, which no row names: what a full disk made useless."""
        if self._writer is not None and self._writer[0] == place.pack:
            os.ftruncate(self._writer[1], place.offset)

    def features(self, place: Place) -> bytes:
        """Return the features part of a record.

        Raises:
            LibraryCorrupt: the pack is missing or too short, or its checksum is wrong.
        """
        data = self._read(place.pack, place.offset, _HEADER.size + place.features_bytes)
        return self._checked(place, data[: _HEADER.size], data[_HEADER.size :], part=0)

    def start(self, place: Place, length: int) -> bytes:
        """Return the first bytes of the features part, unchecked; raises when there are not so many."""
        return self._read(place.pack, place.offset + _HEADER.size, min(length, place.features_bytes))

    def thumbnail(self, place: Place) -> bytes:
        """Return the thumbnail part of a record; raises as `features`."""
        start = place.offset + _HEADER.size + place.features_bytes
        header = self._read(place.pack, place.offset, _HEADER.size)
        return self._checked(place, header, self._read(place.pack, start, place.thumbnail_bytes), part=1)

    def _checked(self, place: Place, header: bytes, data: bytes, *, part: int) -> bytes:
        stored = _HEADER.unpack(header)
        if stored[:2] != (place.features_bytes, place.thumbnail_bytes) or stored[2 + part] != zlib.crc32(
            data
        ):
            raise LibraryCorrupt(
                f"{self.path(place.pack)}: the record at byte {place.offset} is damaged", hint=_HINT
            )
        return data

    def close(self) -> None:
        """Close every file. The object must not be used afterwards."""
        with self._lock:
            for descriptor in self._readers.values():
                os.close(descriptor)
            self._readers.clear()
            if self._writer is not None:
                os.close(self._writer[1])
                self._writer = None

    def path(self, pack: int) -> Path:
        """Return where the pack of this number lies."""
        return self._folder / f"{pack:06d}.pack"

    def _read(self, pack: int, offset: int, length: int) -> bytes:
        try:
            descriptor = self._open_reader(pack)
            # A damaged row may name any place, and asking for a terabyte would take that much memory.
            inside = min(offset, length) >= 0 and offset + length <= os.fstat(descriptor).st_size
            data = os.pread(descriptor, length, offset) if inside else b""
        except OSError as error:
            raise LibraryCorrupt(f"{self.path(pack)} cannot be read: {error.strerror}", hint=_HINT) from error
        if not inside or len(data) != length:
            raise LibraryCorrupt(f"{self.path(pack)} ends before byte {offset + length}", hint=_HINT)
        return data

    def _open_reader(self, pack: int) -> int:
        with self._lock:
            if pack not in self._readers:
                self._readers[pack] = os.open(self.path(pack), os.O_RDONLY | os.O_CLOEXEC)
            return self._readers[pack]

    def _open_writer(self) -> tuple[int, int]:
        if self._writer is not None and os.fstat(self._writer[1]).st_size < PACK_BYTES:
            return self._writer
        if self._writer is not None:
            self.flush()
            os.close(self._writer[1])
            pack = self._writer[0] + 1
            self._writer = None
        else:
            self._folder.mkdir(exist_ok=True)
            numbers = [int(path.stem) for path in self._folder.glob("*.pack") if path.stem.isdecimal()]
            pack = max(numbers, default=1)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._writer = (pack, os.open(self.path(pack), flags, 0o644))
        self._flush_folder()
        return self._writer

    def _flush_folder(self) -> None:
        """Bring the name of a new pack to the disk, as `flush` brings its bytes only."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
