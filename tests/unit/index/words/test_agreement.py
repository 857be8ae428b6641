"""Counting and adding up of votes against dictionaries."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from echo_image.index.words import agreement
from echo_image.index.words.search import WordQuery
from tests.unit.index.words.made import EFFORT, Vote, agreed, no_lookups, packed

FEATURES = 60


def query(rng: np.random.Generator, count: int = FEATURES) -> WordQuery:
    made = WordQuery(
        lookups=no_lookups(),
        effort=EFFORT,
        angles=rng.integers(0, 32, count).astype(np.int32),
        scales=rng.integers(-6, 8, count).astype(np.int32),
    )
    # Scales far out fall into the first and the last bin.
    made.scales[:8] = [-400, 400, 17, -17, 16, -16, 15, -15]
    return made


def random_votes(rng: np.random.Generator, num_images: int) -> list[Vote]:
    """Of one vote to a hundred an image, also several of one feature, few turns and many."""
    found: set[Vote] = set()
    for _ in range(num_images):
        image, count = int(rng.integers(0, 2**32)), int(rng.choice([1, 2, 15, 16, 17, 100]))
        features = rng.integers(0, FEATURES if rng.random() < 0.5 else 4, count)
        geometry = rng.integers(0, 2**16, count) & (0xFFFF if rng.random() < 0.5 else 0x0FFF)
        distances = rng.integers(0, 9, count)
        columns = zip(features.tolist(), distances.tolist(), geometry.tolist(), strict=True)
        found |= {(image, *column) for column in columns}
    return sorted(found)


@pytest.mark.parametrize("seed", range(8))
def test_scores_against_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked, votes = query(rng), random_votes(rng, 40)
    feature_weights = rng.uniform(0.05, 1, FEATURES).astype(np.float32)
    distance_weights = rng.uniform(0.05, 1, 9).astype(np.float32)
    expected = agreed(votes, np.outer(feature_weights, distance_weights).astype(float).tolist(), asked)
    images, scores = np.empty(len(votes), np.int64), np.empty(len(votes), np.float32)
    count = agreement.score_images(
        packed(votes), feature_weights, distance_weights, asked.angles, asked.scales, images, scores
    )
    assert images[:count].tolist() == sorted(expected)
    np.testing.assert_allclose(scores[:count], [expected[i] for i in images[:count].tolist()], rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_an_image_s_score_does_not_depend_on_those_before_it(seed: int) -> None:
    """What the histogram held of one image is gone before the next."""
    rng = np.random.default_rng(seed)
    asked, votes = query(rng), random_votes(rng, 30)
    weights = rng.random(FEATURES).astype(np.float32), rng.random(9).astype(np.float32)

    def score(some: list[Vote]) -> dict[int, float]:
        images, scores = np.empty(len(some), np.int64), np.empty(len(some), np.float32)
        count = agreement.score_images(packed(some), *weights, asked.angles, asked.scales, images, scores)
        return dict(zip(images[:count].tolist(), scores[:count].tolist(), strict=True))

    together = score(votes)
    assert len(together) == 30
    for image, value in together.items():
        assert score([vote for vote in votes if vote[0] == image]) == {image: value}


def test_votes_that_agree_count_more_than_votes_that_do_not() -> None:
    asked = query(np.random.default_rng(1), 16)
    asked.angles[:], asked.scales[:] = np.arange(16) * 2, 0
    agreeing = [(1, f, 0, (f * 2 + 6) % 32 << 11) for f in range(16)]
    scattered = [(2, f, 0, (f * 2 + f * 4) % 32 << 11) for f in range(16)]
    images, scores = np.empty(2, np.int64), np.empty(2, np.float32)
    ones = np.ones(16, np.float32)
    votes = packed(sorted(agreeing + scattered))
    args = (votes, ones, ones[:9], asked.angles, asked.scales, images, scores)
    assert agreement.score_images(*args) == 2
    assert scores.tolist() == [16, 2]  # two in every second bin, half of four in those between


def test_of_one_feature_the_nearest_vote_counts_and_of_those_the_smallest_geometry() -> None:
    asked = query(np.random.default_rng(2), 16)
    asked.angles[:], asked.scales[:] = 0, 0
    votes = [(5, 3, 1, 4 << 11), (5, 3, 1, 8 << 11), (5, 3, 4, 0), (5, 9, 0, 4 << 11)]
    images, scores = np.empty(4, np.int64), np.empty(4, np.float32)
    by_distance = np.array([1, 0.5, 9, 9, 9, 9, 9, 9, 9], np.float32)
    ones = np.ones(16, np.float32)
    assert agreement.score_images(
        packed(votes), ones, by_distance, asked.angles, asked.scales, images, scores
    )
    assert (images[0], scores[0]) == (5, 1.5)


@pytest.mark.parametrize("seed", range(3))
def test_count_features_counts_every_vote(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = random_votes(rng, 40)
    votes[-1] = (2**32 - 1, 4095, 8, 2**16 - 1)
    counts = np.full(4096, 7, np.int64)  # they are added to what is there
    agreement.count_features(packed(votes), counts)
    expected = Counter(vote[1] for vote in votes)
    assert counts.tolist() == [7 + expected[feature] for feature in range(4096)]


def test_of_no_vote_there_is_no_image() -> None:
    nothing = np.zeros(0, np.uint64)
    asked, ones = query(np.random.default_rng(3), 16), np.ones(16, np.float32)
    images, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    assert agreement.score_images(nothing, ones, ones, asked.angles, asked.scales, images, scores) == 0
    counts = np.zeros(3, np.int64)
    agreement.count_features(nothing, counts)
    assert not counts.any()
