"""Pictures made small enough for a page: JPEG, at most 1,024 pixels, nothing but pixels in it."""

from __future__ import annotations

import io

import PIL.Image

from echo_image import DecodeLimits, decode

__all__ = ["preview"]

#: Fills the half of a wide screen that a page gives to one of two pictures.
_LONG_SIDE_PX = 1024
_QUALITY = 85


def preview(data: bytes, limits: DecodeLimits) -> bytes:
    """Return a JPEG of the upright image, its long side at most 1,024 pixels; blocks.

    Only pixels go into it: no EXIF data with a place, no profile, no thumbnail.

    Raises:
        ImageError and its kinds: As for `decode`.
    """
    image = decode(data, limits=limits, min_side=_LONG_SIDE_PX)
    shown = PIL.Image.fromarray(image.pixels)
    shown.thumbnail((_LONG_SIDE_PX, _LONG_SIDE_PX), PIL.Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    shown.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
