"""A library's own image as a query: its thumbnail stands in for it, told in the image's own pixels.

A library keeps no originals. Where the original still lies unchanged at one of its locations it is read;
everywhere else the thumbnail is searched with. The caller knows nothing of that: a region comes in, and
sizes and homographies go out, in the pixels of the image.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image import ImageRecord, Library, decode
from echo_image.errors import EchoImageError, InvalidRegion
from echo_image.image import DecodeLimits, read_file

__all__ = ["Query", "Region", "stored_query"]

Region = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Query:
    """Bytes to search with, and the image that they stand for.

    Attributes:
        data: Image bytes.
        size: (width, height) px of these bytes; None where they stand for themselves.
        full: (width, height) px of the image that they stand for; None likewise.
    """

    data: bytes
    size: tuple[int, int] | None = None
    full: tuple[int, int] | None = None

    def region(self, region: Region | None) -> Region | None:
        """Return a region of the image as a region of the bytes, at least one pixel large.

        Raises:
            InvalidRegion: It reaches outside the image.
        """
        if region is None or self.size is None or self.full is None:
            return region
        x, y, w, h = region
        if min(x, y) < 0 or min(w, h) < 1 or x + w > self.full[0] or y + h > self.full[1]:
            width, height = self.full
            message = f"The region {x},{y},{w},{h} is not inside the image of {width} x {height} px."
            raise InvalidRegion(message, hint="It is x,y,width,height; x and y count from 0.")
        left, right = _scaled(x, w, self.size[0], self.full[0])
        top, bottom = _scaled(y, h, self.size[1], self.full[1])
        return (left, top, right - left, bottom - top)

    def told(self, answer: dict[str, Any], region: Region | None) -> dict[str, Any]:
        """Return a search's answer about the bytes as one about the image, where `region` was asked for."""
        if self.size is None or self.full is None:
            return answer
        # Pixel centres are whole numbers, so a scale moves them by half a pixel's difference.
        sx, sy = self.size[0] / self.full[0], self.size[1] / self.full[1]
        to_bytes = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
        query = {**answer["query"], "width": self.full[0], "height": self.full[1]}
        if region is not None:
            query["region"] = list(region)
        matches = [_match_of_full(match, to_bytes) for match in answer["matches"]]
        return {**answer, "query": query, "matches": matches}


def stored_query(library: Library, image_id: str, limits: DecodeLimits) -> Query:
    """Return an image of a library as a query. Blocks.

    Raises:
        NotFound: The library has no such image.
    """
    record = library.image(image_id)
    original = _original(record, limits)
    if original is not None:
        return Query(original)
    data = library.thumbnail(image_id)
    small = decode(data, limits=limits)
    return Query(data, (small.width, small.height), (record.width, record.height))


def _original(record: ImageRecord, limits: DecodeLimits) -> bytes | None:
    for location in record.locations:
        try:
            data = read_file(location, limits=limits)
        except EchoImageError:
            continue  # a URL, an upload, or a file that is gone
        # Whoever adds over HTTP names the location, so a file counts only if it is the image itself.
        if hashlib.sha256(data).hexdigest() == record.id:
            return data
    return None


def _scaled(start: int, length: int, size: int, full: int) -> tuple[int, int]:
    first = min(start * size // full, size - 1)
    last = -(-(start + length) * size // full)
    return first, max(first + 1, min(last, size))


def _match_of_full(match: dict[str, Any], to_bytes: NDArray[np.float64]) -> dict[str, Any]:
    transform = match["transform"]
    homography = np.asarray(transform["homography"]) @ to_bytes
    scale = transform["scale"] * float(np.sqrt(to_bytes[0, 0] * to_bytes[1, 1]))
    told = {**transform, "homography": homography.tolist(), "scale": round(scale, 4)}
    return {**match, "transform": told}
