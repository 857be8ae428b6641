"""The first application's score of two images: SSIM and ORB without any alignment.

Kept exactly, for `scoring="plain"` and as the oracle of what Echo-Image used to say: both images are
stretched to one square, and the score is the mean of scikit-image's default SSIM and the share of the
query's ORB key points with a FLANN-LSH neighbour that passes the ratio test.

FLANN's hash tables are drawn at random. Unseeded, `orb` of one pair differs between ten calls by 0.02 in
the median and by 0.04 at most (23 pairs of scikit-image's images), and is on average up to 0.03 above
what the exhaustive two nearest neighbours give, as a missed second neighbour makes the first look better.
Here the tables are drawn from a fixed seed: one of the first application's possible answers, always the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["PlainScore", "plain_score"]

MAX_SIDE = 1024
MIN_SIDE = 63
"""ORB takes no key point within 31 px of the border, and fails on a few px instead of finding none."""
NUM_FEATURES = 500
RATIO = 0.75
FLANN_INDEX_LSH = 6
SEED = 0x0EC40
"""Of OpenCV's random numbers, which draw the bits of FLANN's hash tables. Any number does."""


@dataclass(frozen=True, slots=True)
class PlainScore:
    """What the first application computed for a pair of images.

    Attributes:
        ssim: Structural similarity of the two squares, in [-1, 1].
        orb: Share of the query's key points that have a distinct neighbour, in [0, 1].
        score: Mean of both. All three are 0 when an image has no key point.
    """

    ssim: float
    orb: float
    score: float


def plain_score(query_rgb: NDArray[np.uint8], candidate_rgb: NDArray[np.uint8]) -> PlainScore:
    """Score a pair of images as the first application did.

    The same input gives the same score in every thread and process. Costs 13 ms for a side of 300 px, 35 ms
    for 512 px, 160 ms for 1024 px, most of it scikit-image's. Seeds the calling thread's OpenCV random
    numbers.

    Args:
        query_rgb: (H, W, 3) uint8.
        candidate_rgb: (H, W, 3) uint8, of any other size.

    Raises:
        ValueError: An image has another shape or type, or no pixel.
    """
    for image in (query_rgb, candidate_rgb):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"an (H, W, 3) uint8 image is needed, not {image.shape} {image.dtype}")
    side = min(MAX_SIDE, max(query_rgb.shape[:2] + candidate_rgb.shape[:2]))
    if side < MIN_SIDE:
        return PlainScore(0.0, 0.0, 0.0)
    query, candidate = _square(query_rgb, side), _square(candidate_rgb, side)
    extractor = cv2.ORB.create(nfeatures=NUM_FEATURES)
    query_descriptors = extractor.detectAndCompute(query, cast("Any", None))[1]
    candidate_descriptors = extractor.detectAndCompute(candidate, cast("Any", None))[1]
    if _missing(query_descriptors) or _missing(candidate_descriptors):
        return PlainScore(0.0, 0.0, 0.0)
    # Imported here: it takes 0.1 s, and few runs score this way.
    from skimage.metrics import structural_similarity

    ssim = float(structural_similarity(query, candidate))  # type: ignore[no-untyped-call]
    orb = _num_distinct(query_descriptors, candidate_descriptors) / len(query_descriptors)
    return PlainScore(ssim, orb, (ssim + orb) / 2)


def _square(image_rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    # Red and blue are swapped in the first application's images and in its conversion: the same grey.
    resized = cv2.resize(image_rgb, (side, side))
    return cast("NDArray[np.uint8]", cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY))


def _missing(descriptors: Any) -> bool:
    return descriptors is None or len(descriptors) == 0


def _num_distinct(query: Any, candidate: Any) -> int:
    """Return how many query descriptors have a neighbour much closer than the next one."""
    if len(candidate) < 2:
        return 0  # FLANN refuses to look for two among fewer
    cv2.setRNGSeed(SEED)
    matcher = cv2.FlannBasedMatcher(
        {"algorithm": FLANN_INDEX_LSH, "table_number": 6, "key_size": 12, "multi_probe_level": 1},
        {"checks": 50},
    )
    neighbors = matcher.knnMatch(query, candidate, k=2)
    # The hash tables may propose one neighbour or none: then nothing says how distinct it is.
    return sum(len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance for pair in neighbors)
