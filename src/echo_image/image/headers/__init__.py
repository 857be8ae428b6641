"""Read the header of an encoded image: its claims, and the part of the file that its decoder needs.

A decoder that walks through a stranger's metadata can be made to spend hours or gigabytes on it: compressed
comments that expand a thousandfold, tags that all point at the same megabytes, millions of empty segments. So
a short walk of our own comes first. It counts frames, reads size, orientation and colour profile, stops at
fixed bounds, and leaves out what does not contribute to pixels. No decoder ever sees the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Header", "read_header"]


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of an image claims, before any pixel is decoded.

    Attributes:
        data: Encoded bytes for the decoder, the same pixels as the file; metadata may be left out.
        width: Stored width in pixels, before `orientation` is applied; 0 if only the decoder can tell.
        height: Stored height, likewise.
        frames: Number of frames or pages, 1 or more; 0 if only the decoder can tell.
        frames_more: True if counting stopped at the limit and there may be more.
        orientation: EXIF orientation 1 to 8 that is still to be applied.
        icc: Embedded colour profile, or None.
        variant: What is unusual about this kind of the format, if a decoder may lack it for that; else empty.
        offset: Where in width x height the decoded pixels belong, (x, y); what they leave open is
            transparent.
    """

    data: bytes
    width: int = 0
    height: int = 0
    frames: int = 1
    frames_more: bool = False
    orientation: int = 1
    icc: bytes | None = None
    variant: str = ""
    offset: tuple[int, int] = (0, 0)


def read_header(data: bytes, kind: str, *, max_frames: int) -> Header:
    """Read the header of `data`, which `sniff` found to be of the format `kind`.

    Frames are counted up to `max_frames + 1`.

    Raises:
        CorruptImage: The structure of the file is broken before its pixels begin.
        UnsupportedFormat: The format is known, this variant of it is not.
        LimitExceeded: The header has more parts than any real file.
    """
    return _reader(kind)(data, max_frames)


def _reader(kind: str) -> Callable[[bytes, int], Header]:
    from echo_image.image.headers import bmp, gif, isobmff, jpeg, png, tiff, webp

    readers: dict[str, Callable[[bytes, int], Header]] = {
        "JPEG": jpeg.read,
        "PNG": png.read,
        "WEBP": webp.read,
        "GIF": gif.read,
        "TIFF": tiff.read,
        "BMP": bmp.read,
        "AVIF": isobmff.read_avif,
        "HEIF": isobmff.read_heif,
    }
    return readers[kind]
