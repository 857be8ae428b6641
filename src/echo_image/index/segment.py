"""A segment: an immutable file that indexes a run of images, memory-mapped.

Layout: magic (8 bytes), header length (uint32), CRC-32 of the header (uint32), header (JSON: version,
fingerprint, number of images, and for each array its name, dtype, shape, offset and BLAKE2b digest), then
the arrays, each at a multiple of 64 bytes. Opening reads the header only; `verify_arrays` reads everything.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image.errors import LibraryCorrupt, SpecMismatch
from echo_image.index.words.postings import Postings
from echo_image.index.words.vocabulary import NUM_WORDS

MAGIC = b"EIMGSEG\x01"
_ALIGNMENT = 64
_MAX_HEADER_BYTES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The index of N images, row by row in the order of their keys.

    Attributes:
        keys: (N,) int64, ascending.
        codes: (N, 4) uint64, perceptual hash.
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


def _from_arrays(arrays: dict[str, NDArray[np.generic]]) -> Segment:
    postings = Postings(**{f.name: arrays.pop(f.name) for f in fields(Postings)})  # type: ignore[arg-type]
    return Segment(postings=postings, **arrays)  # type: ignore[arg-type]


def write(path: Path, segment: Segment, fingerprint: str) -> None:
    """Write a segment so that the file is either whole or not there: a temporary file, fsync, rename.

    Raises:
        OSError: the disk is full or not writable; nothing is left behind.
    """
    described, position = [], 0
    for name, array in segment.arrays().items():
        position += -position % _ALIGNMENT
        digest = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest()
        described.append(
            {
                "name": name,
                "dtype": array.dtype.str,
                "shape": list(array.shape),
                "offset": position,
                "digest": digest,
            }
        )
        position += array.nbytes
    header = json.dumps({"fingerprint": fingerprint, "images": len(segment), "arrays": described}).encode()
    start = _arrays_start(len(header))
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(MAGIC + len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little"))
            file.write(header)
            for entry, array in zip(described, segment.arrays().values(), strict=True):
                file.seek(start + int(str(entry["offset"])))
                file.write(np.ascontiguousarray(array).data)
            file.truncate(start + position)
            file.flush()
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


def _arrays_start(header_bytes: int) -> int:
    end = len(MAGIC) + 8 + header_bytes
    return end + -end % _ALIGNMENT


def open_segment(path: Path, fingerprint: str) -> Segment:
    """Map a segment into memory.

    Raises:
        FileNotFoundError: it is not there (a merge may have replaced it: read the catalogue again).
        LibraryCorrupt: not a segment, cut short, or its header damaged.
        SpecMismatch: made by other extractors or another vocabulary.
    """
    segment = _map(path, fingerprint)
    _check_lengths(path, segment)
    return segment


def _map(path: Path, fingerprint: str) -> Segment:
    header = _read_header(path)
    if header["fingerprint"] != fingerprint:
        raise SpecMismatch(
            f"{path} was made with {header['fingerprint']}, this program makes {fingerprint}",
            hint="add the images again into a new library, or use the version that made this one",
        )
    size = path.stat().st_size
    mapped = np.memmap(path, np.uint8, mode="r")
    arrays: dict[str, NDArray[np.generic]] = {}
    try:
        start = int(header["start"])
        for entry in header["arrays"]:
            dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
            begin = start + int(entry["offset"])
            end = begin + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            if not 0 <= begin <= end <= size:
                raise _corrupt(path, f"array {entry['name']} lies outside the file of {size} bytes")
            arrays[entry["name"]] = np.asarray(mapped[begin:end]).view(dtype).reshape(shape)
        return _from_arrays(arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(path, f"header not understood ({error})") from error


def _check_lengths(path: Path, segment: Segment) -> None:
    """Raise LibraryCorrupt unless the compiled loops, which check nothing, can stay inside the arrays."""
    offsets, size = segment.postings.offsets, len(segment)
    num_postings = len(segment.postings.images)
    if any(len(getattr(segment, name)) != size for name in ("codes", "layouts", "quality", "num_features")):
        raise _corrupt(path, "arrays of different numbers of images")
    if any(
        len(column) != num_postings for column in (segment.postings.signatures, segment.postings.geometry)
    ):
        raise _corrupt(path, "arrays of different numbers of postings")
    in_order = len(offsets) == NUM_WORDS + 1 and offsets[0] == 0 and bool((offsets[1:] >= offsets[:-1]).all())
    if not in_order or offsets[-1] != num_postings:
        raise _corrupt(path, "the postings of the words do not follow one another")


def _read_header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + 8)
        if len(head) < len(MAGIC) + 8 or head[: len(MAGIC)] != MAGIC:
            raise _corrupt(path, "does not begin like a segment")
        length = int.from_bytes(head[8:12], "little")
        if length > _MAX_HEADER_BYTES:
            raise _corrupt(path, f"header of {length} bytes")
        data = file.read(length)
    if zlib.crc32(data) != int.from_bytes(head[12:16], "little"):
        raise _corrupt(path, "header damaged (CRC-32 differs)")
    header: dict[str, Any] = json.loads(data)
    header["start"] = _arrays_start(length)
    return header


def verify_arrays(path: Path, fingerprint: str) -> list[str]:
    """Read a whole segment and return what is wrong with it; empty when nothing. Raises as `open_segment`."""
    header, segment = _read_header(path), _map(path, fingerprint)
    digests = {entry["name"]: entry["digest"] for entry in header["arrays"]}
    return [
        f"{path.name}: {name} damaged"
        for name, array in segment.arrays().items()
        if hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest() != digests[name]
    ]


def _corrupt(path: Path, what: str) -> LibraryCorrupt:
    return LibraryCorrupt(f"{path}: {what}", hint="run `echo-image check LIBRARY --repair` to rebuild it")
