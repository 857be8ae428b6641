"""Find the orientation in EXIF data (a small TIFF structure), and nothing else.

Broken EXIF is frequent and never a reason to refuse an image: whatever is wrong, the orientation is then 1.
"""

from __future__ import annotations

import struct

__all__ = ["orientation_of"]

_ORIENTATION_TAG = 0x0112
_SIZES = {1: 1, 3: 2, 4: 4}  # BYTE, SHORT, LONG: the specification says SHORT, some writers use the others
_FORMATS = {1: "B", 3: "H", 4: "I"}


def orientation_of(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if it is absent or anything is wrong with it.

    Args:
        exif: EXIF data from its byte-order mark on, with or without the prefix `Exif` and two zero bytes.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, offset)
        for at in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", exif, at)
            if tag == _ORIENTATION_TAG and kind in _SIZES:
                (value,) = struct.unpack_from(order + _FORMATS[kind], exif, at + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:  # an offset or a count leads out of the data
        return 1
    return 1
