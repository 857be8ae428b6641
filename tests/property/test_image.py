"""Laws of decoding that hold for any bytes and any pixels."""

from __future__ import annotations

import contextlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echo_image.errors import ImageError
from echo_image.image import SUPPORTED_FORMATS, DecodeLimits, Image, decode, from_array, sniff
from echo_image.image.decoding import upright
from echo_image.image.headers.exif import orientation_of
from tests.unit.image.encoded import encode, exif, insert_png_chunk, scene

SMALL = DecodeLimits(max_pixels=2**20, max_bytes=2**20, max_frames=100)


def samples() -> list[bytes]:
    """Return one or more small files of every format."""
    flat = PIL.Image.fromarray(scene(24, 16)).quantize(16)
    files = [encode(scene(24, 16), kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF")]
    files += [encode(flat, kind) for kind in ("GIF", "PNG", "TIFF", "BMP")]
    files.append(encode(scene(24, 16), "JPEG", progressive=True))
    files.append(encode(scene(24, 16), "TIFF", compression="tiff_lzw"))
    files.append(encode(flat, "GIF", save_all=True, append_images=[flat.rotate(90)]))
    files.append(encode(PIL.Image.fromarray(scene(24, 16)), "WEBP", lossless=True))
    return files


FILES = samples()


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Draw a file with some bytes changed, cut out, doubled, or missing at its end."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        length = draw(st.integers(1, 40))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + length] = draw(st.binary(min_size=1, max_size=8))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case _:
                del data[at:]
    return bytes(data)


@settings(max_examples=300)
@given(damaged_files())
def test_a_damaged_file_ends_in_an_image_or_in_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        image = decode(data, limits=SMALL)
        assert image.pixels.shape == (image.height, image.width, 3)
        assert image.width * image.height <= SMALL.max_pixels


@given(st.binary(max_size=300))
def test_any_bytes_end_in_an_image_or_in_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        assert isinstance(decode(data, limits=SMALL), Image)


@given(st.sampled_from([file[:12] for file in FILES]), st.binary(max_size=300))
def test_any_bytes_behind_a_right_start(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(ImageError):
        decode(start + rest, limits=SMALL)


@given(st.binary(min_size=1, max_size=100))
def test_sniffing_gives_a_format_or_says_what_it_looks_like(data: bytes) -> None:
    refusal = None
    try:
        assert sniff(data) in SUPPORTED_FORMATS
    except ImageError as error:
        refusal = error
    assert refusal is None or "looks like a" in refusal.message
    assert refusal is None or refusal.message.isprintable()


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"]))
def test_any_exif_gives_an_orientation(data: bytes, start: bytes) -> None:
    assert 1 <= orientation_of(start + data) <= 8


@st.composite
def pixel_arrays(draw: st.DrawFn) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    return np.random.default_rng(draw(st.integers(0, 2**32))).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )


@given(pixel_arrays(), st.sampled_from(["PNG", "BMP", "TIFF"]))
def test_lossless_files_keep_their_pixels(
    pixels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]], kind: str
) -> None:
    image = decode(encode(pixels, kind))
    assert np.array_equal(image.pixels, pixels)
    assert image.pixel_id == from_array(pixels).pixel_id


@given(pixel_arrays(), st.integers(1, 8), st.sampled_from(["<", ">"]))
def test_orientation_is_a_turn_or_mirror_of_the_pixels(
    pixels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]], orientation: int, order: str
) -> None:
    image = decode(insert_png_chunk(encode(pixels, "PNG"), b"eXIf", exif(orientation, order)))
    rows_first = pixels if orientation < 5 else pixels.transpose(1, 0, 2)
    # What the first row and the first column of the stored pixels are, says the EXIF specification.
    down, right = {
        1: (1, 1),
        2: (1, -1),
        3: (-1, -1),
        4: (-1, 1),
        5: (1, 1),
        6: (1, -1),
        7: (-1, -1),
        8: (-1, 1),
    }[orientation]
    assert np.array_equal(image.pixels, rows_first[::down, ::right])
    assert (image.height, image.width) == rows_first.shape[:2]
    assert upright(PIL.Image.fromarray(pixels), orientation).size == (image.width, image.height)


@settings(max_examples=60)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 900))
def test_a_reduced_jpeg_keeps_the_side_asked_for(width: int, height: int, min_side: int) -> None:
    image = decode(encode(scene(width, height), "JPEG"), min_side=min_side)
    rows, columns = image.pixels.shape[:2]
    assert (image.width, image.height) == (width, height)
    assert max(rows, columns) >= min(min_side, max(width, height))
    assert (rows, columns) == (np.ceil(height * image.scale), np.ceil(width * image.scale))


@given(st.data())
def test_a_region_of_an_image_is_a_slice(data: st.DataObject) -> None:
    pixels = scene(31, 17)
    x, y = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 16))
    width, height = data.draw(st.integers(1, 31 - x)), data.draw(st.integers(1, 17 - y))
    assert np.array_equal(
        from_array(pixels).crop(x, y, width, height).pixels, pixels[y : y + height, x : x + width]
    )


@given(st.data())
def test_a_region_of_a_reduced_image_covers_it(data: st.DataObject) -> None:
    image = REDUCED
    x, y = data.draw(st.integers(0, image.width - 1)), data.draw(st.integers(0, image.height - 1))
    width = data.draw(st.integers(1, image.width - x))
    height = data.draw(st.integers(1, image.height - y))
    part = image.crop(x, y, width, height)
    rows, columns = part.pixels.shape[:2]
    assert rows >= 1
    assert columns >= 1
    assert rows <= height * image.scale + 2
    assert columns <= width * image.scale + 2
    assert (part.width, part.height) == (width, height)


REDUCED = decode(encode(scene(803, 405), "JPEG"), min_side=200)


@pytest.mark.parametrize("data", FILES)
def test_the_undamaged_files_decode(data: bytes) -> None:
    assert decode(data, limits=SMALL).width == 24
