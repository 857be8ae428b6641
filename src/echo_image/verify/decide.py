"""What the evidence means: score and verdict. Every decision threshold of the project stands here.

The score is a logistic function of few terms, fitted by `python -m benchmarks.calibrate` on 4,401 pairs of
one half of the query images: edited images, known pairs, and the most promising wrong candidates of each
search. Of the 3,751 pairs of the other half it takes .981 of those that show the same. What each verdict and
score came to there stands in `docs/verification.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from echo_image.verify.measure import MIN_HASH_QUALITY, Evidence
from echo_image.verify.structure import Structure


class Verdict(StrEnum):
    """What is said of a match; all but `SIMILAR` are proven."""

    IDENTICAL = "identical"
    COPY = "copy"
    EDITED = "edited"
    PART = "part"
    SIMILAR = "similar"


#: From this score on a match is proven.
PROVEN_SCORE = 50.0
#: What a verdict is worth at least and at most: no copy was wrong on images held out, and one part in
#: seventeen. 100 is kept for what is identical. Between the best of a verdict their likeness decides, within
#: this spread: of a picture and a crop of it the picture comes first.
_WORTH = {
    Verdict.COPY: (97.0, 99.9),
    Verdict.EDITED: (PROVEN_SCORE, 99.0),
    Verdict.PART: (PROVEN_SCORE, 96.0),
}
_SPREAD = 0.9
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
COLOR_DIFFERENCE = 50.0
#: Few inliers that bring this many more when they are looked for where the model expects them show a pattern
#: that repeats: lines of print, checks, a mesh. Edited images with so few bring 2.2 times as many at most, of
#: 60 photographs of prints one brings 2.6 times as many.
_REPEATS_INDEPENDENT = 15
_REPEATS_RATIO = 2.35
#: Fewer inliers than any model needs are enough where all that one image shows then is where it should be,
#: with detail: the last 4 of a small crop. Of 9,597 pairs of different images none comes near this.
_SEEN_SUPPORTED = 3
_SEEN_OVERLAP = 0.9
_SEEN_SHARE = 0.95
_SEEN_MIDDLE = 0.93
_SEEN_DETAIL = 0.75
#: Where the query stands twice in an image, no key point is distinct, which looks like a pattern; then all
#: that is seen must be the very same. Checkerboards of other colours and sizes have changed in .6 and more.
_EXACT_SHARE = 0.98
_EXACT_DETAIL = 0.85
_EXACT_CHANGED = 0.02
#: Key points of plain images (flags, charts, logos) repeat from one to the next: these must look alike too.
_PLAIN_SSIM = 0.6
_PLAIN_AGREEING = 0.75

#: Hashes this close, with alike looks, prove a copy without any key point.
HASH_BITS = 60
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
_COPY_SHARE = 0.985
_COPY_APART = 0.01
_COPY_SSIM = 0.7
_COPY_COLOR_DIFFERENCE = 10.0
#: Below these shares only a part of the images is the same.
_PART_QUERY_OVERLAP = 0.35
_PART_AGREEING = 0.5
#: Otherwise all of it is the same: the structures agree nearly everywhere, if less well (a worse copy) …
_ALIKE_SHARE = 0.93
#: … or perfectly but for a caption or a sticker: at this share of the places with detail, with such a median
#: correlation, while most colours are what they were. Receipts of one shop, charts with one axis, flags with
#: one canton and screenshots of one application reach .86 with .88, .71 with .97, .85 with new colours, and
#: .74 with .97.
_COVERED_SHARE = 0.77
_COVERED_MIDDLE = 0.945
_COVERED_CHANGED = 0.5
#: On paper a few other numbers make another receipt, another line another chart, so there all must agree
#: well, where this much of the overlap is paper. Two receipts of one form reach .99 with .96, .94 with .97.
_PAPER = 0.7
_PAPER_SHARE = 0.98
_PAPER_MIDDLE = 0.97
#: Of the overlap at most this may have colours that no change of colours explains; a vignette has .29.
_APART_AT_MOST = 0.3


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
    seen = _proves_by_sight(evidence)
    proven = _proves_by_geometry(evidence, probability) or _proves_by_hash(evidence) or seen
    score = max(100 * probability, PROVEN_SCORE) if proven else min(100 * probability, PROVEN_SCORE - 1)
    if _looks_the_same(evidence, aspect_ratio):
        score = max(score, 90.0 + 9.0 * (evidence.ssim - _SAME_SSIM) / (1 - _SAME_SSIM))
    if round(score, 1) < PROVEN_SCORE:
        return Decision(round(score, 1), Verdict.SIMILAR)
    verdict = Verdict.EDITED
    if _is_part(evidence):
        verdict = Verdict.PART
    elif not covered and _is_copy(evidence, rotation_deg, stretch):
        verdict = Verdict.COPY
    return Decision(_within(score, verdict, evidence), verdict)


def _within(score: float, verdict: Verdict, evidence: Evidence) -> float:
    """Return a score between what the verdict is worth at least and at most."""
    least, most = _WORTH[verdict]
    alike = min(max(evidence.ssim, 0.0), 1.0) * min(evidence.query_overlap, evidence.match_overlap)
    return round(min(max(score, least), most - _SPREAD * (1 - min(alike, 1.0))), 1)


def _probability(evidence: Evidence) -> float:
    hash_term = 0.0
    if evidence.quality >= MIN_HASH_QUALITY:
        hash_term = max(0.0, 1 - evidence.hash_distance / 80)
    z = (
        -6.48
        + 1.58 * math.log1p(evidence.independent)
        + 10.13 * max(0.0, evidence.detail_ssim)
        + 4.71 * hash_term
    )
    return 1 / (1 + math.exp(-z))


def _proves_by_geometry(evidence: Evidence, probability: float) -> bool:
    places = evidence.independent
    if places < MIN_INDEPENDENT:
        return False
    if on_one_line(evidence) or repeats(evidence):
        return False
    if evidence.plain:
        alike = evidence.ssim >= _PLAIN_SSIM and evidence.agreeing >= _PLAIN_AGREEING
        return alike and evidence.worst_color <= _HASH_WORST_RECOLORED and probability >= PROVEN_SCORE / 100
    if places >= _SURE_INDEPENDENT:
        return True
    if places < _FEW_INDEPENDENT and evidence.color_difference >= COLOR_DIFFERENCE:
        return False
    return evidence.detail_ssim >= needed_detail(evidence) and probability >= PROVEN_SCORE / 100


def on_one_line(evidence: Evidence) -> bool:
    """Say whether too few inliers lie on too straight a line to prove anything."""
    return evidence.independent < _LINE_INDEPENDENT and evidence.linearity < _MIN_LINEARITY


def needed_detail(evidence: Evidence) -> float:
    """Return how alike the details must look with so many inliers, -1..1; with very many anything goes."""
    if evidence.independent >= _SURE_INDEPENDENT:
        return -1.0
    return _FEW_DETAIL if evidence.independent < _FEW_INDEPENDENT else _SUPPORT_DETAIL


def repeats(evidence: Evidence) -> bool:
    """Say whether the inliers are of a pattern that has as many anywhere."""
    few = evidence.independent < _REPEATS_INDEPENDENT and not evidence.plain
    return few and evidence.supported > _REPEATS_RATIO * evidence.independent


def _proves_by_sight(evidence: Evidence) -> bool:
    return (
        evidence.supported >= _SEEN_SUPPORTED
        and not evidence.plain
        and (not repeats(evidence) or _is_seen_exactly(evidence))
        and max(evidence.query_overlap, evidence.match_overlap) >= _SEEN_OVERLAP
        and evidence.structure.share >= _SEEN_SHARE
        and evidence.structure.middle >= _SEEN_MIDDLE
        and evidence.detail_ssim >= _SEEN_DETAIL
        and evidence.color_difference < COLOR_DIFFERENCE
    )


def _is_seen_exactly(evidence: Evidence) -> bool:
    """Say whether it is the same to the last detail and colour: a collage that holds the query twice."""
    return (
        evidence.structure.share >= _EXACT_SHARE
        and evidence.detail_ssim >= _EXACT_DETAIL
        and evidence.structure.changed <= _EXACT_CHANGED
    )


def _proves_by_hash(evidence: Evidence) -> bool:
    return (
        evidence.quality >= MIN_HASH_QUALITY
        and evidence.hash_distance <= HASH_BITS
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
        or contained < _PART_AGREEING
        or not _all_is_alike(evidence.structure)
    )


def _all_is_alike(structure: Structure) -> bool:
    """Say whether what both show is the same all over, or all but what was painted on."""
    if structure.apart > _APART_AT_MOST:
        return False
    if structure.paper >= _PAPER:
        return structure.share >= _PAPER_SHARE and structure.middle >= _PAPER_MIDDLE
    if structure.share >= _ALIKE_SHARE:
        return True
    covered = structure.share >= _COVERED_SHARE and structure.middle >= _COVERED_MIDDLE
    return covered and structure.changed <= _COVERED_CHANGED


def _is_copy(evidence: Evidence, rotation_deg: float, stretch: float) -> bool:
    return (
        not evidence.mirrored
        and abs(rotation_deg) <= _COPY_ROTATION_DEG
        and stretch <= _COPY_STRETCH
        and min(evidence.query_overlap, evidence.match_overlap) >= _COPY_OVERLAP
        and evidence.agreeing >= _COPY_AGREEING
        and evidence.structure.share >= _COPY_SHARE
        and evidence.structure.apart <= _COPY_APART
        and evidence.ssim >= _COPY_SSIM
        and evidence.color_difference <= _COPY_COLOR_DIFFERENCE
    )
