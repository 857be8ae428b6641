"""Candidates by visual words against the definition of their score, however the images are spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from echo_image.errors import LibraryCorrupt
from echo_image.features import extract, extract_query, orb, stored
from echo_image.image import from_array
from echo_image.index.segment import Segment
from echo_image.index.words import search as words
from echo_image.index.words import vocabulary
from tests.photographs import NAMES, photograph
from tests.unit.index.words.made import (
    EFFORT,
    chosen,
    first,
    query_of,
    scores_of,
    segment_of,
    signature,
    stored_features,
)

WORDS = 300


def collection(seed: int, *, dense: bool = False) -> tuple[list[Segment], Segment, words.WordQuery]:
    """Thirty images in three segments, some of them dense, and in one, and a query that shows two of them.

    The others have some features of these, at other places and turned otherwise.
    """
    rng = np.random.default_rng(seed)
    images = [stored_features(rng, int(rng.integers(0, 120)), words=WORDS, kinds=2) for _ in range(30)]
    shown = stored_features(rng, 100, words=WORDS, kinds=2)
    for image in images[::2]:
        count = min(len(image), int(rng.integers(0, 30)))
        chosen = rng.integers(0, 100, count)
        image.words[:count], image.descriptors[:count] = shown.words[chosen], shown.descriptors[chosen]
    images[11] = images[25] = shown
    edges = ((0, 4, dense), (4, 20, False), (20, 30, dense))
    parts = [segment_of(images[low:high], first_key=low + 1, dense=kind) for low, high, kind in edges]
    return parts, segment_of(images, dense=dense), query_of(shown, rng, words=WORDS, flips=4)


@pytest.mark.parametrize(("seed", "dense"), [(0, False), (1, False), (2, False), (3, True), (4, True)])
def test_rows_and_scores_are_those_of_the_definition(seed: int, dense: bool) -> None:
    parts, whole, query = collection(seed, dense=dense)
    for segments in (parts, [whole]):
        expected = scores_of(segments, query)
        found = words.search(segments, query)
        for (rows, scores), own in zip(found, expected, strict=True):
            assert sorted(rows.tolist()) == sorted(own)
            assert len(own) > 1
            np.testing.assert_allclose(scores, [own[row] for row in rows.tolist()], rtol=1e-4)
            assert (np.diff(scores) <= 0).all()
    assert first(expected[0])[:2] == [11, 25]


@pytest.mark.parametrize("seed", range(3))
def test_scores_depend_neither_on_the_segments_nor_on_their_kind(seed: int) -> None:
    found = []
    for dense in (False, True):
        parts, whole, query = collection(seed, dense=dense)
        for segments in (parts, [whole]):
            scores: dict[int, float] = {}
            for segment, (own, values) in zip(segments, words.search(segments, query), strict=True):
                scores |= dict(zip(segment.keys[own].tolist(), values.tolist(), strict=True))
            found.append(scores)
    assert len(found[0]) > 10
    assert found[0] == found[1] == found[2] == found[3]  # to the last bit


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


@pytest.mark.parametrize("most", [1, 3, 5, 8, 100])
def test_of_equal_scores_at_the_end_of_the_shortlist_the_first_rows_stay(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    rng = np.random.default_rng(4)
    shown = stored_features(rng, 60)
    half = replace(shown, words=np.where(np.arange(60) < 30, shown.words, shown.words ^ 9).astype(np.uint16))
    images = [half, half, shown, half, shown, half, half]
    query = query_of(shown, rng, words=2**16, flips=0)
    monkeypatch.setattr(words, "SHORTLIST", most)
    [(rows, scores)] = words.search([segment_of(images)], query)
    assert rows.tolist() == [2, 4, 0, 1, 3, 5, 6][:most]
    assert len(scores) == len(rows)


@pytest.mark.parametrize("dense", [False, True])
def test_a_segment_that_names_images_that_it_has_not_is_damaged(dense: bool) -> None:
    _, whole, query = collection(1, dense=dense)
    images = whole.postings.images.copy()
    images[images == 25] = 30
    beyond = replace(whole, postings=replace(whole.postings, images=images))
    with pytest.raises(LibraryCorrupt, match="30 images names image 30") as caught:
        words.search([beyond], query)
    assert "--repair" in caught.value.hint


def test_a_full_list_of_votes_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole, query = collection(1)
    monkeypatch.setattr(words, "MAX_VOTES", 40)
    [(rows, _)] = words.search([whole], query)
    assert 0 < len(rows) <= 40


def test_a_query_without_features_and_a_library_without_images() -> None:
    _, whole, query = collection(1)
    none = words.prepare(orb.empty(), 100, 80, vocabulary.load(), EFFORT)
    assert len(none.lookups.words) == len(none.angles) == len(none.scales) == 0
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


def random_features(count: int) -> orb.LocalFeatures:
    rng = np.random.default_rng(count)
    return orb.LocalFeatures(
        points=rng.uniform(0, 300, (count, 2)).astype(np.float32),
        angles=rng.uniform(0, 6.28, count).astype(np.float32),
        sizes=np.full(count, 31, np.float32),
        descriptors=rng.integers(0, 2**64, (count, 4), np.uint64),
    )


def expected_lookups(
    local: orb.LocalFeatures, counts: list[int]
) -> list[tuple[int, int, tuple[int, int, int]]]:
    """Feature, word and signature, of each feature in so many words, in the order of the postings."""
    nearest = vocabulary.load().nearest(local.descriptors, max(counts)).tolist()
    rows = [
        (feature, word, signature(local.descriptors[feature], word))
        for feature, count in enumerate(counts)
        for word in nearest[feature][:count]
    ]
    return sorted(rows, key=lambda row: (row[1], row[2][0]))


def rows_of_lookups(query: words.WordQuery) -> list[tuple[int, int, tuple[int, int, int]]]:
    columns = (column.tolist() for column in query.lookups.columns())
    return [(feature, word, tuple(signed)) for feature, word, *signed in zip(*columns, strict=True)]


@pytest.mark.parametrize("num_stored", [0, 1, 40, 119, 120, None])
def test_what_a_library_stores_is_looked_up_in_more_words_than_what_is_finer(num_stored: int | None) -> None:
    local = random_features(120)
    query = words.prepare(local, 300, 300, vocabulary.load(), EFFORT, num_stored=num_stored)
    num_base = 120 if num_stored is None else num_stored
    assert rows_of_lookups(query) == expected_lookups(local, [3] * num_base + [2] * (120 - num_base))
    assert len(query.angles) == len(query.scales) == 120


def test_a_query_of_real_features_is_prepared() -> None:
    image = from_array(photograph("coffee"))
    local, num_stored = extract_query(image).extended, len(extract(image).local)
    assert 0 < num_stored < len(local)
    query = words.prepare(local, image.width, image.height, vocabulary.load(), EFFORT, num_stored=num_stored)
    counts = [3] * num_stored + [2] * (len(local) - num_stored)
    assert rows_of_lookups(query) == expected_lookups(local, counts)
    expected = (np.rad2deg(local.angles.astype(np.float64)) / 360 * 32).astype(int) % 32
    # An angle on the edge of two steps may be rounded to either.
    assert (np.abs(query.angles - expected) % 31 <= 1).all()
    assert (query.angles == expected).mean() > 0.99
    assert query.scales.min() < 0  # the finer look
    assert query.scales[:num_stored].min() == 0


def test_more_features_than_a_vote_can_name_are_refused() -> None:
    shipped = vocabulary.load()
    most = words.prepare(random_features(4096), 300, 300, shipped, EFFORT, num_stored=500)
    assert sorted(set(most.lookups.features.tolist())) == list(range(4096))
    with pytest.raises(ValueError, match=r"at most 4096 .* not 4097"):
        words.prepare(random_features(4097), 300, 300, shipped, EFFORT, num_stored=500)


@pytest.mark.parametrize("dense", [False, True])
def test_the_order_of_the_lookups_does_not_change_the_answer(dense: bool) -> None:
    _, whole, query = collection(5, dense=dense)
    [(rows, scores)] = words.search([whole], query)
    assert len(rows) > 1
    order = np.random.default_rng(5).permutation(len(query.lookups.words))
    shuffled = replace(query, lookups=chosen(query.lookups, order))
    [(other_rows, other_scores)] = words.search([whole], shuffled)
    np.testing.assert_array_equal(other_rows, rows)
    np.testing.assert_array_equal(other_scores, scores)  # to the last bit


def test_real_photographs_find_themselves_first() -> None:
    shipped = vocabulary.load()
    images, queries = [], []
    for name in NAMES:
        image = from_array(photograph(name, 400))
        local = extract(image).local
        packed = stored.pack(local, shipped.nearest(local.descriptors)[:, 0], image.width, image.height)
        images.append(stored.unpack(packed))
        extended = extract_query(image).extended
        queries.append(
            words.prepare(extended, image.width, image.height, shipped, EFFORT, num_stored=len(local))
        )
    segment = segment_of(images)
    for row, query in enumerate(queries):
        [(rows, scores)] = words.search([segment], query)
        assert rows[0] == row
        assert len(scores) == 1 or scores[0] > 3 * scores[1]
