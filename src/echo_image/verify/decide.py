"""What the evidence means: score and verdict. Every decision threshold of the project stands here.

The score is a logistic function of few terms, fitted on 2,500 edited or photographed images (crops to 10 % of
the area, images at 20 % inside others, photographs of prints and web re-uses among them) and 15,441 pairs of
different images, half of them of one kind (flags, charts, receipts, beer labels): at 50 it keeps .962 of the
former and takes 91 of the latter; the conditions below take nearly all of those away again.
`python -m benchmarks.calibrate` makes such a fit.
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
#: From this many on the mapping stands however different both look: a dark photograph of a print. Of 15,441
#: pairs of different images only receipts of one shop have as many.
_SURE_INDEPENDENT = 20
#: Below it, what has detail must look alike to this degree …
_SUPPORT_DETAIL = 0.2
#: … and with fewer than this many more so, and the colours must not be far apart: two photographs of dogs of
#: one breed can have 7.
_FEW_INDEPENDENT = 10
_FEW_DETAIL = 0.32
_COLOR_DIFFERENCE = 50.0
#: Key points of plain images (flags, charts, logos) repeat from one to the next: these must look alike too.
_PLAIN_SSIM = 0.6
_PLAIN_AGREEING = 0.75

#: Hashes this close, with alike looks, prove a copy without any key point.
_HASH_BITS = 60
_HASH_SSIM = 0.55
_HASH_DETAIL = 0.3

#: An image without detail: no trusted hash and hardly a key point.
DETAIL_FEATURES = 20
#: Without key points and hash, images are the same when nearly nothing differs in all of the frame.
_SAME_SSIM = 0.85
_SAME_DETAIL = 0.6
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
#: And so it is where most of what has detail differs: a receipt of the same shop, a flag with the same union.
_PART_DETAIL = 0.42


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


def decide(
    evidence: Evidence, *, rotation_deg: float, stretch: float, aspect_ratio: float, covered: bool = False
) -> Decision:
    """Return score and verdict of two images that are not identical.

    Args:
        evidence: what was measured.
        rotation_deg: how far the one is turned against the other, -180..180.
        stretch: ratio of the larger to the smaller magnification, at least 1.
        aspect_ratio: aspect ratio of the query over that of the candidate.
        covered: a caption or the like was painted on.
    """
    probability = _probability(evidence)
    if _proves_by_geometry(evidence, probability) or _proves_by_hash(evidence):
        score = max(100 * probability, PROVEN_SCORE)
    elif _looks_the_same(evidence, aspect_ratio):
        score = 90.0 + 9.0 * (evidence.ssim - _SAME_SSIM) / (1 - _SAME_SSIM)
    else:
        score = min(100 * probability, PROVEN_SCORE - 1)
    # Whole numbers: the calibration is no finer. 100 is kept for what is identical.
    score = min(float(round(score)), 99.0)
    if score < PROVEN_SCORE:
        return Decision(score, Verdict.SIMILAR)
    if _is_part(evidence):
        return Decision(score, Verdict.PART)
    if not covered and _is_copy(evidence, rotation_deg, stretch):
        return Decision(score, Verdict.COPY)
    return Decision(score, Verdict.EDITED)


def _probability(evidence: Evidence) -> float:
    hash_term = 0.0
    if evidence.quality >= MIN_HASH_QUALITY:
        hash_term = max(0.0, 1 - evidence.hash_distance / 80)
    z = (
        -3.65
        + 0.70 * math.log1p(evidence.independent)
        + 9.02 * max(0.0, evidence.detail_ssim)
        + 9.09 * hash_term
        - (1.69 if evidence.independent < 4 else 0.0)
    )
    return 1 / (1 + math.exp(-z))


def _proves_by_geometry(evidence: Evidence, probability: float) -> bool:
    places = evidence.independent
    if places < MIN_INDEPENDENT:
        return False
    if places < _LINE_INDEPENDENT and evidence.linearity < _MIN_LINEARITY:
        return False
    if evidence.plain:
        alike = evidence.ssim >= _PLAIN_SSIM and evidence.agreeing >= _PLAIN_AGREEING
        return alike and evidence.worst_color <= _HASH_WORST_RECOLORED and probability >= PROVEN_SCORE / 100
    if places >= _SURE_INDEPENDENT:
        return True
    if places < _FEW_INDEPENDENT:
        distant = evidence.color_difference >= _COLOR_DIFFERENCE
        if distant or evidence.detail_ssim < _FEW_DETAIL:
            return False
    return evidence.detail_ssim >= _SUPPORT_DETAIL and probability >= PROVEN_SCORE / 100


def _proves_by_hash(evidence: Evidence) -> bool:
    return (
        evidence.quality >= MIN_HASH_QUALITY
        and evidence.hash_distance <= _HASH_BITS
        and evidence.ssim >= _HASH_SSIM
        and evidence.detail_ssim >= _HASH_DETAIL
        and min(evidence.query_overlap, evidence.match_overlap) > _PART_AGREEING
        and (evidence.worst_color if evidence.plain else evidence.worst_recolored) <= _HASH_WORST_RECOLORED
    )


def _looks_the_same(evidence: Evidence, aspect_ratio: float) -> bool:
    return (
        evidence.ssim >= _SAME_SSIM
        and evidence.detail_ssim >= _SAME_DETAIL
        and evidence.worst_color <= _SAME_WORST_COLOR
        and evidence.contrast >= _SAME_CONTRAST
        and abs(math.log(aspect_ratio)) <= _SAME_ASPECT
        and min(evidence.query_overlap, evidence.match_overlap) >= _SAME_OVERLAP
    )


def _is_part(evidence: Evidence) -> bool:
    contained = max(evidence.query_overlap, evidence.match_overlap)
    return (
        evidence.query_overlap < _PART_QUERY_OVERLAP
        or contained * evidence.agreeing < _PART_AGREEING
        or evidence.detail_ssim < _PART_DETAIL
    )


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
