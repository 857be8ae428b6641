"""Everything that is extracted from an image and from a query, and under which name."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.features import Features, QueryFeatures, extract, extract_query, fingerprint, orb
from echo_image.features.layout import color_layout
from echo_image.features.orb import LocalFeatures
from echo_image.image import decode, from_array
from tests.photographs import COLOURFUL, gray, jpeg, photograph, scaled


def same(one: LocalFeatures, other: LocalFeatures) -> bool:
    arrays = ("points", "angles", "sizes", "descriptors")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)


def head(features: LocalFeatures, count: int) -> LocalFeatures:
    return LocalFeatures(
        features.points[:count], features.angles[:count], features.sizes[:count], features.descriptors[:count]
    )


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_query_begins_with_what_a_library_would_store(name: str) -> None:
    image = from_array(photograph(name))
    found: Features = extract(image)
    query: QueryFeatures = extract_query(image)
    assert same(found.local, query.local)
    np.testing.assert_array_equal(found.perceptual.codes, query.perceptual.codes)
    np.testing.assert_array_equal(found.layout, query.layout)
    assert same(head(query.extended, len(query.local)), query.local)
    assert same(head(query.mirrored, len(query.mirrored_local)), query.mirrored_local)
    assert len(query.local) < len(query.extended) <= orb.NUM_FEATURES + orb.QUERY_NUM_FEATURES
    # A key point whose mirror image falls on the border cannot be described; there are few.
    assert abs(len(query.mirrored) - len(query.extended)) <= 0.02 * len(query.extended)


def test_two_extractions_give_the_same() -> None:
    image = from_array(photograph("rocket"))
    one, other = extract_query(image), extract_query(image)
    assert same(one.extended, other.extended)
    assert same(one.mirrored, other.mirrored)


@pytest.mark.parametrize("name", COLOURFUL)
def test_points_cover_the_full_image_whatever_its_size(name: str) -> None:
    small = photograph(name, 400)
    large = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)
    for pixels in (small, large, scaled(small, 0.4)):
        height, width = pixels.shape[:2]
        image = from_array(pixels)
        for local in (extract(image).local, extract_query(image).extended):
            assert (local.points >= -0.5).all()
            assert (local.points <= [width - 0.5, height - 0.5]).all()
            assert np.ptp(local.points[:, 0]) > 0.6 * width


def test_a_reduced_jpeg_has_its_points_in_px_of_the_full_one() -> None:
    pixels = np.repeat(np.repeat(photograph("coffee", 600), 4, axis=0), 4, axis=1)
    data = jpeg(pixels, 90)
    whole, reduced = decode(data), decode(data, min_side=1024)
    assert reduced.pixels.shape[1] < whole.pixels.shape[1]
    local = extract(reduced).local
    assert local.points[:, 0].max() > 0.9 * whole.width
    expected = extract(whole).local
    nearest = np.linalg.norm(local.points[:, None] - expected.points, axis=2).min(axis=1)
    assert np.median(nearest) < 3  # px of 2,400: less than one of the 512 px on which they were found


def test_the_layout_is_that_of_the_whole_image() -> None:
    pixels = photograph("retina")
    np.testing.assert_allclose(extract(from_array(pixels)).layout.astype(int), color_layout(pixels), atol=2)


def test_the_small_image_of_the_features() -> None:
    pixels = photograph("retina")
    small = extract(from_array(pixels)).small
    assert max(small.shape[:2]) == 320
    np.testing.assert_allclose(small.mean(axis=(0, 1)), pixels.mean(axis=(0, 1)), atol=1)
    assert gray(small).std() == pytest.approx(float(gray(pixels).std()), rel=0.05)


def test_a_flat_image_has_neither_key_points_nor_quality() -> None:
    image = from_array(np.full((240, 320, 3), (12, 200, 90), np.uint8))
    found = extract_query(image)
    assert found.perceptual.quality == 0
    assert len(found.local) == len(found.extended) == len(found.mirrored) == 0


def test_the_fingerprint_names_every_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [fingerprint()]
    for name in (
        "VERSION",
        "NUM_FEATURES",
        "LONG_SIDE_PX",
        "NUM_LEVELS",
        "FAST_THRESHOLD",
        "EDGE_PX",
        "ENLARGED_PX",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(orb, name, 77)
            names.append(fingerprint())
    for module in ("perceptual", "layout"):
        with monkeypatch.context() as patch:
            patch.setattr(f"echo_image.features.{module}.VERSION", 77)
            names.append(fingerprint())
    assert len(set(names)) == len(names)
