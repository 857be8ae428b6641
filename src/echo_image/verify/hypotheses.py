"""The best affine mapping through correspondences: every one makes a hypothesis, the best are refined.

An ORB key point has a position, a direction and a size, so a single correspondence already gives a
similarity (Philbin et al., "Object retrieval with large vocabularies and fast spatial matching", CVPR 2007,
section 3.1). Refined is by least squares on the inliers with shrinking tolerance (locally optimised RANSAC,
Chum, Matas, Kittler 2003). Compiled; no randomness anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled

#: Fewest correspondences that are tried at all.
MIN_CORRESPONDENCES = 4
#: Hypotheses refined.
_HYPOTHESES = 6
#: Plausible edits and cameras stretch nothing more than this along one axis against the other.
MAX_ANISOTROPY = 4.0


@compiled
def count_agreeing(
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
def fit_affine(
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
def mark_inside(
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
def best_affine(
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
    count_agreeing(source, target, turn, scale, tolerance, counts)
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
        count = mark_inside(model, source, target, tolerance, 1.0, 0.1, i, inside)
        for slack in (0.04, 0.0, 0.0):
            if count < MIN_CORRESPONDENCES or not fit_affine(source, target, inside, model):
                break
            determinant = model[0, 0] * model[1, 1] - model[0, 1] * model[1, 0]
            power = model[0, 0] ** 2 + model[0, 1] ** 2 + model[1, 0] ** 2 + model[1, 1] ** 2
            # Anisotropy r gives power / determinant = r + 1/r; a mirror image has a negative determinant.
            if determinant <= 0 or power > (MAX_ANISOTROPY + 1 / MAX_ANISOTROPY) * determinant:
                count = 0
                break
            count = mark_inside(model, source, target, tolerance, 1.5, slack, i, inside)
        for j in range(n):
            tried[j] |= inside[j]
        if count > best:
            best = count
            best_model[:] = model
            best_inside[:] = inside
    return best >= MIN_CORRESPONDENCES
