"""Header walks of GIF, WebP, TIFF and AVIF; those of JPEG and PNG are in `test_headers`."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pytest

from echo_image.errors import CorruptImage, LimitExceeded, UnsupportedFormat
from echo_image.image import DecodeLimits, decode
from echo_image.image.headers import read_header
from tests.unit.image.encoded import encode, scene

# --- GIF ---


def gif_blocks(data: bytes) -> int:
    """Return where the blocks of a GIF made by Pillow begin."""
    return 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)


def test_a_gif_comment_of_megabytes_costs_nothing() -> None:
    data = encode(scene(), "GIF")
    at = gif_blocks(data)
    comment = b"\x21\xfe" + (b"\xff" + b"c" * 255) * 20_000 + b"\0"
    bloated = data[:at] + comment + data[at:]
    assert np.array_equal(decode(bloated).pixels, decode(data).pixels)
    assert len(read_header(bloated, "GIF", max_frames=1).data) < len(data) + 2


def test_gif_frames_are_not_counted_beyond_the_limit() -> None:
    data = encode(scene(), "GIF")
    frame = data[data.index(b"\x2c", gif_blocks(data)) : -1]
    many = data[:-1] + frame * 20 + b"\x3b"
    assert read_header(many, "GIF", max_frames=100).frames == 21
    header = read_header(many, "GIF", max_frames=7)
    assert (header.frames, header.frames_more) == (8, True)
    with pytest.raises(LimitExceeded, match="at least 8 frames; the limit is 7 frames"):
        decode(many, limits=DecodeLimits(max_frames=7))


def test_a_gif_frame_larger_than_its_screen_counts() -> None:
    data = bytearray(encode(scene(), "GIF"))
    at = data.index(b"\x2c", gif_blocks(bytes(data)))
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    with pytest.raises(LimitExceeded, match="3,600,000,000 pixels"):
        decode(bytes(data))


@pytest.mark.parametrize(
    "data", [b"GIF89a", b"GIF89a" + b"\1\0\1\0\0\0\0", b"GIF89a" + b"\1\0\1\0\0\0\0\x3b"]
)
def test_a_gif_without_a_frame(data: bytes) -> None:
    with pytest.raises(CorruptImage):
        decode(data)


# --- WebP ---


def test_webp_chunks_are_bounded() -> None:
    data = encode(scene(), "WEBP")
    with pytest.raises(LimitExceeded, match="100,000 chunks"):
        decode(data + b"junk\0\0\0\0" * 120_000)


def test_a_webp_canvas_is_checked_before_it_is_made() -> None:
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + b"\xff\xff\xff" * 2
    data = b"RIFF" + struct.pack("<I", len(canvas) + 4) + b"WEBP" + canvas
    with pytest.raises(LimitExceeded, match="16,777,216 x 16,777,216"):
        decode(data)


@pytest.mark.parametrize(
    "body",
    [b"", b"VP8 ", b"VP8 \x0a\0\0\0" + b"\0" * 10, b"VP8L\x05\0\0\0" + b"\0" * 5, b"ALPH" + b"\0" * 20],
)
def test_a_webp_without_a_header(body: bytes) -> None:
    with pytest.raises(CorruptImage, match="WebP"):
        decode(b"RIFF\x20\0\0\0WEBP" + body)


# --- TIFF ---


def tiff(entries: list[tuple[int, int, int, int]], *, following: int = 0, tail: bytes = b"") -> bytes:
    """Return a little-endian TIFF of one directory; its pixels, if any, are in `tail` at 8 + 6 + 12 n."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", following) + tail


def grey_tiff(extra: list[tuple[int, int, int, int]] | None = None, following: int = 0) -> bytes:
    entries = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    entries += extra or []
    pixels_at = 8 + 6 + 12 * (len(entries) + 2)
    entries += [(273, 4, 1, pixels_at), (279, 4, 1, 2)]
    return tiff(sorted(entries), following=following, tail=b"\x20\x40")


def test_a_small_tiff() -> None:
    assert decode(grey_tiff()).pixels[0, :, 0].tolist() == [32, 64]


def test_a_ring_of_directories_ends() -> None:
    data = grey_tiff(following=8)
    assert read_header(data, "TIFF", max_frames=10).frames == 1
    assert decode(data).width == 2


