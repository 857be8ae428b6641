"""More evidence never makes a match less sure."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from echo_image.verify.decide import PROVEN_SCORE, Verdict
from echo_image.verify.measure import Evidence
from echo_image.verify.structure import Structure
from tests.unit.verify.evidences import ALIKE, NOBODY, decided

SHARES = st.floats(0, 1)
LEVELS = st.floats(0, 255)

EVIDENCE = st.builds(
    Evidence,
    homography=st.just(np.eye(3)),
    mirrored=st.booleans(),
    inliers=st.integers(0, 500),
    independent=st.integers(0, 60),
    supported=st.integers(0, 90),
    correspondences=st.integers(0, 500),
    linearity=SHARES,
    orb=SHARES,
    ssim=SHARES,
    agreeing=SHARES,
    detail_ssim=st.floats(-1, 1),
    structure=st.builds(
        Structure,
        share=SHARES,
        middle=SHARES,
        apart=SHARES,
        changed=SHARES,
        paper=SHARES,
        painted=st.just(ALIKE.painted),
    ),
    color_difference=LEVELS,
    worst_color=LEVELS,
    worst_recolored=LEVELS,
    plain=st.booleans(),
    contrast=st.floats(0, 128),
    query_overlap=SHARES,
    match_overlap=SHARES,
    hash_distance=st.integers(0, 128),
    quality=st.integers(0, 100),
    alignment=st.none(),
    inlier_points=st.just(NOBODY),
)


@given(EVIDENCE, SHARES)
def test_more_structural_similarity_never_lowers_the_score(evidence: Evidence, more: float) -> None:
    low, high = sorted((evidence.ssim, more))
    assert decided(evidence, ssim=low).score <= decided(evidence, ssim=high).score


@given(EVIDENCE, st.integers(0, 60))
def test_more_inliers_never_lower_the_score(evidence: Evidence, more: int) -> None:
    # What looks the same all over is sure already, by a rule of its own that asks for no key point.
    assume(evidence.contrast < 1 or evidence.ssim < 0.8)
    low, high = sorted((evidence.independent, more))
    assert decided(evidence, independent=low).score <= decided(evidence, independent=high).score


@given(EVIDENCE, st.integers(0, 60))
def test_more_inliers_never_take_a_proof_away(evidence: Evidence, more: int) -> None:
    low, high = sorted((evidence.independent, more))
    if decided(evidence, independent=low).score >= PROVEN_SCORE:
        assert decided(evidence, independent=high).score >= PROVEN_SCORE


@given(EVIDENCE, st.integers(0, 128))
def test_a_nearer_hash_never_lowers_the_score(evidence: Evidence, other: int) -> None:
    assume(evidence.contrast < 1 or evidence.ssim < 0.8)
    near, far = sorted((evidence.hash_distance, other))
    assert decided(evidence, hash_distance=far).score <= decided(evidence, hash_distance=near).score


@given(EVIDENCE, SHARES)
def test_likeness_where_there_is_detail_never_lowers_the_score(evidence: Evidence, more: float) -> None:
    assume(evidence.contrast < 1 or evidence.ssim < 0.8)
    low, high = sorted((max(evidence.detail_ssim, 0.0), more))
    assert decided(evidence, detail_ssim=low).score <= decided(evidence, detail_ssim=high).score


@given(EVIDENCE)
def test_similar_is_what_is_not_proven_and_identical_is_not_decided_here(evidence: Evidence) -> None:
    decision = decided(evidence)
    assert 0 <= decision.score <= 99
    assert (decision.verdict is Verdict.SIMILAR) is (decision.score < PROVEN_SCORE)
    assert decision.verdict is not Verdict.IDENTICAL


@given(EVIDENCE)
def test_without_geometry_hash_and_contrast_nothing_is_proven(evidence: Evidence) -> None:
    assert decided(evidence, independent=2, hash_distance=128, contrast=0.0).verdict is Verdict.SIMILAR


@given(EVIDENCE)
def test_a_copy_shows_all_of_it_upright(evidence: Evidence) -> None:
    if decided(evidence).verdict is Verdict.COPY:
        assert min(evidence.query_overlap, evidence.match_overlap) > 0.9
        assert not evidence.mirrored
        assert decided(evidence, rotation_deg=90.0).verdict is not Verdict.COPY
        assert decided(evidence, covered=True).verdict is not Verdict.COPY
