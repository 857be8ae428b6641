"""What was done to the picture, in words: how the query was made from the matched image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echo_image.verify import geometry
from echo_image.verify.alignment import Alignment, gray, recolored
from echo_image.verify.measure import AGREEING_SSIM, Evidence

#: Overlaps above this count as "all of it".
_WHOLE = 0.95
_ROTATION_DEG = 1.5
_STRETCH = 1.06
_PERSPECTIVE = 1.25
_RESIZED = 1.08
_GRAY_SATURATION = 6.0
_COLORFUL_SATURATION = 16.0
_COLOR_DIFFERENCE = 12.0
#: Variance of the Laplacian over that of the other image; a blur of 2 px gives 0.04, warping alone 0.2.
_BLURRED = 0.15
#: A painted-on caption or sticker: patches of at least this share of the overlap each, and in all …
_PATCH = 0.002
_COVERED = 0.006
#: … in which the strongest channel differs by more than this.
_DIFFERS = 40


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
        words: what was done, the most telling first.
    """

    homography: NDArray[np.float64]
    mirrored: bool
    rotation_deg: float
    scale: float
    stretch: float
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "homography": [[float(value) for value in row] for row in self.homography],
            "mirrored": self.mirrored,
            "rotation_deg": round(self.rotation_deg, 2),
            "scale": round(self.scale, 4),
            "words": list(self.words),
        }


#: The word for a caption, sticker or logo painted on.
COVERED = "captioned or covered in part"

IDENTITY = Transform(np.eye(3), False, 0.0, 1.0, 1.0, ())


def transform_of(evidence: Evidence, query_size: tuple[int, int], match_size: tuple[int, int]) -> Transform:
    """Take the homography apart and name what it does.

    Args:
        evidence: what was measured; without a homography the identity is returned, with no words.
        query_size, match_size: (width, height) px.
    """
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
    words = (
        *_geometric_words(evidence, rotation, scale, stretch, query_size),
        *_photometric_words(evidence),
    )
    return Transform(
        homography,
        evidence.mirrored,
        rotation,
        scale,
        stretch,
        words or ("re-encoded",),
    )


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


def _geometric_words(
    evidence: Evidence, rotation: float, scale: float, stretch: float, query_size: tuple[int, int]
) -> list[str]:
    words = []
    if evidence.mirrored:
        words.append("mirrored")
    if abs(rotation) >= _ROTATION_DEG:
        direction = "clockwise" if rotation > 0 else "counter-clockwise"
        quarter = round(rotation / 90) * 90
        if abs(rotation - quarter) < _ROTATION_DEG and quarter % 360 != 0:
            words.append("rotated 180°" if abs(quarter) == 180 else f"rotated {abs(quarter)}° {direction}")
        else:
            words.append(f"rotated {abs(rotation):.0f}° {direction}")
    words += _overlap_words(evidence)
    if _perspective(evidence, query_size) > _PERSPECTIVE:
        words.append("seen in perspective")
    elif stretch > _STRETCH:
        words.append(f"stretched by {100 * (stretch - 1):.0f} %")
    if scale > _RESIZED:
        words.append(f"reduced to {100 / scale:.0f} %")
    elif scale < 1 / _RESIZED:
        words.append(f"enlarged to {100 / scale:.0f} %")
    return words


def _overlap_words(evidence: Evidence) -> list[str]:
    whole_query, whole_match = evidence.query_overlap >= _WHOLE, evidence.match_overlap >= _WHOLE
    match_share = f"{100 * evidence.match_overlap:.0f} %"
    query_share = f"{100 * evidence.query_overlap:.0f} %"
    if whole_query and not whole_match:
        return [f"cropped to {match_share} of the original"]
    if whole_match and not whole_query:
        return [f"inside a larger picture ({query_share} of it)"]
    if not whole_query and not whole_match:
        return [f"shares {match_share} of the original, {query_share} of the query"]
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


def _photometric_words(evidence: Evidence) -> list[str]:
    alignment = evidence.alignment
    if alignment is None:
        return []
    covered = _covered_share(alignment) >= _COVERED
    words = _color_words(evidence, alignment, covered=covered)
    sharpness = [_sharpness(side, alignment.mask) for side in (alignment.query, alignment.candidate)]
    if sharpness[0] < _BLURRED * sharpness[1]:
        words.append("blurred")
    elif sharpness[1] < _BLURRED * sharpness[0]:
        words.append("sharper or noisier")
    if covered:
        words.append(COVERED)
    return words


def _color_words(evidence: Evidence, alignment: Alignment, *, covered: bool) -> list[str]:
    mask = alignment.mask.astype(np.uint8)
    sides = (alignment.query, alignment.candidate)
    saturation = [_saturation(side, mask) for side in sides]
    luma = [gray(side)[alignment.mask].astype(np.float32) for side in sides]
    mean, deviation = [float(values.mean()) for values in luma], [float(values.std()) for values in luma]
    covariance = float(np.dot(luma[0] - mean[0], luma[1] - mean[1])) / len(luma[0])
    if min(deviation) > 3 and covariance < -0.5 * deviation[0] * deviation[1]:
        return ["colours inverted"]
    words = []
    if saturation[0] < _GRAY_SATURATION and saturation[1] > _COLORFUL_SATURATION:
        words.append("made grey")
    elif saturation[1] < _GRAY_SATURATION and saturation[0] > _COLORFUL_SATURATION:
        words.append("coloured")
    if abs(mean[0] - mean[1]) >= _COLOR_DIFFERENCE:
        words.append("brighter" if mean[0] > mean[1] else "darker")
    elif not words and evidence.color_difference >= _COLOR_DIFFERENCE and not covered:
        words.append("colours changed")
    return words


def _saturation(rgb: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """Mean difference of the strongest and the weakest channel, 0..255."""
    red, green, blue = cv2.split(rgb)
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(cv2.mean(spread, mask=mask)[0])


def _sharpness(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if not inner.any():
        return 1.0
    return float(cv2.Laplacian(gray(rgb), cv2.CV_32F)[inner].var()) + 1.0


def _covered_share(alignment: Alignment) -> float:
    """Return the share of the overlap that patches take which disagree while the rest looks alike, else 0.

    Such patches are a caption, sticker or logo that was painted on.
    """
    first = recolored(alignment.query, alignment.candidate, alignment.mask)
    differs = cv2.absdiff(cv2.blur(first, (3, 3)), cv2.blur(alignment.candidate, (3, 3))).max(axis=2)
    bad = (cv2.blur(alignment.ssim, (5, 5)) < AGREEING_SSIM) & (differs > _DIFFERS) & alignment.mask
    rest = alignment.mask & ~bad
    if not rest.any() or float(alignment.ssim[rest].mean()) < 0.6:
        return 0.0
    total = int(alignment.mask.sum())
    count, _, stats, _ = cv2.connectedComponentsWithStats(bad.astype(np.uint8), connectivity=8)
    sizes = stats[1:count, cv2.CC_STAT_AREA]
    return float(sizes[sizes >= _PATCH * total].sum() / total)
