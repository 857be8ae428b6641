"""`sniff`: the content decides, and what is refused is called by its name."""

from __future__ import annotations

import pytest

from echo_image.errors import EmptyImage, UnsupportedFormat
from echo_image.image import SUPPORTED_FORMATS, decode, sniff
from tests.unit.image.encoded import encode, scene


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", "JPEG"),
        ("PNG", "PNG"),
        ("WEBP", "WEBP"),
        ("GIF", "GIF"),
        ("TIFF", "TIFF"),
        ("BMP", "BMP"),
        ("AVIF", "AVIF"),
    ],
)
def test_a_format_is_told_from_its_bytes(kind: str, name: str) -> None:
    assert sniff(encode(scene(), kind)) == name


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"mif1\0\0\0\0avifmiaf", "AVIF"),
        (b"mif1\0\0\0\0heicmif1", "HEIF"),
        (b"heic\0\0\0\0mif1heic", "HEIF"),
        (b"msf1\0\0\0\0hevcmsf1", "HEIF"),
    ],
)
def test_a_container_is_told_by_its_brands(brands: bytes, expected: str) -> None:
    assert sniff(bytes([0, 0, 0, len(brands) + 8]) + b"ftyp" + brands) == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- a --><svg:svg width='1'/>", "SVG"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (b"  <!DOCTYPE html><title>404</title>", "web page"),
        (b"<html><body>No</body></html>", "web page"),
        (b"just some words\n", "text"),
        ("ein schöner Text".encode("latin-1"), "text"),
        ("grüße, 世界".encode(), "text"),
        ("wide".encode("utf-16"), "text"),
        (b"BMW is a maker of cars, and this is a text", "text"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF", "PostScript"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0", "JPEG 2000"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\x01\0\x01\0\x10\x10", "icon"),
        (b"\0\0\x02\0\x01\0\x10\x10", "cursor"),
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0", "TGA"),
        (b"\x0a\x05\x01\x08\0\0\0\0", "PCX"),
        (b"P6\n2 2\n255\n" + b"a" * 12, "Netpbm"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"\x1a\x45\xdf\xa3\x01", "video"),
        (b"RIFF\x10\0\0\0AVI LIST", "video"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x89PNG\n\x1a\n\0\0\0\rIHDR", "damaged by a transfer as text"),
        (b"\x07\x80\x91\x02\x00\x01\xfe", "unknown binary"),
        (b"\xff\xd8", "unknown binary"),
        (b"\0", "unknown binary"),
    ],
)
def test_what_is_refused_is_named(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        sniff(data)
    assert words in caught.value.message
    assert all(name in caught.value.hint for name in SUPPORTED_FORMATS)


def test_no_bytes_are_empty_not_unsupported() -> None:
    with pytest.raises(EmptyImage, match="0 bytes"):
        sniff(b"")


def test_a_text_that_begins_like_a_bmp_is_no_bmp() -> None:
    with pytest.raises(UnsupportedFormat, match="text"):
        decode(b"BM" + b"x" * 200)
