"""Any similarity is found again among any share of wrong correspondences up to four of five."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from echo_image.verify.geometry import apply, estimate, is_plausible, jacobian
from tests.unit.verify.made import mapped, scene, similarity

SIZE = (640, 480)
CORNERS = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], np.float64)
TURNS = st.floats(-180, 180)
SHIFTS = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000))


@settings(max_examples=60)
@given(st.floats(0.1, 10), TURNS, SHIFTS, st.floats(0, 0.8), st.integers(0, 2**32 - 1))
def test_a_similarity_is_recovered(
    scale: float, degrees: float, shift: tuple[float, float], outliers: float, seed: int
) -> None:
    truth = similarity(scale, degrees, shift)
    made = scene(truth, count=50, outliers=outliers, noise_px=0.5 * min(scale, 1), size=SIZE, seed=seed)
    model = estimate(made.query, made.candidate, made.pairs)
    assert model is not None
    error = np.linalg.norm(mapped(model.homography, CORNERS) - mapped(truth, CORNERS), axis=1)
    assert error.max() < 2 * max(scale, 1)
    assert made.right[model.inliers].mean() > 0.8
    assert is_plausible(model.homography, made.query.points[made.pairs.query[model.inliers]])


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_whatever_is_accepted_is_plausible_and_keeps_its_word(seed: int, count: int) -> None:
    """Correspondences at random: a model of them, if any, has as many inliers as it says and is no mirror."""
    made = scene(similarity(), count=1, outliers=count / (count + 1), size=(200, 150), seed=seed)
    model = estimate(made.query, made.candidate, made.pairs)
    if model is None:
        return
    inliers = made.query.points[made.pairs.query[model.inliers]]
    assert is_plausible(model.homography, inliers)
    assert np.linalg.det(model.homography) > 0
    assert 4 <= len(model.inliers) <= len(made.pairs)
    assert 1 <= model.independent <= len(model.inliers)
    assert 0 <= model.linearity <= 1
    assert model.spread >= 0


@given(
    st.floats(0.1, 10),
    TURNS,
    SHIFTS,
    st.tuples(st.floats(-5e-4, 5e-4), st.floats(-5e-4, 5e-4)),
    st.tuples(st.floats(0, 640), st.floats(0, 480)),
)
def test_the_derivative_is_the_limit_of_differences(
    scale: float,
    degrees: float,
    shift: tuple[float, float],
    tilt: tuple[float, float],
    point: tuple[float, float],
) -> None:
    model = similarity(scale, degrees, shift)
    model[2, :2] = tilt
    here = np.array([point])
    derivative = jacobian(model, *point)
    for axis in (0, 1):
        step = np.zeros(2)
        step[axis] = 1e-3
        difference = (apply(model, here + step) - apply(model, here - step))[0] / 2e-3
        np.testing.assert_allclose(derivative[:, axis], difference, rtol=1e-4, atol=1e-4 * scale + 1e-3)
