"""Walk the chunks of a WebP.

Layout: `RIFF size(4, little-endian) WEBP`, then chunks `type(4) size(4) body`, padded to even. VP8X gives the
canvas; ANMF is one frame. libwebp makes the whole canvas when it opens a file, so the size must be known
before.
"""

from __future__ import annotations

from echo_image.image.headers import Header
from echo_image.image.headers.exif import orientation_of
from echo_image.image.headers.parts import MAX_ICC_BYTES, broken, too_many_parts

__all__ = ["read"]

MAX_CHUNKS = 100_000  # besides frames, which have a limit of their own
_FIRST_CHUNK = 12
_MAX_EXIF_BYTES = 2**20


def read(data: bytes, max_frames: int) -> Header:
    """Read a WebP header; all of `data` goes to the decoder, which keeps metadata as it is."""
    size = _size(data)
    if size is None:
        raise broken("WebP", "its header is missing or cut off")
    frames, orientation, icc = 0, 0, None
    at = _FIRST_CHUNK
    for _ in range(MAX_CHUNKS + max_frames):
        kind = data[at : at + 4]
        if len(kind) < 4 or frames > max_frames:
            break
        start, length = at + 8, int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"ANMF":
            frames += 1
        elif kind == b"EXIF" and not orientation:
            orientation = orientation_of(data[start : start + min(length, _MAX_EXIF_BYTES)])
        elif kind == b"ICCP" and 0 < length <= MAX_ICC_BYTES:
            icc = data[start : start + length]
        at = start + length + (length & 1)
    else:
        raise too_many_parts("WebP", MAX_CHUNKS, "chunks")
    return Header(
        data,
        *size,
        frames=max(frames, 1),
        frames_more=frames > max_frames,
        orientation=orientation or 1,
        icc=icc,
    )


def _size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the first chunk, None if it is none that may come first."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X" and len(body) == 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 " and len(body) == 10 and body[3:6] == b"\x9d\x01\x2a":
        # 14 bits of size, 2 bits of scaling that nobody applies
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
