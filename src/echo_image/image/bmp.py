"""Rewrite the unusual kinds of BMP as a plain one, which any decoder reads.

Pillow knows a fixed list of channel masks, no 2-bit colour tables and no short OS/2 header, refuses colour
tables that claim too many entries and run-length data that leaves pixels out; all of these exist and are
legal or harmless.

Layout: file header (14 bytes, pixel offset at 10), image header (its size first), channel masks, colour
table, rows from bottom to top (from top to bottom if the height is negative), each padded to 4 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.image.headers.parts import broken

__all__ = ["plain_bmp"]

_RAW, _RLE8, _RLE4, _BITFIELDS, _ALPHA_BITFIELDS = 0, 1, 2, 3, 6
_FILE_HEADER_BYTES = 14
_OS2_HEADERS = frozenset({12, 16, 64})  # compression 3 and 4 mean something else in these


@dataclass(frozen=True, slots=True)
class _Header:
    size: int  # of the image header
    width: int
    height: int  # negative: rows from top to bottom
    bits: int
    compression: int
    colours_used: int
    pixels_at: int


def plain_bmp(data: bytes) -> bytes:
    """Return an equal BMP without run-length coding, channel masks or other rarities; `data` if it is plain.

    The size must have been checked before: width times height bytes or words are allocated.

    Raises:
        CorruptImage: Pixel data or colour table are cut off.
        struct.error: The header is cut off.
    """
    header = _read(data)
    if header.compression in (_BITFIELDS, _ALPHA_BITFIELDS) and header.size not in _OS2_HEADERS:
        if header.bits in (16, 32):
            return _with_channels(data, header)
    elif (header.compression, header.bits) in ((_RLE8, 8), (_RLE4, 4)):
        indices = _expand_runs(data, header)
        return _write(header, 8, _palette(data, header), np.frombuffer(indices, np.uint8))
    elif header.compression == _RAW and (header.bits == 2 or header.size == 16 or _has_odd_palette(header)):
        if header.bits <= 8:
            return _write(header, 8, _palette(data, header), _unpack_indices(data, header))
        return _write(header, header.bits, b"", np.frombuffer(_rows(data, header), np.uint8))
    return data


def _read(data: bytes) -> _Header:
    (pixels_at,) = struct.unpack_from("<I", data, 10)
    (size,) = struct.unpack_from("<I", data, _FILE_HEADER_BYTES)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return _Header(size, width, height, bits, _RAW, 0, pixels_at)
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    if size == 16:
        return _Header(size, width, height, bits, _RAW, 0, pixels_at)
    (compression,) = struct.unpack_from("<I", data, 30)
    (colours_used,) = struct.unpack_from("<I", data, 46)
    return _Header(size, width, height, bits, compression, colours_used, pixels_at)


def _has_odd_palette(header: _Header) -> bool:
    return header.bits in (1, 4, 8) and header.colours_used > 1 << header.bits


def _row_bytes(header: _Header) -> int:
    return (header.width * header.bits + 31) // 32 * 4


def _rows(data: bytes, header: _Header) -> bytes:
    """Return all rows with their padding, as stored."""
    needed = _row_bytes(header) * abs(header.height)
    stored = data[header.pixels_at : header.pixels_at + needed]
    # The padding of the last row is often left out.
    if len(stored) < needed - 3:
        raise broken("BMP", f"its pixels take {needed:,} bytes, {len(stored):,} are there")
    return stored.ljust(needed, b"\0")


def _palette(data: bytes, header: _Header) -> bytes:
    """Return the colour table as 256 entries of blue, green, red, zero."""
    entry_bytes = 3 if header.size == 12 else 4
    at = _FILE_HEADER_BYTES + header.size
    count = min(header.colours_used or 1 << header.bits, 1 << header.bits)
    stored = data[at : min(at + count * entry_bytes, max(header.pixels_at, at))]
    entries = [stored[i : i + 3] + b"\0" for i in range(0, len(stored) - 2, entry_bytes)]
    return b"".join(entries).ljust(1024, b"\0")


def _unpack_indices(data: bytes, header: _Header) -> NDArray[np.uint8]:
    """Return one byte a pixel, (H * W,), from 1, 2, 4 or 8 bits, in the order of the file."""
    packed = np.frombuffer(_rows(data, header), np.uint8).reshape(abs(header.height), -1)
    shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
    spread = packed[:, :, None] >> shifts & np.uint8((1 << header.bits) - 1)
    return np.ascontiguousarray(spread.reshape(packed.shape[0], -1)[:, : header.width]).reshape(-1)


def _expand_runs(data: bytes, header: _Header) -> bytearray:
    """Return one byte a pixel from run-length coding; what it leaves out stays colour 0."""
    width, height, nibbles = header.width, abs(header.height), header.compression == _RLE4
    pixels = bytearray(width * height)
    at, x, y = header.pixels_at, 0, 0
    while at + 1 < len(data) and y < height:
        count, value = data[at], data[at + 1]
        at += 2
        if count:  # a run of one colour, or of two in turn
            run = (bytes((value >> 4, value & 15)) * 128 if nibbles else bytes((value,)) * 256)[:count]
        elif value == 0:  # end of line
            x, y = 0, y + 1
            continue
        elif value == 1:  # end of image
            return pixels
        elif value == 2:  # move right and on
            moves = data[at : at + 2]
            if len(moves) < 2:
                break
            at, x, y = at + 2, x + moves[0], y + moves[1]
            continue
        else:  # so many pixels as they are, padded to 16 bits
            length = (value + 1) // 2 if nibbles else value
            run = _split_nibbles(data[at : at + length])[:value] if nibbles else data[at : at + length]
            at += length + (length & 1)
        start, room = y * width + x, max(width - x, 0)
        pixels[start : start + min(len(run), room)] = run[:room]
        x += len(run)
    if y * width + x < height * width:
        raise broken("BMP", f"its run-length coding ends after {y:,} of {height:,} rows")
    return pixels


def _split_nibbles(packed: bytes) -> bytes:
    return bytes(part for byte in packed for part in (byte >> 4, byte & 15))


def _with_channels(data: bytes, header: _Header) -> bytes:
    """Return a BMP of 24 bits, or 32 with transparency, from 16 or 32 bits with channel masks."""
    stored_masks = 4 if header.size >= 56 or header.compression == _ALPHA_BITFIELDS else 3
    masks = (*struct.unpack_from(f"<{stored_masks}I", data, 54), 0)[:4]
    word = np.dtype("<u2" if header.bits == 16 else "<u4")
    rows = np.frombuffer(_rows(data, header), word).reshape(abs(header.height), -1)[:, : header.width]
    blue, green, red, alpha = (_channel(rows, mask) for mask in (*masks[2::-1], masks[3]))
    # An alpha channel of zeros everywhere was left empty, not meant to hide the image.
    if masks[3] and alpha.any():
        return _write(header, 32, b"", np.stack((blue, green, red, alpha), axis=-1).reshape(-1))
    pixels = np.zeros((rows.shape[0], (header.width * 3 + 3) // 4 * 4), np.uint8)
    pixels[:, : header.width * 3] = np.stack((blue, green, red), axis=-1).reshape(rows.shape[0], -1)
    return _write(header, 24, b"", pixels.reshape(-1))


def _channel(words: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """Return the bits under a mask, scaled to 0-255; zeros for an empty mask."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    top = mask >> shift
    values = (words.astype(np.uint64) & np.uint64(mask)) >> np.uint64(shift)
    return ((values * np.uint64(255) + np.uint64(top // 2)) // np.uint64(top)).astype(np.uint8)


def _write(header: _Header, bits: int, palette: bytes, pixels: NDArray[np.uint8]) -> bytes:
    """Return a BMP of the same size and row order. 8-bit `pixels` come without padding, others with it."""
    if bits == 8:
        height = abs(header.height)
        padded = np.zeros((height, (header.width + 3) // 4 * 4), np.uint8)
        padded[:, : header.width] = pixels.reshape(height, header.width)
        pixels = padded
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if bits == 32 else b""
    # Header version 4 (108 bytes) is the first that may have transparency.
    size, compression = (108, _BITFIELDS) if bits == 32 else (40, _RAW)
    start = struct.pack(
        "<IiiHHIIiiII", size, header.width, header.height, 1, bits, compression, 0, 0, 0, 0, 0
    )
    image_header = (start + masks).ljust(size, b"\0")
    pixels_at = _FILE_HEADER_BYTES + size + len(palette)
    body = pixels.tobytes()
    file_header = b"BM" + struct.pack("<IHHI", pixels_at + len(body), 0, 0, pixels_at)
    return b"".join((file_header, image_header, palette, body))
