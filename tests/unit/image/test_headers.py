"""Header walks of JPEG and PNG: what is read, what is left out, and that hostile metadata costs nothing."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from echo_image.errors import CorruptImage, LimitExceeded, UnsupportedFormat
from echo_image.image import decode
from echo_image.image.headers import read_header
from tests.unit.image.encoded import (
    chunk,
    encode,
    exif,
    insert_jpeg_segment,
    insert_png_chunk,
    png,
    scene,
)


def header_size(data: bytes, kind: str) -> tuple[int, int]:
    header = read_header(data, kind, max_frames=10)
    return header.width, header.height


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_size_as_the_decoder_finds_it(kind: str) -> None:
    assert header_size(encode(scene(301, 77), kind), kind) == (301, 77)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 10}, {"exif": b"Exif\0\0" + exif(1)}])
def test_size_of_every_webp_layout(options: dict[str, object]) -> None:
    assert header_size(encode(scene(301, 77), "WEBP", **options), "WEBP") == (301, 77)


# --- JPEG ---


def test_jpeg_metadata_does_not_reach_the_decoder() -> None:
    plain = encode(scene(), "JPEG")
    data = plain
    for marker, body in (
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xED, b"Photoshop 3.0\0"),
        (0xFE, b"words"),
    ):
        data = insert_jpeg_segment(data, marker, body * 100)
    assert read_header(data, "JPEG", max_frames=1).data == plain


def test_a_jpeg_of_a_million_comments_is_refused() -> None:
    data = encode(scene(), "JPEG")
    with pytest.raises(LimitExceeded, match="20,000 header segments"):
        decode(data[:2] + b"\xff\xfe\0\2" * 1_000_000 + data[2:])


def test_fill_and_junk_between_jpeg_segments() -> None:
    data = encode(scene(), "JPEG")
    padded = data[:2] + b"\xff" * 1_000_000 + data[2:]
    assert np.array_equal(decode(padded).pixels, decode(data).pixels)
    junk = data[:20] + b"\0\1\2\xff\0abc" + data[20:]  # behind the first segment
    assert np.array_equal(decode(junk).pixels, decode(data).pixels)


def test_a_progressive_jpeg_of_too_many_scans_is_refused() -> None:
    data = encode(scene(), "JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[last_scan:-2] * 200 + b"\xff\xd9"
    with pytest.raises(LimitExceeded, match="100 scans"):
        decode(bomb)
    assert decode(data + data[last_scan:] * 200).width == 96  # what stands behind the end does not count


def test_a_sequential_jpeg_of_too_many_scans_is_refused() -> None:
    # One scan a channel: take apart the header of the only scan, which names its channels.
    data = encode(scene(), "JPEG", subsampling=0)
    at = data.index(b"\xff\xda")
    one_channel = b"\xff\xda\0\x08\1\1\0\0\x3f\0"
    with pytest.raises(LimitExceeded, match="100 scans"):
        decode(data[:at] + one_channel * 101 + b"\xff\xd9")


def test_large_images_may_have_fewer_scans() -> None:
    data = bytearray(encode(scene(), "JPEG", progressive=True))
    at = data.index(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", 11_000, 11_000)
    last_scan = data.rindex(b"\xff\xda")
    with pytest.raises(LimitExceeded, match="20 scans"):
        decode(bytes(data[:-2] + data[last_scan:-2] * 30))


def test_a_jpeg_of_junk_is_refused() -> None:
    data = encode(scene(), "JPEG")
    with pytest.raises(LimitExceeded, match="20,000 header segments"):
        decode(data[:20] + b"\xff\0" * 1_000_000 + data[20:])


def test_a_jpeg_of_twelve_bits_is_unsupported() -> None:
    data = bytearray(encode(scene(), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnsupportedFormat, match="12 bits"):
        decode(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xe0\0\1\xff\xda",
        b"\xff\xd8\xff\xda\0\2",
        b"\xff\xd8\xff\xc0\0\4\x08\0\xff\xda\0\2",
        b"\xff\xd8\xff" + b"\xff" * 100,
        b"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\x05\1\1\x11\0\xff\xda\0\2",
    ],
)
def test_broken_jpeg_headers(data: bytes) -> None:
    with pytest.raises(CorruptImage):
        decode(data)


def test_a_profile_in_pieces_in_any_order() -> None:
    profile = bytes(range(256)) * 2
    data = encode(scene(), "JPEG")
    for number in (1, 2):
        piece = profile[256 * (number - 1) : 256 * number]
        data = insert_jpeg_segment(data, 0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + piece)
    assert read_header(data, "JPEG", max_frames=1).icc == profile


def test_the_first_image_of_several_in_a_jpeg_file() -> None:
    first, second = (PIL.Image.fromarray(scene()[:, :, order]) for order in ([0, 1, 2], [2, 1, 0]))
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert np.array_equal(decode(data).pixels, np.asarray(PIL.Image.open(io.BytesIO(data))))


# --- PNG ---


def test_png_texts_that_unpack_to_gigabytes() -> None:
    bomb = zlib.compress(bytes(50 * 2**20))
    data = encode(scene(), "PNG")
    for _ in range(5):
        data = insert_png_chunk(data, b"zTXt", b"words\0\0" + bomb)
        data = insert_png_chunk(data, b"iTXt", b"words\0\1\0\0\0" + bomb)
    data = insert_png_chunk(data, b"iCCP", b"profile\0\0" + bomb)
    assert np.array_equal(decode(data).pixels, scene())
    assert read_header(data, "PNG", max_frames=1).data == encode(scene(), "PNG")


def test_a_png_without_metadata_is_not_copied() -> None:
    data = encode(scene(), "PNG")
    assert read_header(data, "PNG", max_frames=1).data is data


def test_exif_as_compressed_text_in_png() -> None:
    digits = b"\nexif\n      32\n" + (b"Exif\0\0" + exif(6)).hex().encode() + b"\n"
    body = b"Raw profile type exif\0\0" + zlib.compress(digits)
    assert decode(insert_png_chunk(encode(scene(), "PNG"), b"zTXt", body)).width == 64
    for broken in (zlib.compress(b"\nexif\n 3\nnot hex\n"), zlib.compress(b""), b"broken", b""):
        body = b"Raw profile type exif\0\0" + broken
        assert decode(insert_png_chunk(encode(scene(), "PNG"), b"zTXt", body)).width == 96


def test_metadata_that_counts_once_is_unpacked_once() -> None:
    data = encode(scene(), "PNG")
    bomb = zlib.compress(bytes(2**21))
    for kind, body in ((b"zTXt", b"Raw profile type exif\0\0" + bomb), (b"iCCP", b"p\0\0" + bomb[:-9])):
        data = data[:33] + chunk(kind, body) * 2000 + data[33:]  # seconds, if each were unpacked
    assert np.array_equal(decode(data).pixels, scene())


def test_a_png_of_too_many_chunks_is_refused() -> None:
    data = encode(scene(), "PNG")
    with pytest.raises(LimitExceeded, match="300,000 chunks"):
        decode(data[:33] + chunk(b"abCd", b"") * 300_001 + data[33:])


def test_a_png_cut_off_behind_its_pixels_is_complete() -> None:
    data = encode(scene(), "PNG")[:-12] + chunk(b"tEXt", b"a" * 100)[:50]
    assert np.array_equal(decode(data).pixels, scene())


@pytest.mark.parametrize(("bits", "colour"), [(3, 0), (4, 2), (16, 3), (8, 1), (8, 5), (0, 0), (8, 7)])
def test_kinds_of_png_that_do_not_exist(bits: int, colour: int) -> None:
    with pytest.raises(CorruptImage, match="does not exist"):
        decode(png(1, 1, bits=bits, colour=colour, rows=b"\0\0\0"))


def test_a_png_without_pixels() -> None:
    with pytest.raises(CorruptImage, match="no image data"):
        decode(encode(scene(), "PNG")[:33] + chunk(b"IEND", b""))
    with pytest.raises(CorruptImage, match="header"):
        decode(b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b"") * 4)


def test_the_wrong_checksum_of_pixels_is_noticed() -> None:
    data = bytearray(encode(scene(), "PNG"))
    data[29] ^= 1  # checksum of the header
    with pytest.raises(CorruptImage):
        decode(bytes(data))


@pytest.mark.parametrize("frames", [0, 2**31, 2**32 - 1])
def test_an_impossible_number_of_frames_is_no_animation(frames: int) -> None:
    data = insert_png_chunk(encode(scene(), "PNG"), b"acTL", struct.pack(">II", frames, 0))
    assert decode(data).width == 96


def test_a_number_of_frames_is_believed() -> None:
    data = insert_png_chunk(encode(scene(), "PNG"), b"acTL", struct.pack(">II", 12_345, 0))
    with pytest.raises(LimitExceeded, match="12,345 frames; the limit is 10,000 frames"):
        decode(data)
