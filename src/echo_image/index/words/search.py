"""Candidates from visual words: scan, weigh, add up what agrees on one turn and scale.

A vote weighs less the further its signature is from the query feature's, and the more votes the same feature
has in the whole library: one over the square root of their number (burstiness between images, Jégou, Douze,
Schmid: "On the burstiness of visual elements", CVPR 2009). A letter of a caption that occurs in every
document says little. Weights by the rarity of the word (idf) add nothing to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.errors import LibraryCorrupt
from echo_image.features.orb import LocalFeatures
from echo_image.features.stored import levels
from echo_image.index.segment import Segment
from echo_image.index.words import agreement, scan
from echo_image.index.words.effort import Effort
from echo_image.index.words.vocabulary import Vocabulary

#: Images with few features get few votes by chance; with fewer than this their score is no longer raised.
_MIN_FEATURES = 25
#: Images of a segment that are returned.
SHORTLIST = 400
#: Room for the votes of one query on one segment (32 MB, touched only as far as there are votes).
MAX_VOTES = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class WordQuery:
    """The Q local features of a query, ready to be looked up.

    Attributes:
        lookups: which words each is looked up in, with what signature.
        effort: how far is looked.
        angles: (Q,) int32, 32 steps a turn; scales: (Q,) int32, pyramid levels.
    """

    lookups: scan.Lookups
    effort: Effort
    angles: NDArray[np.int32]
    scales: NDArray[np.int32]


def prepare(
    local: LocalFeatures,
    width: int,
    height: int,
    vocabulary: Vocabulary,
    effort: Effort,
    *,
    num_stored: int | None = None,
) -> WordQuery:
    """Return the query for the features of an image of width × height px.

    Args:
        local: at most 4,096 features.
        width, height: of the full image.
        vocabulary: the words.
        effort: how far is looked.
        num_stored: the first so many are those that a library would store, the others finer; all, when not
            given.

    Raises:
        ValueError: there are more features.
    """
    if len(local) > scan.MAX_FEATURES:
        raise ValueError(f"at most {scan.MAX_FEATURES} features can be looked up, not {len(local)}")
    split = len(local) if num_stored is None else num_stored
    groups = [
        (0, local.descriptors[:split], effort.words),
        (split, local.descriptors[split:], effort.fine_words),
    ]
    return WordQuery(
        lookups=scan.joined([_lookups(first, rows, count, vocabulary) for first, rows, count in groups]),
        effort=effort,
        angles=np.floor(local.angles * (32 / (2 * np.pi))).astype(np.int32) & 31,
        scales=levels(local.sizes, width, height),
    )


def _lookups(
    first: int, descriptors: NDArray[np.uint64], num_words: int, vocabulary: Vocabulary
) -> scan.Lookups:
    words = vocabulary.nearest(descriptors, num_words)
    signed = vocabulary.sign(descriptors, words)
    features = np.repeat(np.arange(first, first + len(words), dtype=np.uint16), num_words)
    return scan.Lookups(
        features, words.reshape(-1), signed.cells.reshape(-1), signed.near.reshape(-1), signed.far.reshape(-1)
    )


def search(
    segments: Sequence[Segment], query: WordQuery
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Return for each segment the rows and scores of its best images, best first, ties by row.

    The score of an image is the weight of the votes that agree on one turn and scale, divided by the
    square root of its number of features. It does not depend on how the images are spread over segments.

    Raises:
        LibraryCorrupt: a segment names an image that it has not.
    """
    votes = [_scan(segment, query) for segment in segments]
    counts = np.zeros(len(query.angles), np.int64)
    for part in votes:
        agreement.count_features(part, counts)
    feature_weights = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
    distance_weights = query.effort.distance_weights()
    return [
        _best(segment, query, part, feature_weights, distance_weights)
        for segment, part in zip(segments, votes, strict=True)
    ]


def _scan(segment: Segment, query: WordQuery) -> NDArray[np.uint64]:
    """Return the votes, ascending."""
    postings = segment.postings
    lookups, effort = query.lookups.columns(), query.effort
    votes = np.empty(min(MAX_VOTES, len(postings) * len(query.lookups.words)), np.uint64)
    columns = (postings.offsets, postings.images, postings.near, postings.far, postings.geometry)
    if postings.is_dense:
        count = scan.scan_dense(
            *columns, lookups, effort.cell_flips(), effort.near_reach, effort.reach, votes
        )
    else:
        count = scan.scan_sparse(
            *columns, postings.cells, lookups, effort.flips, effort.near_reach, effort.reach, votes
        )
    found = votes[:count]
    found.sort()
    if count and int(found[-1] >> np.uint64(scan.IMAGE_SHIFT)) >= len(segment):
        raise LibraryCorrupt(
            f"an index segment of {len(segment)} images names image {found[-1] >> scan.IMAGE_SHIFT}",
            hint="run `echo-image check LIBRARY --repair` to rebuild it",
        )
    return found


def _best(
    segment: Segment,
    query: WordQuery,
    votes: NDArray[np.uint64],
    feature_weights: NDArray[np.float32],
    distance_weights: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    images, scores = np.empty(len(votes), np.int64), np.empty(len(votes), np.float32)
    count = agreement.score_images(
        votes, feature_weights, distance_weights, query.angles, query.scales, images, scores
    )
    images, scores = images[:count], scores[:count]
    scores /= np.sqrt(np.maximum(segment.num_features[images], _MIN_FEATURES)).astype(np.float32)
    if count > SHORTLIST:
        # Of equal scores at the edge those of the first rows stay, whatever the order of the partition.
        edge = -np.partition(-scores, SHORTLIST - 1)[SHORTLIST - 1]
        kept = np.flatnonzero(scores >= edge)
        images, scores = images[kept], scores[kept]
    order = np.lexsort((images, -scores))[:SHORTLIST]
    return images[order], scores[order]
