"""Segments and queries made at random, and the slow way to search them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from echo_image.features.stored import StoredFeatures
from echo_image.index.segment import Segment
from echo_image.index.words import postings, vocabulary
from echo_image.index.words.search import REACH_BITS, SIGMA_BITS, WordQuery

#: Fewest features that the norm of an image counts.
LEAST_FEATURES = 25

Vote = tuple[int, int, int, int]


def stored_features(rng: np.random.Generator, count: int, *, words: int = 2**16) -> StoredFeatures:
    """Features of one image, of its first `words` visual words."""
    return StoredFeatures(
        xy=rng.integers(0, 2**16, (count, 2)).astype(np.uint16),
        angles=rng.integers(0, 256, count).astype(np.uint8),
        levels=rng.integers(0, 8, count).astype(np.uint8),
        words=rng.integers(0, words, count).astype(np.uint16),
        descriptors=rng.integers(0, 2**64, (count, 4), np.uint64),
    )


def segment_of(images: list[StoredFeatures], *, first_key: int = 1) -> Segment:
    """A segment of these images, with keys from `first_key` on and random hashes."""
    count = len(images)
    rng = np.random.default_rng(count)
    return Segment(
        keys=np.arange(first_key, first_key + count, dtype=np.int64),
        codes=rng.integers(0, 2**64, (count, 4), np.uint64),
        layouts=rng.integers(0, 256, (count, 48)).astype(np.uint8),
        quality=rng.integers(0, 101, count).astype(np.uint8),
        num_features=np.array([len(image) for image in images], np.uint16),
        postings=postings.build(images, vocabulary.load()),
    )


def query_of(image: StoredFeatures, rng: np.random.Generator, *, words: int, flips: int) -> WordQuery:
    """A query that shows this image: signatures a few bits off, each feature in four words."""
    signatures = vocabulary.load().signatures(image.descriptors).copy()
    for row in range(len(signatures)):
        for bit in rng.integers(0, 64, rng.integers(0, flips + 1)):
            signatures[row] ^= np.uint64(1) << np.uint64(bit)
    others = rng.integers(0, words, (len(image), 3)).astype(np.uint16)
    return WordQuery(
        words=np.column_stack([image.words, others]),
        signatures=signatures,
        angles=(image.angles >> 2).astype(np.int32),
        scales=image.levels.astype(np.int32) - rng.integers(0, 2, len(image)).astype(np.int32),
    )


def votes_of(segment: Segment, query: WordQuery, reach: int = REACH_BITS) -> list[Vote]:
    """Every vote as (image, feature, geometry, distance): features, their words, postings, in this order."""
    part, found = segment.postings, []
    for feature, words in enumerate(query.words.tolist()):
        for word in words:
            for p in range(int(part.offsets[word]), int(part.offsets[word + 1])):
                distance = (int(part.signatures[p]) ^ int(query.signatures[feature])).bit_count()
                if distance <= reach:
                    found.append((int(part.images[p]), feature, int(part.geometry[p]), distance))
    return found


def agreement(votes: list[tuple[Vote, float]], query: WordQuery) -> dict[int, dict[tuple[int, int], float]]:
    """For each image its histogram over (turn, scale), as `kernels.agreeing_votes` defines it."""
    histograms: dict[int, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
    for (image, feature, geometry, _), weight in votes:
        turn = ((geometry >> 10) - int(query.angles[feature])) % 64 // 4
        steps = (geometry >> 6 & 15) - int(query.scales[feature]) + 16
        scale = min(max(steps // 2, 0), 15)
        for neighbour, share in ((turn, 1.0), ((turn + 1) % 16, 0.5), ((turn - 1) % 16, 0.5)):
            histograms[image][neighbour, scale] += share * weight
    return histograms


def scores_of(segments: list[Segment], query: WordQuery) -> list[dict[int, float]]:
    """For each segment the score of every image that has a vote."""
    votes = [votes_of(segment, query) for segment in segments]
    counts = np.bincount([vote[1] for part in votes for vote in part], minlength=len(query.words))
    scores = []
    for segment, part in zip(segments, votes, strict=True):
        weighed = [
            (vote, float(np.exp(-(vote[3] ** 2) / (2 * SIGMA_BITS**2)) / np.sqrt(counts[vote[1]])))
            for vote in part
        ]
        scores.append(
            {
                image: max(histogram.values()) / max(int(segment.num_features[image]), LEAST_FEATURES) ** 0.5
                for image, histogram in agreement(weighed, query).items()
            }
        )
    return scores


def first(scores: dict[int, float]) -> list[int]:
    """Images by their scores, the best first, ties by row."""
    return sorted(scores, key=lambda image: (-scores[image], image))


Arrays = tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16], NDArray[np.uint8]]


def room_for(count: int) -> Arrays:
    """Empty arrays for so many votes."""
    return (
        np.empty(count, np.uint32),
        np.empty(count, np.int32),
        np.empty(count, np.uint16),
        np.empty(count, np.uint8),
    )
