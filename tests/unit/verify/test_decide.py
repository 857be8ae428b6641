"""Score and verdict: every verdict is reached, and each condition has its say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from echo_image.verify import decide
from echo_image.verify.decide import MIN_INDEPENDENT, PROVEN_SCORE, SIMILAR_SCORE, Verdict
from echo_image.verify.measure import MIN_HASH_QUALITY
from echo_image.verify.structure import Structure
from tests.unit.verify.evidences import ALIKE, COPY, FLAG, NOTHING, decided


def test_nothing_is_similar_at_most() -> None:
    decision = decided(NOTHING)
    assert decision.verdict is Verdict.SIMILAR
    assert decision.score < SIMILAR_SCORE


def test_a_copy_is_a_copy() -> None:
    decision = decided(COPY)
    assert decision.verdict is Verdict.COPY
    assert 95 <= decision.score < 100


@pytest.mark.parametrize(
    "change",
    [
        {"mirrored": True},
        {"rotation_deg": 2.0},
        {"rotation_deg": -90.0},
        {"rotation_deg": 180.0},
        {"stretch": 1.2},
        {"query_overlap": 0.9},
        {"match_overlap": 0.6},
        {"agreeing": 0.9},
        {"ssim": 0.6},
        {"color_difference": 30.0},
        {"covered": True},
    ],
)
def test_what_was_done_to_it_makes_an_edited_image(change: dict[str, float]) -> None:
    decision = decided(COPY, **change)
    assert decision.verdict is Verdict.EDITED
    assert decision.score >= PROVEN_SCORE


@pytest.mark.parametrize(
    "change",
    [
        {"query_overlap": 0.2},
        {"query_overlap": 0.4, "match_overlap": 0.4},
        # What follows was measured on pairs of different images that share a piece.
        {"structure": replace(ALIKE, share=0.86, middle=0.88)},  # two letters with one head
        {"structure": replace(ALIKE, share=0.71, middle=0.97, apart=0.2)},  # two charts with one axis
        {"structure": replace(ALIKE, share=0.74, middle=0.97, apart=0.3)},  # two screenshots
        {"structure": replace(ALIKE, share=0.85, middle=0.99, changed=0.74)},  # two flags with one canton
        {"structure": replace(ALIKE, share=0.95, apart=0.4)},
        {"structure": replace(ALIKE, share=0.94, middle=0.97, paper=0.9)},  # two receipts of one form
        {"structure": replace(ALIKE, share=0.99, middle=0.93, paper=0.95)},
    ],
)
def test_where_only_a_piece_is_shared_it_is_a_part(change: dict[str, Any]) -> None:
    decision = decided(COPY, **change)
    assert decision.verdict is Verdict.PART
    assert decision.score >= PROVEN_SCORE


def test_a_small_crop_is_edited_and_the_whole_seen_from_the_crop_a_part() -> None:
    assert decided(COPY, query_overlap=1.0, match_overlap=0.12).verdict is Verdict.EDITED
    assert decided(COPY, query_overlap=0.12, match_overlap=1.0).verdict is Verdict.PART


@pytest.mark.parametrize(
    "structure",
    [
        replace(ALIKE, share=0.96, middle=0.87),  # strong compression
        replace(ALIKE, share=0.8, middle=0.96, apart=0.09, changed=0.1),  # a caption
        replace(ALIKE, share=0.97, middle=0.9, apart=0.2, changed=0.8),  # dark corners
    ],
)
def test_what_was_made_worse_or_painted_on_is_not_a_part(structure: Structure) -> None:
    assert decided(COPY, structure=structure).verdict is Verdict.EDITED


UNSEEN = {"quality": 0, "contrast": 0.0, "structure": replace(ALIKE, share=0.9)}


@pytest.mark.parametrize("places", [0, 1, MIN_INDEPENDENT - 1])
def test_too_few_places_prove_nothing_however_alike(places: int) -> None:
    decision = decided(COPY, independent=places, supported=places, **UNSEEN)
    assert decision.verdict is Verdict.SIMILAR
    assert decision.score < PROVEN_SCORE


def test_enough_places_prove_it() -> None:
    found = decided(COPY, independent=MIN_INDEPENDENT, supported=MIN_INDEPENDENT, **UNSEEN)
    assert found.score >= PROVEN_SCORE


def test_a_few_places_that_bring_many_more_show_a_pattern() -> None:
    changes = {**UNSEEN, "independent": 8}
    assert decided(COPY, **changes, supported=15).score >= PROVEN_SCORE
    assert decided(COPY, **changes, supported=40).verdict is Verdict.SIMILAR


#: The last four key points of a small crop.
CROP = {"independent": 2, "supported": 4, "quality": 0, "contrast": 0.0, "match_overlap": 0.1}


def test_all_of_a_crop_being_seen_proves_it_with_hardly_a_key_point() -> None:
    assert decided(COPY, **CROP).verdict is Verdict.EDITED
    changes: tuple[dict[str, Any], ...] = (
        {"supported": 2},
        {"supported": 30, "structure": replace(ALIKE, changed=0.6)},
        {"supported": 30, "detail_ssim": 0.8},
        {"query_overlap": 0.5},
        {"structure": replace(ALIKE, share=0.9)},
        {"structure": replace(ALIKE, middle=0.9)},
        {"detail_ssim": 0.6},
        {"color_difference": 60.0},
        {"plain": True},
    )
    for change in changes:
        assert decided(COPY, **{**CROP, **change}).verdict is Verdict.SIMILAR, change


def test_many_places_prove_it_however_different_it_looks() -> None:
    """A dark photograph of a print: nothing looks alike any more, all corners are where they should be."""
    looks = {"ssim": 0.1, "agreeing": 0.1, "detail_ssim": 0.05, "color_difference": 120.0}
    changes = {**looks, "independent": 100, "quality": 0}
    assert decided(COPY, **changes).score >= PROVEN_SCORE
    assert decided(COPY, **{**changes, "independent": 7}).verdict is Verdict.SIMILAR


def test_a_line_proves_nothing() -> None:
    changes: dict[str, Any] = {"quality": 0, "contrast": 0.0, "linearity": 0.001}
    changes |= {"independent": 12, "supported": 12, "structure": replace(ALIKE, share=0.9)}
    assert decided(COPY, **changes).verdict is Verdict.SIMILAR
    assert decided(COPY, **{**changes, "linearity": 0.3}).score >= PROVEN_SCORE


def test_key_points_of_plain_images_need_like_looks() -> None:
    changes = {"plain": True, "quality": 0, "contrast": 0.0, "independent": 40}
    assert decided(COPY, **changes).verdict is Verdict.COPY
    for change in ({"ssim": 0.4}, {"agreeing": 0.5}, {"worst_color": 120.0}):
        assert decided(COPY, **changes, **change).verdict is Verdict.SIMILAR


def test_a_near_hash_with_like_looks_proves_it_without_key_points() -> None:
    changes = {"inliers": 0, "independent": 0, "supported": 0, "linearity": 0.0, "orb": 0.0, "contrast": 0.0}
    assert decided(COPY, **changes).score >= PROVEN_SCORE
    for change in (
        {"quality": 10},
        {"hash_distance": 90},
        {"ssim": 0.3},
        {"query_overlap": 0.4},
        {"match_overlap": 0.4},
        {"worst_recolored": 100.0},
    ):
        assert decided(COPY, **changes, **change).verdict is Verdict.SIMILAR, change


def test_a_flag_is_known_by_its_colours_all_over() -> None:
    assert decided(FLAG).score >= 90
    for change in (
        {"ssim": 0.7},
        {"worst_color": 60.0},
        {"query_overlap": 0.8},
        {"match_overlap": 0.8},
        {"aspect_ratio": 1.5},
        {"aspect_ratio": 1 / 1.5},
    ):
        assert decided(FLAG, **change).verdict is Verdict.SIMILAR, change


def test_a_few_inliers_do_not_lower_the_score_of_what_looks_the_same_all_over() -> None:
    alike = {"ssim": 1.0, "detail_ssim": 0.6, "plain": False}
    before = decided(FLAG, **alike, independent=0)
    after = decided(FLAG, **alike, independent=5, linearity=0.5)
    assert after.score >= before.score


def test_a_flat_image_is_never_the_same_as_another_flat_one() -> None:
    """One colour all over: everything agrees, and nothing is shown by it."""
    flat = {"contrast": 0.0, "ssim": 1.0, "detail_ssim": 1.0, "worst_color": 0.0, "color_difference": 0.0}
    assert decided(FLAG, **flat).verdict is Verdict.SIMILAR
    assert decided(FLAG, **{**flat, "contrast": 40.0}).score >= PROVEN_SCORE


def test_a_hundred_is_kept_for_what_is_identical() -> None:
    sure = decided(COPY, independent=10_000, ssim=1.0, detail_ssim=1.0, hash_distance=0, orb=1.0)
    assert sure.score == 99.9
    assert decided(FLAG, ssim=1.0, detail_ssim=1.0).score <= 99


def test_scores_have_one_digit_and_stay_below_100() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        decision = decided(
            COPY,
            independent=int(rng.integers(0, 60)),
            ssim=float(rng.random()),
            detail_ssim=float(rng.uniform(-1, 1)),
            agreeing=float(rng.random()),
            hash_distance=int(rng.integers(0, 129)),
            quality=int(rng.integers(0, 101)),
        )
        assert decision.score == round(decision.score, 1)
        assert 0 <= decision.score < 100
        assert (decision.verdict is Verdict.SIMILAR) is (decision.score < PROVEN_SCORE)


def test_which_images_have_detail() -> None:
    assert decide.has_detail(MIN_HASH_QUALITY, 0)
    assert decide.has_detail(0, decide.DETAIL_FEATURES)
    assert not decide.has_detail(MIN_HASH_QUALITY - 1, decide.DETAIL_FEATURES - 1)


def test_verdicts_are_their_names() -> None:
    assert [str(verdict) for verdict in Verdict] == ["identical", "copy", "edited", "part", "similar"]
