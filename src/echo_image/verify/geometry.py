"""Which one mapping of the plane do the correspondences agree on?

`hypotheses` tries what every single one implies, which is exhaustive, hence deterministic, and needs a few
right ones only among hundreds of wrong ones. Of similarity, affine and homography through the best's inliers
the simplest that explains nearly as much as any is then taken, where it is a plausible edit or camera.

Convention: homographies are 3 × 3, query px → candidate px, full upright images, last entry 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.features.orb import LocalFeatures
from echo_image.verify.hypotheses import MAX_ANISOTROPY, MIN_CORRESPONDENCES, best_affine
from echo_image.verify.matching import Correspondences, expected

#: Localisation error allowed, as a share of the patch diameter: 3 px of a 31 px patch.
TOLERANCE = 0.1
#: Guided matching searches wider by these shares of the distance to the inliers' centre, one after the other.
_GUIDED_SLACK = (0.06, 0.02)
#: A simpler model is taken when it explains this share of what the best explains.
_NEARLY_AS_MANY = 0.93
#: Plausible edits and cameras magnify nothing more than this (linear), stretch one axis against the other by
#: `MAX_ANISOTROPY` at most …
MAX_MAGNIFICATION = 24.0
#: … and magnification changes by perspective within the shared part at most by this factor (area).
MAX_PERSPECTIVE = 9.0

_Fit = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The mapping found.

    Attributes:
        homography: (3, 3) float64, query px → candidate px.
        inliers: (K,) int32, indices into the correspondences.
        independent: number of inliers at different places: key points of several pyramid levels on
            the same corner count once.
        spread: area in px² of the query of the ellipse of two standard deviations around the inliers.
        linearity: 0 when all inliers lie on one line, 1 when they scatter equally in all directions.
        centre: (2,) px of the query, the mean of the inliers.
    """

    homography: NDArray[np.float64]
    inliers: NDArray[np.int32]
    independent: int
    spread: float
    linearity: float
    centre: NDArray[np.float64]


def apply(homography: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Map (N, 2) points; points on or behind the horizon become NaN."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in homography)
    w = np.where(w > 1e-9, w, np.nan)
    return np.stack([u / w, v / w], axis=1)


def jacobian(homography: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    """(2, 2) derivative of the mapping at a point."""
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in homography)
    h = homography
    return np.array(
        [
            [(h[0, 0] * w - h[2, 0] * u) / w**2, (h[0, 1] * w - h[2, 1] * u) / w**2],
            [(h[1, 0] * w - h[2, 0] * v) / w**2, (h[1, 1] * w - h[2, 1] * v) / w**2],
        ]
    )


def is_plausible(homography: NDArray[np.float64], points: NDArray[np.floating]) -> bool:
    """Say whether a mapping is an edit or a camera view, judged at the inliers and their bounding box.

    Args:
        homography: (3, 3), must keep orientation (mirror images are matched by mirrored key points).
        points: (K, 2), inliers in the query.
    """
    if not np.all(np.isfinite(homography)):
        return False
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]], (low + high) / 2], np.float64)
    if np.isnan(apply(homography, corners)).any():
        return False
    areas = []
    for x, y in corners:
        derivative = jacobian(homography, x, y)
        area = float(np.linalg.det(derivative))
        if not area > 0:
            return False
        large, small = np.linalg.svd(derivative, compute_uv=False)
        if large > MAX_ANISOTROPY * small or not 1 / MAX_MAGNIFICATION < np.sqrt(area) < MAX_MAGNIFICATION:
            return False
        areas.append(area)
    return max(areas) <= MAX_PERSPECTIVE * min(areas)


def estimate(query: LocalFeatures, candidate: LocalFeatures, pairs: Correspondences) -> Model | None:
    """Return the mapping that most correspondences agree on, None when there is none.

    Cost: about 0.3 ms for 200 correspondences.
    """
    if len(pairs) < MIN_CORRESPONDENCES:
        return None
    source = query.points[pairs.query].astype(np.float64)
    target = candidate.points[pairs.candidate].astype(np.float64)
    turn = (candidate.angles[pairs.candidate] - query.angles[pairs.query]).astype(np.float64)
    target_size = candidate.sizes[pairs.candidate].astype(np.float64)
    scale = target_size / query.sizes[pairs.query]
    tolerance = TOLERANCE * target_size
    affine = np.zeros((2, 3))
    inside = np.zeros(len(pairs), np.bool_)
    if not best_affine(source, target, turn, scale, tolerance, affine, inside):
        return None
    refined = _refine(np.vstack([affine, [0, 0, 1]]), inside, source, target, tolerance)
    if refined is None:
        return None
    homography, inside = refined
    return _describe(homography, np.flatnonzero(inside).astype(np.int32), source, target, target_size)


def extend(query: LocalFeatures, candidate: LocalFeatures, model: Model) -> tuple[Model, Correspondences]:
    """Look again where the model expects partners, and fit it to all that are found (guided matching).

    The first look keeps only what is nearest and distinct in all of both images, which of a small crop at
    another scale is a few on one spot: the mapping is right there and wrong further away. So the farther from
    them, the wider is searched.

    Hartley & Zisserman, "Multiple View Geometry", 2nd ed., section 4.7, algorithm 4.6, step (v).

    Returns:
        The model with the most inliers, and the correspondences that its inliers are numbers of; those of the
        model given where nothing more was found.
    """
    best, found = model, Correspondences(*(np.zeros(0, np.int32) for _ in range(3)))
    for slack in _GUIDED_SLACK:
        pairs = _expected(query, candidate, best.homography, best.centre, slack)
        # As many pairs as there are places cannot make more of them.
        again = estimate(query, candidate, pairs) if len(pairs) > best.independent else None
        if again is None or again.independent <= best.independent:
            break
        best, found = again, pairs
    return best, found


