"""Images that never were: as many as asked for, the same for the same seed, of the words of real ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import synthetic
from benchmarks.synthetic import Pool, make_pool
from echo_image.features import extract, stored
from echo_image.image import from_array
from echo_image.index.segment import Segment
from echo_image.index.words import vocabulary
from echo_image.index.words.postings import pack_geometry
from echo_image.store.snapshot import StoredImage
from tests.photographs import NAMES, photograph
from tests.unit.index.words.made import Row, rows_of


def stored_image(pixels: NDArray[np.uint8]) -> StoredImage:
    image, shipped = from_array(pixels), vocabulary.load()
    found = extract(image)
    words = shipped.nearest(found.local.descriptors)[:, 0]
    packed = stored.pack(found.local, words, image.width, image.height)
    return StoredImage(found.perceptual.code, found.layout, stored.unpack(packed))


@pytest.fixture(scope="module")
def images() -> list[StoredImage]:
    """Every photograph, and one without any key point."""
    flat = stored_image(np.full((90, 90, 3), 77, np.uint8))
    assert len(flat.local) < synthetic.PIECES
    return [*(stored_image(photograph(name, 400)) for name in NAMES), flat]


@pytest.fixture(scope="module")
def pool(images: list[StoredImage]) -> Pool:
    return make_pool(images, list(range(len(images))), vocabulary.load(), seed=3)


def assert_same(one: Segment, other: Segment, *, same: bool = True) -> None:
    equal = {name: np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items()}
    assert all(equal.values()) is same, equal


def test_a_pool_holds_every_key_point_in_every_version(images: list[StoredImage], pool: Pool) -> None:
    counts = [len(image.local) for image in images[:-1]]
    assert pool.counts.tolist() == counts
    assert pool.starts.tolist() == [0, *np.cumsum(counts * synthetic.VERSIONS).tolist()]
    for column in (pool.words, pool.cells, pool.near, pool.far, pool.geometry):
        assert len(column) == synthetic.VERSIONS * sum(counts)
    assert pool.quality.tolist() == list(range(len(NAMES)))
    # Geometry is that of the image, in another order.
    geometry = pool.geometry[: counts[0]]
    expected = pack_geometry(images[0].local)
    assert sorted(geometry.tolist()) == sorted(expected.tolist())


def test_moved_key_points_stay_near_the_words_they_came_from(images: list[StoredImage], pool: Pool) -> None:
    real = np.concatenate([image.local.words for image in images])
    moved = pool.words.reshape(synthetic.VERSIONS, -1)
    assert 0.2 < np.isin(moved, real).mean() < 1
    assert not np.array_equal(moved[0], moved[1])


def test_as_many_as_asked_for_with_their_keys(pool: Pool) -> None:
    made = pool.segment(50, 1001, seed=5)
    assert made.keys.tolist() == list(range(1001, 1051))
    assert made.codes.shape == (4, 50)
    assert made.layouts.shape == (50, 48)
    assert {name: array.dtype.str[1:] for name, array in made.arrays().items()} == {
        "keys": "i8",
        "codes": "u8",
        "layouts": "u1",
        "quality": "u1",
        "num_features": "u2",
        "offsets": "u4",
        "images": "u2",
        "cells": "u1",
        "near": "u4",
        "far": "u2",
        "geometry": "u2",
    }
    assert set(made.num_features.tolist()) <= set(pool.counts.tolist())
    assert set(made.quality.tolist()) <= set(pool.quality.tolist())


def test_no_posting_is_lost_and_each_is_one_of_the_pool(pool: Pool) -> None:
    made = pool.segment(40, 1, seed=5)
    found = rows_of(made.postings)
    assert len(found) == made.num_features.sum()
    per_image = np.bincount(made.postings.images, minlength=40)
    assert per_image.tolist() == made.num_features.tolist()

    def known(row: Row) -> tuple[int, ...]:
        word, cell, _, near, far, geometry = row
        return word, cell, near, far, geometry & 0x7FF  # only the angle was turned

    columns = (pool.words, pool.cells, pool.near, pool.far, pool.geometry & 0x7FF)
    in_pool = set(zip(*(column.tolist() for column in columns), strict=True))
    assert {known(row) for row in found} <= in_pool
    assert [row[:3] for row in found] == sorted(row[:3] for row in found)


def test_the_same_seed_gives_the_same_and_another_does_not(images: list[StoredImage], pool: Pool) -> None:
    again = make_pool(images, list(range(len(images))), vocabulary.load(), seed=3)
    made = pool.segment(30, 7, seed=1)
    assert_same(made, again.segment(30, 7, seed=1))
    assert_same(made, pool.segment(30, 7, seed=2), same=False)
    other_keys = pool.segment(30, 8, seed=1)
    assert not np.array_equal(made.codes, other_keys.codes)  # no segment repeats the one before it
    other_pool = make_pool(images, list(range(len(images))), vocabulary.load(), seed=4)
    assert_same(made, other_pool.segment(30, 7, seed=1), same=False)


def test_words_are_as_frequent_as_in_the_pool(pool: Pool) -> None:
    made = pool.segment(3000, 1, seed=2)
    lengths = (made.postings.offsets[1:] - made.postings.offsets[:-1]).astype(np.int64)
    # Each version of each image is drawn as often; weigh its key points by how many it has.
    share = np.zeros(vocabulary.NUM_WORDS)
    for start, end in zip(pool.starts[:-1], pool.starts[1:], strict=True):
        share += np.bincount(pool.words[start:end], minlength=len(share)) / (end - start)
    expected = share / share.sum() * lengths.sum()
    frequent = expected > 100
    assert frequent.sum() > 100
    assert np.corrcoef(expected, lengths)[0, 1] > 0.95
    np.testing.assert_allclose(lengths[frequent].sum(), expected[frequent].sum(), rtol=0.05)


def test_hashes_and_layouts_are_moved_but_not_anything(pool: Pool) -> None:
    made = pool.segment(400, 1, seed=3)
    apart = np.bitwise_count(made.codes.T[:, None] ^ pool.codes).sum(axis=2).min(axis=1)
    assert 60 < apart.mean() < 100  # a third of 256
    nearest = np.abs(made.layouts[:, None].astype(int) - pool.layouts).mean(axis=2).min(axis=1)
    assert 8 < nearest.mean() < 32


def test_of_no_image_a_segment_is_empty(pool: Pool) -> None:
    made = pool.segment(0, 1, seed=1)
    assert len(made) == len(made.postings) == 0
