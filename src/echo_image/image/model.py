"""The decoded image, as every later stage sees it.

Convention: `(x, y)` in pixels, y down, the centre of the top-left pixel is (0, 0). A reduced image has the
scale `s`: `x' = (x + 0.5) * s - 0.5`.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from echo_image.errors import InvalidRegion

__all__ = ["Image", "hash_pixels"]


def hash_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """Return the SHA-256 of height and width (uint32, little-endian) and the pixel bytes; 32 bytes."""
    digest = hashlib.sha256(struct.pack("<II", pixels.shape[0], pixels.shape[1]))
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels of an image, upright, in sRGB, on white, with what identifies it.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, C-contiguous, read-only. Smaller than `width` x `height` if it was
            reduced.
        width: Width in pixels of the stored image, upright, before any reduction.
        height: Height, likewise.
        format: JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, HEIF, or ARRAY for an image that came as pixels.
        content_id: SHA-256 of the encoded bytes, 32 bytes; the same as `pixel_id` for ARRAY.
        num_bytes: Size of the encoded image; of the pixels for ARRAY.
        scale: The achieved reduction, 1 if there was none. For a JPEG exactly 1/2, 1/4 or 1/8: the last row
            and column may then cover a part of a pixel only, so `pixels` has `ceil(width * scale)` columns.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    content_id: bytes
    num_bytes: int
    scale: float = 1.0
    _pixel_id: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        assert self.pixels.ndim == 3, "pixels must be (H, W, 3)"
        assert self.pixels.shape[2] == 3, "pixels must be (H, W, 3)"
        assert self.pixels.dtype == np.uint8, "pixels must be uint8"
        assert self.pixels.flags.c_contiguous, "pixels must be C-contiguous"
        # Images are shared between threads and caches, so nobody may draw into one.
        self.pixels.setflags(write=False)

    @property
    def pixel_id(self) -> bytes:
        """SHA-256 of size and pixels, 32 bytes: equal for images that look the same to the last bit.

        Computed on first use (about 1 ms for a megapixel) and kept. Images at different scales differ.
        """
        known = self._pixel_id
        if known is None:
            known = hash_pixels(self.pixels)
            # Two threads may both compute it; they store equal values.
            object.__setattr__(self, "_pixel_id", known)
        return known

    @property
    def gray(self) -> NDArray[np.uint8]:
        """(H, W) uint8 luma, rounded as OpenCV's COLOR_RGB2GRAY does (0.299 R + 0.587 G + 0.114 B)."""
        import cv2  # slow to import, and not needed to list or copy images

        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def crop(self, x: int, y: int, width: int, height: int) -> Image:
        """Return a region as an image of its own.

        The region is in pixels of the full upright image, also where `pixels` is reduced: then the smallest
        block of reduced pixels that covers it is taken. A region that is the whole image gives this image
        itself; any other has the format ARRAY and is identified by its pixels.

        Args:
            x: Left edge, 0 or more.
            y: Top edge, 0 or more.
            width: At least 1.
            height: At least 1.

        Raises:
            InvalidRegion: The region is empty or not inside the image.
        """
        inside = min(x, y) >= 0 and x + width <= self.width and y + height <= self.height
        if width < 1 or height < 1 or not inside:
            raise InvalidRegion(
                f"The region {x},{y},{width},{height} does not lie inside the image, "
                f"which is {self.width} x {self.height} pixels.",
                hint="Give x,y,width,height in pixels from the top-left corner; the sides at least 1.",
            )
        if (x, y, width, height) == (0, 0, self.width, self.height):
            return self
        rows = _reduced_span(y, height, self.scale, self.pixels.shape[0])
        columns = _reduced_span(x, width, self.scale, self.pixels.shape[1])
        pixels = self.pixels[rows, columns].copy()
        pixel_id = hash_pixels(pixels)
        return Image(
            pixels=pixels,
            width=width,
            height=height,
            format="ARRAY",
            content_id=pixel_id,
            num_bytes=pixels.nbytes,
            scale=self.scale,
            _pixel_id=pixel_id,
        )


def _reduced_span(start: int, length: int, scale: float, available: int) -> slice:
    """Return the reduced pixels that cover `[start, start + length)`; never empty."""
    first = min(math.floor(start * scale), available - 1)
    last = min(max(math.ceil((start + length) * scale), first + 1), available)
    return slice(first, last)
