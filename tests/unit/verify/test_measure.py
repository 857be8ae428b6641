"""What is measured of two images, against what is known of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from echo_image.features import orb
from echo_image.features.perceptual import ORIENTATIONS
from echo_image.image import from_array
from echo_image.retrieval.query import Prepared, prepare, reference
from echo_image.verify.measure import Evidence, Hands, Subject, measure
from tests.edited import (
    Edited,
    cropped,
    grey,
    inside_another,
    leveled,
    mirrored,
    quarter_turned,
    then,
    unmoved,
)
from tests.photographs import COLOURFUL, Rgb, photograph
from tests.unit.verify.made import mapped


def query(pixels: Rgb) -> Prepared:
    return prepare(from_array(np.ascontiguousarray(pixels)))


def candidate(pixels: Rgb) -> Subject:
    return reference(from_array(np.ascontiguousarray(pixels)))


def measured(one: Rgb, other: Rgb, hands: Hands = Hands.BOTH) -> Evidence:
    asked = query(one)
    return measure(asked.subject, asked.features, candidate(other), hands)


def error_px(evidence: Evidence, edited: Edited) -> float:
    assert evidence.homography is not None
    height, width = edited.pixels.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    return float(np.abs(mapped(evidence.homography, corners) - mapped(edited.homography, corners)).max())


@pytest.mark.parametrize("name", COLOURFUL)
def test_an_image_and_itself(name: str) -> None:
    image = photograph(name, 500)
    evidence = measured(image, image)
    assert evidence.homography is not None
    np.testing.assert_allclose(evidence.homography, np.eye(3), atol=0.1)
    assert not evidence.mirrored
    assert evidence.inliers > 300
    assert evidence.correspondences >= evidence.inliers >= evidence.independent
    assert evidence.orb > 0.99
    assert evidence.ssim > 0.98
    assert evidence.detail_ssim > 0.97
    assert evidence.agreeing > 0.999
    assert evidence.color_difference < 1
    assert evidence.worst_color < 8
    assert evidence.hash_distance == 0
    assert evidence.quality == 100
    assert min(evidence.query_overlap, evidence.match_overlap) > 0.998
    assert evidence.contrast > 20
    assert evidence.linearity > 0.2


@pytest.mark.parametrize(("name", "other"), [("coffee", "rocket"), ("chelsea", "grass"), ("brick", "gravel")])
def test_strangers(name: str, other: str) -> None:
    evidence = measured(photograph(name, 400), photograph(other, 400))
    assert evidence.independent < 8
    assert evidence.hash_distance > 80
    if evidence.homography is None:
        assert (evidence.inliers, evidence.orb, evidence.ssim, evidence.query_overlap) == (0, 0, 0, 0)
        assert evidence.alignment is None


@pytest.mark.parametrize("name", COLOURFUL)
def test_only_the_hands_that_are_asked_for(name: str) -> None:
    original = photograph(name, 500)
    for edited in (mirrored(original), cropped(0.1, 0.1, 0.6, 0.6)(original)):
        is_mirrored = np.linalg.det(edited.homography) < 0
        right, wrong = (Hands.MIRRORED, Hands.STRAIGHT) if is_mirrored else (Hands.STRAIGHT, Hands.MIRRORED)
        for hands in (right, Hands.BOTH):
            evidence = measured(edited.pixels, original, hands)
            assert evidence.mirrored is bool(is_mirrored)
            assert evidence.independent > 20
            assert error_px(evidence, edited) < 2
        assert measured(edited.pixels, original, wrong).independent < 10


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_key_points_outside_of_what_is_shared_do_not_count(name: str) -> None:
    original = photograph(name, 400)
    evidence = measured(inside_another(original).pixels, original)
    assert evidence.query_overlap == pytest.approx(0.25, abs=0.01)
    assert evidence.orb > 0.3
    noisy_ground = inside_another(original).pixels.copy()
    height, width = original.shape[:2]
    inside = np.zeros(noisy_ground.shape[:2], np.bool_)
    inside[height // 3 : height // 3 + height, width // 2 : width // 2 + width] = True
    noise = np.random.default_rng(2).integers(0, 256, noisy_ground.shape)
    noisy_ground[~inside] = noise[~inside]
    crowded = measured(noisy_ground, original)
    # Most key points are now in the noise; of those that are not most still find their partner.
    assert crowded.orb > 0.3


def as_only_the_hash_knows(subject: Subject) -> Subject:
    return replace(subject, local=orb.empty())


@pytest.mark.parametrize("name", ["astronaut", "coffee", "retina"])
@pytest.mark.parametrize("orientation", range(8))
def test_without_key_points_the_hash_says_how_the_whole_is_turned(name: str, orientation: int) -> None:
    """All eight orientations; the query is the image so turned, the mapping leads back."""
    original = photograph(name, 400)
    transposed, flipped_x, flipped_y = ORIENTATIONS[orientation]
    steps = [then(mirrored, quarter_turned(3))] if transposed else []  # mirrored, then a quarter: transposed
    steps += [mirrored] if flipped_x else []
    steps += [then(mirrored, quarter_turned(2))] if flipped_y else []
    edited = then(*steps)(original)
    expected = original.transpose(1, 0, 2) if transposed else original
    expected = expected[:, ::-1] if flipped_x else expected
    expected = expected[::-1] if flipped_y else expected
    np.testing.assert_array_equal(edited.pixels, expected)
    asked = query(edited.pixels)
    evidence = measure(asked.subject, asked.features, as_only_the_hash_knows(candidate(original)))
    assert error_px(evidence, edited) < 0.01
    assert evidence.mirrored is bool(np.linalg.det(edited.homography) < 0)
    assert (evidence.inliers, evidence.independent) == (0, 0)
    assert evidence.ssim > 0.95
    assert evidence.hash_distance <= 40
    assert evidence.query_overlap == pytest.approx(1, abs=1e-3)


def test_without_a_hash_that_can_be_trusted_the_colours_speak_for_the_whole() -> None:
    flag = np.repeat(
        np.repeat(np.array([[(0, 85, 164), (255, 255, 255), (239, 65, 53)]], np.uint8), 100, 1), 200, 0
    )
    asked = query(flag)
    other = candidate(flag[::2, ::2])
    distrusted = replace(other, quality=0)
    evidence = measure(asked.subject, asked.features, distrusted)
    assert evidence.homography is not None
    assert evidence.plain
    assert evidence.ssim > 0.9
    assert evidence.quality == 0
    np.testing.assert_allclose(np.diag(evidence.homography), [0.5, 0.5, 1])


@pytest.mark.parametrize("levels", [10, 25, 40])
def test_colours_differ_by_as_much_as_was_added(levels: int) -> None:
    image = leveled(0.6, 20)(photograph("coffee", 400))
    evidence = measured(leveled(1, levels)(image), image)
    assert evidence.color_difference == pytest.approx(levels, abs=1.5)
    assert evidence.worst_color == pytest.approx(levels, abs=6)
    assert evidence.worst_recolored < 8  # a linear change of the channels is no difference


def test_a_painted_patch_is_left_over_after_recolouring() -> None:
    image = photograph("astronaut", 400)
    painted = image.copy()
    painted[100:250, 150:300] = (0, 255, 0)
    evidence = measured(painted, image)
    assert evidence.worst_recolored > 60
    # 14 of 100 px are painted over; a plain ground looks alike in any colour.
    assert 0.84 < evidence.agreeing < 0.95


def test_grey_is_as_like_in_structure_as_colour() -> None:
    image = photograph("rocket", 400)
    evidence = measured(unmoved(grey)(image).pixels, image)
    assert evidence.ssim > 0.97
    assert evidence.color_difference > 5


@pytest.mark.parametrize(("colours", "plain"), [(((10, 10, 10), (200, 0, 0)), True), (None, False)])
def test_what_is_plain(colours: tuple[tuple[int, int, int], ...] | None, plain: bool) -> None:
    pixels = (
        photograph("coffee", 400)
        if colours is None
        else np.repeat(np.repeat(np.array([colours], np.uint8), 90, 1), 99, 0)
    )
    assert candidate(pixels).is_plain is plain


def test_the_same_evidence_every_time() -> None:
    one, other = photograph("chelsea", 400), cropped(0.1, 0.1, 0.7, 0.7)(photograph("chelsea", 500)).pixels
    first, second = measured(one, other), measured(one, other)
    np.testing.assert_array_equal(first.homography, second.homography)
    assert (first.ssim, first.orb, first.inliers) == (second.ssim, second.orb, second.inliers)
