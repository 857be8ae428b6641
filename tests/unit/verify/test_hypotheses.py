"""The compiled loops of the search for a mapping against the same written in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from echo_image.verify import hypotheses
from echo_image.verify.hypotheses import MAX_ANISOTROPY, MIN_CORRESPONDENCES
from tests.unit.verify.made import Matrix, Scene, mapped, scene, similarity

Floats = NDArray[np.float64]


def columns(made: Scene) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Source, target, turn, scale and tolerance of every pair."""
    query, candidate, pairs = made.query, made.candidate, made.pairs
    sizes = candidate.sizes[pairs.candidate].astype(np.float64)
    return (
        query.points[pairs.query].astype(np.float64),
        candidate.points[pairs.candidate].astype(np.float64),
        (candidate.angles[pairs.candidate] - query.angles[pairs.query]).astype(np.float64),
        sizes / query.sizes[pairs.query],
        0.1 * sizes,
    )


def agreeing(source: Floats, target: Floats, turn: Floats, scale: Floats, tolerance: Floats) -> list[int]:
    """For each pair how many fit the similarity that it implies, by the documented rule."""
    counts = []
    for i in range(len(source)):
        model = similarity(scale[i], np.rad2deg(turn[i]))
        expected = target[i] + mapped(model, source - source[i])
        distance = np.linalg.norm(source - source[i], axis=1)
        near = np.linalg.norm(expected - target, axis=1) <= tolerance + 0.1 * scale[i] * distance
        ratio = scale / scale[i]
        alike = (ratio <= 1.5) & (ratio >= 1 / 1.5) & (np.cos(turn - turn[i]) >= 0.85)
        counts.append(int((near & alike).sum()))
    return counts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("outliers", [0.0, 0.4, 0.8])
def test_count_agreeing(seed: int, outliers: float) -> None:
    made = scene(similarity(0.7, 33, (40, -20)), outliers=outliers, seed=seed)
    values = columns(made)
    counts = np.zeros(len(made.pairs), np.int64)
    hypotheses.count_agreeing(*values, counts)
    assert counts.tolist() == agreeing(*values)
    assert (counts >= 1).all()  # each agrees with itself
    assert counts[made.right].mean() > 15
    assert not outliers or counts[made.right].mean() > 4 * counts[~made.right].mean()


def affine(rng: np.random.Generator) -> Matrix:
    return np.vstack([np.column_stack([rng.normal(0, 1, (2, 2)), rng.normal(0, 100, 2)]), [0, 0, 1]])


@pytest.mark.parametrize("seed", range(8))
def test_fit_affine_is_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.random((30, 2)) * 500 + 1000
    target = mapped(affine(rng), source) + rng.normal(0, 3, (30, 2))
    inside = rng.random(30) < 0.6
    model = np.zeros((2, 3))
    assert hypotheses.fit_affine(source, target, inside, model)
    design = np.column_stack([source[inside], np.ones(inside.sum())])
    expected = np.linalg.lstsq(design, target[inside], rcond=None)[0].T
    np.testing.assert_allclose(model, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [2, 3, 10])
def test_what_does_not_determine_six_parameters_gets_the_best_similarity(seed: int, count: int) -> None:
    """Two or three points, or any number on a line: least squares of a - i b as the four parameters."""
    rng = np.random.default_rng(seed)
    source = rng.random((1, 2)) * 100 + np.outer(rng.random(count) * 300, [0.6, 0.8])
    target = mapped(similarity(1.4, 50, (7, 9)), source) + rng.normal(0, 1, (count, 2))
    model = np.zeros((2, 3))
    assert hypotheses.fit_affine(source, target, np.ones(count, np.bool_), model)
    x, y, one, zero = source[:, 0], source[:, 1], np.ones(count), np.zeros(count)
    design = np.vstack([np.column_stack([x, -y, one, zero]), np.column_stack([y, x, zero, one])])
    a, b, dx, dy = np.linalg.lstsq(design, target.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(model, [[a, -b, dx], [b, a, dy]], rtol=1e-6, atol=1e-6)


def test_what_determines_nothing_is_refused() -> None:
    point = np.ones((5, 2))
    target = np.arange(10.0).reshape(5, 2)
    for inside in (np.zeros(5, np.bool_), np.eye(5, dtype=np.bool_)[2], np.ones(5, np.bool_)):
        model = np.full((2, 3), 7.0)
        assert not hypotheses.fit_affine(point, target, inside, model)
        assert (model == 7).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("factor", "slack"), [(1.0, 0.1), (1.5, 0.0), (1.5, 0.04)])
def test_mark_inside(seed: int, factor: float, slack: float) -> None:
    made = scene(similarity(1.8, -20), outliers=0.5, noise_px=5, seed=seed)
    source, target, _, _, tolerance = columns(made)
    model = similarity(1.8, -20)
    inside = np.zeros(len(source), np.bool_)
    count = hypotheses.mark_inside(model[:2], source, target, tolerance, factor, slack, 3, inside)
    error = np.linalg.norm(mapped(model, source) - target, axis=1)
    far = 1.8 * np.linalg.norm(source - source[3], axis=1)
    np.testing.assert_array_equal(inside, error <= factor * tolerance + slack * far)
    assert count == inside.sum() > 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("outliers", [0.0, 0.5, 0.8])
def test_the_best_mapping_is_the_one_that_was_used(seed: int, outliers: float) -> None:
    truth = similarity(1.3, 140, (500, 300))
    made = scene(truth, outliers=outliers, seed=seed)
    model, inside = np.zeros((2, 3)), np.zeros(len(made.pairs), np.bool_)
    assert hypotheses.best_affine(*columns(made), model, inside)
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]])
    found = mapped(np.vstack([model, [0, 0, 1]]), corners)
    assert np.abs(found - mapped(truth, corners)).max() < 3
    assert inside[made.right].all()
    assert not outliers or inside[~made.right].mean() < 0.1


def test_too_few_that_agree_are_no_mapping() -> None:
    made = scene(similarity(), count=MIN_CORRESPONDENCES - 1, outliers=0.5)
    assert not hypotheses.best_affine(*columns(made), np.zeros((2, 3)), np.zeros(len(made.pairs), np.bool_))


@pytest.mark.parametrize(
    "linear", [[[1, 0], [0, -1]], [[-1, 0], [0, 1]], [[MAX_ANISOTROPY + 0.5, 0], [0, 1]], [[1, 0], [0, 0]]]
)
def test_mirrored_stretched_and_flattened_are_no_mapping(linear: list[list[float]]) -> None:
    """Turn and scale all agree, as key points of another image might: only the places tell."""
    rng = np.random.default_rng(5)
    source = rng.random((80, 2)) * 30
    target = source @ np.array(linear, np.float64).T
    values = (source, target, np.zeros(80), np.ones(80), np.full(80, 3.1))
    model, inside = np.zeros((2, 3)), np.zeros(80, np.bool_)
    found = hypotheses.best_affine(*values, model, inside)
    # A few points that lie together may pass for something else; never all of them, and never what it is.
    assert not found or inside.sum() < 60
    large, small = np.linalg.svd(model[:, :2], compute_uv=False)
    assert not found or (np.linalg.det(model[:, :2]) > 0 and large <= MAX_ANISOTROPY * small)
