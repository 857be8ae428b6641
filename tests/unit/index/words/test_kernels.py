"""The compiled loops against loops over dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.index import hashes
from echo_image.index.segment import Segment
from echo_image.index.words import kernels
from echo_image.index.words.search import WordQuery
from tests.unit.index.words.made import (
    Vote,
    agreement,
    query_of,
    room_for,
    segment_of,
    stored_features,
    votes_of,
)

WORDS = 40


def case(seed: int) -> tuple[Segment, WordQuery]:
    """Twenty images over few words, so that every feature has many votes, and a query for the third."""
    rng = np.random.default_rng(seed)
    images = [stored_features(rng, int(rng.integers(0, 60)), words=WORDS) for _ in range(20)]
    images[2] = stored_features(rng, 50, words=WORDS)
    return segment_of(images), query_of(images[2], rng, words=WORDS, flips=10)


def scan(segment: Segment, query: WordQuery, reach: int, room: int) -> list[Vote]:
    votes = room_for(room)
    postings = segment.postings
    count = kernels.scan_postings(
        postings.offsets,
        postings.images,
        postings.signatures,
        postings.geometry,
        query.words,
        query.signatures,
        reach,
        votes,
    )
    image, feature, geometry, distance = (part[:count].tolist() for part in votes)
    return list(zip(image, feature, geometry, distance, strict=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reach", [0, 12, 25, 64])
def test_scan_postings_finds_every_vote_in_order(seed: int, reach: int) -> None:
    segment, query = case(seed)
    expected = votes_of(segment, query, reach)
    assert scan(segment, query, reach, room=len(expected) + 10) == expected
    # What has no room is what comes last.
    for room in (0, 1, len(expected) // 2):
        assert scan(segment, query, reach, room) == expected[:room]


def test_the_last_word_has_postings_too() -> None:
    rng = np.random.default_rng(1)
    image = stored_features(rng, 30)
    image.words[:5] = 65_535
    segment = segment_of([image])
    query = query_of(image, rng, words=2**16, flips=0)
    votes = scan(segment, query, 12, room=1000)
    assert votes == votes_of(segment, query)
    assert {vote[1] for vote in votes} == set(range(30))


def random_votes(seed: int) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    features = np.sort(rng.integers(0, 12, 400)).astype(np.int32)
    return rng.integers(0, 9, 400).astype(np.uint32), features, rng.random(400).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_add_up_votes_counts_the_heaviest_of_a_feature_for_an_image(seed: int) -> None:
    images, features, weights = random_votes(seed)
    heaviest: dict[tuple[int, int], float] = defaultdict(float)
    for image, feature, weight in zip(images.tolist(), features.tolist(), weights.tolist(), strict=True):
        heaviest[image, feature] = max(heaviest[image, feature], weight)
    expected = np.zeros(11)
    for (image, _), weight in heaviest.items():
        expected[image] += weight
    scores = np.zeros(11, np.float32)
    kernels.add_up_votes(
        images, features, weights, scores, np.full(11, -1, np.int32), np.zeros(11, np.float32)
    )
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert scores[9] == scores[10] == 0


@pytest.mark.parametrize("seed", range(6))
def test_agreeing_votes_against_the_definition(seed: int) -> None:
    segment, query = case(seed)
    rng = np.random.default_rng(seed)
    # Scales far out fall into the first and the last bin.
    query.scales[:6] = [-40, 40, 17, -17, 16, -16]
    votes = votes_of(segment, query, 30)
    weights = rng.random(len(votes)).astype(np.float32)
    expected = agreement(list(zip(votes, weights.tolist(), strict=True)), query)
    slots = np.full(len(segment), -1, np.int32)
    slots[[7, 2, 11, 0]] = [0, 1, 2, 3]
    histogram = np.zeros((4, 16, 16), np.float32)
    columns = [np.array(column) for column in zip(*votes, strict=True)]
    kernels.agreeing_votes(
        slots,
        columns[0].astype(np.uint32),
        columns[1].astype(np.int32),
        columns[2].astype(np.uint16),
        weights,
        query.angles,
        query.scales,
        histogram,
    )
    for image, slot in ((7, 0), (2, 1), (11, 2), (0, 3)):
        dense = np.zeros((16, 16))
        for (turn, scale), weight in expected[image].items():
            dense[turn, scale] = weight
        np.testing.assert_allclose(histogram[slot], dense, rtol=1e-4, atol=1e-6)
    assert histogram[1].any()


@pytest.mark.parametrize("value", [0, 1, 2**63, 2**64 - 1, 0x0123_4567_89AB_CDEF])
def test_popcount_counts_all_64_bits(value: int) -> None:
    query = np.array([[value, 0, 0, 0]], np.uint64)
    found, which = hashes.distances(np.zeros((1, 4), np.uint64), query)
    assert (found[0], which[0]) == (value.bit_count(), 0)
