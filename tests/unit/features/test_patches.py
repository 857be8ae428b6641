"""Patches: directions and descriptors equal OpenCV's ORB, and the mirrored ones those of the mirror image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features import patches, pyramid
from tests.photographs import NAMES, gray, photograph

#: OpenCV does not blur what it adds around the image, so only patches inside compare.
INSIDE = patches.REACH_PX + 4


def detector() -> Any:
    return cv2.ORB.create(nfeatures=400, nlevels=1, edgeThreshold=INSIDE, fastThreshold=10)


def built(image: NDArray[np.uint8]) -> pyramid.Pyramid:
    return pyramid.build(image, num_levels=1, factor=1.2, least_px=21)


def places(pyramid_: pyramid.Pyramid, points: NDArray[np.int64]) -> NDArray[np.int64]:
    margin = pyramid.MARGIN_PX
    return (points[:, 1] + margin) * pyramid_.stride + points[:, 0] + margin


def directions(image: NDArray[np.uint8], points: NDArray[np.int64]) -> NDArray[np.int32]:
    one, turns = built(image), np.empty(len(points), np.int32)
    patches.directions(one.pixels.reshape(-1), one.stride, places(one, points), patches.disc(), turns)
    return turns


def describe(
    image: NDArray[np.uint8], points: NDArray[np.int64], turns: NDArray[np.int32], *, mirrored: bool = False
) -> NDArray[np.uint64]:
    one, descriptors = built(image), np.empty((len(points), 4), np.uint64)
    pairs = patches.turned_pairs(one.stride, mirrored=mirrored)
    patches.describe(one.blurred.reshape(-1), places(one, points), turns, pairs, descriptors)
    return descriptors


@pytest.mark.parametrize("name", NAMES)
def test_directions_and_descriptors_are_those_of_opencv(name: str) -> None:
    image = gray(photograph(name, 500))
    keypoints = detector().detect(image, None)
    assert len(keypoints) > 0
    points = np.rint(cv2.KeyPoint.convert(keypoints)).astype(np.int64)
    turns = directions(image, points)
    difference = turns * (360 / 256) - np.array([k.angle for k in keypoints])
    # Rounding to 256 steps, and OpenCV's quick arc tangent, whose error is below 0.3 degrees.
    assert np.abs((difference + 180) % 360 - 180).max() < 360 / 512 + 0.3
    for keypoint, turn in zip(keypoints, turns, strict=True):
        keypoint.angle = float(turn) * (360 / 256)
    kept, expected = detector().compute(image, keypoints)
    assert len(kept) == len(points)
    np.testing.assert_array_equal(describe(image, points, turns).view(np.uint8), expected)


def test_every_turn_is_that_of_opencv() -> None:
    """Whatever rounding does to the turned pairs."""
    image = np.random.default_rng(0).integers(0, 256, (99, 99)).astype(np.uint8)
    points = np.full((256, 2), 49)
    turns = np.arange(256, dtype=np.int32)
    keypoints = [cv2.KeyPoint(49, 49, 31, float(turn) * (360 / 256), 1.0, 0) for turn in turns]
    _, expected = detector().compute(image, keypoints)
    np.testing.assert_array_equal(describe(image, points, turns).view(np.uint8), expected)


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_descriptors_are_those_of_the_mirror_image(name: str) -> None:
    image = gray(photograph(name, 500))
    rng = np.random.default_rng(1)
    points = rng.integers(10, (image.shape[1] - 10, image.shape[0] - 10), (300, 2))
    turns = rng.integers(0, 256, 300).astype(np.int32)
    there = points.copy()
    there[:, 0] = image.shape[1] - 1 - points[:, 0]
    expected = describe(np.ascontiguousarray(image[:, ::-1]), there, turns)
    np.testing.assert_array_equal(describe(image, points, turns, mirrored=True), expected)


def test_the_direction_of_a_patch_turns_with_it() -> None:
    image = gray(photograph("coffee", 500))[:300, :300]
    points = np.random.default_rng(2).integers(16, 284, (200, 2))
    clockwise = np.stack([299 - points[:, 1], points[:, 0]], axis=1)
    turned = directions(np.ascontiguousarray(np.rot90(image, -1)), clockwise)
    difference = (turned - directions(np.ascontiguousarray(image), points)) % 256
    assert (np.abs(difference - 64) <= 1).all()  # half a step may be rounded either way


def test_the_disc_is_round_and_equal_in_all_directions() -> None:
    disc = patches.disc()[:, :31] > 0
    assert (disc == disc.T).all()
    assert (disc == disc[::-1]).all()
    assert not patches.disc()[:, 31].any()
    v, u = np.mgrid[-15:16, -15:16]
    assert disc[u**2 + v**2 <= 14.5**2].all()
    assert not disc[u**2 + v**2 > 15.6**2].any()


def test_no_pair_reaches_further_than_it_says() -> None:
    assert patches.pattern().shape == (256, 4)
    reach = np.hypot(*patches.pattern().reshape(-1, 2).T.astype(float)).max()
    assert reach <= patches.REACH_PX
