"""`from_array` and `from_pil`."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from echo_image.errors import CorruptImage, EmptyImage, LimitExceeded, UnsupportedFormat
from echo_image.image import DecodeLimits, decode, from_array, from_pil
from tests.unit.image.encoded import encode, scene


def test_colour() -> None:
    source = scene()
    image = from_array(source)
    source[:] = 0
    assert np.array_equal(image.pixels, scene())  # a copy
    assert (image.width, image.height, image.format, image.num_bytes) == (96, 64, "ARRAY", 96 * 64 * 3)


@pytest.mark.parametrize("shape", [(64, 96), (64, 96, 1)])
def test_grey(shape: tuple[int, ...]) -> None:
    pixels = from_array(scene()[..., 0].reshape(shape)).pixels
    assert all(np.array_equal(pixels[..., channel], scene()[..., 0]) for channel in range(3))


def test_transparency_is_on_white() -> None:
    rgba = np.array([[[1, 2, 3, 255], [1, 2, 3, 0]]], np.uint8)
    assert from_array(rgba).pixels.tolist() == [[[1, 2, 3], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 257, 32768, 65535]], np.uint16), [0, 1, 128, 255]),
        (np.array([[0.0, 0.5, 1.0, 1.004]]), [0, 128, 255, 255]),
        (np.array([[-0.001, 0.25, 1.0, 0.0]], np.float32), [0, 64, 255, 0]),
        (np.array([[True, False, True, False]]), [255, 0, 255, 0]),
    ],
)
def test_other_types(array: NDArray[Any], expected: list[int]) -> None:
    assert from_array(array).pixels[0, :, 0].tolist() == expected


def test_any_strides() -> None:
    assert np.array_equal(from_array(scene()[::-1, ::2, ::-1]).pixels, scene()[::-1, ::2, ::-1])
    assert np.array_equal(from_array(np.asfortranarray(scene())).pixels, scene())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), np.complex128),
        np.full((4, 4), 255.0),
        np.full((4, 4), np.nan),
        np.full((4, 4), -1.0),
        np.array([["a"]]),
    ],
)
def test_what_is_no_image(array: NDArray[Any]) -> None:
    with pytest.raises(UnsupportedFormat, match="expected"):
        from_array(array)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (0,)])
def test_no_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(EmptyImage):
        from_array(np.zeros(shape, np.uint8))


def test_limits_hold() -> None:
    limits = DecodeLimits(max_pixels=96 * 64 - 1)
    with pytest.raises(LimitExceeded, match="6,143 pixels"):
        from_array(scene(), limits=limits)
    with pytest.raises(LimitExceeded, match="6,143 pixels"):
        from_pil(PIL.Image.fromarray(scene()), limits=limits)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "LA"])
def test_every_mode_of_pillow(mode: str) -> None:
    source = PIL.Image.fromarray(scene()).convert(mode)
    before = source.tobytes()
    image = from_pil(source)
    assert image.pixels.shape == (64, 96, 3)
    assert source.tobytes() == before
    expected = source.convert("RGB") if mode not in ("I", "F") else source.convert("L").convert("RGB")
    assert np.abs(image.pixels.astype(int) - np.asarray(expected).astype(int)).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("loaded", [False, True])
def test_an_opened_file_gives_the_same_as_decoding_it(kind: str, loaded: bool) -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    data = encode(scene(), kind, exif=tags)
    opened = PIL.Image.open(io.BytesIO(data))
    if loaded:
        opened.load()
    assert from_pil(opened).pixel_id == decode(data).pixel_id


def test_an_opened_file_that_is_broken() -> None:
    data = encode(scene(), "PNG")
    with pytest.raises(CorruptImage, match="PNG"):
        from_pil(PIL.Image.open(io.BytesIO(data[: len(data) // 2])))


def test_a_pillow_image_without_pixels() -> None:
    with pytest.raises(EmptyImage):
        from_pil(PIL.Image.new("RGB", (0, 5)))
