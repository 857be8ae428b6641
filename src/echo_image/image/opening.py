"""The border to Pillow: open one named format, load it, and turn whatever it raises into our errors.

The decoder of the sniffed format is called directly instead of `PIL.Image.open`. So no other format is ever
tried, and Pillow's process-wide limit on pixels, which only warns or raises at a fixed number, has no say:
ours has been checked before.
"""

from __future__ import annotations

import importlib
import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from echo_image.errors import CorruptImage, EchoImageError, LimitExceeded, MissingExtra, UnsupportedFormat

if TYPE_CHECKING:
    from PIL import ImageFile

__all__ = ["open_image", "translate_errors"]

_PLUGINS = {
    "JPEG": ("JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "TIFF": ("TiffImagePlugin", "TiffImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "AVIF": ("AvifImagePlugin", "AvifImageFile"),
}
_OPTIONAL_FEATURES = {"WEBP": "webp", "AVIF": "avif"}


def open_image(data: bytes, kind: str) -> ImageFile.ImageFile:
    """Open encoded bytes with Pillow's decoder for `kind`; no pixel is decoded yet.

    To be called inside `translate_errors`.

    Raises:
        MissingExtra: HEIF without the extra `heic`, or a Pillow that was built without WebP or AVIF.
    """
    if kind == "HEIF":
        return _open_heif(data)
    module_name, class_name = _PLUGINS[kind]
    decoder: Any = getattr(importlib.import_module(f"PIL.{module_name}"), class_name)
    feature = _OPTIONAL_FEATURES.get(kind)
    if feature is not None:
        from PIL import features

        if not features.check(feature):
            raise MissingExtra(
                f"This Pillow was built without {kind}.",
                hint="Install the wheel: pip install --force-reinstall pillow",
            )
    image: ImageFile.ImageFile = decoder(io.BytesIO(data))
    return image


def _open_heif(data: bytes) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingExtra(
            "HEIC and HEIF images need an optional package that is not installed.",
            hint="pip install 'echo-image[heic]'",
        ) from error
    image: ImageFile.ImageFile = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return image


@contextmanager
def translate_errors(kind: str, variant: str = "") -> Iterator[None]:
    """Turn everything that a decoder raises inside the block into an error of ours; silence its warnings.

    Args:
        kind: The format, for the message.
        variant: An unusual kind of the format, as the header says; a failure is then put down to it.

    Raises:
        LimitExceeded: The decoder ran out of memory or refused the size.
        UnsupportedFormat: The decoder says that it does not know this variant.
        CorruptImage: Anything else, with the decoder's own words.
    """
    try:
        with _silenced_warnings():
            yield
    except EchoImageError:
        raise
    except MemoryError as error:
        raise LimitExceeded(
            f"This {kind} image needs more memory than is available.", hint="Save a smaller version of it."
        ) from error
    # Decoders of hostile data raise whatever Python can raise (OSError, SyntaxError, ValueError, KeyError,
    # struct.error, zlib.error, RuntimeError, ...), and the set grows with each release.
    except Exception as error:
        raise _translated(error, kind, variant) from error


_UNSUPPORTED = re.compile(
    r"unknown pixel mode|unsupported|not (?:yet )?supported|cannot handle|unknown data organization"
    r"|unknown compression|decoder .* not available",
    re.IGNORECASE,
)


def _translated(error: Exception, kind: str, variant: str) -> EchoImageError:
    name = type(error).__name__
    if name.startswith("DecompressionBomb"):
        return LimitExceeded(f"This {kind} image is refused by its decoder: {_words(error)}.")
    if variant:
        return UnsupportedFormat(
            f"A {kind} with {variant} cannot be decoded here: {_words(error)}.",
            hint="Save it as PNG or JPEG.",
        )
    if _UNSUPPORTED.search(str(error)):
        return UnsupportedFormat(
            f"This kind of {kind} is not supported: {_words(error)}.", hint="Save it as PNG or JPEG."
        )
    return CorruptImage(
        f"This {kind} file is damaged and cannot be decoded: {_words(error)}.",
        hint="Take the file from its source again, or re-save it.",
    )


def _words(error: Exception) -> str:
    """Return the message of a foreign error as one short, printable line without addresses of objects."""
    text = re.sub(r"<[^>]* at 0x[0-9a-fA-F]+>", "the data", str(error))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split()).rstrip(".")
    return (text if len(text) <= 200 else text[:197] + "...") or type(error).__name__


_silence = threading.Lock()
_silent_blocks = 0
_FILTER: tuple[str, None, type[Warning], re.Pattern[str], int] = (
    "ignore",
    None,
    Warning,
    re.compile(r"PIL\."),
    0,
)


@contextmanager
def _silenced_warnings() -> Iterator[None]:
    """Ignore warnings raised in Pillow while any block is active.

    `warnings.catch_warnings` saves and restores one list for the whole process, so two threads that overlap
    can leave it changed for ever. Here one entry is added by the first block and removed by the last.
    """
    global _silent_blocks
    with _silence:
        _silent_blocks += 1
        if _silent_blocks == 1:
            warnings.filters.insert(0, _FILTER)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        with _silence:
            _silent_blocks -= 1
            if _silent_blocks == 0 and _FILTER in warnings.filters:
                warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]
