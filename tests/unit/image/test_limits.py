"""Limits hold before decoding, and the refusal names limit, number and value."""

from __future__ import annotations

import struct

import numpy as np
import PIL.Image
import pytest

from echo_image.errors import CorruptImage, LimitExceeded, UsageError
from echo_image.image import DecodeLimits, decode
from tests.unit.image.encoded import bmp, chunk, encode, png, scene


@pytest.mark.parametrize("field", ["max_bytes", "max_pixels", "max_side", "max_frames"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_a_limit_is_a_positive_whole_number(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=field):
        DecodeLimits(**{field: value})  # type: ignore[arg-type]


def test_bytes() -> None:
    data = encode(scene(), "PNG")
    assert decode(data, limits=DecodeLimits(max_bytes=len(data))).num_bytes == len(data)
    with pytest.raises(LimitExceeded, match=f"{len(data):,} bytes; the limit is {len(data) - 1:,} bytes"):
        decode(data, limits=DecodeLimits(max_bytes=len(data) - 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"])
def test_pixels_and_side_of_every_format(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    data = encode(scene(96, 64), kind)
    assert decode(data, limits=DecodeLimits(max_pixels=96 * 64, max_side=96)).width == 96
    with pytest.raises(LimitExceeded, match=r"96 x 64 = 6,144 pixels; the limit is 6,143 pixels"):
        decode(data, limits=DecodeLimits(max_pixels=96 * 64 - 1))
    with pytest.raises(LimitExceeded, match=r"side of 96 pixels; the limit for a side is 95 pixels"):
        decode(data, limits=DecodeLimits(max_side=95))


def test_a_header_that_asks_for_a_gigapixel_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    with pytest.raises(LimitExceeded, match=r"900,000,000 pixels; the limit is 134,217,728 pixels"):
        decode(data)


def test_more_pixels_than_pillow_would_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "AVIF"):
        assert decode(encode(scene(), kind)).width == 96


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_no_pixels(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    with pytest.raises(CorruptImage, match="at least 1"):
        decode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b""))
    with pytest.raises(CorruptImage, match="at least 1"):
        decode(bmp(*size, bits=24, body=b""))


def animated(kind: str, frames: int) -> bytes:
    images = [PIL.Image.fromarray(np.full((8, 8, 3), 20 * i, np.uint8)) for i in range(frames)]
    return encode(images[0], kind, save_all=True, append_images=images[1:])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_frames_are_counted_and_the_first_is_taken(kind: str) -> None:
    data = animated(kind, 5)
    image = decode(data, limits=DecodeLimits(max_frames=5))
    assert image.pixels.max() <= 2  # the first frame is black; AVIF is lossy
    with pytest.raises(LimitExceeded, match=r"[45] frames; the limit is [34] frames"):
        decode(data, limits=DecodeLimits(max_frames=4))
    with pytest.raises(LimitExceeded, match="the limit is 3 frames"):
        decode(data, limits=DecodeLimits(max_frames=3))


def test_one_pixel() -> None:
    image = decode(png(1, 1, bits=8, colour=2, rows=b"\x0a\x14\x1e"))
    assert image.pixels.tolist() == [[[10, 20, 30]]]
