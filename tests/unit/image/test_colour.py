"""Colours: profiles, transparency, wide samples, CMYK and Lab."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from echo_image.image import decode
from tests.unit.image.encoded import encode, insert_png_chunk, mean_difference, png, scene


def swapped_profile() -> bytes:
    """Return an RGB profile whose red and blue primaries are exchanged: impossible to overlook."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = data.index(b"rXYZ"), data.index(b"bXYZ")
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


D50 = struct.pack(">iii", 63190, 65536, 54061)
WHITE_AND_NAME = (
    (b"wtpt", b"XYZ \0\0\0\0" + D50),
    (b"desc", b"desc" + struct.pack(">II", 0, 2) + b"p\0" + b"\0" * 78),
)


def assemble_profile(
    device: bytes, colours: bytes, pcs: bytes, blocks: tuple[tuple[bytes, bytes], ...]
) -> bytes:
    """Return a profile of version 2.1 from its tags."""
    tags, body, at = b"", b"", 128 + 4 + 12 * len(blocks)
    for name, block in blocks:
        tags += name + struct.pack(">II", at + len(body), len(block))
        body += block + b"\0" * (-len(block) % 4)
    start = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02100000, device, colours, pcs)
    start = (start + b"\0" * 12 + b"acsp").ljust(68, b"\0") + D50
    return start.ljust(128, b"\0") + struct.pack(">I", len(blocks)) + tags + body


def gamma_profile(gamma: float) -> bytes:
    """Return a grey profile with a pure power curve."""
    curve = b"curv" + struct.pack(">II", 0, 1) + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    return assemble_profile(b"mntr", b"GRAY", b"XYZ ", ((b"kTRC", curve), *WHITE_AND_NAME))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_embedded_profile_is_applied(kind: str) -> None:
    red = np.full((32, 32, 3), (255, 0, 0), np.uint8)
    pixels = decode(encode(red, kind, icc_profile=swapped_profile(), quality=95)).pixels
    assert pixels[16, 16, 2] > 200
    assert pixels[16, 16, 0] < 60


def test_a_profile_that_is_srgb_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(decode(encode(scene(), "PNG", icc_profile=srgb)).pixels, scene())


@pytest.mark.parametrize(
    "profile",
    [b"", b"nonsense" * 40, swapped_profile()[:200], b"\0" * 16 + b"RGB " + b"\0" * 200, gamma_profile(2.2)],
)
def test_a_broken_or_unfit_profile_is_ignored(profile: bytes) -> None:
    data = insert_png_chunk(encode(scene(), "PNG"), b"iCCP", b"p\0\0" + zlib.compress(profile))
    assert np.array_equal(decode(data).pixels, scene())


def test_a_grey_image_with_a_grey_profile() -> None:
    grey = np.full((8, 8), 128, np.uint8)
    linear = decode(encode(grey, "PNG", icc_profile=gamma_profile(1.0))).pixels
    assert abs(int(linear[0, 0, 0]) - 188) <= 2  # half of the light is level 188 in sRGB
    assert np.ptp(linear[0, 0].astype(int)) <= 1


def test_a_grey_image_with_an_rgb_profile() -> None:
    tinted = bytearray(swapped_profile())
    red, blue = tinted.index(b"rXYZ"), tinted.index(b"bXYZ")
    tinted[red + 4 : red + 12] = tinted[blue + 4 : blue + 12]  # both primaries the same: grey is not grey
    grey = np.full((8, 8), 128, np.uint8)
    pixels = decode(encode(grey, "JPEG", icc_profile=bytes(tinted))).pixels
    assert np.ptp(pixels[0, 0].astype(int)) > 20


def test_transparency_is_composited_on_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (200, 0, 0, 255)
    rgba[0, 1] = (200, 0, 0, 0)
    rgba[1, 0] = (0, 0, 0, 128)
    rgba[1, 1] = (255, 255, 255, 77)
    expected = [[[200, 0, 0], [255, 255, 255]], [[127, 127, 127], [255, 255, 255]]]
    for kind in ("PNG", "TIFF"):
        assert decode(encode(rgba, kind)).pixels.tolist() == expected
    lossless = decode(encode(rgba, "WEBP", lossless=True, exact=True)).pixels
    assert lossless.tolist() == expected


def test_grey_with_transparency() -> None:
    data = png(2, 1, bits=8, colour=4, rows=b"\x20\xff\x20\x00")
    assert decode(data).pixels.tolist() == [[[32, 32, 32], [255, 255, 255]]]


def press_profile() -> bytes:
    """Return a CMYK profile of a table with two steps an ink; its cyan ink prints green."""
    lab = {(0, 0, 0): (255, 128, 128), (1, 0, 0): (190, 60, 190)}  # L 0-255, a and b around 128
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    table = b"".join(
        bytes(lab.get(ink[:3], (0, 128, 128)) if not ink[3] else (0, 128, 128)) for ink in corners
    )
    unit = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    ramp = bytes(range(256))
    lut = b"mft1" + b"\0" * 4 + bytes([4, 3, 2, 0]) + unit + ramp * 4 + table + ramp * 3
    return assemble_profile(b"prtr", b"CMYK", b"Lab ", ((b"A2B0", lut), *WHITE_AND_NAME))


def test_cmyk_with_its_profile() -> None:
    cyan = PIL.Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for kind in ("TIFF", "JPEG"):
        plain = decode(encode(cyan, kind, quality=95)).pixels[8, 8].astype(int)
        assert np.abs(plain - (0, 255, 255)).max() <= 6
        profiled = (
            decode(encode(cyan, kind, quality=95, icc_profile=press_profile())).pixels[8, 8].astype(int)
        )
        assert profiled[1] > profiled[2] + 100, kind  # green, not cyan
    white = encode(PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "TIFF", icc_profile=press_profile())
    assert decode(white).pixels.min() >= 250


