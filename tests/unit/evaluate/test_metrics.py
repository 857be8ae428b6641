"""Each number against a slow and obvious way to compute it, and the law that ties never help."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from echo_image.evaluate import metrics

#: Few different scores, so that there are many ties.
predictions = st.lists(st.tuples(st.integers(0, 6).map(float), st.booleans()), max_size=40)


def slow_average_precision(found: Sequence[tuple[float, bool]], num_positives: int) -> float:
    """µAP as one reads it off a list sorted by hand: for each right prediction, who stands before it."""
    total = 0.0
    rights = [score for score, right in found if right]
    for index, score in enumerate(rights):
        wrong_before = sum(1 for other, right in found if not right and other >= score)
        right_before = sum(
            1 for i, other in enumerate(rights) if other > score or (other == score and i < index)
        )
        total += (right_before + 1) / (right_before + 1 + wrong_before)
    return total / num_positives if num_positives else 0.0


def slow_recall_at_precision(
    found: Sequence[tuple[float, bool]], num_positives: int, precision: float
) -> float:
    """Try every threshold."""
    best = 0.0
    for threshold in {score for score, _ in found}:
        taken = [right for score, right in found if score >= threshold]
        if sum(taken) / len(taken) >= precision and num_positives:
            best = max(best, sum(taken) / num_positives)
    return best


def slow_threshold(found: Sequence[tuple[float, bool]], precision: float) -> float | None:
    """Go up all scores; keep the one with most right ones above it, the later of equals."""
    most, kept = 0, None
    for threshold in sorted({score for score, _ in found}):
        taken = [right for score, right in found if score >= threshold]
        enough = taken.count(True) >= precision * len(taken)
        if enough and taken.count(True) >= max(most, 1):
            most, kept = taken.count(True), threshold
    return kept


def split(found: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in found], [right for _, right in found]


@given(found=predictions, missed=st.integers(0, 5))
def test_average_precision_is_what_the_slow_way_says(found: list[tuple[float, bool]], missed: int) -> None:
    scores, right = split(found)
    positives = sum(right) + missed
    fast = metrics.micro_average_precision(scores, right, positives)
    assert fast == pytest.approx(slow_average_precision(found, positives), abs=1e-12)
    assert 0 <= fast <= 1


@given(found=predictions, missed=st.integers(0, 5), wanted=st.sampled_from([0.0, 0.5, 0.7, 0.9, 0.9999, 1.0]))
def test_recall_at_precision_is_what_the_slow_way_says(
    found: list[tuple[float, bool]], missed: int, wanted: float
) -> None:
    scores, right = split(found)
    positives = sum(right) + missed
    fast = metrics.recall_at_precision(scores, right, positives, wanted)
    assert fast == pytest.approx(slow_recall_at_precision(found, positives, wanted), abs=1e-12)


@given(found=predictions, wanted=st.sampled_from([0.0, 0.5, 0.75, 0.9999, 1.0]))
def test_the_threshold_at_a_precision_is_what_the_slow_way_says(
    found: list[tuple[float, bool]], wanted: float
) -> None:
    scores, right = split(found)
    threshold = metrics.threshold_at_precision(scores, right, wanted)
    assert threshold == slow_threshold(found, wanted)
    reached = 0 if threshold is None else sum(ok for score, ok in found if score >= threshold)
    recall = metrics.recall_at_precision(scores, right, max(1, sum(right)), wanted)
    assert recall == pytest.approx(reached / max(1, sum(right)))


def test_thresholds_at_a_precision_by_hand() -> None:
    scores, right = [9, 8, 7, 6, 5], [True, True, False, True, False]
    assert metrics.threshold_at_precision(scores, right, 1.0) == 8
    assert metrics.threshold_at_precision(scores, right, 0.75) == 6
    assert metrics.threshold_at_precision([9, 9], [True, False], 0.9999) is None
    assert metrics.threshold_at_precision([9, 8], [False, True], 0.9999) is None
    assert metrics.threshold_at_precision([], [], 0.5) is None
    with pytest.raises(ValueError, match="one flag"):
        metrics.threshold_at_precision([1.0], [], 0.5)


@given(found=predictions, seed=st.integers(0, 1000))
def test_ties_never_help(found: list[tuple[float, bool]], seed: int) -> None:
    """Whatever breaks the ties, no number gets worse by it."""
    scores, right = split(found)
    positives = max(1, sum(right))
    broken = np.array(scores) + np.random.default_rng(seed).uniform(0, 0.5, len(scores))
    tied = metrics.micro_average_precision(scores, right, positives)
    assert tied <= metrics.micro_average_precision(broken, right, positives) + 1e-12
    for wanted in (0.5, 0.9999):
        at_tied = metrics.recall_at_precision(scores, right, positives, wanted)
        assert at_tied <= metrics.recall_at_precision(broken, right, positives, wanted) + 1e-12


@given(found=predictions, seed=st.integers(0, 1000))
def test_the_order_of_the_predictions_does_not_matter(found: list[tuple[float, bool]], seed: int) -> None:
    scores, right = (np.array(part) for part in split(found))
    order = np.random.default_rng(seed).permutation(len(scores))
    first = metrics.micro_average_precision(scores, right, len(scores) + 1)
    assert metrics.micro_average_precision(scores[order], right[order], len(scores) + 1) == first


def test_average_precision_by_hand() -> None:
    # right, wrong, right, one never predicted: (1/1 + 2/3) / 3
    assert metrics.micro_average_precision([9, 8, 7], [True, False, True], 3) == pytest.approx(5 / 9)
    assert metrics.micro_average_precision([1, 1], [True, False], 1) == 0.5
    assert metrics.micro_average_precision([], [], 0) == 0
    assert metrics.micro_average_precision([3.0], [False], 0) == 0
    assert metrics.micro_average_precision([3.0, 2.0], [True, True], 2) == 1
    # One wrong prediction above everything costs every right one.
    assert metrics.micro_average_precision([9, 8, 7], [False, True, True], 2) == pytest.approx(
        (1 / 2 + 2 / 3) / 2
    )


def test_a_precision_that_is_just_kept_counts() -> None:
    scores = list(range(10, 0, -1))
    right = [True] * 7 + [False] * 3
    assert metrics.recall_at_precision(scores, right, 7, 0.7) == 1
    assert metrics.recall_at_precision([1.0] * 10, right, 7, 0.7) == 1
    assert metrics.recall_at_precision([1.0] * 10, right, 7, 0.71) == 0


@pytest.mark.parametrize(
    ("scores", "right", "positives", "reason"),
    [
        ([1.0, 2.0], [True], 1, "one flag"),
        ([[1.0]], [[True]], 1, "one flag"),
        ([np.nan], [True], 1, "not a number"),
        ([1.0, 2.0], [True, True], 1, "are right, but only 1"),
    ],
)
def test_wrong_input_is_refused(scores: list[float], right: list[bool], positives: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        metrics.micro_average_precision(scores, right, positives)
    with pytest.raises(ValueError, match=reason):
        metrics.recall_at_precision(scores, right, positives, 0.5)


scores_of_one = st.lists(st.integers(0, 4).map(float), max_size=8)


@given(right=scores_of_one, wrong=scores_of_one)
def test_the_rank_is_that_of_the_worst_order(right: list[float], wrong: list[float]) -> None:
    rank = metrics.pessimistic_rank(right, wrong)
    listed = sorted([(-score, 0) for score in wrong] + [(-score, 1) for score in right])
    places = [place for place, (_, kind) in enumerate(listed, start=1) if kind]
    # Among the right ones the first counts, and of equal ones the wrong stand before (0 sorts before 1).
    assert rank == (places[0] if places else None)


ranks = st.lists(st.one_of(st.none(), st.integers(1, 60)), max_size=30)


@given(given_ranks=ranks, k=st.integers(1, 60))
def test_recall_counts(given_ranks: list[int | None], k: int) -> None:
    found = len([rank for rank in given_ranks if rank is not None and rank in range(1, k + 1)])
    recall = metrics.recall_at(given_ranks, k)
    assert recall == (found / len(given_ranks) if given_ranks else 0)
    assert recall <= metrics.recall_at(given_ranks, k + 1)


def test_recall_at_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        metrics.recall_at([1], 0)


@given(scores=st.lists(st.integers(0, 99).map(float), min_size=1, max_size=60), rate=st.floats(0, 1))
def test_the_threshold_is_the_smallest_that_keeps_the_rate(scores: list[float], rate: float) -> None:
    assume(abs(rate * len(scores) - round(rate * len(scores))) > 1e-6 or rate in {0, 1})
    found = metrics.threshold_for(scores, rate)
    keeps = [t for t in range(101) if sum(score >= t for score in scores) / len(scores) <= rate]
    assert found.score == min(keeps)
    assert found.alarms == sum(score >= found.score for score in scores)
    assert found.searches == len(scores)


def test_thresholds_by_hand() -> None:
    scores = [0.0] * 8 + [40.0, 70.0]
    assert metrics.threshold_for(scores, 0).score == 71
    assert metrics.threshold_for(scores, 0.1).score == 41
    assert metrics.threshold_for(scores, 0.2).score == 1
    assert metrics.threshold_for(scores, 1).score == 0
    assert metrics.threshold_for(scores, 0, step=0.5).score == 70.5
    assert metrics.threshold_for([30.0, 30.0, 30.0], 0.4).score == 31  # of equals none is let through alone
    assert metrics.threshold_for(scores, 0.1).can_be_seen
    assert not metrics.threshold_for(scores, 0.09).can_be_seen
    assert metrics.threshold_for(scores, 0.1).to_dict() == {
        "rate": 0.1,
        "score": 41,
        "alarms": 1,
        "searches": 10,
        "can_be_seen": True,
    }


@pytest.mark.parametrize(("scores", "rate"), [([], 0.1), ([1.0], -0.1), ([1.0], 1.1), ([1.0], float("nan"))])
def test_a_threshold_needs_searches_and_a_share(scores: list[float], rate: float) -> None:
    with pytest.raises(ValueError, match=r"false alarms|rate must lie"):
        metrics.threshold_for(scores, rate)


@given(found=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_verdicts_are_counted(found: list[tuple[str, bool]]) -> None:
    counts = metrics.verdict_counts(found, "cab")
    assert list(counts) == ["c", "a", "b"]
    for name, count in counts.items():
        flags = [right for verdict, right in found if verdict == name]
        assert (count.right, count.wrong) == (flags.count(True), flags.count(False))
        assert count.precision == (sum(flags) / len(flags) if flags else None)
        assert count.to_dict()["precision"] == count.precision


def test_an_unknown_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown verdicts: d"):
        metrics.verdict_counts([("d", True)], "abc")
