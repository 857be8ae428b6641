"""Which one mapping of the plane do the correspondences agree on?

An ORB key point has a position, a direction and a size, so a single correspondence already gives a
similarity (turn, scale, shift). Every one is tried (Philbin et al., "Object retrieval with large
vocabularies and fast spatial matching", CVPR 2007, section 3.1): exhaustive, hence deterministic, and a
few right ones among hundreds of wrong ones are enough. The best are then refined on their inliers by least
squares with shrinking tolerance (locally optimised RANSAC, Chum, Matas, Kittler 2003): similarity → affine.
The best becomes a homography where that is a plausible edit or camera and explains at least as much.

Convention: homographies are 3 × 3, query px → candidate px, full upright images, last entry 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.features.orb import LocalFeatures
from echo_image.index.words.kernels import compiled
from echo_image.verify.matching import Correspondences

#: Fewest correspondences that are tried at all.
MIN_CORRESPONDENCES = 4
#: Localisation error allowed, as a share of the patch diameter: 3 px of a 31 px patch.
TOLERANCE = 0.1
#: Hypotheses refined.
_HYPOTHESES = 6

#: Plausible edits and cameras: nothing is stretched more than this along one axis against the other …
MAX_ANISOTROPY = 4.0
#: … or magnified more than this (linear) …
MAX_MAGNIFICATION = 24.0
#: … and magnification changes by perspective within the shared part at most by this factor (area).
MAX_PERSPECTIVE = 9.0


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
    """

    homography: NDArray[np.float64]
    inliers: NDArray[np.int32]
    independent: int
    spread: float
    linearity: float


