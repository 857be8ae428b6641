"""From votes to scores: how much weight of an image's votes agrees on one turn and scale. Compiled.

Weak geometric consistency (Jégou, Douze, Schmid: "Hamming embedding and weak geometric consistency", ECCV
2008): the votes of a true match agree on how much the image was turned and scaled. A vote counts in
its own bin and, by half, in the two neighbouring turns, since angles fall on both sides of an edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.words.scan import DISTANCE_SHIFT, FEATURE_SHIFT, IMAGE_SHIFT, MAX_FEATURES

_TURNS = 16
_SCALES = 16


@compiled
def count_features(votes: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
    """Add to `counts` (Q,) how many of the votes are of each query feature."""
    for v in range(votes.shape[0]):
        counts[(votes[v] >> np.uint64(FEATURE_SHIFT)) & np.uint64(MAX_FEATURES - 1)] += 1


@compiled
def _turn_and_scale(vote: np.uint64, angle: int, level: int) -> tuple[np.int64, np.int64]:
    """Return the bins of the turn and of the scale, that the vote says, of an image against the query."""
    turn = ((np.int64((vote >> np.uint64(11)) & np.uint64(31)) - angle) & 31) >> 1
    scale = (np.int64((vote >> np.uint64(8)) & np.uint64(7)) - level + _SCALES) >> 1
    return turn, min(max(scale, np.int64(0)), np.int64(_SCALES - 1))


@compiled
def score_images(
    votes: NDArray[np.uint64],
    feature_weights: NDArray[np.float32],
    distance_weights: NDArray[np.float32],
    angles: NDArray[np.int32],
    scales: NDArray[np.int32],
    images: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> int:
    """Fill in the images that have votes and the weight on which those agree; return how many images.

    Of the votes of one query feature for one image only the nearest counts (burstiness within an image).

    Args:
        votes: (M,) ascending, as `scan` makes them.
        feature_weights: (Q,); distance_weights: (REACH + 1,): a vote weighs their product.
        angles: (Q,) of the query features, 32 steps a turn; scales: (Q,) pyramid levels.
        images, scores: (M,) room.
    """
    histogram = np.zeros(_TURNS * _SCALES, np.float32)
    num_images = 0
    start = 0
    total = votes.shape[0]
    while start < total:
        image = votes[start] >> np.uint64(IMAGE_SHIFT)
        end = start
        last = np.int64(-1)
        best = np.float32(0)
        while end < total and votes[end] >> np.uint64(IMAGE_SHIFT) == image:
            vote = votes[end]
            end += 1
            feature = np.int64((vote >> np.uint64(FEATURE_SHIFT)) & np.uint64(MAX_FEATURES - 1))
            if feature == last:
                continue
            last = feature
            distance = (vote >> np.uint64(DISTANCE_SHIFT)) & np.uint64(15)
            weight = feature_weights[feature] * distance_weights[distance]
            turn, scale = _turn_and_scale(vote, angles[feature], scales[feature])
            for shift in range(-1, 2):
                bin_ = ((turn + shift) & (_TURNS - 1)) * _SCALES + scale
                histogram[bin_] += weight if shift == 0 else np.float32(0.5) * weight
                best = max(best, histogram[bin_])
        images[num_images] = np.int64(image)
        scores[num_images] = best
        num_images += 1
        # Few votes touch few bins: clearing only those is quicker than clearing all.
        if end - start < _SCALES:
            for v in range(start, end):
                vote = votes[v]
                feature = np.int64((vote >> np.uint64(FEATURE_SHIFT)) & np.uint64(MAX_FEATURES - 1))
                turn, scale = _turn_and_scale(vote, angles[feature], scales[feature])
                for shift in range(-1, 2):
                    histogram[((turn + shift) & (_TURNS - 1)) * _SCALES + scale] = 0
        else:
            histogram[:] = 0
        start = end
    return num_images
