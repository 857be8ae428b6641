"""Read the header of a BMP: file header (14 bytes), then the image header, whose size tells its version."""

from __future__ import annotations

import struct

from echo_image.errors import LimitExceeded
from echo_image.image.headers import Header
from echo_image.image.headers.parts import broken

__all__ = ["read"]

# Run-length coding is unpacked in Python, up to 0.5 us a byte; such files are icons and old drawings.
MAX_RLE_BYTES = 8 * 2**20
_RLE = frozenset({1, 2})  # BI_RLE8, BI_RLE4


def read(data: bytes, max_frames: int) -> Header:
    """Read a BMP header; a negative height means that rows run from top to bottom."""
    if len(data) < 26:
        raise broken("BMP", "its header is cut off")
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == 12:  # OS/2 1.x has short fields
        width, height = struct.unpack_from("<HH", data, 18)
        compression = 0
    else:
        if len(data) < 34:
            raise broken("BMP", "its header is cut off")
        width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression in _RLE and len(data) > MAX_RLE_BYTES:
        raise LimitExceeded(
            f"This run-length coded BMP has {len(data):,} bytes; the limit is {MAX_RLE_BYTES:,} bytes.",
            hint="Save it as PNG.",
        )
    return Header(data, width, abs(height))