@compiled
def _count_agreeing(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    turn: NDArray[np.float64],
    scale: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """For each correspondence: how many agree with the similarity that it implies.

    Direction and size of a key point are rough (about 6° and 10 %), so the tolerance grows by a tenth of
    the distance to the correspondence that made the hypothesis, and turn and scale must be alike.
    """
    n = source.shape[0]
    for i in range(n):
        c = np.cos(turn[i]) * scale[i]
        s = np.sin(turn[i]) * scale[i]
        count = 0
        for j in range(n):
            dx = source[j, 0] - source[i, 0]
            dy = source[j, 1] - source[i, 1]
            ex = target[i, 0] + c * dx - s * dy - target[j, 0]
            ey = target[i, 1] + s * dx + c * dy - target[j, 1]
            reach = tolerance[j] + 0.1 * scale[i] * np.sqrt(dx * dx + dy * dy)
            if ex * ex + ey * ey > reach * reach:
                continue
            ratio = scale[j] / scale[i]
            if ratio > 1.5 or ratio < 1 / 1.5 or np.cos(turn[j] - turn[i]) < 0.85:
                continue
            count += 1
        counts[i] = count


@compiled
def _fit_affine(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    inside: NDArray[np.bool_],
    model: NDArray[np.float64],
) -> bool:
    """Least squares on the chosen pairs; a similarity when these do not determine six parameters.

    Fills `model` (2, 3) and returns True; returns False and leaves it alone when that is impossible.
    """
    n = 0
    mx = my = tx = ty = 0.0
    for i in range(source.shape[0]):
        if inside[i]:
            n += 1
            mx += source[i, 0]
            my += source[i, 1]
            tx += target[i, 0]
            ty += target[i, 1]
    if n < 2:
        return False
    mx, my, tx, ty = mx / n, my / n, tx / n, ty / n
    xx = xy = yy = xu = yu = xv = yv = 0.0
    for i in range(source.shape[0]):
        if inside[i]:
            x, y = source[i, 0] - mx, source[i, 1] - my
            u, v = target[i, 0] - tx, target[i, 1] - ty
            xx += x * x
            xy += x * y
            yy += y * y
            xu += x * u
            yu += y * u
            xv += x * v
            yv += y * v
    power = xx + yy
    if power <= 0:
        return False
    determinant = xx * yy - xy * xy
    if n >= 4 and determinant > 0.02 * power * power / 4:
        a, b = (xu * yy - yu * xy) / determinant, (yu * xx - xu * xy) / determinant
        c, d = (xv * yy - yv * xy) / determinant, (yv * xx - xv * xy) / determinant
    else:
        a = (xu + yv) / power
        c = (xv - yu) / power
        b, d = -c, a
    model[0, 0], model[0, 1], model[0, 2] = a, b, tx - a * mx - b * my
    model[1, 0], model[1, 1], model[1, 2] = c, d, ty - c * mx - d * my
    return True


@compiled
def _mark_inside(
    model: NDArray[np.float64],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    factor: float,
    slack: float,
    centre: int,
    inside: NDArray[np.bool_],
) -> int:
    """Mark the pairs within factor × tolerance, plus slack × the distance (target px) to pair `centre`."""
    count = 0
    size = np.sqrt(abs(model[0, 0] * model[1, 1] - model[0, 1] * model[1, 0]))
    for j in range(source.shape[0]):
        ex = model[0, 0] * source[j, 0] + model[0, 1] * source[j, 1] + model[0, 2] - target[j, 0]
        ey = model[1, 0] * source[j, 0] + model[1, 1] * source[j, 1] + model[1, 2] - target[j, 1]
        dx = source[j, 0] - source[centre, 0]
        dy = source[j, 1] - source[centre, 1]
        reach = factor * tolerance[j] + slack * size * np.sqrt(dx * dx + dy * dy)
        inside[j] = ex * ex + ey * ey <= reach * reach
        count += inside[j]
    return count


@compiled
def _best_affine(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    turn: NDArray[np.float64],
    scale: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    best_model: NDArray[np.float64],
    best_inside: NDArray[np.bool_],
) -> bool:
    """Refine the best hypotheses and fill in the one that explains most; False when none explains enough."""
    n = source.shape[0]
    counts = np.zeros(n, np.int64)
    _count_agreeing(source, target, turn, scale, tolerance, counts)
    order = np.argsort(-counts, kind="mergesort")
    tried = np.zeros(n, np.bool_)
    inside = np.zeros(n, np.bool_)
    model = np.zeros((2, 3))
    best = MIN_CORRESPONDENCES - 1
    refined = 0
    for k in range(n):
        i = order[k]
        if counts[i] < MIN_CORRESPONDENCES or refined >= _HYPOTHESES:
            break
        if tried[i]:
            continue
        refined += 1
        c, s = np.cos(turn[i]) * scale[i], np.sin(turn[i]) * scale[i]
        model[0, 0], model[0, 1], model[1, 0], model[1, 1] = c, -s, s, c
        model[0, 2] = target[i, 0] - c * source[i, 0] + s * source[i, 1]
        model[1, 2] = target[i, 1] - s * source[i, 0] - c * source[i, 1]
        count = _mark_inside(model, source, target, tolerance, 1.0, 0.1, i, inside)
        for slack in (0.04, 0.0, 0.0):
            if count < MIN_CORRESPONDENCES or not _fit_affine(source, target, inside, model):
                break
            determinant = model[0, 0] * model[1, 1] - model[0, 1] * model[1, 0]
            power = model[0, 0] ** 2 + model[0, 1] ** 2 + model[1, 0] ** 2 + model[1, 1] ** 2
            # Anisotropy r gives power / determinant = r + 1/r; a mirror image has a negative determinant.
            if determinant <= 0 or power > (MAX_ANISOTROPY + 1 / MAX_ANISOTROPY) * determinant:
                count = 0
                break
            count = _mark_inside(model, source, target, tolerance, 1.5, slack, i, inside)
        for j in range(n):
            tried[j] |= inside[j]
        if count > best:
            best = count
            best_model[:] = model
            best_inside[:] = inside
    return best >= MIN_CORRESPONDENCES


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
    if not _best_affine(source, target, turn, scale, tolerance, affine, inside):
        return None
    refined = _refine(np.vstack([affine, [0, 0, 1]]), inside, source, target, tolerance)
    if refined is None:
        return None
    homography, inside = refined
    return _describe(homography, np.flatnonzero(inside).astype(np.int32), source, target, target_size)


def _refine(
    affine: NDArray[np.float64],
    inside: NDArray[np.bool_],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """From the affine model to a homography, where one explains at least as much and is plausible."""
    model = affine
    for _ in range(2):
        fitted = _fit_homography(source[inside], target[inside])
        if fitted is None or not is_plausible(fitted, source[inside]):
            break
        now_inside = _inside(fitted, source, target, 1.5 * tolerance)
        if now_inside.sum() < 0.9 * inside.sum():
            break
        model, inside = fitted, now_inside
    inside = _inside(model, source, target, tolerance)
    if inside.sum() < MIN_CORRESPONDENCES or not is_plausible(model, source[inside]):
        return None
    return model, inside


def _inside(
    model: NDArray[np.float64],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(apply(model, source) - target, axis=1) <= tolerance)


def _fit_homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64] | None:
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
    centred = source[inliers] - source[inliers].mean(axis=0)
    small, large = np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(inliers)), 0))
    return Model(
        homography=homography,
        inliers=inliers,
        independent=len(places),
        spread=float(4 * np.pi * small * large),
        linearity=float(small / large) if large > 0 else 0.0,
    )