def test_directories_are_counted() -> None:
    pages = [PIL.Image.fromarray(scene(8, 8)) for _ in range(6)]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert read_header(data, "TIFF", max_frames=10).frames == 6
    assert read_header(data, "TIFF", max_frames=3).frames_more


def test_a_link_out_of_the_file_ends_the_chain() -> None:
    assert decode(grey_tiff(following=0xFFFFFF00)).width == 2


def test_tags_that_all_point_at_the_same_bytes_are_refused() -> None:
    shared = [(50_000 + i, 1, 10_000, 0) for i in range(1000)]
    with pytest.raises(CorruptImage, match=r"its tags claim 10,000,000 bytes, the file has"):
        decode(grey_tiff(shared) + b"\0" * 10_000)


def test_metadata_of_a_tiff_does_not_reach_the_decoder() -> None:
    # EXIF, GPS, interoperability and sub-images that point back to the first directory or nowhere
    pointers = [
        (34665, 4, 1, 8),
        (34853, 4, 1, 0xFFFFFFF0),
        (40965, 4, 1, 8),
        (330, 4, 0x3FFFFFFF, 8),
        (700, 1, 2**31, 8),
    ]
    assert decode(grey_tiff(pointers)).pixels[0, :, 0].tolist() == [32, 64]


def test_strips_are_bounded() -> None:
    data = bytearray(grey_tiff())
    at = data.index(struct.pack("<HH", 273, 4))
    data[at + 4 : at + 8] = struct.pack("<I", 700_000)
    with pytest.raises(LimitExceeded, match="600,000 strips or tiles"):
        decode(bytes(data))


def test_strips_that_cover_the_image_again_and_again_are_refused() -> None:
    rows, at = 1000, 8 + 6 + 12 * 9
    entries = [
        (256, 3, 1, 1),
        (257, 3, 1, rows),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
    ]
    entries += [(273, 4, 5000, at), (278, 3, 1, rows - 1), (279, 4, 5000, at)]
    with pytest.raises(CorruptImage, match="5,000 strips or tiles cover it more than 32 times"):
        decode(tiff(sorted(entries), tail=b"\x10\0\0\0" * 10_000))


def test_strips_and_planes_as_they_ought_to_be() -> None:
    for options in ({"tiffinfo": {278: 1}}, {"compression": "tiff_lzw", "tiffinfo": {278: 3}}):
        assert np.array_equal(decode(encode(scene(), "TIFF", **options)).pixels, scene())


def test_a_giant_tile_of_a_small_image_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="pixels"):
        decode(grey_tiff([(322, 4, 1, 2**20), (323, 4, 1, 2**20)]))


def test_unusual_kinds_of_tiff_are_named() -> None:
    with pytest.raises(UnsupportedFormat, match="64-bit floating-point"):
        decode(
            grey_tiff([(339, 3, 1, 3)]).replace(
                struct.pack("<HHII", 258, 3, 1, 8), struct.pack("<HHII", 258, 3, 1, 64)
            )
        )


@pytest.mark.parametrize(
    "data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\1", b"II+\0\x08\0\0\0" + b"\xff" * 8]
)
def test_a_tiff_without_a_directory(data: bytes) -> None:
    with pytest.raises(CorruptImage, match="TIFF"):
        decode(data)


def test_a_tiff_without_a_size() -> None:
    with pytest.raises(CorruptImage, match="no size"):
        decode(tiff([(258, 3, 1, 8)]))


def test_bigtiff() -> None:
    data = encode(scene(), "TIFF", big_tiff=True)
    assert data[2] == 43
    assert np.array_equal(decode(data).pixels, scene())


# --- AVIF ---


def test_exif_of_an_avif_does_not_reach_the_decoder() -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "maker"
    data = encode(scene(), "AVIF", exif=tags.tobytes())
    assert b"Exif" in data
    meta = read_header(data, "AVIF", max_frames=1).data
    assert len(meta) == len(data)
    assert "maker" not in repr(PIL.Image.open(io.BytesIO(meta)).info)
    assert decode(data).width == 64  # Pillow writes the orientation as the property that counts


@pytest.mark.parametrize("size", [0, 1, 7, 2**31])
def test_odd_boxes_end_the_walk(size: int) -> None:
    data = struct.pack(">I", size) + b"ftypavif" + b"\0" * 40
    assert read_header(data, "AVIF", max_frames=1).data == data
    with pytest.raises(CorruptImage):
        decode(data)
