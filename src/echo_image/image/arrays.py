"""Images that come as pixels: NumPy arrays and Pillow images."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from echo_image.errors import EmptyImage, UnsupportedFormat
from echo_image.image.colour import to_srgb
from echo_image.image.decoding import to_array, upright
from echo_image.image.limits import DEFAULT_LIMITS, DecodeLimits, check_size
from echo_image.image.model import Image, hash_pixels
from echo_image.image.opening import translate_errors

__all__ = ["from_array", "from_pil"]

_ORIENTATION_TAG = 0x0112
_EXPECTED = "expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, bool, or floats from 0 to 1"
# Interpolation overshoots a little; a float image on the scale 0-255 goes far beyond.
_FLOAT_TOLERANCE = 0.01


def from_array(array: NDArray[Any], *, limits: DecodeLimits = DEFAULT_LIMITS) -> Image:
    """Return an image from an array of pixels, which is copied.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 3) RGB or (H, W, 4) RGBA in sRGB; uint8, uint16 (0 to 65535),
            bool, or floats (0 to 1, clipped). Transparency is composited on white.
        limits: `max_pixels` and `max_side` hold.

    Raises:
        EmptyImage: The array has no elements.
        UnsupportedFormat: Another shape, type or range.
        LimitExceeded: Too many pixels.
    """
    array = np.asarray(array)
    if array.size == 0:
        raise EmptyImage(
            f"The array has the shape {array.shape}: no pixels.", hint=f"It is empty; {_EXPECTED}."
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise UnsupportedFormat(f"The array has the shape {array.shape}; {_EXPECTED}.", hint="Reshape it.")
    check_size(array.shape[1], array.shape[0], limits)
    narrow = _as_uint8(array)
    if narrow.ndim == 3 and narrow.shape[2] == 4:
        pixels = to_array(to_srgb(PIL.Image.fromarray(np.ascontiguousarray(narrow))))
    else:
        planes = narrow.reshape(*narrow.shape[:2], -1)
        pixels = np.array(np.broadcast_to(planes, (*planes.shape[:2], 3)), order="C")
    return _from_pixels(pixels)


def from_pil(image: PIL.Image.Image, *, limits: DecodeLimits = DEFAULT_LIMITS) -> Image:
    """Return an image from a Pillow image of any mode, as `decode` would: upright, sRGB, on white.

    The orientation in its EXIF data and its colour profile are applied. The Pillow image is not changed,
    except that it is loaded if it was not yet.

    Raises:
        EmptyImage: It has no pixels.
        LimitExceeded: Too many pixels.
        CorruptImage: It was opened from a file that cannot be decoded.
    """
    if 0 in image.size:
        raise EmptyImage(
            f"The image is {image.width} x {image.height} pixels: no pixels.",
            hint="Give an image with pixels.",
        )
    check_size(*image.size, limits)
    with translate_errors(image.format or "Pillow"):
        orientation = _orientation(image)  # before loading: a TIFF turns itself then and forgets it
        image.load()
        if image.format == "TIFF":
            orientation = _orientation(image)
        icc = image.info.get("icc_profile")
        rgb = to_srgb(image, icc if isinstance(icc, bytes) else None)
        pixels = to_array(upright(rgb, orientation))
    return _from_pixels(np.array(pixels))


def _orientation(image: PIL.Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    # Broken EXIF raises nearly anything and is no reason to refuse the pixels.
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _as_uint8(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return np.asarray(array, dtype=np.uint8)
    if array.dtype == np.bool_:
        return np.where(array, 255, 0).astype(np.uint8)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind != "f":
        raise UnsupportedFormat(
            f"The array has the type {array.dtype}; {_EXPECTED}.", hint="Convert it to uint8."
        )
    # NaN fails both comparisons, so it is refused too.
    if not (array.min() >= -_FLOAT_TOLERANCE and array.max() <= 1 + _FLOAT_TOLERANCE):
        raise UnsupportedFormat(
            f"The array has floats from {array.min():g} to {array.max():g}; {_EXPECTED}.",
            hint="Divide by the largest value that a pixel can have, e.g. 255.",
        )
    scaled: NDArray[np.uint8] = np.rint(np.clip(array, 0, 1).astype(np.float64) * 255).astype(np.uint8)
    return scaled


def _from_pixels(pixels: NDArray[np.uint8]) -> Image:
    height, width = pixels.shape[:2]
    pixel_id = hash_pixels(pixels)
    return Image(
        pixels=pixels,
        width=width,
        height=height,
        format="ARRAY",
        content_id=pixel_id,
        num_bytes=pixels.nbytes,
        _pixel_id=pixel_id,
    )
