"""A segment: an immutable file that indexes a run of images, memory-mapped.

Layout: magic (8 bytes), header length (uint32), CRC-32 of the header (uint32), header (JSON: fingerprint,
numbers of images and of postings, BLAKE2b digest of each array), then the arrays, each at a multiple of 64
bytes. The two numbers alone say where each array lies and how long the file is, so a header cannot name
places outside it. Opening reads the header and the offsets only; `verify_arrays` reads everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.features import layout
from echo_image.index.pages import release
from echo_image.index.words import postings
from echo_image.index.words.postings import Postings

MAGIC = b"EIMGSEG\x01"
_ALIGNMENT = 64
_MAX_HEADER_BYTES = 2**16
_ZEROS = 2**20
#: Bytes of an array that are looked at before their memory is given back.
_PIECE_BYTES = 2**23
_MAX_IMAGES = 2**32 - 1


_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The index of N images, row by row in the order of their keys.

    Attributes:
        keys: (N,) int64, ascending.
        codes: (4, N) uint64, perceptual hash; with the 64-bit parts apart the scan compares several at
            a time.
        layouts: (N, 48) uint8, colour layout.
        quality: (N,) uint8, 0..100.
        num_features: (N,) uint16.
        postings: visual words.
    """

    keys: NDArray[np.int64]
    codes: NDArray[np.uint64]
    layouts: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    num_features: NDArray[np.uint16]
    postings: Postings

    def __len__(self) -> int:
        return len(self.keys)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return every array by its name in the file."""
        own = {name: getattr(self, name) for name in ("keys", "codes", "layouts", "quality", "num_features")}
        return own | {f.name: getattr(self.postings, f.name) for f in fields(self.postings)}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an array lies: bytes behind the header, dtype, shape."""

    offset: int
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)


def _places(num_images: int, num_postings: int) -> dict[str, _Place]:
    shapes: dict[str, tuple[np.dtype[np.generic], tuple[int, ...]]] = {
        "keys": (np.dtype("<i8"), (num_images,)),
        "codes": (np.dtype("<u8"), (4, num_images)),
        "layouts": (np.dtype("u1"), (num_images, layout.NUM_BYTES)),
        "quality": (np.dtype("u1"), (num_images,)),
        "num_features": (np.dtype("<u2"), (num_images,)),
        **postings.shapes(num_images, num_postings),
    }
    places, position = {}, 0
    for name, (dtype, shape) in shapes.items():
        places[name] = _Place(position, dtype, shape)
        position += places[name].num_bytes
        position += -position % _ALIGNMENT
    return places


def _end(places: Mapping[str, _Place]) -> int:
    return max(place.offset + place.num_bytes for place in places.values())


def _from_arrays(arrays: dict[str, NDArray[np.generic]]) -> Segment:
    words = Postings(**{f.name: arrays.pop(f.name) for f in fields(Postings)})  # type: ignore[arg-type]
    return Segment(postings=words, **arrays)  # type: ignore[arg-type]


def write(path: Path, segment: Segment, fingerprint: str) -> None:
    """Write a segment that is in memory; as `create`."""
    with create(path, len(segment), len(segment.postings), fingerprint) as file:
        target = file.arrays()
        for name, array in segment.arrays().items():
            target[name][...] = array
            release(target[name])


