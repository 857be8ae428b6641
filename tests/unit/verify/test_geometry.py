"""A known mapping is recovered among wrong correspondences; what is no edit and no camera is not accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from echo_image.features.orb import LocalFeatures
from echo_image.verify import geometry
from echo_image.verify.geometry import (
    MAX_MAGNIFICATION,
    MAX_PERSPECTIVE,
    TOLERANCE,
    Model,
    apply,
    estimate,
    is_plausible,
    jacobian,
)
from echo_image.verify.hypotheses import MAX_ANISOTROPY, MIN_CORRESPONDENCES
from echo_image.verify.matching import Correspondences
from tests.unit.verify.made import Matrix, Scene, derivative, mapped, scene, similarity

WIDTH, HEIGHT = 640, 480
GRID = np.stack(np.meshgrid(np.linspace(0, WIDTH, 5), np.linspace(0, HEIGHT, 5)), axis=-1).reshape(-1, 2)


def perspective(across: float, down: float, rest: Matrix) -> Matrix:
    model = rest.copy()
    model[2, :2] = across, down
    return model


#: Query px → candidate px.
MAPPINGS = {
    "the same": similarity(),
    "shifted": similarity(shift=(-200, 310)),
    "turned by 90°": similarity(1, 90, (HEIGHT, 0)),
    "upside down": similarity(1, 180, (WIDTH, HEIGHT)),
    "reduced and turned": similarity(0.4, -37, (100, 200)),
    "enlarged": similarity(3, 10),
    "sheared": np.array([[1.3, 0.2, 10], [-0.1, 0.8, 5], [0, 0, 1]]),
    "stretched": np.array([[2.0, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "in perspective": perspective(4e-4, -2e-4, similarity(0.9, 12, (30, 40))),
    "in strong perspective": perspective(8e-4, 2e-4, similarity()),
}


def found(made: Scene) -> Model:
    model = estimate(made.query, made.candidate, made.pairs)
    assert model is not None
    return model


def error_px(model: Model, truth: Matrix) -> float:
    """The largest distance anywhere in the query, candidate px."""
    return float(np.linalg.norm(mapped(model.homography, GRID) - mapped(truth, GRID), axis=1).max())


@pytest.mark.parametrize("name", MAPPINGS)
@pytest.mark.parametrize("outliers", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_a_known_mapping_is_recovered_among_outliers(name: str, outliers: float, seed: int) -> None:
    truth = MAPPINGS[name]
    made = scene(truth, outliers=outliers, seed=seed, size=(WIDTH, HEIGHT))
    model = found(made)
    # 60 points located to half a pixel: four parameters are known to some tenths, eight to one or two px at
    # the corners.
    assert error_px(model, truth) < (0.8 if "perspective" not in name and truth[0, 0] == truth[1, 1] else 2)
    assert model.homography[2, 2] == 1
    right = made.right[model.inliers]
    assert right.sum() >= 0.9 * made.right.sum()
    assert (~right).sum() <= 2
    assert model.inliers.dtype == np.int32
    assert (np.diff(model.inliers) > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_inliers_are_those_within_the_tolerance(seed: int) -> None:
    made = scene(similarity(1.5, 20), outliers=0.6, noise_px=2, seed=seed)
    model = found(made)
    error = (
        mapped(model.homography, made.query.points[made.pairs.query])
        - made.candidate.points[made.pairs.candidate]
    )
    allowed = TOLERANCE * made.candidate.sizes[made.pairs.candidate]
    expected = np.flatnonzero(np.linalg.norm(error, axis=1) <= allowed)
    assert model.inliers.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["turned by 90°", "sheared", "in perspective"])
def test_the_same_every_time_on_every_thread(name: str) -> None:
    made = scene(MAPPINGS[name], outliers=0.7)
    expected = found(made)
    with ThreadPoolExecutor(4) as threads:
        for model in threads.map(lambda _: found(made), range(12)):
            np.testing.assert_array_equal(model.homography, expected.homography)
            np.testing.assert_array_equal(model.inliers, expected.inliers)


def test_a_similarity_stays_one() -> None:
    """A homography would fit the noise of its inliers better and be wrong outside of them."""
    truth = similarity(0.8, 5, (12, 7))
    corner = np.random.default_rng(1).random((40, 2)) * [160, 120]
    for seed in range(4):
        model = found(scene(truth, points=corner, noise_px=1, seed=seed)).homography
        assert model[2, :2].tolist() == [0, 0]
        np.testing.assert_allclose(model[0, :2], [model[1, 1], -model[1, 0]], atol=1e-12)
        assert np.abs(mapped(model, GRID) - mapped(truth, GRID)).max() < 10


@pytest.mark.parametrize("count", range(MIN_CORRESPONDENCES))
def test_fewer_correspondences_than_are_tried(count: int) -> None:
    made = scene(similarity(), count=max(count, 1))
    pairs = made.pairs
    few = Correspondences(pairs.query[:count], pairs.candidate[:count], pairs.distances[:count])
    assert estimate(made.query, made.candidate, few) is None


@pytest.mark.parametrize("seed", range(5))
def test_chance_agrees_on_little(seed: int) -> None:
    made = scene(similarity(), count=4, outliers=0.97, seed=seed)
    wrong = np.flatnonzero(~made.right)
    pairs = Correspondences(made.pairs.query[wrong], made.pairs.candidate[wrong], made.pairs.distances[wrong])
    model = estimate(made.query, made.candidate, pairs)
    assert len(pairs) > 100
    assert model is None or len(model.inliers) < 8


def test_all_at_one_place() -> None:
    model = estimate_at(np.full((20, 2), 100.0))
    assert model is None or model.independent == 1


def test_all_on_one_line_are_told_by_their_linearity() -> None:
    """The line is mapped right; what is beside it nobody knows, and the decision is told so."""
    along = np.random.default_rng(3).random(40)[:, None] * [400, 300]
    truth = similarity(1.2, 30, (50, 60))
    model = found(scene(truth, points=along, noise_px=0.3))
    assert np.abs(mapped(model.homography, along) - mapped(truth, along)).max() < 2
    assert model.linearity < 0.02
    assert found(scene(truth)).linearity > 0.5


def estimate_at(points: Matrix) -> Model | None:
    made = scene(similarity(), points=points, noise_px=0.1)
    return estimate(made.query, made.candidate, made.pairs)


def test_key_points_at_one_place_count_once() -> None:
    rng = np.random.default_rng(4)
    places = np.array([[x, y] for x in range(50, 650, 100) for y in range(50, 450, 100)], np.float64)
    crowded = np.repeat(places, 5, axis=0) + rng.normal(0, 0.05, (5 * len(places), 2))
    model = estimate_at(crowded)
    assert model is not None
    assert len(model.inliers) == 5 * len(places)
    # A place on the edge of two cells may count twice.
    assert len(places) <= model.independent <= 1.5 * len(places)


def test_spread_and_linearity_describe_the_ellipse_of_the_inliers() -> None:
    """Standard deviations 90 and 30 px: an ellipse of two of each has π · 180 · 60 px²."""
    rng = np.random.default_rng(5)
    points = rng.normal(0, 1, (600, 2)) * [90, 30] + 300
    model = estimate_at(points)
    assert model is not None
    assert model.spread == pytest.approx(np.pi * 180 * 60, rel=0.15)
    assert model.linearity == pytest.approx(1 / 3, rel=0.1)
    turned = mapped(similarity(1, 65), points)
    other = estimate_at(turned)
    assert other is not None
    assert other.spread == pytest.approx(model.spread, rel=0.1)


@pytest.mark.parametrize(
    "flip", [np.diag([-1.0, 1, 1]), np.diag([1.0, -1, 1]), np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_mirror_image_is_never_accepted(flip: Matrix, seed: int) -> None:
    """Mirrored key points have other directions; here these are made to agree, so that the places decide."""
    made = scene(flip, seed=seed)
    straight = LocalFeatures(
        made.candidate.points,
        made.query.angles[np.argsort(made.pairs.candidate)],
        made.candidate.sizes,
        made.candidate.descriptors,
    )
    for candidate in (made.candidate, straight):
        model = estimate(made.query, candidate, made.pairs)
        assert model is None or (len(model.inliers) < 10 and np.linalg.det(model.homography) > 0)


@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_stretched_too_much_is_not_accepted(axis: int) -> None:
    for factor, accepted in ((2.5, True), (MAX_ANISOTROPY + 1, False)):
        stretch = np.eye(3)
        stretch[axis, axis] = factor
        made = scene(stretch, count=200)
        model = estimate(made.query, made.candidate, made.pairs)
        whole = model is not None and len(model.inliers) > 150
        assert whole is accepted


BOX = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)


@pytest.mark.parametrize("name", MAPPINGS)
def test_edits_and_cameras_are_plausible(name: str) -> None:
    assert is_plausible(MAPPINGS[name], BOX)


def test_what_is_not_plausible() -> None:
    wrong = {
        "mirrored": np.diag([-1.0, 1, 1]),
        "transposed": np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]]),
        "flat": np.diag([1.0, 0, 1]),
        "stretched": np.diag([MAX_ANISOTROPY * 1.01, 1, 1]),
        "squeezed": np.diag([1, 1 / (MAX_ANISOTROPY * 1.01), 1]),
        "sheared": np.array([[1, 4.0, 0], [0, 1, 0], [0, 0, 1]]),
        "magnified": similarity(MAX_MAGNIFICATION * 1.01),
        "tiny": similarity(1 / (MAX_MAGNIFICATION * 1.01)),
        "folded over the horizon": perspective(-1 / 500, 0, similarity()),
        "seen along the plane": perspective(3e-3, 0, similarity()),
        "not a number": np.full((3, 3), np.nan),
        "infinite": np.full((3, 3), np.inf),
    }
    for name, model in wrong.items():
        assert not is_plausible(model, BOX), name
    assert is_plausible(similarity(MAX_MAGNIFICATION * 0.99), BOX)
    assert is_plausible(np.diag([MAX_ANISOTROPY * 0.99, 1, 1]), BOX)


@pytest.mark.parametrize(("factor", "plausible"), [(0.98, True), (1.02, False)])
def test_perspective_is_measured_where_the_inliers_are(factor: float, plausible: bool) -> None:
    """The area is magnified by w⁻³: nine times as much where w is 9^(1/3) times as small."""
    limit = (MAX_PERSPECTIVE ** (1 / 3) - 1) / WIDTH
    model = perspective(limit * factor, 0, similarity())
    assert is_plausible(model, BOX) is plausible
    assert is_plausible(model, BOX * 0.5)


@pytest.mark.parametrize("name", MAPPINGS)
def test_apply_and_jacobian(name: str) -> None:
    model = MAPPINGS[name]
    np.testing.assert_allclose(
        apply(model, GRID.astype(np.float32)), mapped(model, GRID), rtol=1e-6, atol=1e-4
    )
    for point in GRID[::3]:
        np.testing.assert_allclose(jacobian(model, *point), derivative(model, point), rtol=1e-5, atol=1e-6)


def test_behind_the_horizon_is_nowhere() -> None:
    model = perspective(-1 / 500, 0, similarity())
    places = apply(model, np.array([[499.0, 10], [500, 10], [501, 10]]))
    assert np.isfinite(places[0]).all()
    assert np.isnan(places[1:]).all()
    assert geometry.apply(model, np.zeros((0, 2))).shape == (0, 2)
