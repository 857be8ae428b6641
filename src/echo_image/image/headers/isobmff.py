"""Prepare AVIF and HEIF, which share the container of MP4: boxes `size(4, big-endian) type(4) body`.

Their size, frames and orientation are told by their decoders, which open a file without decoding it.
"""

from __future__ import annotations

from echo_image.image.headers import Header

__all__ = ["read_avif", "read_heif"]

_MAX_BOXES = 1000  # at the top of a file; real ones have 3 to 20


def read_avif(data: bytes, max_frames: int) -> Header:
    """Return AVIF data without its EXIF item.

    In AVIF the orientation is a property of the image (irot, imir) and EXIF does not count, but Pillow parses
    it when it opens the file. Renaming the item's type in the index hides it from the decoder.
    """
    at = 0
    for _ in range(_MAX_BOXES):
        size, kind, body = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:  # a 64-bit size follows
            size, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        end = len(data) if size == 0 else at + size
        if end <= at + 7 or end > len(data):
            break
        if kind in (b"meta", b"moov") and data.find(b"Exif", body, end) >= 0:
            data = b"".join((data[:body], data[body:end].replace(b"Exif", b"skip"), data[end:]))
        at = end
    return Header(data, frames=0)


def read_heif(data: bytes, max_frames: int) -> Header:
    """Return HEIF data as it is: libheif applies the orientation and has bounds of its own for metadata."""
    return Header(data, frames=0)
