"""Walk the segments of a JPEG up to its first scan.

Layout: FF D8, then segments `FF marker length(2, big-endian, counts itself) body`, up to FF DA (start of
scan), after which entropy-coded data follows. Pillow walks the same segments in Python and keeps them all,
which costs minutes and gigabytes for a file of empty comments; here the number is bounded, and Pillow gets
only the segments that libjpeg needs for the pixels.
"""

from __future__ import annotations

import re

from echo_image.errors import UnsupportedFormat
from echo_image.image.headers import Header
from echo_image.image.headers.exif import orientation_of
from echo_image.image.headers.parts import MAX_ICC_BYTES, broken, too_many_parts

__all__ = ["read"]

# Real files have 10 to 300 segments; extended XMP of the largest allowed file takes 4,000.
MAX_SEGMENTS = 20_000
# Real files have 1 to 20 scans. Every scan walks over the whole image even if it says nothing, so
# a small file with thousands of scans would take hours.
MAX_SCANS = 100
MAX_SCAN_PIXELS = 2**31  # all scans together; takes about 4 s
_ANY_SCANS = 20  # allowed at any size

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_MARKERS = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# Tables, frame headers, restart interval; JFIF and Adobe decide which colour space libjpeg takes.
_KEPT_MARKERS = _FRAME_MARKERS | {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xE0, 0xEE}
# FF 00 is no marker but a byte of data, here junk.
_STANDALONE_MARKERS = frozenset({0x00, 0x01, 0xD8, *range(0xD0, 0xD8)})
_FILL = re.compile(rb"\xff+")
# Inside a scan FF is followed by 00 (stuffed) or a restart marker; anything else begins the next segment.
_NEXT_SEGMENT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_EXIF = b"Exif\0\0"
_ICC = b"ICC_PROFILE\0"


def read(data: bytes, max_frames: int) -> Header:
    """Read a JPEG header; a file always counts as one frame, also with previews behind it (MPO)."""
    view = memoryview(data)
    kept: list[memoryview] = [view[:2]]
    frame: tuple[int, memoryview] | None = None
    orientation = 0
    icc_parts: list[bytes] = []
    at = 2
    for _ in range(MAX_SEGMENTS):
        marker, at = _next_marker(data, at)
        if marker == 0xDA:
            break
        if marker in _STANDALONE_MARKERS:
            continue
        if marker == 0xD9:
            raise broken("JPEG", "it ends before its image data begins")
        end = at + int.from_bytes(view[at : at + 2], "big")
        if end < at + 2 or end > len(data):
            raise broken("JPEG", "a part of its header is cut off")
        if marker in _KEPT_MARKERS:
            kept.append(view[at - 2 : end])
        if marker in _FRAME_MARKERS:
            frame = frame or (marker, view[at + 2 : end])
        elif marker == 0xE1 and not orientation and data.startswith(_EXIF, at + 2):
            orientation = orientation_of(data[at + 8 : end])
        elif marker == 0xE2 and data.startswith(_ICC, at + 2):
            icc_parts.append(data[at + 14 : end])
        at = end
    else:
        raise too_many_parts("JPEG", MAX_SEGMENTS, "header segments")
    if frame is None:
        raise broken("JPEG", "its header gives no size")
    width, height = _frame_size(frame[1])
    # A first scan of all channels of a sequential image is its only one; the decoder looks no further.
    if frame[0] in _PROGRESSIVE_MARKERS or data[at + 2 : at + 3] != frame[1][5:6]:
        _check_scans(data, at, min(MAX_SCANS, max(_ANY_SCANS, MAX_SCAN_PIXELS // max(width * height, 1))))
    kept.append(view[at - 2 :])
    return Header(
        b"".join(kept),
        width,
        height,
        orientation=orientation or 1,
        icc=_join_icc(icc_parts) if icc_parts else None,
    )


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Return the next marker at or after `at` and the position behind it; other bytes between are junk."""
    at = data.find(b"\xff", at)
    fill = _FILL.match(data, at) if at >= 0 else None
    if fill is None or fill.end() >= len(data):
        raise broken("JPEG", "it ends before its image data begins")
    return data[fill.end()], fill.end() + 1


def _frame_size(body: memoryview) -> tuple[int, int]:
    if len(body) < 6:
        raise broken("JPEG", "its frame header is cut off")
    if body[0] != 8:
        raise UnsupportedFormat(
            f"This JPEG has {body[0]} bits a channel; only 8 bits are supported.",
            hint="Save it with 8 bits a channel, or as a 16-bit PNG.",
        )
    return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")


def _check_scans(data: bytes, at: int, limit: int) -> None:
    """Count the scans of an image that has several, from behind the marker that starts the first."""
    scans = 1
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_SEGMENT.search(data, at + int.from_bytes(data[at : at + 2], "big"))
        if found is None or found[0] == b"\xff\xd9":
            return
        at = found.end()
        if found[0] == b"\xff\xda":
            scans += 1
            if scans > limit:
                raise too_many_parts("JPEG", limit, "scans")
    raise too_many_parts("JPEG", MAX_SEGMENTS, "segments")


def _join_icc(parts: list[bytes]) -> bytes | None:
    """Join the pieces of a colour profile, which begin with number and total; None if it is too large."""
    profile = b"".join(part[2:] for part in sorted(parts, key=lambda part: part[:1]))
    return profile if 0 < len(profile) <= MAX_ICC_BYTES else None
