"""Tell the format of a file from its first bytes; its name is never asked.

What cannot be searched is named too, so that a person learns why: "this is a PDF" helps, "unknown" does not.
"""

from __future__ import annotations

import re

from echo_image.errors import EmptyImage, UnsupportedFormat

__all__ = ["SUPPORTED_FORMATS", "sniff"]

SUPPORTED_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"heif"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
# Brands that say "some image container"; the compatible brands then tell which coding is inside.
_IMAGE_CONTAINER_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})

# First bytes, and what to call it. Longer and rarer starts first where one is the start of another.
_REFUSED_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"II\xbc", "a JPEG XR image"),
    (b"icns", "an icon (ICNS)"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI image"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"#?RGBE", "a Radiance HDR image"),
    (b"farbfeld", "a farbfeld image"),
    (b"SIMPLE  =", "a FITS image"),
    (b"gimp xcf", "a GIMP file"),
    (b"AT&TFORM", "a DjVu document"),
    (b"BLP1", "a BLP texture"),
    (b"BLP2", "a BLP texture"),
    (b"FTEX", "an FTEX texture"),
    (b"\x01\xda", "an SGI image"),
    (b"\x59\xa6\x6a\x95", "a Sun raster image"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)"),
    (b"/* XPM */", "an XPM image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office or FlashPix file"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
    (b"FLV\x01", "a video (Flash)"),
    (b"\0\0\x01\xba", "a video (MPEG)"),
    (b"\0\0\x01\xb3", "a video (MPEG)"),
    (b"OggS", "an Ogg audio or video file"),
    (b"fLaC", "an audio file (FLAC)"),
    (b"ID3", "an audio file (MP3)"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"GRIB", "a GRIB file"),
    (b"BUFR", "a BUFR file"),
)
_TEXT_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_REFUSED_PATTERNS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"P[1-7fF][ \t\r\n]"), "a Netpbm image (PBM, PGM, PPM)"),
    # A transfer in text mode changes line ends or drops the eighth bit.
    (
        re.compile(rb".?PNG[\r\n\x1a ]{3,5}\0\0\0", re.DOTALL),
        "a PNG image that was damaged by a transfer as text",
    ),
    (re.compile(rb"BM.{4}\0{4}", re.DOTALL), "a BMP image with an unknown header"),
    (re.compile(rb"\0\0\x01\0(?!\0\0)", re.DOTALL), "an icon (ICO)"),
    (re.compile(rb"\0\0\x02\0(?!\0\0)", re.DOTALL), "a cursor (CUR)"),
    # Length of an identifier, colour table or none, kind, place of the colour table; size; bits a pixel.
    (
        re.compile(
            rb".(?:\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{4}[\x0f\x10\x18\x20]).{8}[\x08\x0f\x10\x18\x20]",
            re.DOTALL,
        ),
        "a TGA image",
    ),
    (re.compile(rb".{4}[\x11\x12]\xaf", re.DOTALL), "an animation (FLI or FLC)"),
    (re.compile(rb"\x0a[\0\x02-\x05][\0\x01][\x01\x02\x04\x08]", re.DOTALL), "a PCX image"),
    (re.compile(rb"\x01\0\0\0.{36} EMF", re.DOTALL), "a Windows metafile (EMF)"),
    (re.compile(rb".{257}ustar", re.DOTALL), "a TAR archive"),
)
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# A prologue, comments and a document type may stand before the root element.
_SVG_ROOT = re.compile(rb"<(?:[a-z][\w.-]*:)?svg[\s>/]", re.IGNORECASE)
_HTML_START = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|script|!--)", re.IGNORECASE)
_PROBE_BYTES = 4096


def sniff(data: bytes) -> str:
    """Return the format of encoded image bytes, one of `SUPPORTED_FORMATS`.

    Only the first 4 KiB are looked at; the rest may still be broken.

    Raises:
        EmptyImage: There are no bytes.
        UnsupportedFormat: It is something else; the message says what it looks like.

    >>> sniff(b"GIF89a")
    'GIF'
    """
    if not data:
        raise EmptyImage("The image is empty: 0 bytes.", hint="Check that the download or copy was complete.")
    start = bytes(data[:_PROBE_BYTES])
    name = _supported(start)
    if name is not None:
        return name
    raise UnsupportedFormat(
        f"This looks like {_describe(start)}, not like an image that can be searched.",
        hint=f"Supported formats: {', '.join(SUPPORTED_FORMATS)}. The content decides, not the file name.",
    )


def _supported(start: bytes) -> str | None:
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(_TIFF_STARTS):
        return "TIFF"
    if _is_bmp(start):
        return "BMP"
    if start[4:8] == b"ftyp":
        return _container_format(start)
    return None


def _is_bmp(start: bytes) -> bool:
    """Two letters are no proof, a text may begin with "BM", so the size of the next header must be known."""
    return start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BMP_HEADER_SIZES


def _container_format(start: bytes) -> str | None:
    """Return AVIF or HEIF for an ISO container of images, None for one of video or anything else."""
    size = int.from_bytes(start[:4], "big")
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, min(size, len(start)), 4))]
    if brands[0] in _AVIF_BRANDS:
        return "AVIF"
    if brands[0] in _HEIF_BRANDS:
        return "HEIF"
    if brands[0] in _IMAGE_CONTAINER_BRANDS:
        return "AVIF" if _AVIF_BRANDS.intersection(brands) else "HEIF"
    return None


def _describe(start: bytes) -> str:
    """Return what refused bytes look like, with an article."""
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand == b"crx ":
            return "a camera raw file"
        return "a JPEG 2000 image" if brand == b"jp2 " else "a video"
    if start.startswith(b"RIFF"):
        kinds = {b"AVI ": "a video (AVI)", b"WAVE": "an audio file (WAV)"}
        return kinds.get(start[8:12], "a RIFF file")
    for prefix, kind in _REFUSED_STARTS:
        if start.startswith(prefix):
            return kind
    for pattern, kind in _REFUSED_PATTERNS:
        if pattern.match(start):
            return kind
    return _describe_text(start)


def _describe_text(start: bytes) -> str:
    if start.startswith(_TEXT_BOMS[1:]):
        return "a text file"
    body = start.removeprefix(_TEXT_BOMS[0])
    if _CONTROL_BYTES.search(body):
        return "an unknown binary file"
    if _SVG_ROOT.search(body):
        return "an SVG drawing"
    if _HTML_START.match(body):
        return "a web page (HTML)"
    if body.lstrip().startswith(b"<?xml"):
        return "an XML file"
    return "a text file" if _is_text(body) else "an unknown binary file"


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        # The probe may end inside a character; older encodings use bytes above 127 only now and then.
        cut_short = len(body) >= _PROBE_BYTES - 3 and error.start >= len(body) - 3
        high = sum(byte > 127 for byte in body)
        return cut_short or high * 3 < len(body)
    return True
