"""The numbers made of known outcomes: by hand, and against a slow and obvious way to compute each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image import Verdict
from echo_image.evaluate import EDITS, NOT_FOUND, PRECISION, Evaluation, Outcome, Prediction, Row
from echo_image.evaluate.outcomes import PROPOSED_AT, summarised


def outcome(edit: str, path: str, *found: tuple[float, Verdict, bool], known: bool = True) -> Outcome:
    predictions = tuple(Prediction(f"{score}", score, verdict, right) for score, verdict, right in found)
    return Outcome(edit, path, known, predictions, 7 if known else None, 0.05)


@pytest.fixture
def evaluation() -> Evaluation:
    """Return the numbers of six searches by hand."""
    copy, part, similar = Verdict.COPY, Verdict.PART, Verdict.SIMILAR
    return summarised(
        [
            outcome("jpeg_5", "a", (90, copy, True), (20, similar, False)),
            outcome("jpeg_5", "b", (70, part, False), (60, part, True)),
            outcome("webp", "a", (40, similar, True)),
            outcome("webp", "b"),
            outcome("webp", "x", (55, part, False), known=False),
            outcome("webp", "y", known=False),
        ],
        images=100,
        neutral=4,
        rate=0.5,
        asked_candidates=True,
    )


def test_rows_by_hand(evaluation: Evaluation) -> None:
    jpeg_row, webp_row = evaluation.rows
    assert (jpeg_row.name, jpeg_row.family, jpeg_row.searches, jpeg_row.unknown) == ("jpeg_5", "codec", 2, 0)
    assert (jpeg_row.at_1, jpeg_row.at_5, jpeg_row.proven, jpeg_row.alarms) == (0.5, 1.0, 1.0, 0)
    assert (webp_row.searches, webp_row.at_1, webp_row.proven) == (2, 0.5, 0.0)
    assert (webp_row.unknown, webp_row.alarms) == (2, 1)
    total = evaluation.total
    assert (total.name, total.searches, total.at_1, total.at_5, total.proven) == ("all", 4, 0.5, 0.75, 0.5)
    assert total.proposed == 1.0
    assert (evaluation.queries, evaluation.distractors, evaluation.neutral) == (2, 2, 4)


def test_totals_by_hand(evaluation: Evaluation) -> None:
    # By score: 90 right, 70 wrong, 60 right, 55 wrong, 40 right, 20 wrong; one of four is never predicted.
    assert evaluation.micro_ap == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert evaluation.recall_at_precision == 0.25
    assert evaluation.verdicts["part"].right == 1
    assert evaluation.verdicts["part"].wrong == 2
    assert evaluation.verdicts["identical"].precision is None
    assert evaluation.threshold is not None
    assert evaluation.threshold.score == 1  # half may be alarms, and half got nothing
    assert evaluation.found_at_threshold == 0.75
    assert evaluation.p50_ms == pytest.approx(50)


def test_what_was_missed_is_named(evaluation: Evaluation) -> None:
    document = json.loads(json.dumps(evaluation.to_dict()))
    assert document["missed"] == [
        {"edit": "jpeg_5", "path": "b", "rank": 2, "candidate_rank": 7},
        {"edit": "webp", "path": "b", "rank": None, "candidate_rank": 7},
    ]
    assert document["alarms"] == [
        {"edit": "jpeg_5", "path": "b", "location": "70", "score": 70},
        {"edit": "webp", "path": "x", "location": "55", "score": 55},
    ]
    assert document["verdicts"]["copy"] == {"right": 1, "wrong": 0, "precision": 1.0}
    assert document["precision"] == 0.9999


def test_each_edit_by_hand(evaluation: Evaluation) -> None:
    jpeg_row, webp_row = evaluation.rows
    # Only 90 stands above every wrong match, so one threshold serves all edits.
    assert evaluation.score_at_precision == 90
    assert (jpeg_row.at_precision, webp_row.at_precision) == (0.5, 0.0)
    assert evaluation.total.at_precision == evaluation.recall_at_precision
    assert jpeg_row.called == {"identical": 0, "copy": 1, "edited": 0, "part": 1, "similar": 0, NOT_FOUND: 0}
    assert webp_row.called["similar"] == webp_row.called[NOT_FOUND] == 1
    assert (jpeg_row.rightly_called, webp_row.rightly_called) == (0.5, 0.0)
    assert jpeg_row.proposed_at == {1: 0.0, 5: 0.0, 50: 1.0, 200: 1.0}
    assert evaluation.lowest is jpeg_row
    assert evaluation.unknown_called["part"] == evaluation.unknown_called[NOT_FOUND] == 1
    document = json.loads(json.dumps(evaluation.to_dict()))
    assert document["lowest"] == "jpeg_5"
    assert document["edits"][0]["called"]["copy"] == 1
    assert document["wrongly_called"] == [
        {"edit": "jpeg_5", "path": "b", "verdict": "part"},
        {"edit": "webp", "path": "a", "verdict": "similar"},
    ]


def test_what_is_found_deeper_counts_for_50_only() -> None:
    found = [
        Outcome("webp", path, True, (), None, 0.1, deep_rank=deep)
        for path, deep in (("a", 12), ("b", 50), ("c", 51), ("d", None))
    ]
    row = summarised(found, images=9, neutral=0, rate=0.1, asked_candidates=False).total
    assert (row.at_1, row.at_5, row.at_50) == (0, 0, 0.5)
    assert row.proposed is None
    assert row.proposed_at == {}


def test_a_wrong_match_with_the_same_score_goes_first() -> None:
    tied = outcome(
        "webp", "a", (80, Verdict.COPY, True), (80, Verdict.PART, False), (70, Verdict.PART, False)
    )
    assert tied.rank == 2
    assert outcome("webp", "a", (80, Verdict.COPY, True), (79, Verdict.PART, False)).rank == 1


# Any outcomes


@st.composite
def searches(draw: st.DrawFn) -> Outcome:
    """One search; few scores, so that there are many ties."""
    known = draw(st.booleans())
    scores = sorted(draw(st.lists(st.integers(1, 9), max_size=6)), reverse=True)
    own = draw(st.integers(0, 8)) if known else 99
    predictions = tuple(
        Prediction(f"{place}", 10.0 * score, draw(st.sampled_from(Verdict)), place == own)
        for place, score in enumerate(scores)
    )
    deep = draw(st.none() | st.integers(1, 60)) if known and own >= len(scores) else None
    asked = draw(st.none() | st.integers(1, 250)) if known else None
    edit = draw(st.sampled_from(["crop_50", "caption", "jpeg_5"]))
    return Outcome(edit, draw(st.sampled_from("abc")), known, predictions, asked, 0.1, deep)


def slow_rank(one: Outcome) -> int | None:
    """Sort all matches, the wrong ones of a score first, and look where the right one lands."""
    landed = [found.right for found in sorted(one.predictions, key=lambda f: (-f.score, f.right))]
    return landed.index(True) + 1 if True in landed else None


def share(flags: Iterator[bool]) -> float:
    listed = list(flags)
    return listed.count(True) / len(listed) if listed else 0.0


def slow_score(outcomes: Sequence[Outcome]) -> float:
    """The score that finds most with the wanted precision, the largest of them; endless where none does."""
    best, most = float("inf"), 0
    for score in sorted({found.score for one in outcomes for found in one.predictions}, reverse=True):
        above = [found for one in outcomes for found in one.predictions if found.score >= score]
        right = [found for found in above if found.right]
        if len(right) / len(above) >= PRECISION and len(right) > most:
            best, most = score, len(right)
    return best


def check_row(row: Row, outcomes: Sequence[Outcome], sure: float) -> None:
    known = [one for one in outcomes if one.known]
    right = [next((found for found in one.predictions if found.right), None) for one in known]
    verdicts = [NOT_FOUND if found is None else found.verdict.value for found in right]
    assert row.searches == len(known)
    assert row.unknown == len(outcomes) - len(known)
    assert row.at_1 == share((slow_rank(one) or 999) == 1 for one in known)
    assert row.at_5 == share((slow_rank(one) or 999) < 6 for one in known)
    assert row.at_50 == share((slow_rank(one) or one.deep_rank or 999) < 51 for one in known)
    assert row.proven == share(verdict not in {"similar", NOT_FOUND} for verdict in verdicts)
    assert row.at_precision == share(found is not None and found.score >= sure for found in right)
    assert sum(row.called.values()) == len(known)
    assert all(number == verdicts.count(verdict) for verdict, number in row.called.items())
    assert row.rightly_called == share(
        verdict in {wanted.value for wanted in EDITS[one.edit].verdicts}
        for one, verdict in zip(known, verdicts, strict=True)
    )
    for k in PROPOSED_AT:
        assert row.proposed_at[k] == share(one.candidate_rank in range(1, k + 1) for one in known)
    assert row.alarms == sum(
        any(found.verdict != "similar" for found in one.predictions) for one in outcomes if not one.known
    )


@given(outcomes=st.lists(searches(), min_size=1, max_size=12))
def test_all_numbers_are_what_the_slow_way_says(outcomes: list[Outcome]) -> None:
    evaluation = summarised(outcomes, images=9, neutral=0, rate=0.25, asked_candidates=True)
    sure = slow_score(outcomes)
    assert evaluation.score_at_precision == (None if sure == float("inf") else sure)
    check_row(evaluation.total, outcomes, sure)
    assert {row.name for row in evaluation.rows} == {one.edit for one in outcomes}
    for row in evaluation.rows:
        check_row(row, [one for one in outcomes if one.edit == row.name], sure)
    assert evaluation.lowest.at_1 == min(row.at_1 for row in evaluation.rows)
    for verdict, number in evaluation.unknown_called.items():
        best = [
            sorted(one.predictions, key=lambda f: -f.score)[0].verdict.value if one.predictions else NOT_FOUND
            for one in outcomes
            if not one.known
        ]
        assert number == best.count(verdict)
    found = [(f.verdict.value, f.right) for one in outcomes for f in one.predictions]
    for verdict, count in evaluation.verdicts.items():
        assert (count.right, count.wrong) == (found.count((verdict, True)), found.count((verdict, False)))
