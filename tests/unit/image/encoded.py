"""Encoded images for the tests, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray


def scene(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Return (height, width, 3) uint8: smooth, coloured, and with no symmetry at all."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red, green = 255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1)
    blue = 127 + 120 * np.sin(x / 9) * np.cos(y / 7)
    return np.stack((red, green, blue), axis=-1).astype(np.uint8)


def encode(image: PIL.Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    """Return an image as a file of Pillow's format `kind`."""
    if not isinstance(image, PIL.Image.Image):
        image = PIL.Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int, order: str = "<") -> bytes:
    """Return EXIF data with nothing but an orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(order + "IH", 8, 1) + entry + b"\0\0\0\0"


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, bits: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """Return a PNG from unfiltered rows (without their filter bytes, all of equal length)."""
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[at : at + stride] for at in range(0, len(rows), stride))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(filtered))
    return b"\x89PNG\r\n\x1a\n" + header + extra + body + chunk(b"IEND", b"")


def insert_png_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Return a PNG with one more chunk behind its header."""
    return data[:33] + chunk(kind, body) + data[33:]


def insert_jpeg_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """Return a JPEG with one more segment at its start."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def bmp(
    width: int,
    height: int,
    *,
    bits: int,
    body: bytes,
    compression: int = 0,
    colours: int = 0,
    extra: bytes = b"",
) -> bytes:
    """Return a BMP with a 40-byte header; `extra` (masks, colour table) stands before the pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)
    pixels_at = 14 + len(header) + len(extra)
    return b"BM" + struct.pack("<IHHI", pixels_at + len(body), 0, 0, pixels_at) + header + extra + body


def mean_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference of two arrays of equal shape, in levels."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())
