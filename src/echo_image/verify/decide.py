"""What the evidence means: score and verdict. Every decision threshold of the project stands here.

The score is a logistic function of the evidence, fitted on 1,029 edited images (29 edits, crops to 10 % of
the area and pictures at 20 % inside others among them) and 7,135 pairs of different images (flags, charts
and product photographs among them): at 50 it finds .967 of the former and takes 13 of the latter; the
conditions below take most of those 13 away again. `benchmarks/calibrate.py` makes the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from echo_image.verify.measure import MIN_HASH_QUALITY, Evidence

#: From this score on a match is proven.
PROVEN_SCORE = 50.0
#: Below this score a candidate is not even shown as similar.
SIMILAR_SCORE = 15.0

#: A model of the plane needs this many inliers at different places to prove anything by itself.
MIN_INDEPENDENT = 5
#: With fewer than this many, all inliers on one line prove nothing: a line of print, a shared edge.
_LINE_INDEPENDENT = 20
_MIN_LINEARITY = 0.03
#: With fewer inliers than this the aligned images must also look alike.
_SURE_INDEPENDENT = 10
_SUPPORT_SSIM = 0.45
_SUPPORT_AGREEING = 0.5
#: Key points of plain images (flags, charts, logos) repeat from one to the next: these must look alike too.
_PLAIN_SSIM = 0.6
_PLAIN_AGREEING = 0.75
#: Where the colours are this far apart, few inliers on a like-looking layout (flags, charts) prove nothing.
_COLOR_DIFFERENCE = 50.0

#: Hashes this close, with alike looks, prove a copy without any key point.
_HASH_BITS = 60
_HASH_SSIM = 0.55

#: An image without detail: no trusted hash and hardly a key point.
DETAIL_FEATURES = 20
#: Without key points and hash, images are the same when nearly nothing differs in all of the frame.
_SAME_SSIM = 0.85
_SAME_WORST_COLOR = 32.0
_SAME_CONTRAST = 6.0
_SAME_ASPECT = 0.04
_SAME_OVERLAP = 0.97
#: A recoloured picture changes all places alike; this much may be left of the difference when only the hash
#: speaks for it. Two tricolours share the layout and not the colours.
_HASH_WORST_RECOLORED = 45.0

#: A copy shows all of the other image …
_COPY_OVERLAP = 0.96
#: … unturned (degrees) and unstretched (ratio of the sides) …
_COPY_ROTATION_DEG = 1.0
_COPY_STRETCH = 1.04
#: … and nothing was painted on it or recoloured.
_COPY_AGREEING = 0.97
_COPY_SSIM = 0.7
_COPY_COLOR_DIFFERENCE = 10.0
#: Below these shares only a part of the images is the same.
_PART_QUERY_OVERLAP = 0.35
_PART_AGREEING = 0.5


class Verdict(StrEnum):
    """What is said of a match; all but `SIMILAR` are proven."""

    IDENTICAL = "identical"
    COPY = "copy"
    EDITED = "edited"
    PART = "part"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True)
class Decision:
    """Score 0..100 and verdict."""

    score: float
    verdict: Verdict


def has_detail(quality: int, num_features: int) -> bool:
    """Say whether an image has enough detail to be told from others.

    Args:
        quality: of its perceptual hash, 0..100.
        num_features: its key points.
    """
    return quality >= MIN_HASH_QUALITY or num_features >= DETAIL_FEATURES


def decide(evidence: Evidence, *, rotation_deg: float, stretch: float, aspect_ratio: float) -> Decision:
    """Return score and verdict of two images that are not identical.

    Args:
        evidence: what was measured.
        rotation_deg: how far the one is turned against the other, -180..180.
        stretch: ratio of the larger to the smaller magnification, at least 1.
        aspect_ratio: aspect ratio of the query over that of the candidate.
    """
    probability = _probability(evidence)
    if _proves_by_geometry(evidence) or _proves_by_hash(evidence):
        score = max(100 * probability, PROVEN_SCORE)
    elif _looks_the_same(evidence, aspect_ratio):
        score = 90.0 + 9.0 * (evidence.ssim - _SAME_SSIM) / (1 - _SAME_SSIM)
    else:
        score = min(100 * probability, PROVEN_SCORE - 1)
    score = min(round(score, 1), 99.9)
    if score < PROVEN_SCORE:
        return Decision(score, Verdict.SIMILAR)
    if _is_part(evidence):
        return Decision(score, Verdict.PART)
    if _is_copy(evidence, rotation_deg, stretch):
        return Decision(score, Verdict.COPY)
    return Decision(score, Verdict.EDITED)


def _probability(evidence: Evidence) -> float:
    places = evidence.independent
    hash_term = 0.0
    if evidence.quality >= MIN_HASH_QUALITY:
        hash_term = max(0.0, 1 - evidence.hash_distance / 80)
    z = (
        -3.92
        + 1.17 * math.log1p(places)
        + 3.25 * evidence.ssim
        + 1.66 * evidence.agreeing**2 * math.log1p(min(places, 10))
        + 15.4 * hash_term
        + 1.75 * evidence.orb
        - (0.88 if places < 4 else 0.0)
    )
    return 1 / (1 + math.exp(-z))


def _proves_by_geometry(evidence: Evidence) -> bool:
    places = evidence.independent
    if places < MIN_INDEPENDENT:
        return False
    if places < _LINE_INDEPENDENT and evidence.linearity < _MIN_LINEARITY:
        return False
    if evidence.plain:
        alike = evidence.ssim >= _PLAIN_SSIM and evidence.agreeing >= _PLAIN_AGREEING
        return alike and evidence.worst_color <= _HASH_WORST_RECOLORED
    if places >= _SURE_INDEPENDENT:
        return True
    alike = evidence.ssim >= _SUPPORT_SSIM and evidence.agreeing >= _SUPPORT_AGREEING
    return alike and evidence.color_difference < _COLOR_DIFFERENCE


def _proves_by_hash(evidence: Evidence) -> bool:
    return (
        evidence.quality >= MIN_HASH_QUALITY
        and evidence.hash_distance <= _HASH_BITS
        and evidence.ssim >= _HASH_SSIM
        and min(evidence.query_overlap, evidence.match_overlap) > _PART_AGREEING
        and (evidence.worst_color if evidence.plain else evidence.worst_recolored) <= _HASH_WORST_RECOLORED
    )


def _looks_the_same(evidence: Evidence, aspect_ratio: float) -> bool:
    return (
        evidence.ssim >= _SAME_SSIM
        and evidence.worst_color <= _SAME_WORST_COLOR
        and evidence.contrast >= _SAME_CONTRAST
        and abs(math.log(aspect_ratio)) <= _SAME_ASPECT
        and min(evidence.query_overlap, evidence.match_overlap) >= _SAME_OVERLAP
    )


def _is_part(evidence: Evidence) -> bool:
    contained = max(evidence.query_overlap, evidence.match_overlap)
    return evidence.query_overlap < _PART_QUERY_OVERLAP or contained * evidence.agreeing < _PART_AGREEING


def _is_copy(evidence: Evidence, rotation_deg: float, stretch: float) -> bool:
    return (
        not evidence.mirrored
        and abs(rotation_deg) <= _COPY_ROTATION_DEG
        and stretch <= _COPY_STRETCH
        and min(evidence.query_overlap, evidence.match_overlap) >= _COPY_OVERLAP
        and evidence.agreeing >= _COPY_AGREEING
        and evidence.ssim >= _COPY_SSIM
        and evidence.color_difference <= _COPY_COLOR_DIFFERENCE
    )
