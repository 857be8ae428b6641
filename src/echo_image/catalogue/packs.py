"""Features and thumbnails, appended to pack files of at most 1 GiB.

A record is its two parts one after the other, preceded by `length, length, crc32` (3 × uint32, little
endian). The catalogue row written *after* the record says where it lies, so a kill between the two leaves
bytes that nobody names: the next append goes behind them, and nothing that is named is ever overwritten.
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
_HEADER = struct.Struct("<III")


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
        crc = zlib.crc32(thumbnail, zlib.crc32(features))
        record = _HEADER.pack(len(features), len(thumbnail), crc) + features + thumbnail
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

    def features(self, place: Place) -> bytes:
        """Return the features part of a record.

        Raises:
            LibraryCorrupt: the pack is missing or too short.
        """
        return self._read(place.pack, place.offset + _HEADER.size, place.features_bytes)

    def thumbnail(self, place: Place) -> bytes:
        """Return the thumbnail part of a record; raises as `features`."""
        start = place.offset + _HEADER.size + place.features_bytes
        return self._read(place.pack, start, place.thumbnail_bytes)

    def is_whole(self, place: Place) -> bool:
        """Say whether the record at `place` is there and its checksum right."""
        try:
            header = self._read(place.pack, place.offset, _HEADER.size)
            body = self._read(
                place.pack, place.offset + _HEADER.size, place.features_bytes + place.thumbnail_bytes
            )
        except LibraryCorrupt:
            return False
        lengths = (place.features_bytes, place.thumbnail_bytes)
        return _HEADER.unpack(header) == (*lengths, zlib.crc32(body))

    def num_bytes(self) -> int:
        """Return the bytes of all packs on disk."""
        return sum(path.stat().st_size for path in self._folder.glob("*.pack"))

    def close(self) -> None:
        """Close every file. The object must not be used afterwards."""
        with self._lock:
            for descriptor in self._readers.values():
                os.close(descriptor)
            self._readers.clear()
            if self._writer is not None:
                os.close(self._writer[1])
                self._writer = None

    def _path(self, pack: int) -> Path:
        return self._folder / f"{pack:06d}.pack"

    def _read(self, pack: int, offset: int, length: int) -> bytes:
        with self._lock:
            descriptor = self._readers.get(pack)
            if descriptor is None:
                try:
                    descriptor = os.open(self._path(pack), os.O_RDONLY | os.O_CLOEXEC)
                except OSError as error:
                    raise LibraryCorrupt(
                        f"{self._path(pack)} cannot be read: {error.strerror}",
                        hint="run `echo-image check LIBRARY --repair`, then add the images again",
                    ) from error
                self._readers[pack] = descriptor
        data = os.pread(descriptor, length, offset)
        if len(data) != length:
            raise LibraryCorrupt(
                f"{self._path(pack)} ends before byte {offset + length}",
                hint="run `echo-image check LIBRARY --repair`, then add the images again",
            )
        return data

    def _open_writer(self) -> tuple[int, int]:
        if self._writer is not None and os.fstat(self._writer[1]).st_size < PACK_BYTES:
            return self._writer
        if self._writer is not None:
            self.flush()
            os.close(self._writer[1])
            pack = self._writer[0] + 1
        else:
            self._folder.mkdir(exist_ok=True)
            numbers = [int(path.stem) for path in self._folder.glob("*.pack")]
            pack = max(numbers, default=1)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._writer = (pack, os.open(self._path(pack), flags, 0o644))
        return self._writer
