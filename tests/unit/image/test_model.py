"""`Image`: identity, grey, and regions."""

from __future__ import annotations

import hashlib
import struct

import cv2
import numpy as np
import pytest

from echo_image.errors import InvalidRegion
from echo_image.image import Image, decode, from_array
from tests.unit.image.encoded import encode, scene


def test_equal_pixels_have_equal_pixel_ids_whatever_their_file() -> None:
    png, bmp = decode(encode(scene(), "PNG")), decode(encode(scene(), "BMP"))
    assert png.pixel_id == bmp.pixel_id == from_array(scene()).pixel_id
    assert png.content_id != bmp.content_id
    assert png.pixel_id == hashlib.sha256(struct.pack("<II", 64, 96) + scene().tobytes()).digest()


def test_shape_is_part_of_the_identity() -> None:
    flat = np.zeros((4, 6, 3), np.uint8)
    assert from_array(flat).pixel_id != from_array(flat.reshape(6, 4, 3)).pixel_id


def test_gray_is_opencv() -> None:
    image = from_array(scene())
    assert np.array_equal(image.gray, cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY))
    assert image.gray.shape == (64, 96)


def test_pixels_are_read_only() -> None:
    image = from_array(scene())
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0, 0] = 1


def test_a_region() -> None:
    image = from_array(scene()).crop(10, 20, 30, 7)
    assert np.array_equal(image.pixels, scene()[20:27, 10:40])
    assert (image.width, image.height, image.format) == (30, 7, "ARRAY")
    assert image.content_id == image.pixel_id
    assert image.pixels.flags.c_contiguous


def test_the_whole_region_is_the_image_itself() -> None:
    image = decode(encode(scene(), "PNG"))
    assert image.crop(0, 0, 96, 64) is image


def test_a_region_of_a_reduced_image() -> None:
    reduced = decode(encode(scene(800, 600), "JPEG", quality=95), min_side=200)
    part = reduced.crop(400, 300, 101, 50)
    assert (part.width, part.height, part.scale) == (101, 50, 0.25)
    assert np.array_equal(part.pixels, reduced.pixels[75:88, 100:126])
    tiny = reduced.crop(799, 599, 1, 1)
    assert np.array_equal(tiny.pixels, reduced.pixels[149:, 199:])


@pytest.mark.parametrize(
    "region",
    [(-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 0, 5), (0, 0, 5, -1), (92, 0, 5, 5), (0, 60, 5, 5), (96, 64, 1, 1)],
)
def test_a_region_that_is_not_inside(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidRegion, match="96 x 64"):
        from_array(scene()).crop(*region)


def test_only_upright_colour_pixels_make_an_image() -> None:
    with pytest.raises(AssertionError):
        Image(np.zeros((4, 4), np.uint8), 4, 4, "ARRAY", b"", 0)