def _expected(
    query: LocalFeatures,
    candidate: LocalFeatures,
    homography: NDArray[np.float64],
    centre: NDArray[np.float64],
    slack: float,
) -> Correspondences:
    mapped = apply(homography, query.points)
    low, high = candidate.points.min(axis=0), candidate.points.max(axis=0)
    with np.errstate(invalid="ignore"):
        near = ((mapped > low - 8) & (mapped < high + 8)).all(axis=1)
    rows = np.flatnonzero(near)
    derivative = jacobian(homography, float(centre[0]), float(centre[1]))
    magnification = float(np.sqrt(abs(np.linalg.det(derivative))))
    turn = float(np.arctan2(derivative[1, 0] - derivative[0, 1], derivative[0, 0] + derivative[1, 1]))
    sizes = query.sizes[rows].astype(np.float64) * magnification
    far = np.linalg.norm(query.points[rows] - centre, axis=1) * magnification
    pairs = expected(
        mapped[rows],
        TOLERANCE * np.maximum(sizes, float(candidate.sizes.min())) + slack * far,
        query.angles[rows].astype(np.float64) + turn,
        sizes,
        query.descriptors[rows],
        candidate,
    )
    return Correspondences(rows[pairs.query].astype(np.int32), pairs.candidate, pairs.distances)


def _refine(
    affine: NDArray[np.float64],
    inside: NDArray[np.bool_],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Return the simplest model that explains (nearly) as much as any: similarity, affine, homography.

    A homography always fits its inliers best, and where these lie in one corner it bends the rest of the
    image; most edits are similarities.
    """
    fitted = [
        _fit_repeatedly(fit, affine, inside, source, target, tolerance)
        for fit in (_fit_similarity, _fit_affine_weighted, _fit_homography)
    ]
    plausible = [
        (model, marks)
        for model, marks in fitted
        if marks.sum() >= MIN_CORRESPONDENCES and is_plausible(model, source[marks])
    ]
    most = max((int(marks.sum()) for _, marks in plausible), default=0)
    return next(((m, marks) for m, marks in plausible if marks.sum() >= _NEARLY_AS_MANY * most), None)


def _fit_repeatedly(
    fit: _Fit,
    model: NDArray[np.float64],
    inside: NDArray[np.bool_],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Fit on the inliers, look again, three times; the last look with the tolerance itself."""
    for slack in (1.5, 1.0, 1.0):
        fitted = fit(source[inside], target[inside], tolerance[inside])
        if fitted is None:
            break
        model = fitted
        inside = _inside(model, source, target, slack * tolerance)
        if inside.sum() < MIN_CORRESPONDENCES:
            break
    return model, _inside(model, source, target, tolerance)


def _inside(
    model: NDArray[np.float64],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(apply(model, source) - target, axis=1) <= tolerance)


def _fit_similarity(
    source: NDArray[np.float64], target: NDArray[np.float64], tolerance: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Weighted least squares, four parameters, as complex numbers: target = a · source + b."""
    weight = 1 / tolerance**2
    weight /= weight.sum()
    z, t = source @ np.array([1, 1j]), target @ np.array([1, 1j])
    z_mean, t_mean = np.dot(weight, z), np.dot(weight, t)
    power = float(np.dot(weight, np.abs(z - z_mean) ** 2))
    if power <= 0:
        return None
    a = np.dot(weight, np.conj(z - z_mean) * (t - t_mean)) / power
    b = t_mean - a * z_mean
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag], [0, 0, 1]])


def _fit_affine_weighted(
    source: NDArray[np.float64], target: NDArray[np.float64], tolerance: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Weighted least squares, six parameters; None when the points do not determine them."""
    weight = 1 / tolerance
    centre = source.mean(axis=0)
    scale = max(float(np.abs(source - centre).max()), 1e-9)
    design = np.column_stack([(source - centre) / scale, np.ones(len(source))]) * weight[:, None]
    solution, _, rank, _ = np.linalg.lstsq(design, target * weight[:, None], rcond=1e-3)
    if rank < 3:
        return None
    linear = solution[:2].T / scale
    return np.vstack([np.column_stack([linear, solution[2] - linear @ centre]), [0, 0, 1]])


def _fit_homography(
    source: NDArray[np.float64], target: NDArray[np.float64], _tolerance: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Least squares on the reprojection error (OpenCV); None below 8 points, which do not determine one."""
    if len(source) < 8:
        return None
    found, _ = cv2.findHomography(source, target, 0)
    if found is None or abs(found[2, 2]) < 1e-12:
        return None
    homography = np.asarray(found / found[2, 2], np.float64)
    return homography if np.all(np.isfinite(homography)) else None


def _describe(
    homography: NDArray[np.float64],
    inliers: NDArray[np.int32],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    target_size: NDArray[np.float64],
) -> Model:
    cell = max(0.3 * float(target_size[inliers].min()), 1e-6)
    places = np.unique(np.floor(target[inliers] / cell).astype(np.int64), axis=0)
    centre = source[inliers].mean(axis=0)
    centred = source[inliers] - centre
    small, large = np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(inliers)), 0))
    return Model(
        homography=homography,
        inliers=inliers,
        independent=len(places),
        spread=float(4 * np.pi * small * large),
        linearity=float(small / large) if large > 0 else 0.0,
        centre=np.asarray(centre, np.float64),
    )
