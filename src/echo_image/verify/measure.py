"""From two images to the evidence that they show the same thing. What it means is decided in `decide`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from echo_image.features import QueryFeatures
from echo_image.features.orb import LocalFeatures
from echo_image.features.perceptual import ORIENTATIONS
from echo_image.verify import geometry, likeness, matching
from echo_image.verify.alignment import Alignment, Rendering, align, overlaps
from echo_image.verify.evidence import Evidence
from echo_image.verify.refinement import refined
from echo_image.verify.structure import NO_STRUCTURE, structure

__all__ = ["MIN_HASH_QUALITY", "PLAIN_FEATURES", "Evidence", "Hands", "Subject", "measure"]

#: Pixels of the aligned overlap count as agreeing above this local structural similarity.
AGREEING_SSIM = 0.4
#: A model with fewer independent inliers is not trusted over what the perceptual hash says.
_TRUSTED_INLIERS = 8
#: With fewer, a mapping of the whole image that makes both look more alike is preferred: the key points of
#: flags and charts repeat, and those of a small copy are few.
_SETTLED_INLIERS = 30
_NEARLY_SAME_SSIM = 0.8
#: Perceptual hashes at most this far apart suggest that both images show all of the same.
_HASH_MODEL_BITS = 80
#: And so do colour layouts with at most this mean difference, 0..255.
_LAYOUT_MODEL = 6.0
#: Fewer inliers than this are chance; nothing more is measured then.
_WORTH_MEASURING = 3
#: Structures are compared from so many independent inliers on, or where what has detail is this much alike.
_WORTH_COMPARING = 5
_WORTH_COMPARING_DETAIL = 0.3
#: For a model with fewer independent inliers more are looked for where it expects them, and it is fitted to
#: what is seen, where that is this much alike already.
_FEW_INLIERS = 15
_REFINED_SSIM = 0.2
#: A perceptual hash below this quality is not trusted (the published recommendation).
MIN_HASH_QUALITY = 50
#: With fewer key points than this an image is plain: flags, flat logos, drawings of a few lines.
PLAIN_FEATURES = 150


class Hands(Enum):
    """Which of a query and its mirror image is looked for."""

    STRAIGHT = 1
    MIRRORED = 2
    BOTH = 3


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One side of a comparison.

    Attributes:
        width, height: px of the full upright image.
        look: gives the image reduced, (h, w, 3) uint8; called only when there is something to compare.
        codes: (O, 4) uint64 perceptual hash: eight orientations for a query, one for a candidate.
        quality: of the hash, 0..100.
        layout: (48,) uint8, colour layout.
        local: key points as stored in a library.
    """

    width: int
    height: int
    look: Callable[[], NDArray[np.uint8]]
    codes: NDArray[np.uint64]
    quality: int
    layout: NDArray[np.uint8]
    local: LocalFeatures

    @property
    def is_plain(self) -> bool:
        """Whether it has so little detail that colours must tell it from others."""
        return self.quality < MIN_HASH_QUALITY or len(self.local) < PLAIN_FEATURES

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px of the full image."""
        return self.width, self.height

    @property
    def rendering(self) -> Rendering:
        """The image reduced, with its full size."""
        return Rendering(self.look(), self.width, self.height)


@dataclass(frozen=True, slots=True, eq=False)
class _Mapping:
    homography: NDArray[np.float64]
    inliers: int
    independent: int
    supported: int
    correspondences: int
    linearity: float
    points: tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    alignment: Alignment | None
    query_overlap: float
    match_overlap: float


_NO_POINTS = (np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))


def measure(
    query: Subject, features: QueryFeatures, candidate: Subject, hands: Hands = Hands.BOTH
) -> Evidence:
    """Compare a query with a candidate and return the strongest evidence.

    Args:
        query, features: the query.
        candidate: the image it is compared with.
        hands: whether to look for the query as it is, for its mirror image, or for both.

    Cost: 1 ms for each hand, and 2 ms more when there is something to be measured.
    """
    lay = cache(lambda mapping: _lay(query, candidate, mapping))  # the one that is chosen is looked at again
    distances = np.bitwise_count(query.codes ^ candidate.codes[0]).sum(axis=1, dtype=np.int64)
    orientation, distance = int(distances.argmin()), int(distances.min())
    best = _map(features.extended, candidate.local) if hands is not Hands.MIRRORED else None
    # The other hand is tried only where this one has not settled it.
    if hands is not Hands.STRAIGHT and (best is None or best.independent < 2 * _TRUSTED_INLIERS):
        mirrored = _map(features.mirrored, candidate.local)
        if mirrored is not None and (best is None or mirrored.independent > best.independent):
            best = _unmirror(mirrored, query.size[0])
    if best is None or best.independent < _SETTLED_INLIERS:
        trusted = min(query.quality, candidate.quality) >= MIN_HASH_QUALITY
        for whole in _whole_images(query, candidate, orientation if trusted else 0, distance):
            best = _better(lay, best, whole)
    if best is None or (0 < best.supported < _WORTH_MEASURING):
        return _nothing(query, candidate, distance)
    laid = lay(best)
    if 0 < best.independent < _FEW_INLIERS:
        best, laid = _refined(lay, best, laid)
    return _evidence(query, features, candidate, best, laid, distance)


def _map(query: LocalFeatures, candidate: LocalFeatures) -> _Mapping | None:
    pairs = matching.correspond(query, candidate)
    model = geometry.estimate(query, candidate, pairs)
    if model is None:
        return None
    more = model
    if model.independent < _FEW_INLIERS:
        more, again = geometry.extend(query, candidate, model)
        pairs = again if len(again) else pairs
    return _Mapping(
        homography=more.homography,
        inliers=len(more.inliers),
        independent=model.independent,
        supported=more.independent,
        correspondences=len(pairs),
        linearity=model.linearity,
        points=(query.points[pairs.query[more.inliers]], candidate.points[pairs.candidate[more.inliers]]),
    )


def _unmirror(mapping: _Mapping, width: int) -> _Mapping:
    """From px of the mirror image of the query to px of the query."""
    homography = mapping.homography @ _flip(width)
    points = mapping.points[0].copy()
    points[:, 0] = width - 1 - points[:, 0]
    return replace(mapping, homography=homography / homography[2, 2], points=(points, mapping.points[1]))


def _whole_images(query: Subject, candidate: Subject, orientation: int, distance: int) -> Iterator[_Mapping]:
    """The mappings of the whole query onto the whole candidate that are worth a look."""
    if distance <= _HASH_MODEL_BITS:
        yield _whole_image(query.size, candidate.size, orientation)
    layouts = query.layout.astype(np.int32) - candidate.layout
    if np.abs(layouts).mean() <= _LAYOUT_MODEL and (orientation or distance > _HASH_MODEL_BITS):
        yield _whole_image(query.size, candidate.size, 0)


def _whole_image(query: tuple[int, int], candidate: tuple[int, int], orientation: int) -> _Mapping:
    """The mapping of the whole query onto the whole candidate, turned as the hash says."""
    transposed, mirrored, flipped = ORIENTATIONS[orientation]
    matrix = np.array([[2 / query[0], 0, 1 / query[0] - 1], [0, 2 / query[1], 1 / query[1] - 1], [0, 0, 1]])
    if transposed:
        matrix = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) @ matrix
    matrix = np.diag([-1.0 if mirrored else 1.0, -1.0 if flipped else 1.0, 1.0]) @ matrix
    width, height = candidate
    back = np.array([[width / 2, 0, width / 2 - 0.5], [0, height / 2, height / 2 - 0.5], [0, 0, 1]])
    return _Mapping(back @ matrix, 0, 0, 0, 0, 0.0, _NO_POINTS)


def _lay(query: Subject, candidate: Subject, mapping: _Mapping) -> _Laid:
    """Lay the query on the candidate. Cost: 1 to 2 ms."""
    return _Laid(
        align(query.rendering, candidate.rendering, mapping.homography),
        *overlaps(mapping.homography, query.size, candidate.size),
    )


def _better(lay: Callable[[_Mapping], _Laid], found: _Mapping | None, whole: _Mapping) -> _Mapping:
    """Choose between a geometric model and the whole image by how much looks alike.

    A model with enough inliers gives way only to a whole image that is almost the same all over: much sky
    looks like much sky, while a crop of it is where its key points say.
    """
    if found is None:
        return whole
    found_ssim, found_shared = _likeness(lay(found))
    whole_ssim, _ = _likeness(lay(whole))
    if found.independent >= _TRUSTED_INLIERS:
        return whole if whole_ssim >= max(found_ssim, _NEARLY_SAME_SSIM) else found
    return whole if whole_ssim > found_ssim * found_shared else found


def _likeness(laid: _Laid) -> tuple[float, float]:
    """Return mean structural similarity and mean overlap; (-1, 0) where there is nothing to compare."""
    if laid.alignment is None:
        return -1.0, 0.0
    similarity = float(laid.alignment.ssim[laid.alignment.mask].mean())
    return similarity, (laid.query_overlap + laid.match_overlap) / 2


def _refined(lay: Callable[[_Mapping], _Laid], found: _Mapping, laid: _Laid) -> tuple[_Mapping, _Laid]:
    """Return a mapping that fits what is seen better, and how it lays the query; else those given."""
    before, _ = _likeness(laid)
    if laid.alignment is None or before < _REFINED_SSIM:
        return found, laid
    homography = refined(laid.alignment)
    if homography is None or not geometry.is_plausible(homography, found.points[0]):
        return found, laid
    better = replace(found, homography=homography)
    again = lay(better)
    return (better, again) if _likeness(again)[0] > before else (found, laid)


def _nothing(query: Subject, candidate: Subject, distance: int) -> Evidence:
    return Evidence(
        homography=None,
        mirrored=False,
        inliers=0,
        independent=0,
        supported=0,
        correspondences=0,
        linearity=0.0,
        orb=0.0,
        ssim=0.0,
        agreeing=0.0,
        detail_ssim=0.0,
        structure=NO_STRUCTURE,
        color_difference=255.0,
        worst_color=255.0,
        worst_recolored=255.0,
        plain=query.is_plain and candidate.is_plain,
        contrast=0.0,
        query_overlap=0.0,
        match_overlap=0.0,
        hash_distance=distance,
        quality=min(query.quality, candidate.quality),
        alignment=None,
        inlier_points=_NO_POINTS,
    )


def _evidence(
    query: Subject,
    features: QueryFeatures,
    candidate: Subject,
    mapping: _Mapping,
    laid: _Laid,
    distance: int,
) -> Evidence:
    homography, alignment = mapping.homography, laid.alignment
    orb, partners = _partners(query.size, features, candidate, homography)
    # The mapping of a whole image comes from no key points; those that fit it are as good.
    points = mapping.points if mapping.inliers else partners
    ssim = agreeing = detail_ssim = contrast = 0.0
    compared = NO_STRUCTURE
    color_difference = worst = recolored = 255.0
    if alignment is not None:
        inside = alignment.ssim[alignment.mask]
        ssim = float(np.clip(inside.mean(), 0.0, 1.0))
        agreeing = float((inside >= AGREEING_SSIM).mean())
        detail_ssim = likeness.detail_ssim(alignment)
        if mapping.independent >= _WORTH_COMPARING or detail_ssim >= _WORTH_COMPARING_DETAIL:
            compared = structure(alignment)
        color_difference, worst, recolored, contrast = likeness.color_differences(alignment)
    return Evidence(
        homography=homography,
        mirrored=_mirrors(homography, query.size),
        inliers=len(points[0]),
        independent=mapping.independent,
        supported=mapping.supported,
        correspondences=mapping.correspondences,
        linearity=mapping.linearity,
        orb=orb,
        ssim=ssim,
        agreeing=agreeing,
        detail_ssim=detail_ssim,
        structure=compared,
        color_difference=color_difference,
        worst_color=worst,
        worst_recolored=recolored,
        plain=query.is_plain and candidate.is_plain,
        contrast=contrast,
        query_overlap=laid.query_overlap,
        match_overlap=laid.match_overlap,
        hash_distance=distance,
        quality=min(query.quality, candidate.quality),
        alignment=alignment,
        inlier_points=points,
    )


def _partners(
    query_size: tuple[int, int],
    features: QueryFeatures,
    candidate: Subject,
    homography: NDArray[np.float64],
) -> tuple[float, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Look for the query's key points within the candidate's frame where the mapping expects them.

    Returns:
        The share of them that find a like one, and the points of the pairs, px of either image.
    """
    local = features.local
    mirrored = _mirrors(homography, query_size)
    if mirrored:
        local = features.mirrored_local
        homography = homography @ _flip(query_size[0])
    mapped = geometry.apply(homography / homography[2, 2], local.points)
    width, height = candidate.size
    with np.errstate(invalid="ignore"):
        inside = (mapped >= 0).all(axis=1) & (mapped[:, 0] < width) & (mapped[:, 1] < height)
    rows = np.flatnonzero(inside)
    if not len(rows) or not len(candidate.local):
        return 0.0, _NO_POINTS
    centre = local.points[rows].mean(axis=0)
    derivative = geometry.jacobian(homography, float(centre[0]), float(centre[1]))
    scale = np.sqrt(abs(np.linalg.det(derivative)))
    tolerance = geometry.TOLERANCE * np.maximum(local.sizes[rows] * scale, candidate.local.sizes.min())
    partner = matching.guided(
        mapped[rows].astype(np.float32),
        tolerance.astype(np.float32),
        np.ascontiguousarray(local.descriptors[rows]),
        candidate.local,
    )
    found = partner >= 0
    points = local.points[rows[found]].copy()
    if mirrored:
        points[:, 0] = query_size[0] - 1 - points[:, 0]
    return float(found.mean()), (points, candidate.local.points[partner[found]])


def _mirrors(homography: NDArray[np.float64], size: tuple[int, int]) -> bool:
    derivative = geometry.jacobian(homography, size[0] / 2, size[1] / 2)
    return bool(np.linalg.det(derivative) < 0)


def _flip(width: int) -> NDArray[np.float64]:
    """(3, 3): px of an image → px of its mirror image, and back."""
    return np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)
