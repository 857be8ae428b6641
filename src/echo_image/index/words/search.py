"""Candidates from visual words: scan, add up, keep the images whose votes agree on one turn and scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.features.orb import LocalFeatures
from echo_image.features.stored import levels
from echo_image.index.segment import Segment
from echo_image.index.words import kernels
from echo_image.index.words.vocabulary import NUM_WORDS, Vocabulary

#: Each query feature is looked up in this many words: its own cell and the neighbouring ones.
QUERY_WORDS = 4

#: Signatures further apart than this (of 64 bits) do not vote; 12 is 48 of 256 bits.
REACH_BITS = 12
#: Width of the Gaussian weight of the signature distance, bits.
SIGMA_BITS = 5.0

#: Images of a segment whose votes are looked at for agreement.
SHORTLIST = 400

#: Room for votes of one scan of one segment; beyond it votes count but are not looked at for agreement.
MAX_VOTES = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class WordQuery:
    """The local features of a query, ready to be looked up.

    Attributes:
        words: (Q, 4) uint16; signatures: (Q,) uint64.
        angles: (Q,) int32, 64 steps a turn; scales: (Q,) int32, pyramid levels.
    """

    words: NDArray[np.uint16]
    signatures: NDArray[np.uint64]
    angles: NDArray[np.int32]
    scales: NDArray[np.int32]


def prepare(local: LocalFeatures, width: int, height: int, vocabulary: Vocabulary) -> WordQuery:
    """Return the query for the features of an image of width × height px."""
    return WordQuery(
        words=vocabulary.nearest(local.descriptors, QUERY_WORDS),
        signatures=vocabulary.signatures(local.descriptors),
        angles=np.floor(local.angles * (64 / (2 * np.pi))).astype(np.int32) & 63,
        scales=levels(local.sizes, width, height),
    )


def inverse_document_frequency(segments: Sequence[Segment]) -> NDArray[np.float32]:
    """Return (65536,) float32, log(1 + features per word / features of this word), over all segments."""
    counts = np.zeros(NUM_WORDS, np.int64)
    for segment in segments:
        counts += np.diff(segment.postings.offsets)
    mean = max(1.0, counts.sum() / NUM_WORDS)
    return np.asarray(np.log1p(8 * mean / (counts + 1.0)), np.float32)


def search_segment(
    segment: Segment, query: WordQuery, idf: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and scores of the segment's best images, best first.

    The score of an image is the weight of the votes that agree on one turn and scale, divided by the
    square root of its number of features.
    """
    size = len(segment)
    if not size or not len(query.words):
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    votes, scores = _scan(segment, query, idf)
    norm = np.sqrt(np.maximum(segment.num_features, 25)).astype(np.float32)
    scores /= norm
    count = min(SHORTLIST, size)
    best = np.argpartition(-scores, count - 1)[:count] if count < size else np.arange(size)
    best = best[scores[best] > 0]
    slots = np.full(size, -1, np.int32)
    slots[best] = np.arange(len(best), dtype=np.int32)
    histogram = np.zeros((len(best), 16, 16), np.float32)
    kernels.agreeing_votes(slots, *votes, query.angles, query.scales, histogram)
    agreed = histogram.reshape(len(best), -1).max(axis=1, initial=0) / norm[best]
    order = np.lexsort((best, -agreed))
    return best[order].astype(np.int64), agreed[order]


def _scan(
    segment: Segment, query: WordQuery, idf: NDArray[np.float32]
) -> tuple[
    tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.uint16], NDArray[np.float32]],
    NDArray[np.float32],
]:
    size = len(segment)
    postings = segment.postings
    lengths = postings.offsets[query.words.astype(np.int64) + 1] - postings.offsets[query.words]
    room = min(MAX_VOTES, int(lengths.sum(dtype=np.int64)))
    votes = (
        np.empty(room, np.uint32),
        np.empty(room, np.int32),
        np.empty(room, np.uint16),
        np.empty(room, np.float32),
    )
    scores = np.zeros(size, np.float32)
    distances = np.arange(REACH_BITS + 1, dtype=np.float32)
    num_votes = kernels.scan_postings(
        postings.offsets,
        postings.images,
        postings.signatures,
        postings.geometry,
        query.words,
        query.signatures,
        idf[query.words] ** 2,
        np.exp(-(distances**2) / (2 * SIGMA_BITS**2)).astype(np.float32),
        scores,
        np.full(size, -1, np.int32),
        np.zeros(size, np.float32),
        votes,
    )
    image, feature, geometry, weight = votes
    return (image[:num_votes], feature[:num_votes], geometry[:num_votes], weight[:num_votes]), scores
