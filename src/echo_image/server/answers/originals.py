"""The file of an image, in full, where it still is where the library found it.

A location is text that a caller may have made up, so it is not believed: what is given out must be a regular
file whose bytes have the SHA-256 that is the image's id. Whoever knows that has seen the file, so nothing can
be read this way that is not in the library.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import PurePath
from urllib.parse import quote

from echo_image import ImageRecord
from echo_image.errors import NotFound

__all__ = ["MEDIA_TYPES", "disposition", "media_type", "original"]

#: Of the formats that are decoded; nothing else can be in a library.
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._- ")


def original(record: ImageRecord, *, max_bytes: int) -> tuple[bytes, str]:
    """Return the bytes of an image's file and its location; blocks.

    Raises:
        NotFound: None of its locations is a file of this machine with these bytes.
    """
    for location in record.locations:
        if location.startswith("/") and record.num_bytes <= max_bytes:
            data = _regular(location, record.num_bytes)
            if data is not None and hashlib.sha256(data).hexdigest() == record.id:
                return data, location
    message = f"The file of image {record.id} is not on this machine, or has changed."
    raise NotFound(message, hint="The thumbnail is there; the locations say where the image was found.")


def _regular(location: str, num_bytes: int) -> bytes | None:
    """Return the bytes of a regular file of that size, None for anything else."""
    try:
        # Not waiting: a location may be a pipe that nobody writes to.
        descriptor = os.open(location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != num_bytes:
            return None
        try:
            return file.read(num_bytes)
        except OSError:
            return None


def media_type(record: ImageRecord) -> str:
    """Return the media type of what the image was decoded as, whatever its file is called."""
    return MEDIA_TYPES.get(record.format, "application/octet-stream")


def disposition(location: str) -> str:
    """Return a Content-Disposition that shows the file and names it for who saves it (RFC 6266).

    Example:
        >>> disposition("/photos/caf\u00e9.jpg")
        "inline; filename=\\"caf_.jpg\\"; filename*=UTF-8''caf%C3%A9.jpg"
    """
    name = PurePath(location).name[-150:] or "image"
    plain = "".join(char if char in _SAFE else "_" for char in name)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
