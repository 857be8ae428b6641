"""What was done to the picture, in words: how the query was made from the matched image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from echo_image.verify import geometry
from echo_image.verify.changes import RE_ENCODED, Change
from echo_image.verify.evidence import Evidence
from echo_image.verify.photometric import photometric_changes

#: Overlaps above this count as "all of it".
_WHOLE = 0.95
_ROTATION_DEG = 1.5
_STRETCH = 1.06
_PERSPECTIVE = 1.25
_RESIZED = 1.08


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """How the query relates to the matched image.

    Attributes:
        homography: (3, 3) float64, px of the full upright query → px of the full upright match.
        mirrored: the query is a mirror image.
        rotation_deg: the query is the match turned by this angle, clockwise positive, -180 < angle ≤ 180,
            after mirroring left-right where mirrored.
        scale: match px per query px (linear): 2.0 means that the query shows it at half the size.
        stretch: ratio of the larger to the smaller magnification of the two axes, at least 1.
        changes: what was done, the most telling first.
    """

    homography: NDArray[np.float64]
    mirrored: bool
    rotation_deg: float
    scale: float
    stretch: float
    changes: tuple[Change, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What was done, in English."""
        return tuple(change.words for change in self.changes)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "homography": [[float(value) for value in row] for row in self.homography],
            "mirrored": self.mirrored,
            "rotation_deg": round(self.rotation_deg, 2),
            "scale": round(self.scale, 4),
            "words": list(self.words),
            "changes": [change.to_dict() for change in self.changes],
        }


IDENTITY = Transform(np.eye(3), False, 0.0, 1.0, 1.0, ())


def transform_of(evidence: Evidence, query_size: tuple[int, int], match_size: tuple[int, int]) -> Transform:
    """Take the homography apart and name what it does.

    Args:
        evidence: what was measured; without a homography the identity is returned, with no words.
        query_size, match_size: (width, height) px.
    """
    return in_words(pose_of(evidence, query_size, match_size), evidence, query_size)


def in_words(pose: Transform, evidence: Evidence, query_size: tuple[int, int]) -> Transform:
    """Return the pose with the words for it and for what was done to the colours. Cost: 2 ms."""
    if evidence.homography is None:
        return pose
    changes = _geometric_changes(evidence, pose, query_size)
    if evidence.alignment is not None:
        changes += photometric_changes(evidence.alignment, evidence.structure)
    return replace(pose, changes=tuple(changes) or (RE_ENCODED,))


def pose_of(evidence: Evidence, query_size: tuple[int, int], match_size: tuple[int, int]) -> Transform:
    """Take the homography apart, without words; arguments as for `transform_of`."""
    if evidence.homography is None:
        return IDENTITY
    homography = evidence.homography
    x, y = _middle(homography, query_size, match_size)
    derivative = geometry.jacobian(homography, x, y)
    # Query = turned (mirrored (match)): undo the mirror first, then the turn is what is left.
    upright = np.diag([-1.0, 1.0]) @ derivative if evidence.mirrored else derivative
    left, stretches, right = np.linalg.svd(upright)
    turn = left @ right
    rotation = -float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
    rotation = 180.0 - (180.0 - rotation) % 360.0
    stretch = float(stretches[0] / max(stretches[1], 1e-12))
    scale = float(np.sqrt(stretches[0] * stretches[1]))
    return Transform(homography, evidence.mirrored, rotation, scale, stretch, ())


def _middle(
    homography: NDArray[np.float64], query_size: tuple[int, int], match_size: tuple[int, int]
) -> tuple[float, float]:
    """A query point in the middle of what both share: the mean of the grid points that fall into it."""
    xs, ys = np.meshgrid(np.linspace(0, query_size[0] - 1, 17), np.linspace(0, query_size[1] - 1, 17))
    grid = np.column_stack([xs.ravel(), ys.ravel()])
    mapped = geometry.apply(homography, grid)
    with np.errstate(invalid="ignore"):
        inside = ((mapped >= -0.5) & (mapped < np.array(match_size))).all(axis=1)
    chosen = grid[inside] if inside.any() else grid
    return float(chosen[:, 0].mean()), float(chosen[:, 1].mean())


def _geometric_changes(evidence: Evidence, pose: Transform, query_size: tuple[int, int]) -> list[Change]:
    changes = []
    rotation, scale = pose.rotation_deg, pose.scale
    if evidence.mirrored:
        changes.append(Change("mirrored"))
    if abs(rotation) >= _ROTATION_DEG:
        turned = "rotated_clockwise" if rotation > 0 else "rotated_counter_clockwise"
        quarter = round(rotation / 90) * 90
        if abs(rotation - quarter) < _ROTATION_DEG and quarter % 360 != 0:
            half = abs(quarter) == 180
            changes.append(Change("rotated_180") if half else Change(turned, (abs(quarter),)))
        else:
            changes.append(Change(turned, (round(abs(rotation)),)))
    changes += _overlap_changes(evidence)
    if _perspective(evidence, query_size) > _PERSPECTIVE:
        changes.append(Change("perspective"))
    elif pose.stretch > _STRETCH:
        changes.append(Change("stretched", (round(100 * (pose.stretch - 1)),)))
    if scale > _RESIZED:
        changes.append(Change("reduced", (round(100 / scale),)))
    elif scale < 1 / _RESIZED:
        changes.append(Change("enlarged", (round(100 / scale),)))
    return changes


def _overlap_changes(evidence: Evidence) -> list[Change]:
    whole_query, whole_match = evidence.query_overlap >= _WHOLE, evidence.match_overlap >= _WHOLE
    match_percent, query_percent = round(100 * evidence.match_overlap), round(100 * evidence.query_overlap)
    if whole_query and not whole_match:
        return [Change("cropped", (match_percent,))]
    if whole_match and not whole_query:
        return [Change("inside_larger", (query_percent,))]
    if not whole_query and not whole_match:
        return [Change("shares", (match_percent, query_percent))]
    return []


def _perspective(evidence: Evidence, query_size: tuple[int, int]) -> float:
    """Largest over smallest magnification (area) at the corners of the query's part that inliers cover."""
    assert evidence.homography is not None
    points = evidence.inlier_points[0]
    if len(points) < 8:
        return 1.0
    low, high = points.min(axis=0), points.max(axis=0)
    areas = [
        abs(float(np.linalg.det(geometry.jacobian(evidence.homography, float(x), float(y)))))
        for x in (low[0], high[0])
        for y in (low[1], high[1])
    ]
    # An ill-determined corner is no perspective: small parts are left alone.
    if (high - low).min() < 0.25 * min(query_size):
        return 1.0
    return max(areas) / max(min(areas), 1e-12)
