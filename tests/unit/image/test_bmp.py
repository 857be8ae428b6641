"""The unusual kinds of BMP."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from echo_image.errors import CorruptImage, LimitExceeded, UnsupportedFormat
from echo_image.image import decode
from echo_image.image.bmp import plain_bmp
from tests.unit.image.encoded import bmp, encode, scene

COLOURS = struct.pack(
    "<4I", 0x000000, 0xFF0000, 0x00FF00, 0x0000FF
)  # 0xRRGGBB, little-endian: black, red, green, blue
BLACK, RED, GREEN, BLUE = [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]


def test_a_plain_bmp_is_left_alone() -> None:
    data = encode(scene(), "BMP")
    assert plain_bmp(data) is data


def test_two_bits() -> None:
    data = bmp(5, 2, bits=2, body=b"\x1b\x00\0\0" + b"\xe4\x40\0\0", extra=COLOURS)
    assert decode(data).pixels.tolist() == [[BLUE, GREEN, RED, BLACK, RED], [BLACK, RED, GREEN, BLUE, BLACK]]


def test_runs_of_eight_bits() -> None:
    body = (
        b"\2\1\1\2\0\0" + b"\0\3\3\2\1\0" + b"\0\1"
    )  # 2 x red, green; as they are: blue, green, red (padded)
    data = bmp(3, 2, bits=8, compression=1, body=body, colours=4, extra=COLOURS)
    assert decode(data).pixels.tolist() == [[BLUE, GREEN, RED], [RED, RED, GREEN]]


def test_runs_of_four_bits() -> None:
    body = b"\3\x12\0\0" + b"\0\3\x32\x10\0\1"  # red, green, red; as they are: blue, green, red (padded)
    data = bmp(3, 2, bits=4, compression=2, body=body, colours=4, extra=COLOURS)
    assert decode(data).pixels.tolist() == [[BLUE, GREEN, RED], [RED, GREEN, RED]]


def test_runs_that_leave_pixels_out() -> None:
    body = b"\1\1\0\2\1\1\1\2\0\1"  # red; one right and one up; green; end
    data = bmp(3, 2, bits=8, compression=1, body=body, colours=4, extra=COLOURS)
    assert decode(data).pixels.tolist() == [[BLACK, BLACK, GREEN], [RED, BLACK, BLACK]]


def test_runs_beyond_the_row_are_cut() -> None:
    data = bmp(2, 2, bits=8, compression=1, body=b"\xff\1\0\0\xff\2\0\1", colours=4, extra=COLOURS)
    assert decode(data).pixels.tolist() == [[GREEN, GREEN], [RED, RED]]


def test_runs_that_end_too_early() -> None:
    with pytest.raises(CorruptImage, match="after 1 of 100 rows"):
        decode(bmp(2, 100, bits=8, compression=1, body=b"\2\1\0\0", colours=4, extra=COLOURS))


def test_too_many_runs() -> None:
    with pytest.raises(LimitExceeded, match="8,388,608 bytes"):
        decode(bmp(2, 2, bits=8, compression=1, body=bytes(2**23), colours=4, extra=COLOURS))


@pytest.mark.parametrize(
    ("bits", "masks", "words", "expected"),
    [
        (16, (0xF00, 0xF0, 0xF), (0xF00, 0x0F0), [RED, GREEN]),
        (16, (0xC0, 0x38, 0x07), (0x40, 0x07), [[85, 0, 0], BLUE]),
        (32, (0x3FF00000, 0xFFC00, 0x3FF), (0x3FF00000, 0x3FF), [RED, BLUE]),
        (32, (0xFF, 0xFF00, 0xFF0000), (0xFF, 0x80FF0000), [RED, BLUE]),
        (16, (0, 0, 0x1F), (0x1F, 0), [BLUE, BLACK]),
    ],
)
def test_channel_masks(
    bits: int, masks: tuple[int, ...], words: tuple[int, ...], expected: list[list[int]]
) -> None:
    body = struct.pack("<2H" if bits == 16 else "<2I", *words)
    data = bmp(2, 1, bits=bits, compression=3, body=body, extra=struct.pack("<3I", *masks))
    assert decode(data).pixels.tolist() == [expected]


def test_a_mask_for_transparency() -> None:
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    words = struct.pack("<2I", 0xFFFF0000, 0x0000FF00)
    data = bmp(2, 1, bits=32, compression=6, body=words, extra=masks)
    assert decode(data).pixels.tolist() == [[RED, [255, 255, 255]]]
    empty = bmp(2, 1, bits=32, compression=6, body=struct.pack("<2I", 0xFF0000, 0xFF00), extra=masks)
    assert decode(empty).pixels.tolist() == [[RED, GREEN]]


def test_a_colour_table_that_claims_too_much() -> None:
    data = bmp(2, 1, bits=8, body=b"\1\2\0\0", colours=2**31, extra=COLOURS)
    assert decode(data).pixels.tolist() == [[RED, GREEN]]


def test_rows_from_top_to_bottom() -> None:
    data = bmp(1, -2, bits=2, body=b"\x40\0\0\0\x80\0\0\0", extra=COLOURS)
    assert decode(data).pixels.tolist() == [[RED], [GREEN]]


@pytest.mark.parametrize(("bits", "compression"), [(2, 0), (16, 3)])
def test_pixels_cut_off(bits: int, compression: int) -> None:
    with pytest.raises(CorruptImage, match="are there"):
        decode(bmp(100, 100, bits=bits, compression=compression, body=b"\0" * 50, extra=bytes(16)))


@pytest.mark.parametrize("bits", [0, 3, 30_000])
def test_depths_that_do_not_exist(bits: int) -> None:
    with pytest.raises(UnsupportedFormat, match="BMP"):
        decode(bmp(2, 1, bits=bits, body=bytes(100)))


@pytest.mark.parametrize("length", [14, 18, 25, 33, 45, 53])
def test_headers_cut_off(length: int) -> None:
    data = bmp(2, 1, bits=8, compression=1, body=b"\1\1\0\1", colours=4, extra=COLOURS)
    with pytest.raises(CorruptImage if length >= 18 else UnsupportedFormat):
        decode(data[:length])


def test_a_random_image_in_masks_equals_its_source() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    words = (pixels[::-1].astype("<u4") * np.array([1 << 16, 1 << 8, 1], "<u4")).sum(axis=-1, dtype="<u4")
    data = bmp(
        23, 17, bits=32, compression=3, body=words.tobytes(), extra=struct.pack("<3I", 0xFF0000, 0xFF00, 0xFF)
    )
    assert np.array_equal(decode(data).pixels, pixels)
