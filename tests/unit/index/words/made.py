"""Segments and queries made at random, and the slow way to search them, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features.stored import StoredFeatures
from echo_image.index.segment import Segment
from echo_image.index.words import postings, scan, vocabulary
from echo_image.index.words.effort import Effort
from echo_image.index.words.postings import Postings
from echo_image.index.words.search import WordQuery

# The numbers of the definition, written out once more: a change of one of them is meant to be noticed.
LEAST_FEATURES = 25
SIGMA = 3.0
MOST_BITS, MOST_NEAR_BITS, MOST_FLIPS = 8, 5, 1
EFFORT = Effort(
    10**9, words=3, fine_words=2, flips=MOST_FLIPS, near_reach=MOST_NEAR_BITS, reach=MOST_BITS, sigma=SIGMA
)

#: word, cell, image, near, far, geometry
Row = tuple[int, int, int, int, int, int]
#: image, feature, distance, geometry: in this order as the votes are sorted
Vote = tuple[int, int, int, int]


def stored_features(
    rng: np.random.Generator, count: int, *, words: int = 2**16, kinds: int = 0
) -> StoredFeatures:
    """Features of one image, of its first `words` visual words.

    With `kinds`, the descriptors are up to 40 bits away from one of so many, the same for all images.
    """
    descriptors = rng.integers(0, 2**64, (count, 4), np.uint64)
    if kinds:
        same = np.random.default_rng(77).integers(0, 2**64, (kinds, 4), np.uint64)
        flips = rng.random((count, 256)) < rng.random((count, 1)) * 40 / 256
        descriptors = same[rng.integers(0, kinds, count)] ^ np.packbits(flips, axis=1).view(np.uint64)
    return StoredFeatures(
        xy=rng.integers(0, 2**16, (count, 2)).astype(np.uint16),
        angles=rng.integers(0, 256, count).astype(np.uint8),
        levels=rng.integers(0, 8, count).astype(np.uint8),
        words=rng.integers(0, words, count).astype(np.uint16),
        descriptors=descriptors,
    )


def built(images: list[StoredFeatures], *, dense: bool = False) -> Postings:
    """The postings of these images, of the kind that is asked for whatever their number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "MAX_SPARSE_IMAGES", -1 if dense else 2**16)
        made = postings.build(images, vocabulary.load())
    assert made.is_dense is dense
    return made


def segment_of(images: list[StoredFeatures], *, first_key: int = 1, dense: bool = False) -> Segment:
    """A segment of these images, with keys from `first_key` on and random hashes."""
    count = len(images)
    rng = np.random.default_rng(count)
    return Segment(
        keys=np.arange(first_key, first_key + count, dtype=np.int64),
        codes=rng.integers(0, 2**64, (4, count), np.uint64),
        layouts=rng.integers(0, 256, (count, 48)).astype(np.uint8),
        quality=rng.integers(0, 101, count).astype(np.uint8),
        num_features=np.array([len(image) for image in images], np.uint16),
        postings=built(images, dense=dense),
    )


def rows_of(part: Postings) -> list[Row]:
    """Every posting, in the order of the file."""
    lengths = (part.offsets[1:] - part.offsets[:-1]).astype(np.int64)
    lists = np.repeat(np.arange(len(lengths)), lengths)
    words, cells = (lists >> 8, lists & 255) if part.is_dense else (lists, part.cells)
    columns = (words, cells, part.images, part.near[: len(part)], part.far, part.geometry)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def signature(descriptor: NDArray[np.uint64], word: int) -> tuple[int, int, int]:
    """Cell, near and far of a descriptor (4,) in a word, bit by bit."""
    shipped = vocabulary.load()
    whole = sum(int(part) << (64 * place) for place, part in enumerate(descriptor))
    pivot = next(p for p in range(512) if shipped.offsets[p] <= word < shipped.offsets[p + 1])
    bits = [whole >> int(bit) & 1 for bit in shipped.signature_bits[pivot]]
    assert len(bits) == 56

    def number(chosen: list[int]) -> int:
        return sum(bit << place for place, bit in enumerate(chosen))

    return number(bits[:8]), number(bits[8:40]), number(bits[40:])


def lookups_of(
    words: NDArray[np.uint16], cells: NDArray[np.uint8], near: NDArray[np.uint32], far: NDArray[np.uint16]
) -> scan.Lookups:
    """Lookups feature by feature; all four (Q, K), of Q features in K words each."""
    features = np.repeat(np.arange(len(words), dtype=np.uint16), words.shape[1])
    return scan.Lookups(features, words.ravel(), cells.ravel(), near.ravel(), far.ravel())