def palette(extra: bytes) -> bytes:
    from tests.unit.image.encoded import chunk

    return chunk(b"PLTE", b"\x0a\x14\x1e\x28\x32\x3c") + chunk(b"tRNS", extra)


def test_palette_with_transparency() -> None:
    data = png(2, 1, bits=8, colour=3, rows=b"\0\1", extra=palette(b"\xff\0"))
    assert decode(data).pixels.tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("bits", "colour", "rows", "key", "expected"),
    [
        (8, 0, b"\x05\x06", b"\0\x06", [5, 255]),
        (8, 2, b"\1\2\3\4\5\6", b"\0\4\0\5\0\6", [1, 255]),
        (16, 0, b"\x80\x00\x40\x00", b"\x40\x00", [128, 255]),
        (16, 2, b"\x10\0\x20\0\x30\0\x40\0\x50\0\x60\0", b"\x40\0\x50\0\x60\0", [16, 255]),
        (1, 0, b"\x40", b"\0\1", [0, 255]),
    ],
)
def test_key_colour(bits: int, colour: int, rows: bytes, key: bytes, expected: list[int]) -> None:
    from tests.unit.image.encoded import chunk

    data = png(2, 1, bits=bits, colour=colour, rows=rows, extra=chunk(b"tRNS", key))
    assert decode(data).pixels[0, :, 0].tolist() == expected


def test_a_transparent_gif() -> None:
    flat = PIL.Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    flat.putpalette([9, 9, 9, 200, 0, 0])
    assert decode(encode(flat, "GIF", transparency=1)).pixels.tolist() == [[[9, 9, 9], [255, 255, 255]]]


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    wide = np.array([[0, 128, 257, 32768, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert decode(encode(wide, kind)).pixels[0, :, 1].tolist() == [0, 0, 1, 128, 255]
    colour = png(1, 1, bits=16, colour=2, rows=b"\xff\xff\x80\x00\x00\x00")
    assert decode(colour).pixels.tolist() == [[[255, 128, 0]]]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 257.0, 65535.0], [0, 1, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.25, 0.25, 0.25], [64, 64, 64]),
        ([np.nan, 0.5, 1.0], [0, 128, 255]),
        ([-np.inf, 0.5, np.inf], [0, 128, 255]),
        ([np.nan, np.nan, np.inf], [0, 0, 255]),
        ([1e30, 2e30, 3e30], [0, 128, 255]),
        ([-7.0, -7.0, -7.0], [0, 0, 0]),
    ],
)
def test_floats_are_scaled_by_their_range(samples: list[float], expected: list[int]) -> None:
    data = encode(PIL.Image.fromarray(np.array([samples], np.float32)), "TIFF")
    assert decode(data).pixels[0, :, 0].tolist() == expected


def test_whole_numbers_of_32_bits() -> None:
    for samples, expected in (
        ([0, 7, 255], [0, 7, 255]),
        ([0, 257, 65535], [0, 1, 255]),
        ([-10, 0, 10], [0, 128, 255]),
    ):
        data = encode(PIL.Image.fromarray(np.array([samples], np.int32)), "TIFF")
        assert decode(data).pixels[0, :, 0].tolist() == expected


def test_many_rows_of_floats_share_one_scale() -> None:
    ramp = np.linspace(-3, 5, 1000, dtype=np.float32)[:, None]
    column = decode(encode(PIL.Image.fromarray(ramp), "TIFF")).pixels[:, 0, 0].astype(int)
    assert (column[0], column[-1]) == (0, 255)
    assert (np.diff(column) >= 0).all()


def test_one_bit() -> None:
    bits = PIL.Image.fromarray(np.array([[0, 255, 255, 0]], np.uint8)).convert("1")
    for kind in ("PNG", "TIFF", "BMP"):
        assert decode(encode(bits, kind)).pixels[0, :, 0].tolist() == [0, 255, 255, 0]


def test_white_is_zero_in_sixteen_bits() -> None:
    data = encode(np.array([[0, 65535]], np.uint16), "TIFF", tiffinfo={262: 0})
    assert decode(data).pixels[0, :, 0].tolist() == [255, 0]


def test_cmyk() -> None:
    cmyk = np.zeros((16, 64, 4), np.uint8)
    for i, ink in enumerate(((0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255))):
        cmyk[:, 16 * i : 16 * i + 16] = ink
    expected = np.array([(255, 255, 255), (0, 255, 255), (255, 0, 0), (0, 0, 0)])
    image = PIL.Image.fromarray(cmyk, "CMYK")
    for kind in ("TIFF", "JPEG"):
        pixels = decode(encode(image, kind, quality=95)).pixels[8, 8::16].astype(int)
        assert np.abs(pixels - expected).max() <= (0 if kind == "TIFF" else 6), kind


def test_lab() -> None:
    lab = PIL.Image.new("LAB", (4, 4), (255, 128, 128))
    white = decode(encode(lab, "TIFF")).pixels
    assert white.min() >= 250
    red = (
        decode(encode(PIL.Image.new("LAB", (4, 4), (135, 128 + 80, 128 + 67)), "TIFF"))
        .pixels[0, 0]
        .astype(int)
    )
    assert red[0] > 200
    assert red[1:].max() < 90


def test_grey_jpeg() -> None:
    grey = scene()[..., 0]
    pixels = decode(encode(grey, "JPEG", quality=95)).pixels
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert mean_difference(pixels[..., 0], grey) < 3
