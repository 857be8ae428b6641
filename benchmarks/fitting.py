"""The logistic regression behind the score, and what `echo_image.verify.decide` has of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echo_image.verify import decide
from echo_image.verify.measure import MIN_HASH_QUALITY, Evidence

__all__ = ["RIDGE", "TERMS", "at_50", "fitted", "in_code", "likely", "terms"]

TERMS = ("always", "log1p(independent)", "detail_ssim", "hash")
RIDGE = 1e-2


def terms(evidence: Evidence) -> list[float]:
    """Return the values that the coefficients belong to, in the order of `TERMS`."""
    hashed = evidence.quality >= MIN_HASH_QUALITY
    return [
        1.0,
        math.log1p(evidence.independent),
        max(0.0, evidence.detail_ssim),
        max(0.0, 1 - evidence.hash_distance / 80) if hashed else 0.0,
    ]


def fitted(
    values: NDArray[np.float64], right: NDArray[np.bool_], *, ridge: float = RIDGE
) -> NDArray[np.float64]:
    """Return the coefficients that make the pairs most likely, by Newton's method with halved steps.

    Args:
        values: (N, T), the first column all ones.
        right: (N,).
        ridge: weight of the squared coefficients but the first, which keeps separable pairs finite.
    """
    weight = np.full(values.shape[1], ridge)
    weight[0] = 0.0

    def loss(coefficients: NDArray[np.float64]) -> float:
        z = values @ coefficients
        return float(np.logaddexp(0, np.where(right, -z, z)).sum() + 0.5 * weight @ coefficients**2)

    found = np.zeros(values.shape[1])
    for _ in range(100):
        probability = likely(values @ found)
        gradient = values.T @ (probability - right) + weight * found
        curvature = (values * (probability * (1 - probability))[:, None]).T @ values + np.diag(weight)
        # A column that is nowhere anything else than 0 has no curvature; its coefficient stays 0.
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-12:
            step = step / 2
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return found


def likely(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities, 0..1, that belong to sums of terms."""
    # Beyond ±500 exp overflows, and the answer is 0 or 1 long before.
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500))), np.float64)


def in_code(example: Evidence, *, seed: int = 0) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients that `decide` uses, and the largest deviation of its answers from them.

    Found by asking for the probability of made-up evidence and solving for the coefficients: if `decide`
    used other terms than these, the deviation would not be 0.
    """
    rng = np.random.default_rng(seed)
    asked, answered = [], []
    for _ in range(200):
        evidence = replace(
            example,
            independent=int(rng.integers(0, 12)),
            detail_ssim=float(rng.uniform(-0.2, 0.5)),
            hash_distance=int(rng.integers(60, 129)),
            quality=int(rng.choice([0, 49, 50, 100])),
            ssim=float(rng.uniform()),
            agreeing=float(rng.uniform()),
            orb=float(rng.uniform()),
        )
        probability = decide._probability(evidence)
        asked.append(terms(evidence))
        answered.append(math.log(probability / (1 - probability)))
    values, logits = np.array(asked), np.array(answered)
    found = np.linalg.lstsq(values, logits, rcond=None)[0]
    return found, float(np.abs(values @ found - logits).max())


def at_50(chosen: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[float, float, int]:
    """Return precision, recall and the number of wrong pairs among the chosen ones."""
    both = int((chosen & right).sum())
    return both / max(1, int(chosen.sum())), both / max(1, int(right.sum())), int((chosen & ~right).sum())
