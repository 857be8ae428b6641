"""Candidates by visual words against the definition of their score, however the images are spread."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.features import extract, extract_query, stored
from echo_image.image import from_array
from echo_image.index.segment import Segment
from echo_image.index.words import search as words
from echo_image.index.words import vocabulary
from tests.photographs import NAMES, photograph
from tests.unit.index.words.made import first, query_of, scores_of, segment_of, stored_features

WORDS = 300


def collection(seed: int) -> tuple[list[Segment], Segment, words.WordQuery]:
    """Thirty images in three segments and in one, and a query that shows two of them.

    The others have some features of these, at other places and turned otherwise.
    """
    rng = np.random.default_rng(seed)
    images = [stored_features(rng, int(rng.integers(0, 120)), words=WORDS) for _ in range(30)]
    shown = stored_features(rng, 100, words=WORDS)
    for image in images[::2]:
        count = min(len(image), int(rng.integers(0, 30)))
        chosen = rng.integers(0, 100, count)
        image.words[:count], image.descriptors[:count] = shown.words[chosen], shown.descriptors[chosen]
    images[11] = images[25] = shown
    parts = [segment_of(images[low:high], first_key=low + 1) for low, high in ((0, 4), (4, 20), (20, 30))]
    return parts, segment_of(images), query_of(shown, rng, words=WORDS, flips=8)


@pytest.mark.parametrize("seed", range(5))
def test_rows_and_scores_are_those_of_the_definition(seed: int) -> None:
    parts, whole, query = collection(seed)
    for segments in (parts, [whole]):
        expected = scores_of(segments, query)
        found = words.search(segments, query)
        for (rows, scores), own in zip(found, expected, strict=True):
            assert sorted(rows.tolist()) == sorted(own)
            assert len(own) > 1
            np.testing.assert_allclose(scores, [own[row] for row in rows.tolist()], rtol=1e-4)
            assert (np.diff(scores) <= 0).all()
    assert first(expected[0])[:2] == [11, 25]


@pytest.mark.parametrize("seed", range(5))
def test_scores_do_not_depend_on_the_segments(seed: int) -> None:
    parts, whole, query = collection(seed)
    [(rows, scores)] = words.search([whole], query)
    together = dict(zip(whole.keys[rows].tolist(), scores.tolist(), strict=True))
    apart: dict[int, float] = {}
    for segment, (own, values) in zip(parts, words.search(parts, query), strict=True):
        apart |= dict(zip(segment.keys[own].tolist(), values.tolist(), strict=True))
    assert apart == together


def test_equal_scores_go_to_the_smaller_row() -> None:
    rng = np.random.default_rng(3)
    image = stored_features(rng, 60)
    query = query_of(image, rng, words=2**16, flips=0)
    [(rows, scores)] = words.search([segment_of([image] * 60)], query)
    assert rows.tolist() == list(range(60))
    assert len(set(scores.tolist())) == 1


def test_only_so_many_are_looked_at_and_the_best_are_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole, query = collection(2)
    monkeypatch.setattr(words, "SHORTLIST", 4)
    [(rows, _)] = words.search([whole], query)
    assert len(rows) == 4
    assert rows.tolist()[:2] == [11, 25]


def test_a_query_without_features_and_a_library_without_images() -> None:
    _, whole, query = collection(1)
    none = words.WordQuery(
        np.zeros((0, 4), np.uint16), np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.int32)
    )
    [(rows, scores)] = words.search([whole], none)
    assert len(rows) == len(scores) == 0
    [(rows, scores)] = words.search([segment_of([])], query)
    assert len(rows) == len(scores) == 0
    assert words.search([], query) == []


def test_an_image_that_shares_nothing_is_not_proposed() -> None:
    rng = np.random.default_rng(8)
    image, other = stored_features(rng, 50, words=100), stored_features(rng, 50, words=100)
    other.words[:] += 1000
    query = query_of(image, rng, words=100, flips=2)
    [(rows, _)] = words.search([segment_of([other, image])], query)
    assert rows.tolist() == [1]


def test_a_query_of_real_features_is_prepared() -> None:
    image = from_array(photograph("coffee"))
    local = extract_query(image).extended
    shipped = vocabulary.load()
    query = words.prepare(local, image.width, image.height, shipped)
    np.testing.assert_array_equal(query.words, shipped.nearest(local.descriptors, words.QUERY_WORDS))
    np.testing.assert_array_equal(query.signatures, shipped.signatures(local.descriptors))
    expected = (np.rad2deg(local.angles.astype(np.float64)) / 360 * 64).astype(int) % 64
    # An angle on the edge of two steps may be rounded to either.
    assert (np.abs(query.angles - expected) % 63 <= 1).all()
    assert (query.angles == expected).mean() > 0.99
    assert query.scales.min() < 0  # the finer look
    assert query.scales[: len(extract(image).local)].min() == 0


def test_real_photographs_find_themselves_first() -> None:
    shipped = vocabulary.load()
    images, queries = [], []
    for name in NAMES:
        image = from_array(photograph(name, 400))
        local = extract(image).local
        packed = stored.pack(local, shipped.nearest(local.descriptors)[:, 0], image.width, image.height)
        images.append(stored.unpack(packed))
        queries.append(words.prepare(extract_query(image).extended, image.width, image.height, shipped))
    segment = segment_of(images)
    for row, query in enumerate(queries):
        [(rows, scores)] = words.search([segment], query)
        assert rows[0] == row
        assert len(scores) == 1 or scores[0] > 3 * scores[1]
