"""Corners: the scores and maxima are OpenCV's, and the choice among them is that of a slow, plain one."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.features import corners
from tests.photographs import NAMES, gray, photograph

MARGIN = 10


def found(image: NDArray[np.uint8], threshold: int, margin: int = MARGIN) -> list[tuple[int, int, int]]:
    """(x, y, score) of every corner, in the order in which they are written."""
    room = image.size
    xs, ys, values = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    scores = np.full(image.shape, 255, np.uint8)  # what another image left there must not matter
    count = corners.corners_of(image, margin, np.uint8(threshold), scores, xs, ys, values)
    return list(zip(xs[:count].tolist(), ys[:count].tolist(), values[:count].tolist(), strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threshold", [1, 8, 40])
def test_corners_are_those_of_opencv(name: str, threshold: int) -> None:
    image = gray(photograph(name, 500))
    height, width = image.shape
    detected = cv2.FastFeatureDetector.create(threshold).detect(image, np.ones_like(image))
    expected = {
        (int(k.pt[0]), int(k.pt[1]), int(k.response) + 1)
        for k in detected
        if MARGIN <= k.pt[0] < width - MARGIN and MARGIN <= k.pt[1] < height - MARGIN
    }
    ours = found(image, threshold)
    assert set(ours) == expected
    assert len(ours) == len(expected)
    assert [(y, x) for x, y, _ in ours] == sorted((y, x) for x, y, _ in ours)


def brightest_arc(circle: list[int], own: int) -> int:
    """By the definition: how much the least of nine neighbours in a row differs, at best."""
    arcs = [[circle[(start + k) % 16] for k in range(9)] for start in range(16)]
    brighter = max(min(value - own for value in arc) for arc in arcs)
    darker = max(min(own - value for value in arc) for arc in arcs)
    return max(brighter, darker, 0)


def test_scores_are_those_of_the_definition() -> None:
    image = np.random.default_rng(4).choice([0, 3, 120, 250, 255], (40, 47)).astype(np.uint8)
    scores = np.zeros_like(image)
    corners.fast_scores(image, scores, 3, 37, 3, 44)
    ring = [(0, 3), (1, 3), (2, 2), (3, 1), (3, 0), (3, -1), (2, -2), (1, -3)]
    ring += [(-x, -y) for x, y in ring]
    for y in range(3, 37):
        for x in range(3, 44):
            circle = [int(image[y + v, x + u]) for u, v in ring]
            assert scores[y, x] == brightest_arc(circle, int(image[y, x]))


@pytest.mark.parametrize("size", [(21, 21), (21, 60), (22, 23), (29, 28)])
def test_narrow_levels(size: tuple[int, int]) -> None:
    image = np.random.default_rng(5).integers(0, 256, size).astype(np.uint8)
    for x, y, score in found(image, 3):
        assert MARGIN <= x < size[1] - MARGIN
        assert MARGIN <= y < size[0] - MARGIN
        assert score > 3


def chosen(
    points: NDArray[np.int32],
    values: NDArray[np.uint8],
    size: tuple[int, int],
    *,
    wanted: int,
) -> list[int]:
    keep = np.zeros(len(values), np.bool_)
    xs, ys = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    corners.choose(xs, ys, values, size, wanted, keep)
    return list(np.flatnonzero(keep).tolist())


def plainly_chosen(
    points: NDArray[np.int32],
    values: NDArray[np.uint8],
    size: tuple[int, int],
    *,
    wanted: int,
) -> list[int]:
    """The same by sorting: worth is the score over the rank in the cell, in eighths; firsts come first."""
    grid = 2 * max(1, math.isqrt(wanted))
    cells = [
        (int((y + 0.5) * grid / size[1] + 1e-9), int((x + 0.5) * grid / size[0] + 1e-9)) for x, y in points
    ]
    best_first = sorted(range(len(values)), key=lambda i: (-int(values[i]), i))
    ranked = []
    for place, i in enumerate(best_first):
        before = best_first[:place]
        rank = 1 + sum(cells[j] == cells[i] for j in before)
        square = [c // 2 for c in cells[i]]
        first = all([c // 2 for c in cells[j]] != square for j in before)
        ranked.append((not first, -(int(values[i]) * 8 // rank), place, i))
    return sorted(i for *_, i in sorted(ranked)[:wanted])


@pytest.mark.parametrize("wanted", [0, 1, 40, 100, 200, 500])
@pytest.mark.parametrize("top", [12, 255])
def test_the_choice_is_the_plain_one(wanted: int, top: int) -> None:
    rng = np.random.default_rng(wanted + top)
    points = rng.integers(0, (97, 61), (250, 2)).astype(np.int32)
    values = rng.integers(1, top + 1, 250).astype(np.uint8)
    ours = chosen(points, values, (97, 61), wanted=wanted)
    assert ours == plainly_chosen(points, values, (97, 61), wanted=wanted)
    assert len(ours) == min(wanted, 250)


def test_each_square_keeps_its_best_however_weak() -> None:
    rng = np.random.default_rng(7)
    strong = rng.integers(0, 50, (400, 2))
    weak = np.array([[75, 25], [25, 75], [75, 75]])
    points = np.concatenate([strong, weak]).astype(np.int32)
    values = np.array([200] * 400 + [9] * 3, np.uint8)
    assert set(chosen(points, values, (100, 100), wanted=4)) >= {400, 401, 402}


def test_every_level_is_chosen_by_itself() -> None:
    xs = np.array([1, 50, 2, 20], np.int32)
    values = np.array([9, 8, 7, 200], np.uint8)
    keep = np.zeros(4, np.bool_)
    sizes = np.array([[60, 60], [30, 30]])
    corners.spread(xs, xs.copy(), values, np.array([0, 2, 4]), sizes, np.array([1, 1]), keep)
    assert keep.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("wanted", "available", "expected"),
    [
        (14, [99, 99, 99], [8, 4, 2]),
        (14, [99, 99, 0], [8, 6, 0]),
        (14, [3, 99, 99], [3, 9, 2]),
        (14, [3, 5, 99], [3, 5, 6]),
        (14, [1, 2, 3], [1, 2, 3]),
        (14, [0, 0, 0], [0, 0, 0]),
        (0, [5, 5, 5], [0, 0, 0]),
    ],
)
def test_shares_of_levels(wanted: int, available: list[int], expected: list[int]) -> None:
    assert corners.shares(wanted, np.array(available), 2.0).tolist() == expected
