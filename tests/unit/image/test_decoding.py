"""`decode`: every format, orientation, reduction, identity, and errors in our own words."""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest

from echo_image.errors import CorruptImage, EmptyImage, MissingExtra, UnsupportedFormat, UsageError
from echo_image.image import decode
from tests.unit.image.encoded import (
    encode,
    exif,
    insert_jpeg_segment,
    insert_png_chunk,
    mean_difference,
    scene,
)

LOSSY = {"JPEG": 4.0, "WEBP": 6.0, "AVIF": 6.0}  # levels; chroma subsampling and quantisation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_pixels_of_every_format(kind: str) -> None:
    data = encode(scene(), kind)
    image = decode(data)
    assert (image.width, image.height, image.format, image.scale) == (96, 64, kind, 1.0)
    assert image.content_id == hashlib.sha256(data).digest()
    assert image.num_bytes == len(data)
    assert mean_difference(image.pixels, scene()) <= LOSSY.get(kind, 0.0)
    assert image.pixels.flags.c_contiguous
    assert not image.pixels.flags.writeable


def test_gif_and_other_palettes() -> None:
    flat = PIL.Image.fromarray(scene()).quantize(16)
    expected = np.asarray(flat.convert("RGB"))
    for kind in ("GIF", "PNG", "TIFF", "BMP"):
        assert np.array_equal(decode(encode(flat, kind)).pixels, expected), kind


def test_heif() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    image = decode(encode(scene(), "HEIF", quality=90))
    assert image.format == "HEIF"
    assert mean_difference(image.pixels, scene()) < 6


def test_heif_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtra) as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64)
    assert "pip install" in caught.value.hint
    assert "heic" in caught.value.hint


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0}, {"optimize": True}, {"quality": 5}]
)
def test_kinds_of_jpeg(options: dict[str, object]) -> None:
    data = encode(scene(), "JPEG", **options)
    assert np.array_equal(decode(data).pixels, np.asarray(PIL.Image.open(__import__("io").BytesIO(data))))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(kind: str, orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # PIL.Image.Transpose values of the inverse turns
    upright = PIL.Image.fromarray(scene())
    stored = upright if orientation == 1 else upright.transpose(PIL.Image.Transpose(undo[orientation]))
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    image = decode(encode(stored, kind, exif=tags))
    assert (image.width, image.height) == (96, 64)
    assert mean_difference(image.pixels, scene()) <= LOSSY.get(kind, 0.0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_of_a_png_in_either_byte_order(order: str) -> None:
    data = insert_png_chunk(encode(scene(), "PNG"), b"eXIf", exif(6, order))
    assert np.array_equal(decode(data).pixels, np.rot90(scene(), -1))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"II",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01",
        exif(0),
        exif(9),
        b"XX" + exif(6)[2:],
        exif(6)[:15],
    ],
)
def test_broken_exif_is_ignored(broken: bytes) -> None:
    jpeg = insert_jpeg_segment(encode(scene(), "JPEG"), 0xE1, b"Exif\0\0" + broken)
    assert (decode(jpeg).width, decode(jpeg).height) == (96, 64)
    png = insert_png_chunk(encode(scene(), "PNG"), b"eXIf", broken)
    assert np.array_equal(decode(png).pixels, scene())


def test_a_turned_jpeg_is_reduced_and_turned() -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    image = decode(encode(scene(801, 403), "JPEG", exif=tags), min_side=200)
    assert (image.width, image.height, image.scale) == (403, 801, 0.25)
    assert image.pixels.shape == (201, 101, 3)


@pytest.mark.parametrize(
    "size", [(1000, 700), (1001, 403), (700, 1000), (999, 9), (64, 64), (5, 3000), (1023, 1025)]
)
@pytest.mark.parametrize("min_side", [1, 100, 256, 500, 1000, 5000])
def test_reduction_never_goes_below_what_was_asked(size: tuple[int, int], min_side: int) -> None:
    image = decode(encode(scene(*size), "JPEG", quality=95), min_side=min_side)
    assert (image.width, image.height) == size
    assert max(image.pixels.shape[:2]) >= min(min_side, max(size))
    assert image.scale in (1, 1 / 2, 1 / 4, 1 / 8)
    assert image.pixels.shape[:2] == tuple(
        -(-side * image.scale // 1) * -1 // -1 for side in (size[1], size[0])
    )


def test_reduction_is_as_strong_as_it_may_be() -> None:
    data = encode(scene(1600, 1200), "JPEG")
    assert [decode(data, min_side=side).scale for side in (801, 800, 401, 400, 200, 100)] == [
        1,
        0.5,
        0.5,
        0.25,
        0.125,
        0.125,
    ]


def test_a_reduced_image_shows_the_same() -> None:
    reduced = decode(encode(scene(800, 600), "JPEG", quality=95), min_side=200)
    expected = np.asarray(PIL.Image.fromarray(scene(800, 600)).resize((200, 150), PIL.Image.Resampling.BOX))
    assert mean_difference(reduced.pixels, expected) < 3


def test_only_jpeg_is_reduced() -> None:
    assert decode(encode(scene(800, 600), "PNG"), min_side=100).scale == 1.0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_file_that_is_cut_off_is_corrupt(kind: str) -> None:
    data = encode(scene(), kind)
    for length in (len(data) // 8, len(data) // 2):
        with pytest.raises(CorruptImage) as caught:
            decode(data[:length])
        assert kind.lower() in caught.value.message.lower()
        assert "<" not in caught.value.message


def test_the_cause_is_kept() -> None:
    data = encode(scene(), "PNG")
    with pytest.raises(CorruptImage) as caught:
        decode(data[: len(data) // 2])
    assert isinstance(caught.value.__cause__, Exception)


def test_a_text_with_the_name_of_an_image() -> None:
    with pytest.raises(UnsupportedFormat, match="text"):
        decode(b"This is not a JPEG, whatever its name says.\n")


def test_nothing() -> None:
    with pytest.raises(EmptyImage):
        decode(b"")


def test_what_is_not_bytes() -> None:
    data = encode(scene(), "PNG")
    assert decode(memoryview(data)).content_id == decode(bytearray(data)).content_id  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="str"):
        decode("image.png")  # type: ignore[arg-type]


@pytest.mark.parametrize("min_side", [0, -1])
def test_min_side_is_positive(min_side: int) -> None:
    with pytest.raises(UsageError, match="min_side"):
        decode(encode(scene(), "JPEG"), min_side=min_side)


def test_an_image_of_only_metadata_names_no_object() -> None:
    with pytest.raises(CorruptImage) as caught:
        decode(b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"\0" * 9 + b"\xff\xd9")
    assert "0x" not in caught.value.message


def test_many_threads_decode_the_same() -> None:
    files = [encode(scene(300 + i, 200), kind) for i in range(6) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    expected = [decode(data).pixel_id for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert [image.pixel_id for image in pool.map(decode, files * 3)] == expected * 3
