"""The first application's score for the matches of a search.

An image that came from elsewhere, or whose file is gone, is represented by its thumbnail (`standin`); the
score then differs from the first application's, which asked the image's server again for every search.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echo_image.image import Image
from echo_image.verify.plain import plain_score
from echo_image.verify.results import Match


def plain_match(match: Match, query: Image, pixels: NDArray[np.uint8]) -> Match:
    """Return the match with score, similarity, SSIM and ORB of the first application.

    Its score, from 0 to 1, becomes 0 to 100; a negative one (SSIM can be) becomes 0.
    """
    plain = plain_score(query.pixels, pixels)
    score = float(np.clip(100 * plain.score, 0, 100))
    return replace(match, score=score, similarity=score, ssim=plain.ssim, orb=plain.orb)
