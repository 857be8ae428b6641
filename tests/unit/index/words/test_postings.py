"""Postings: built from features, and merged, against lists of tuples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from echo_image.features.stored import StoredFeatures
from echo_image.index.words import postings, vocabulary
from echo_image.index.words.postings import Postings
from tests.unit.index.words.made import segment_of, stored_features

Row = tuple[int, int, int, int]


def rows(part: Postings) -> list[Row]:
    """Every posting as (word, image, signature, geometry), in the order of the file."""
    words = np.repeat(np.arange(vocabulary.NUM_WORDS), np.diff(part.offsets))
    columns = (words, part.images, part.signatures, part.geometry)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def images(seed: int, count: int = 12, words: int = 50) -> list[StoredFeatures]:
    rng = np.random.default_rng(seed)
    return [stored_features(rng, int(rng.integers(0, 40)), words=words) for _ in range(count)]


def oracle(features: list[StoredFeatures]) -> list[Row]:
    found = []
    for image, one in enumerate(features):
        signatures = vocabulary.load().signatures(one.descriptors).tolist()
        for i, word in enumerate(one.words.tolist()):
            column, row = (int(v) * 8 // 65_536 for v in one.xy[i])
            angle, level = int(one.angles[i]) * 64 // 256, min(int(one.levels[i]), 15)
            found.append((word, image, signatures[i], angle * 1024 + level * 64 + column * 8 + row))
    return sorted(found, key=lambda posting: posting[:2])  # stable: features keep their order


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("words", [5, 2**16])
def test_build_sorts_by_word_and_image(seed: int, words: int) -> None:
    features = images(seed, words=words)
    built = postings.build(features, vocabulary.load())
    assert rows(built) == oracle(features)
    types = (np.uint32, np.uint32, np.uint64, np.uint16)
    arrays: tuple[Any, ...] = (built.offsets, built.images, built.signatures, built.geometry)
    assert tuple(array.dtype for array in arrays) == types
    assert built.offsets.shape == (vocabulary.NUM_WORDS + 1,)


def test_of_no_image_there_is_no_posting() -> None:
    for features in ([], [stored_features(np.random.default_rng(1), 0)]):
        built = postings.build(features, vocabulary.load())
        assert rows(built) == []
        assert built.offsets.tolist() == [0] * (vocabulary.NUM_WORDS + 1)


def test_the_extremes_of_the_geometry() -> None:
    features = StoredFeatures(
        xy=np.array([[0, 0], [65_535, 65_535], [8_191, 8_192]], np.uint16),
        angles=np.array([0, 255, 4], np.uint8),
        levels=np.array([0, 255, 7], np.uint8),
        words=np.zeros(3, np.uint16),
        descriptors=np.zeros((3, 4), np.uint64),
    )
    expected = [0, 63 << 10 | 15 << 6 | 7 << 3 | 7, 1 << 10 | 7 << 6 | 0 << 3 | 1]
    assert postings.pack_geometry(features).tolist() == expected


@pytest.mark.parametrize("seed", range(4))
def test_merged_segments_are_as_one_built_at_once(seed: int) -> None:
    features = images(seed, 20)
    rng = np.random.default_rng(seed)
    keep = rng.random(20) < 0.7
    parts, new_rows, start = [], [], 0
    for low, high in ((0, 7), (7, 7), (7, 20)):
        parts.append(postings.build(features[low:high], vocabulary.load()))
        live = keep[low:high]
        new_rows.append(np.where(live, start + np.cumsum(live) - 1, -1))
        start += int(live.sum())
    merged = postings.merge(parts, new_rows)
    expected = postings.build([f for f, kept in zip(features, keep, strict=True) if kept], vocabulary.load())
    assert rows(merged) == rows(expected)
    assert merged.images.dtype == np.uint32
    assert merged.offsets.dtype == np.uint32


def test_merging_all_away() -> None:
    part = segment_of(images(1, 3)).postings
    assert rows(postings.merge([part], [np.full(3, -1)])) == []


def test_offsets_count_up() -> None:
    assert postings.offsets_of(np.array([3, 0, 2])).tolist() == [0, 3, 3, 5]
    assert postings.offsets_of(np.array([2**32 - 2])).tolist() == [0, 2**32 - 2]
    with pytest.raises(ValueError, match="4,294,967,295"):
        postings.offsets_of(np.array([2**31, 2**31]))
