"""The first application's score for the matches of a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echo_image.catalogue import ImageRecord
from echo_image.errors import EchoImageError
from echo_image.features import thumbnail
from echo_image.image import DecodeLimits, Image, decode, read_file
from echo_image.store import Store
from echo_image.verify.plain import plain_score
from echo_image.verify.results import Match


def plain_match(match: Match, query: Image, pixels: NDArray[np.uint8]) -> Match:
    """Return the match with score, similarity, SSIM and ORB of the first application.

    Its score, from 0 to 1, becomes 0 to 100; a negative one (SSIM can be) becomes 0.
    """
    plain = plain_score(query.pixels, pixels)
    score = float(np.clip(100 * plain.score, 0, 100))
    return replace(match, score=score, similarity=score, ssim=plain.ssim, orb=plain.orb)


def read_original(store: Store, record: ImageRecord, limits: DecodeLimits) -> NDArray[np.uint8]:
    """Return the pixels of an image of the library: of its file where it is still there, unchanged.

    Images that came from elsewhere, or whose file is gone, are represented by their thumbnail; the score
    then differs from the first application's, which asked the image's server again for every search.
    """
    for location in record.locations:
        try:
            data = read_file(location, limits=limits)
            image = decode(data, limits=limits)
        except (EchoImageError, ValueError):
            continue
        if image.content_id.hex() == record.id:
            return image.pixels
    return thumbnail.decode(store.thumbnails([record.key])[record.key])