@contextlib.contextmanager
def create(path: Path, num_images: int, num_postings: int, fingerprint: str) -> Iterator[Segment]:
    """Give arrays to be filled in, mapped to a file that is either whole or not there at the end.

    A temporary file, its space reserved first (a mapped page without room for it would kill the process),
    then digests, fsync, rename.

    Raises:
        OSError: the disk is full or not writable; nothing is left behind.
        ValueError: so many postings do not fit into one segment.
    """
    places = _places(num_images, num_postings)
    start = _arrays_start(len(_header(fingerprint, num_images, num_postings, {})))
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("w+b") as file:
            _reserve(file, start + _end(places))
            mapped = np.memmap(file, np.uint8, mode="r+")
            arrays = _views(mapped, start, places)
            yield _from_arrays(dict(arrays))
            digests = {name: _digest(array) for name, array in arrays.items()}
            header = _header(fingerprint, num_images, num_postings, digests)
            file.seek(0)
            file.write(MAGIC + len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little"))
            file.write(header)
            file.flush()
            mapped.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # else a power cut could take the new name and leave the catalogue that names it
        finally:
            os.close(folder)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _reserve(file: BinaryIO, num_bytes: int) -> None:
    """Make an empty file so long, with room for all of it on the disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, num_bytes)
        return
    # macOS has no such call: zeros that were written have their place too.
    for start in range(0, num_bytes, _ZEROS):
        file.write(bytes(min(_ZEROS, num_bytes - start)))
    file.flush()


def _header(fingerprint: str, num_images: int, num_postings: int, digests: Mapping[str, str]) -> bytes:
    """Return the header; as long without digests as with them."""
    names = _places(0, 0)
    described = {name: digests.get(name, "0" * 32) for name in names}
    return json.dumps(
        {"fingerprint": fingerprint, "images": num_images, "postings": num_postings, "digests": described}
    ).encode()


def _digest(array: NDArray[np.generic]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in _pieces(array.reshape(-1).view(np.uint8)):
        digest.update(piece.data)
    return digest.hexdigest()


def _pieces(array: NDArray[_Number]) -> Iterator[NDArray[_Number]]:
    """Yield an array (N,) piece by piece, and give back the memory of those that were looked at."""
    length = _PIECE_BYTES // array.itemsize
    for start in range(0, len(array), length):
        piece = array[start : start + length]
        yield piece
        release(piece)


def _views(
    mapped: NDArray[np.uint8], start: int, places: Mapping[str, _Place]
) -> dict[str, NDArray[np.generic]]:
    plain = np.asarray(mapped)
    return {
        name: plain[start + place.offset : start + place.offset + place.num_bytes]
        .view(place.dtype)
        .reshape(place.shape)
        for name, place in places.items()
    }


def _arrays_start(header_bytes: int) -> int:
    end = len(MAGIC) + 8 + header_bytes
    return end + -end % _ALIGNMENT


def open_segment(path: Path, fingerprint: str) -> Segment:
    """Map a segment into memory.

    Raises:
        FileNotFoundError: it is not there (a merge may have replaced it: read the catalogue again).
        LibraryCorrupt: not a segment, cut short, or its header or its offsets damaged.
        SpecMismatch: made by other extractors or another vocabulary.
    """
    segment = _map(path, _read_header(path), fingerprint)
    offsets = segment.postings.offsets
    # The compiled loops check nothing: with offsets in order they stay inside the arrays.
    if offsets[0] != 0 or offsets[-1] != len(segment.postings) or not (offsets[1:] >= offsets[:-1]).all():
        raise _corrupt(path, "the postings of the words do not follow one another")
    return segment


@dataclass(frozen=True, slots=True)
class _Header:
    fingerprint: str
    images: int
    postings: int
    digests: Mapping[str, str]
    num_bytes: int


def _map(path: Path, header: _Header, fingerprint: str) -> Segment:
    if header.fingerprint != fingerprint:
        raise SpecMismatch(
            f"{path} was made with {header.fingerprint}, this program makes {fingerprint}",
            hint="add the images again into a new library, or use the version that made this one",
        )
    places = _places(header.images, header.postings)
    start = _arrays_start(header.num_bytes)
    size = path.stat().st_size
    if size != start + _end(places):
        raise _corrupt(
            path,
            f"{size} bytes, not {start + _end(places)} as {header.images} images and {header.postings} "
            "postings take",
        )
    return _from_arrays(_views(np.memmap(path, np.uint8, mode="r"), start, places))


def _read_header(path: Path) -> _Header:
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + 8)
        if len(head) < len(MAGIC) + 8 or head[: len(MAGIC)] != MAGIC:
            raise _corrupt(path, "does not begin like a segment")
        length = int.from_bytes(head[8:12], "little")
        if length > _MAX_HEADER_BYTES:
            raise _corrupt(path, f"header of {length} bytes")
        data = file.read(length)
    if len(data) < length or zlib.crc32(data) != int.from_bytes(head[12:16], "little"):
        raise _corrupt(path, "header damaged (CRC-32 differs)")
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _corrupt(path, "header is not JSON") from error
    names = set(_places(0, 0))
    match header:
        case {
            "fingerprint": str(name),
            "images": int(images),
            "postings": int(count),
            "digests": dict(digests),
        }:
            numbers = not isinstance(images, bool) and not isinstance(count, bool)
            if (
                numbers
                and 0 <= images <= _MAX_IMAGES
                and 0 <= count <= postings.MAX_POSTINGS
                and set(digests) == names
            ):
                return _Header(name, images, count, digests, length)
    raise _corrupt(path, "header not understood")


def verify_arrays(path: Path, fingerprint: str) -> list[str]:
    """Read a whole segment and return what is wrong with it; empty when nothing. Raises as `open_segment`.

    Memory does not grow with its size.
    """
    header = _read_header(path)
    segment = _map(path, header, fingerprint)
    problems = [
        f"{path.name}: {name} damaged"
        for name, array in segment.arrays().items()
        if _digest(array) != header.digests[name]
    ]
    last = max((int(piece.max()) for piece in _pieces(segment.postings.images)), default=0)
    if not problems and last >= max(len(segment), 1):
        # A merge looks up the new row of each image, and the compiled loop checks nothing.
        problems.append(f"{path.name}: postings of images that it has not")
    return problems


def _corrupt(path: Path, what: str) -> LibraryCorrupt:
    return LibraryCorrupt(f"{path}: {what}", hint="run `echo-image check LIBRARY --repair` to rebuild it")