def no_lookups() -> scan.Lookups:
    """Lookups of no feature."""
    none = np.zeros((0, 1), np.uint16)
    return lookups_of(none, none.astype(np.uint8), none.astype(np.uint32), none)


def chosen(lookups: scan.Lookups, places: NDArray[np.intp] | slice) -> scan.Lookups:
    """Some of the lookups, in this order."""
    return scan.Lookups(*(column[places] for column in lookups.columns()))


def query_of(image: StoredFeatures, rng: np.random.Generator, *, words: int, flips: int) -> WordQuery:
    """A query that shows this image: signatures a few bits off, each feature in four different words."""
    others = (
        image.words[:, None] + rng.permuted(np.tile(np.arange(1, words), (len(image), 1)), axis=1)
    ) % words
    looked_up = np.column_stack([image.words, others[:, :3]]).astype(np.uint16)
    signed = vocabulary.load().sign(image.descriptors, looked_up)
    cells, near, far = signed.cells.copy(), signed.near.copy(), signed.far.copy()
    for row in range(len(image)):
        for bit in rng.integers(0, 56, rng.integers(0, flips + 1)).tolist():
            if bit < 8:
                cells[row] ^= np.uint8(1 << bit)
            elif bit < 40:
                near[row] ^= np.uint32(1 << (bit - 8))
            else:
                far[row] ^= np.uint16(1 << (bit - 40))
    return WordQuery(
        lookups=scan.joined([lookups_of(looked_up, cells, near, far)]),
        effort=EFFORT,
        angles=(image.angles >> 3).astype(np.int32),
        scales=image.levels.astype(np.int32) - rng.integers(0, 2, len(image)).astype(np.int32),
    )


def votes_of(part: Postings, query: WordQuery) -> list[Vote]:
    """Every vote, sorted."""
    lists = defaultdict(list)
    for row in rows_of(part):
        lists[row[0]].append(row)
    found = []
    lookups = zip(*(column.tolist() for column in query.lookups.columns()), strict=True)
    for feature, word, own_cell, own_near, own_far in lookups:
        for _, cell, image, near, far, geometry in lists[word]:
            flips, near_bits = (cell ^ own_cell).bit_count(), (near ^ own_near).bit_count()
            distance = flips + near_bits + (far ^ own_far).bit_count()
            if flips <= MOST_FLIPS and near_bits <= MOST_NEAR_BITS and distance <= MOST_BITS:
                found.append((image, feature, distance, geometry))
    return sorted(found)


def packed(votes: list[Vote]) -> NDArray[np.uint64]:
    """Votes as the scan records them."""
    numbers = [
        image << 32 | feature << 20 | bits << 16 | geometry for image, feature, bits, geometry in votes
    ]
    return np.array(numbers, np.uint64)


def agreed(votes: list[Vote], weights: list[list[float]], query: WordQuery) -> dict[int, float]:
    """For each image the most weight of its votes that agrees; `weights` by feature and distance."""
    nearest: dict[tuple[int, int], tuple[int, int]] = {}
    for image, feature, distance, geometry in votes:
        known = nearest.get((image, feature), (99, 0))
        nearest[image, feature] = min(known, (distance, geometry))
    histograms: dict[int, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
    for (image, feature), (distance, geometry) in nearest.items():
        angle, level = geometry >> 11, geometry >> 8 & 7
        turn = (angle - int(query.angles[feature])) % 32 // 2
        scale = min(max((level - int(query.scales[feature]) + 16) // 2, 0), 15)
        for step, share in ((0, 1.0), (1, 0.5), (-1, 0.5)):
            histograms[image][(turn + step) % 16, scale] += share * weights[feature][distance]
    return {image: max(histogram.values()) for image, histogram in histograms.items()}


def scores_of(segments: list[Segment], query: WordQuery) -> list[dict[int, float]]:
    """For each segment the score of every image that has a vote."""
    votes = [votes_of(segment.postings, query) for segment in segments]
    counts = np.bincount([vote[1] for part in votes for vote in part], minlength=len(query.angles))
    by_distance = np.exp(-(np.arange(9) ** 2) / (2 * SIGMA**2))
    weights = (by_distance / np.sqrt(np.maximum(counts, 1))[:, None]).tolist()
    return [
        {
            image: weight / max(int(segment.num_features[image]), LEAST_FEATURES) ** 0.5
            for image, weight in agreed(part, weights, query).items()
        }
        for segment, part in zip(segments, votes, strict=True)
    ]


def first(scores: dict[int, float]) -> list[int]:
    """Images by their scores, the best first, ties by row."""
    return sorted(scores, key=lambda image: (-scores[image], image))


def as_dense(segment: Segment, images: list[StoredFeatures]) -> Segment:
    """The same segment with dense postings."""
    return replace(segment, postings=built(images, dense=True))
