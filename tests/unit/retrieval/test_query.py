"""A query made ready, and an image of a library as it is compared with it."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.features import extract, extract_query, thumbnail
from echo_image.image import from_array
from echo_image.index import hashes
from echo_image.retrieval.query import prepare, reference, stored_reference
from echo_image.store import Store
from tests.photographs import COLOURFUL, decoded, jpeg, photograph


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_query_has_the_features_of_its_image_and_a_reduced_look(name: str) -> None:
    image = from_array(photograph(name))
    query, expected = prepare(image), extract_query(image)
    np.testing.assert_array_equal(query.features.extended.descriptors, expected.extended.descriptors)
    subject = query.subject
    assert subject.size == (image.width, image.height)
    assert max(subject.look().shape[:2]) == min(512, max(image.width, image.height))
    assert subject.look() is subject.look()
    np.testing.assert_array_equal(subject.codes, hashes.as_words(expected.perceptual.codes))
    assert subject.codes.shape == (8, 4)
    assert (subject.quality, len(subject.local)) == (expected.perceptual.quality, len(expected.local))
    np.testing.assert_array_equal(subject.layout, expected.layout)
    assert query.has_detail


def test_an_inverted_query_is_that_of_the_inverted_image() -> None:
    image = from_array(photograph("coffee", 400))
    inverted, expected = prepare(image).inverted(), prepare(from_array(255 - photograph("coffee", 400)))
    np.testing.assert_array_equal(inverted.image.pixels, expected.image.pixels)
    np.testing.assert_array_equal(inverted.features.extended.points, expected.features.extended.points)
    np.testing.assert_array_equal(
        inverted.features.mirrored.descriptors, expected.features.mirrored.descriptors
    )
    np.testing.assert_array_equal(inverted.subject.codes, expected.subject.codes)
    assert inverted.image.pixel_id == expected.image.pixel_id


def test_what_has_no_detail() -> None:
    assert not prepare(from_array(np.full((90, 90, 3), 7, np.uint8))).has_detail
    ramp = np.tile(np.linspace(90, 120, 300).astype(np.uint8)[:, None], (200, 1, 3))
    assert not prepare(from_array(ramp)).has_detail
    assert prepare(from_array(photograph("chelsea", 100))).has_detail


def test_an_image_compared_directly_is_as_it_would_stand_in_a_library(store: Store) -> None:
    """But for the rounding of what is stored and the JPEG of the thumbnail."""
    key, record = next(
        (key, record)
        for key, record in store.catalogue.records(store.catalogue.all_keys()).items()
        if "coffee" in record.locations
    )
    image = from_array(decoded(jpeg(photograph("coffee", 500), 85)))
    direct = reference(image)
    stored = stored_reference(
        store.stored([key])[key],
        store.thumbnails([key])[key],
        width=record.width,
        height=record.height,
        quality=record.quality,
    )
    assert stored.size == direct.size == (500, 333)
    assert stored.quality == direct.quality
    np.testing.assert_array_equal(stored.codes, direct.codes)
    np.testing.assert_array_equal(stored.layout, direct.layout)
    np.testing.assert_array_equal(stored.local.descriptors, direct.local.descriptors)
    np.testing.assert_allclose(stored.local.points, direct.local.points, atol=0.01)
    np.testing.assert_allclose(stored.local.sizes, direct.local.sizes, rtol=1e-5)
    assert stored.look().shape == direct.look().shape == (213, 320, 3)
    assert np.abs(stored.look().astype(int) - direct.look()).mean() < 5
    assert direct.codes.shape == (1, 4)
    assert len(direct.local) == len(extract(image).local)
    assert max(direct.look().shape) == thumbnail.LONG_SIDE_PX
