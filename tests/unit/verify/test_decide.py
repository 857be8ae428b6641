"""Score and verdict: every verdict is reached, and each condition has its say."""

from __future__ import annotations

import numpy as np
import pytest

from echo_image.verify import decide
from echo_image.verify.decide import MIN_INDEPENDENT, PROVEN_SCORE, SIMILAR_SCORE, Verdict
from echo_image.verify.measure import MIN_HASH_QUALITY
from tests.unit.verify.evidences import COPY, FLAG, NOTHING, decided


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
        {"agreeing": 0.3},
        {"query_overlap": 0.6, "match_overlap": 0.6, "agreeing": 0.7},
    ],
)
def test_where_only_a_piece_is_shared_it_is_a_part(change: dict[str, float]) -> None:
    decision = decided(COPY, **change)
    assert decision.verdict is Verdict.PART
    assert decision.score >= PROVEN_SCORE


def test_a_small_crop_is_edited_and_the_whole_seen_from_the_crop_a_part() -> None:
    assert decided(COPY, query_overlap=1.0, match_overlap=0.12).verdict is Verdict.EDITED
    assert decided(COPY, query_overlap=0.12, match_overlap=1.0).verdict is Verdict.PART


@pytest.mark.parametrize("places", [0, 1, MIN_INDEPENDENT - 1])
def test_too_few_places_prove_nothing_however_alike(places: int) -> None:
    decision = decided(COPY, independent=places, quality=0, contrast=0.0)
    assert decision.verdict is Verdict.SIMILAR
    assert decision.score < PROVEN_SCORE


def test_enough_places_prove_it() -> None:
    assert decided(COPY, independent=MIN_INDEPENDENT, quality=0, contrast=0.0).verdict is Verdict.COPY


def test_many_places_prove_it_however_different_it_looks() -> None:
    """A dark photograph of a print: nothing looks alike any more, all corners are where they should be."""
    looks = {"ssim": 0.1, "agreeing": 0.1, "detail_ssim": 0.05, "color_difference": 120.0}
    changes = {**looks, "independent": 100, "quality": 0}
    assert decided(COPY, **changes).score >= PROVEN_SCORE
    assert decided(COPY, **{**changes, "independent": 7}).verdict is Verdict.SIMILAR


def test_a_line_proves_nothing() -> None:
    changes = {"quality": 0, "contrast": 0.0, "linearity": 0.001}
    assert decided(COPY, independent=12, **changes).verdict is Verdict.SIMILAR
    assert decided(COPY, independent=12, **{**changes, "linearity": 0.3}).verdict is Verdict.COPY


def test_key_points_of_plain_images_need_like_looks() -> None:
    changes = {"plain": True, "quality": 0, "contrast": 0.0, "independent": 40}
    assert decided(COPY, **changes).verdict is Verdict.COPY
    for change in ({"ssim": 0.4}, {"agreeing": 0.5}, {"worst_color": 120.0}):
        assert decided(COPY, **changes, **change).verdict is Verdict.SIMILAR


def test_a_near_hash_with_like_looks_proves_it_without_key_points() -> None:
    changes = {"inliers": 0, "independent": 0, "linearity": 0.0, "orb": 0.0, "contrast": 0.0}
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


def test_a_flat_image_is_never_the_same_as_another_flat_one() -> None:
    """One colour all over: everything agrees, and nothing is shown by it."""
    flat = {"contrast": 0.0, "ssim": 1.0, "detail_ssim": 1.0, "worst_color": 0.0, "color_difference": 0.0}
    assert decided(FLAG, **flat).verdict is Verdict.SIMILAR
    assert decided(FLAG, **{**flat, "contrast": 40.0}).score >= PROVEN_SCORE


def test_a_hundred_is_kept_for_what_is_identical() -> None:
    sure = decided(COPY, independent=10_000, ssim=1.0, detail_ssim=1.0, hash_distance=0, orb=1.0)
    assert sure.score == 99
    assert decided(FLAG, ssim=1.0, detail_ssim=1.0).score <= 99


def test_scores_are_whole_numbers_from_0_to_99() -> None:
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
        assert decision.score == int(decision.score)
        assert 0 <= decision.score <= 99
        assert (decision.verdict is Verdict.SIMILAR) is (decision.score < PROVEN_SCORE)


def test_which_images_have_detail() -> None:
    assert decide.has_detail(MIN_HASH_QUALITY, 0)
    assert decide.has_detail(0, decide.DETAIL_FEATURES)
    assert not decide.has_detail(MIN_HASH_QUALITY - 1, decide.DETAIL_FEATURES - 1)


def test_verdicts_are_their_names() -> None:
    assert [str(verdict) for verdict in Verdict] == ["identical", "copy", "edited", "part", "similar"]
