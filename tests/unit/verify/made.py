"""Correspondences of which it is known how they came about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.features.orb import LocalFeatures
from echo_image.verify.matching import Correspondences

Matrix = NDArray[np.float64]

PATCH_PX = 31.0


def local_features(
    points: NDArray[np.floating],
    *,
    angles: NDArray[np.floating] | None = None,
    sizes: NDArray[np.floating] | None = None,
    descriptors: NDArray[np.uint64] | None = None,
) -> LocalFeatures:
    """Key points at these places, of one size and direction unless said otherwise."""
    count = len(points)
    return LocalFeatures(
        points.astype(np.float32),
        (np.zeros(count) if angles is None else angles % (2 * np.pi)).astype(np.float32),
        (np.full(count, PATCH_PX) if sizes is None else sizes).astype(np.float32),
        np.zeros((count, 4), np.uint64) if descriptors is None else descriptors,
    )


def similarity(scale: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Matrix:
    """(3, 3): turned clockwise by `degrees` (y is down), then scaled, then shifted."""
    c, s = scale * np.cos(np.deg2rad(degrees)), scale * np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]], [0, 0, 1]])


def mapped(homography: Matrix, points: NDArray[np.floating]) -> Matrix:
    """Map (N, 2) points, by homogeneous coordinates."""
    whole = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(whole[:, :2] / whole[:, 2:], np.float64)


def derivative(homography: Matrix, point: NDArray[np.floating], step: float = 1e-3) -> Matrix:
    """(2, 2) derivative of the mapping, by differences."""
    moves = np.array([[step, 0], [-step, 0], [0, step], [0, -step]])
    ends = mapped(homography, point + moves)
    return np.column_stack([ends[0] - ends[1], ends[2] - ends[3]]) / (2 * step)


@dataclass(frozen=True)
class Scene:
    """A query and a candidate, their correspondences, and which of these are right."""

    query: LocalFeatures
    candidate: LocalFeatures
    pairs: Correspondences
    right: NDArray[np.bool_]


def scene(
    homography: Matrix,
    *,
    count: int = 60,
    outliers: float = 0.0,
    noise_px: float = 0.5,
    size: tuple[int, int] = (640, 480),
    points: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> Scene:
    """Make `count` right correspondences, and so many wrong ones that they are this share of all.

    Right ones have the direction and size that the mapping gives them, give or take 5° and 8 %, as ORB finds
    them; wrong ones lie anywhere.
    """
    rng = np.random.default_rng(seed)
    if points is None:
        points = rng.random((count, 2)) * size
    count = len(points)
    wrong = round(count * outliers / (1 - outliers))
    query_angles = rng.random(count + wrong) * 2 * np.pi
    query_sizes = PATCH_PX * 1.2 ** rng.integers(0, 5, count + wrong)
    targets = mapped(homography, points) + rng.normal(0, noise_px, (count, 2))
    low, high = targets.min(axis=0), targets.max(axis=0) + 1
    target_angles, target_sizes = (
        rng.random(count + wrong) * 2 * np.pi,
        PATCH_PX * 1.2 ** rng.integers(0, 5, count + wrong),
    )
    for i, point in enumerate(points):
        local = derivative(homography, point)
        way = local @ [np.cos(query_angles[i]), np.sin(query_angles[i])]
        target_angles[i] = np.arctan2(way[1], way[0]) + rng.normal(0, np.deg2rad(5))
        target_sizes[i] = query_sizes[i] * np.sqrt(abs(np.linalg.det(local))) * np.exp(rng.normal(0, 0.08))
    all_points = np.concatenate([points, rng.random((wrong, 2)) * size])
    all_targets = np.concatenate([targets, low + rng.random((wrong, 2)) * (high - low)])
    order, other = rng.permutation(count + wrong), rng.permutation(count + wrong)
    query = local_features(all_points[order], angles=query_angles[order], sizes=query_sizes[order])
    candidate = local_features(all_targets[other], angles=target_angles[other], sizes=target_sizes[other])
    back = np.argsort(other)
    pairs = Correspondences(
        np.arange(count + wrong, dtype=np.int32),
        back[order].astype(np.int32),
        np.zeros(count + wrong, np.int32),
    )
    return Scene(query, candidate, pairs, order < count)
