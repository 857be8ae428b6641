"""Whatever a person names as a query → a decoded image."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from echo_image.errors import QueryError
from echo_image.fetch import FetchLimits, fetch_sync, is_url
from echo_image.image import DecodeLimits, Image, decode, from_array, from_pil, read_file
from echo_image.store.extraction import MIN_SIDE_PX

Query = str | os.PathLike[str] | bytes | bytearray | memoryview | PIL.Image.Image | NDArray[Any] | Image


def load_query(
    query: Query, *, decode_limits: DecodeLimits, fetch_limits: FetchLimits, full: bool = False
) -> tuple[Image, str]:
    """Return the image and where it came from ("" for pixels and bytes).

    Args:
        query: a path, a URL, image bytes, a Pillow image, an array (H, W), (H, W, 3 or 4), or an `Image`.
        decode_limits, fetch_limits: what it may cost.
        full: decode large JPEGs in full rather than at a reduced scale.

    Raises:
        QueryError: nothing of these, or a path that cannot be read.
        ImageError, FetchError and their kinds: as their names say.
    """
    if isinstance(query, Image):
        return query, ""
    if isinstance(query, PIL.Image.Image):
        return from_pil(query, limits=decode_limits), ""
    if isinstance(query, np.ndarray):
        return from_array(query, limits=decode_limits), ""
    location = ""
    if isinstance(query, (bytes, bytearray, memoryview)):
        data = bytes(query)
    elif isinstance(query, str) and is_url(query):
        location, data = query, fetch_sync(query, limits=fetch_limits).data
    elif isinstance(query, (str, os.PathLike)):
        data = read_file(query, limits=decode_limits)
        location = os.path.abspath(query)
    else:
        raise QueryError(
            f"a query is a path, a URL, bytes, a Pillow image or an array, not {type(query).__name__}"
        )
    return decode(data, limits=decode_limits, min_side=None if full else MIN_SIDE_PX), location
