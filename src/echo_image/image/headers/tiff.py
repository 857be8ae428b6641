"""Walk the directories of a TIFF.

Layout: byte order (II or MM), 42 (or 43 for BigTIFF, with 64-bit offsets), offset of the first directory. A
directory is a count, entries `tag(2) type(2) count value-or-offset`, and the offset of the next one. Entries
may all point at the same bytes and directories may form a ring, so the sizes are added up and the chain is
bounded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from echo_image.image.headers import Header
from echo_image.image.headers.parts import broken, too_many_parts

__all__ = ["read"]

MAX_ENTRIES = 65_535  # what the classic format can count
# One strip for every row of four planes, or 16 x 16 tiles of the largest allowed image.
MAX_STRIPS = 600_000
# Six planes, each with tiles that stick out on two sides, come to 24.
MAX_COVERINGS = 32

_WIDTH, _HEIGHT, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 278, 322, 323
_BITS, _COMPRESSION, _SAMPLES, _SAMPLE_FORMAT = 258, 259, 277, 339
_NUMBERS = {3: "H", 4: "I", 16: "Q"}
_READ_TAGS = frozenset(
    {
        _WIDTH,
        _HEIGHT,
        _ROWS_PER_STRIP,
        _TILE_WIDTH,
        _TILE_HEIGHT,
        _BITS,
        _COMPRESSION,
        _SAMPLES,
        _SAMPLE_FORMAT,
    }
)
# Compressions that libtiff reads only if it was built with yet another library.
_RARE_COMPRESSIONS = {
    34712: "JPEG 2000 compression",
    34887: "LERC compression",
    34892: "lossy JPEG compression",
    34925: "LZMA compression",
    50000: "Zstandard compression",
    50001: "WebP compression",
    50002: "JPEG XL compression",
    52546: "JPEG XL compression",
}
_STRIP_TAGS = frozenset({273, 279, 324, 325})
# Pointers to other directories and blocks of metadata: sub-images, EXIF, GPS, interoperability, XMP, IPTC,
# Photoshop. A decoder follows or copies them and no pixel depends on them.
_METADATA_TAGS = frozenset({330, 700, 33723, 34377, 34665, 34853, 37724, 40965})
_TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """Byte order and field sizes of classic TIFF or BigTIFF."""

    order: str
    big: bool

    @property
    def count(self) -> str:
        """Format of the number of entries."""
        return self.order + ("Q" if self.big else "H")

    @property
    def offset(self) -> str:
        """Format of an offset."""
        return self.order + ("Q" if self.big else "I")

    @property
    def entry(self) -> str:
        """Format of tag, type and count of an entry."""
        return self.order + ("HHQ" if self.big else "HHI")

    @property
    def entry_bytes(self) -> int:
        """Size of an entry."""
        return 20 if self.big else 12

    @property
    def value_at(self) -> int:
        """Where in an entry its value or the offset of it stands."""
        return 12 if self.big else 8


@dataclass(slots=True)
class _Directory:
    """What is of interest in the first directory."""

    values: dict[int, int] = field(default_factory=dict)  # the largest one, should a tag be repeated
    hidden: list[int] = field(default_factory=list)  # positions of entries that decoders shall not see
    pieces: int = 0  # strips or tiles


def read(data: bytes, max_frames: int) -> Header:
    """Read the first directory of a TIFF and count the others; the decoder itself applies the orientation."""
    big = data[2:4] in (b"+\0", b"\0+")
    shape = _Shape("<" if data[:2] == b"II" else ">", big)
    try:
        (first,) = struct.unpack_from(shape.offset, data, 8 if big else 4)
        directory = _read_directory(data, first, shape)
        frames = _count_directories(data, first, shape, max_frames)
    except (struct.error, OverflowError) as error:
        raise broken("TIFF", "its directory is missing or cut off") from error
    values = directory.values
    if not values.get(_WIDTH) or not values.get(_HEIGHT):
        raise broken("TIFF", "its header gives no size")
    _check_work(values, directory.pieces)
    if directory.hidden:
        patched = bytearray(data)
        for at in directory.hidden:
            patched[at + 2 : at + 4] = b"\0\0"  # type 0 does not exist; decoders pass over the entry
        data = bytes(patched)
    return Header(
        data,
        max(values[_WIDTH], _padded(values.get(_TILE_WIDTH, 0))),
        max(values[_HEIGHT], _padded(values.get(_TILE_HEIGHT, 0))),
        frames=frames,
        frames_more=frames > max_frames,
        variant=_variant(values),
    )


def _read_directory(data: bytes, at: int, shape: _Shape) -> _Directory:
    """Read the directory at `at`; the values of its tags together may not be larger than the file."""
    (count,) = struct.unpack_from(shape.count, data, at)
    if count > MAX_ENTRIES:
        raise too_many_parts("TIFF", MAX_ENTRIES, "tags")
    at += struct.calcsize(shape.count)
    directory = _Directory()
    total = 0
    for entry in range(at, at + count * shape.entry_bytes, shape.entry_bytes):
        tag, kind, items = struct.unpack_from(shape.entry, data, entry)
        if tag in _METADATA_TAGS:
            directory.hidden.append(entry)
            continue
        size = items * _TYPE_BYTES.get(kind, 0)
        inline = size <= (8 if shape.big else 4)
        total += 0 if inline else size
        if tag in _STRIP_TAGS and items > MAX_STRIPS:
            raise too_many_parts("TIFF", MAX_STRIPS, "strips or tiles")
        if tag in _STRIP_TAGS:
            directory.pieces = max(directory.pieces, items)
        if tag in _READ_TAGS and kind in _NUMBERS:
            value_at = entry + shape.value_at
            if not inline:
                (value_at,) = struct.unpack_from(shape.offset, data, value_at)
            (value,) = struct.unpack_from(shape.order + _NUMBERS[kind], data, value_at)
            directory.values[tag] = max(value, directory.values.get(tag, 0))
    if total > len(data):
        raise broken("TIFF", f"its tags claim {total:,} bytes, the file has {len(data):,}")
    return directory


def _check_work(values: dict[int, int], pieces: int) -> None:
    """Refuse an image whose strips or tiles cover it again and again: each of them is decoded."""
    width, height = values[_WIDTH], values[_HEIGHT]
    piece_width = min(values.get(_TILE_WIDTH) or width, width)
    piece_height = min(values.get(_TILE_HEIGHT) or values.get(_ROWS_PER_STRIP) or height, height)
    if pieces > 1 and pieces * piece_width * piece_height > MAX_COVERINGS * width * height:
        raise broken("TIFF", f"its {pieces:,} strips or tiles cover it more than {MAX_COVERINGS} times")


def _variant(values: dict[int, int]) -> str:
    """Name what Pillow or its libtiff may not be able to read."""
    if values.get(_COMPRESSION) in _RARE_COMPRESSIONS:
        return _RARE_COMPRESSIONS[values[_COMPRESSION]]
    bits, samples = values.get(_BITS, 1), values.get(_SAMPLES, 1)
    kinds = {2: "signed ", 3: "floating-point ", 5: "complex ", 6: "complex "}
    kind = kinds.get(values.get(_SAMPLE_FORMAT, 1), "")
    if kind or bits not in (1, 2, 4, 8, 16):
        return f"{samples} channels of {bits}-bit {kind}numbers"
    return ""


def _padded(tile_side: int) -> int:
    """Return what a tile adds to the claims: decoders make room for whole tiles, so giant ones must count."""
    return tile_side if tile_side > 4096 else 0


def _count_directories(data: bytes, at: int, shape: _Shape, max_frames: int) -> int:
    """Count the chain of directories up to `max_frames + 1`; a ring or a broken link ends it."""
    seen: set[int] = set()
    while at and at not in seen and len(seen) <= max_frames:
        try:
            (count,) = struct.unpack_from(shape.count, data, at)
            seen.add(at)
            after = at + struct.calcsize(shape.count) + count * shape.entry_bytes
            (at,) = struct.unpack_from(shape.offset, data, after)
        except (struct.error, OverflowError):
            break
    return max(len(seen), 1)
