"""Limits that are checked before an image is decoded.

A compressed image of a few bytes can ask for gigabytes of memory, so its claims are read from the header and
compared with these limits before a decoder sees it. Each refusal names the limit, its number and the value
given.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from echo_image.errors import CorruptImage, LimitExceeded, UsageError

__all__ = ["DEFAULT_LIMITS", "DecodeLimits", "check_bytes", "check_frames", "check_size"]


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one image may cost at most; every field is a positive whole number.

    Attributes:
        max_bytes: Encoded size. 256 MiB holds an uncompressed 16-bit scan of 44 megapixels.
        max_pixels: Width times height. 2**27 (134 million) fits a 100-megapixel camera and asks for about
            1.3 GB while it is decoded.
        max_side: Width or height in pixels. JPEG itself ends at 65,500.
        max_frames: Frames or pages. Only the first is decoded; a file with more than this is no still image.

    Raises:
        UsageError: A field is not a positive whole number.
    """

    max_bytes: int = 256 * 2**20
    max_pixels: int = 2**27
    max_side: int = 65_500
    max_frames: int = 10_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(
                    f"{field.name} is {value!r}; expected a positive whole number.",
                    hint="Leave the limit out to use its default.",
                )


DEFAULT_LIMITS = DecodeLimits()


def check_bytes(num_bytes: int, limits: DecodeLimits) -> None:
    """Raise `LimitExceeded` if the encoded image is larger than `max_bytes`."""
    if num_bytes > limits.max_bytes:
        raise LimitExceeded(
            f"The image has {num_bytes:,} bytes; the limit is {limits.max_bytes:,} bytes.",
            hint="Save a smaller version, or raise the limit max_bytes.",
        )


def check_size(width: int, height: int, limits: DecodeLimits) -> None:
    """Check a size in pixels that a header claims.

    Raises:
        CorruptImage: A side is zero or negative.
        LimitExceeded: `max_pixels` or `max_side` is crossed.
    """
    if width < 1 or height < 1:
        raise CorruptImage(
            f"The image claims to be {width} x {height} pixels; both sides must be at least 1.",
            hint="The file is damaged; take it from its source again.",
        )
    if width * height > limits.max_pixels:
        raise LimitExceeded(
            f"The image has {width:,} x {height:,} = {width * height:,} pixels; "
            f"the limit is {limits.max_pixels:,} pixels.",
            hint="Save a smaller version, or raise the limit max_pixels.",
        )
    if max(width, height) > limits.max_side:
        raise LimitExceeded(
            f"The image has a side of {max(width, height):,} pixels; "
            f"the limit for a side is {limits.max_side:,} pixels.",
            hint="Save a smaller version, or raise the limit max_side.",
        )


def check_frames(frames: int, limits: DecodeLimits, *, more: bool = False) -> None:
    """Raise `LimitExceeded` if there are more frames than `max_frames`.

    Args:
        frames: The number found.
        limits: The limits that hold.
        more: True if counting was given up at this number.
    """
    if frames > limits.max_frames:
        given = f"at least {frames:,}" if more else f"{frames:,}"
        raise LimitExceeded(
            f"The image has {given} frames; the limit is {limits.max_frames:,} frames.",
            hint="Save the first frame as an image of its own, or raise the limit max_frames.",
        )
