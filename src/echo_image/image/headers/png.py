"""Walk the chunks of a PNG.

Layout: 8 fixed bytes, then chunks `length(4, big-endian) type(4) body crc(4)`. Text and profile chunks may
be compressed and expand without end, so only the chunks that make pixels are passed on; the profile is
unpacked here, to a bound.
"""

from __future__ import annotations

import struct
import zlib

from echo_image.image.headers import Header
from echo_image.image.headers.exif import orientation_of
from echo_image.image.headers.parts import MAX_ICC_BYTES, broken, too_many_parts

__all__ = ["read"]

# Pixel data in pieces of 8 KiB takes 32,000 chunks for the largest allowed file.
MAX_CHUNKS = 300_000
_MAX_EXIF_BYTES = 2**20
_START_BYTES = 8
# Grey, RGB, palette, grey with transparency, RGB with transparency
_BITS_OF_COLOUR = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")


class _Found:
    """What the chunks said so far; filled by `_note`."""

    __slots__ = ("frames", "icc", "is_srgb", "orientation", "seen")

    def __init__(self) -> None:
        self.frames = 1
        self.icc: bytes | None = None
        self.is_srgb = False
        self.orientation = 1
        self.seen: set[bytes] = set()  # kinds that count once; each may cost megabytes of unpacking


def read(data: bytes, max_frames: int) -> Header:
    """Read a PNG header; the image is the default image (IDAT), also for an animated PNG.

    An animated PNG names its number of frames (acTL), so nothing is counted.
    """
    view = memoryview(data)
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise broken("PNG", "its header is missing or cut off")
    width, height = struct.unpack_from(">II", data, 16)
    _check_kind(data[24], data[25])
    found = _Found()
    kept: list[memoryview] = [view[:_START_BYTES]]
    start, at = _START_BYTES, _START_BYTES  # the run of kept chunks, and the chunk at hand
    has_pixels = False
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            break
        length, kind = int.from_bytes(view[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if kind not in _KEPT:
            if end > len(data):
                break  # cut off in a chunk that is not needed; the decoder tells whether the pixels are whole
            kept.append(view[start:at])
            start = end
            _note(found, kind, view[at + 8 : end - 4])
        at = end
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            break
    else:
        raise too_many_parts("PNG", MAX_CHUNKS, "chunks")
    if not has_pixels:
        raise broken("PNG", "it has no image data")
    kept.append(view[start:at])
    stripped = data if start == _START_BYTES and at >= len(data) else b"".join(kept)
    icc = None if found.is_srgb else found.icc
    return Header(stripped, width, height, frames=found.frames, orientation=found.orientation, icc=icc)


def _check_kind(bits: int, colour: int) -> None:
    if bits not in _BITS_OF_COLOUR.get(colour, ()):
        raise broken(
            "PNG", f"its header asks for colour type {colour} with {bits} bits, which does not exist"
        )


def _note(found: _Found, kind: bytes, body: memoryview) -> None:
    if kind == b"acTL" and len(body) >= 4:
        frames = int.from_bytes(body[:4], "big")
        found.frames = frames if 1 <= frames < 2**31 else 1  # else no number that PNG allows: not animated
    elif kind == b"sRGB":
        found.is_srgb = True
    elif kind == b"iCCP" and kind not in found.seen:
        found.seen.add(kind)
        found.icc = _profile(body)
    elif kind == b"eXIf" and kind not in found.seen:
        found.seen.add(kind)
        found.orientation = orientation_of(bytes(body[:_MAX_EXIF_BYTES]))
    elif kind == b"zTXt" and not found.seen & {kind, b"eXIf"} and bytes(body[:22]) in _RAW_EXIF:
        found.seen.add(kind)
        found.orientation = _raw_exif_orientation(body[22:])


def _inflate(packed: memoryview, max_bytes: int) -> bytes | None:
    """Unpack to at most `max_bytes`; None if it is broken or larger."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, max_bytes)
        return unpacked if unpacker.eof else None
    except zlib.error:
        return None


def _profile(body: memoryview) -> bytes | None:
    """Return the profile of an iCCP chunk: name, zero byte, method 0, deflated profile."""
    name_end = bytes(body[:80]).find(b"\0")
    if name_end < 0 or bytes(body[name_end + 1 : name_end + 2]) != b"\0":
        return None
    return _inflate(body[name_end + 2 :], MAX_ICC_BYTES) or None


def _raw_exif_orientation(packed: memoryview) -> int:
    """Read EXIF as ImageMagick stored it before PNG had a chunk for it: hex digits in compressed text.

    `packed` is the text behind its name: the method, 0, and deflated data.
    """
    text = _inflate(packed[1:], 2 * _MAX_EXIF_BYTES)
    if not text:
        return 1
    # "\nexif\n    1234\n" and then the hex digits in lines
    digits = b"".join(text.split(b"\n")[3:])
    try:
        return orientation_of(bytes.fromhex(digits.decode("ascii")))
    except ValueError:  # includes UnicodeDecodeError
        return 1
