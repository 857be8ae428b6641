"""Turn any mode that Pillow decodes into sRGB, 8 bits, on white.

Order matters: wide samples are scaled first, the colour profile is applied to the colours alone, and only
then is transparency composited on white, which is white in sRGB.

Known limits: the gAMA chunk of PNG without a profile is not applied, as most viewers do not either. 16-bit
colour is taken by its high bytes.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

__all__ = ["WHITE", "to_srgb"]

WHITE = (255, 255, 255)
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_WIDE_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
_ROWS_AT_ONCE = 256


def to_srgb(
    image: PIL.Image.Image, icc: bytes | None = None, *, white: int = 65_535, inverted: bool = False
) -> PIL.Image.Image:
    """Return a loaded image in mode RGB: sRGB, transparency composited on white.

    Args:
        image: Any mode; it is not changed.
        icc: Embedded colour profile; a broken one, or one for another kind of colour, is ignored.
        white: The sample value of white in 16-bit modes, e.g. 4095 for 12 bits.
        inverted: True if 0 is white in modes wider than 8 bits; Pillow inverts the narrow ones itself.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return _with_profile(image, icc)
    colours, alpha = _narrow(image, white, inverted) if image.mode in _WIDE_MODES else _split(image)
    rgb = _with_profile(colours, icc)
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    canvas = PIL.Image.new("RGB", image.size, WHITE)
    canvas.paste(rgb, mask=alpha)
    return canvas


def _split(image: PIL.Image.Image) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
    """Return colours in mode L, RGB, CMYK or LAB, and transparency in mode L or None."""
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        return image.getchannel("L"), image.getchannel("A")
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        rgba = _without_wide_key(image).convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _without_wide_key(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return the image with its key colour (PNG tRNS) in 8 bits.

    The key of a 16-bit PNG is stored with 16 bits, while Pillow has reduced the pixels to their high bytes.
    """
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key, default=0) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image


def _narrow(
    image: PIL.Image.Image, white: int, inverted: bool
) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
    """Scale grey samples wider than 8 bits to 0-255; a key value (PNG tRNS) becomes transparency."""
    samples = np.asarray(image)
    scaled = _table(white)[samples] if samples.dtype.itemsize == 2 else _stretch(samples)
    key = image.info.get("transparency")
    alpha = None
    if isinstance(key, int):
        alpha = PIL.Image.fromarray(np.where(samples == key, 0, 255).astype(np.uint8))
    return PIL.Image.fromarray(255 - scaled if inverted else scaled), alpha


@lru_cache(maxsize=8)
def _table(white: int) -> NDArray[np.uint8]:
    """Return the 8-bit value of each 16-bit one, rounded; `white` and what lies above become 255."""
    wide = np.minimum(np.arange(65_536, dtype=np.uint32), white)
    return ((wide * 255 + white // 2) // white).astype(np.uint8)


def _stretch(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale (H, W) integers or floats of unknown range to 0-255.

    There is no rule for what white is, so the smallest usual range that holds all values is taken: 0-1
    (floats only), 0-255, 0-65535; else the range of the values themselves. Infinities are clipped, values
    that are no number become black.
    """
    usual = ((0.0, 1.0),) * (samples.dtype.kind == "f") + ((0.0, 255.0), (0.0, 65_535.0))
    low, high = np.inf, -np.inf
    scaled = np.empty(samples.shape, np.uint8)
    # In blocks, because double precision for all of a large image would take gigabytes.
    blocks = [slice(at, at + _ROWS_AT_ONCE) for at in range(0, samples.shape[0], _ROWS_AT_ONCE)]
    for rows in blocks:
        finite = samples[rows][np.isfinite(samples[rows])]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    start, end = next(((a, b) for a, b in usual if a <= low and high <= b), (low, high))
    span = end - start if end > start else 1.0
    for rows in blocks:
        values = (samples[rows].astype(np.float64) - start) / span
        scaled[rows] = np.rint(np.clip(np.nan_to_num(values, nan=0.0), 0, 1) * 255)
    return scaled


def _with_profile(colours: PIL.Image.Image, icc: bytes | None) -> PIL.Image.Image:
    """Return mode RGB, through the embedded profile if it fits the colours, else by the usual formulas."""
    if colours.mode == "LAB":
        return _apply(colours, _lab_transform()) or colours.convert("RGB")
    if icc is not None:
        if colours.mode == "L" and icc[16:20] == b"RGB ":
            colours = colours.convert("RGB")
        converted = _apply(colours, _transform(icc, colours.mode))
        if converted is not None:
            return converted
    return colours if colours.mode == "RGB" else colours.convert("RGB")


def _apply(image: PIL.Image.Image, transform: Any) -> PIL.Image.Image | None:
    if transform is None:
        return None
    from PIL import ImageCms

    return ImageCms.applyTransform(image, transform)


# Building a transform takes 1 to 50 ms and a few images in a row mostly share their profile.
_MAX_TRANSFORMS = 32
_transforms: OrderedDict[tuple[bytes, str], Any] = OrderedDict()
_transforms_lock = threading.Lock()
_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}
# Two levels are rounding between implementations of one and the same colour space.
_SAME_COLOUR = 2


def _transform(icc: bytes, mode: str) -> Any:
    """Return the cached transform to sRGB; None if there is nothing to do or the profile is of no use."""
    if icc[16:20] != _SPACES.get(mode):
        return None
    key = (hashlib.sha256(icc).digest(), mode)
    with _transforms_lock:
        if key in _transforms:
            _transforms.move_to_end(key)
            return _transforms[key]
    transform = _build(icc, mode)
    with _transforms_lock:
        _transforms[key] = transform
        while len(_transforms) > _MAX_TRANSFORMS:
            _transforms.popitem(last=False)
    return transform


def _build(icc: bytes, mode: str) -> Any:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    # A broken profile says nothing about the pixels; lcms reports it in several ways.
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: Any, mode: str) -> bool:
    """Tell whether a transform maps a grid of colours to itself, as every copy of the sRGB profile does."""
    if mode == "CMYK":
        return False
    steps = np.linspace(0, 255, 16).astype(np.uint8)
    grid: NDArray[np.uint8]
    if mode == "L":
        grid = np.arange(256, dtype=np.uint8).reshape(16, 16)
        expected = np.repeat(grid[..., None], 3, axis=2)
    else:
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(64, 64, 3)
        expected = grid
    mapped = np.asarray(_apply(PIL.Image.fromarray(grid), transform)).astype(np.int16)
    return bool(np.abs(mapped - expected).max() <= _SAME_COLOUR)


def _lab_transform() -> Any:
    key = (b"", "LAB")
    with _transforms_lock:
        if key not in _transforms:
            from PIL import ImageCms

            _transforms[key] = ImageCms.buildTransform(
                ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
            )
        return _transforms[key]
