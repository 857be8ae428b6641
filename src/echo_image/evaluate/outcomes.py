"""What came of every search, and the numbers made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from echo_image import Verdict
from echo_image.evaluate import metrics
from echo_image.evaluate.edits import EDITS
from echo_image.evaluate.metrics import Threshold, VerdictCount

__all__ = [
    "NOT_FOUND",
    "PRECISION",
    "PROPOSED_AT",
    "Evaluation",
    "Outcome",
    "Prediction",
    "Row",
    "summarised",
]

#: The precision at which a recall is told: one wrong match in 10,000.
PRECISION = 0.9999
#: Numbers of candidates among which an image is looked for.
PROPOSED_AT = (1, 5, 50, 200)
#: Stands among the verdicts for an image that was not found.
NOT_FOUND = "not found"
_PROPOSED = 50
_DEEP = 50


@dataclass(frozen=True, slots=True)
class Prediction:
    """One match of one search that counts.

    Attributes:
        location: of the image that was found.
        score: 0..100.
        verdict: of the match.
        right: it is the image that was edited.
    """

    location: str
    score: float
    verdict: Verdict
    right: bool

    @property
    def is_proven(self) -> bool:
        """Whether more was said than that it looks alike."""
        return self.verdict is not Verdict.SIMILAR


def rank_of(predictions: Iterable[Prediction]) -> int | None:
    """Return the rank of the image among matches, from 1, behind wrong ones with its score; or None."""
    listed = list(predictions)
    return metrics.pessimistic_rank(
        (found.score for found in listed if found.right),
        (found.score for found in listed if not found.right),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one search.

    Attributes:
        edit: name of the edit.
        path: of the image that was edited.
        known: that image is in the library; else nothing should be found.
        predictions: the matches that count, best first.
        candidate_rank: rank of the image among the candidates, from 1; None where it was not proposed, where
            nobody asked, or where it is not in the library.
        seconds: the search took.
        deep_rank: rank of the image, if it was not found, when the search is asked for 50 matches; None where
            it was not found again.
    """

    edit: str
    path: str
    known: bool
    predictions: tuple[Prediction, ...]
    candidate_rank: int | None
    seconds: float
    deep_rank: int | None = None

    @property
    def rank(self) -> int | None:
        """Rank of the image among the matches that count, from 1; None where it is not among them."""
        return rank_of(self.predictions)

    @property
    def found(self) -> Prediction | None:
        """The match that is the image; None where it is not among them."""
        return next((found for found in self.predictions if found.right), None)

    @property
    def best_wrong(self) -> float:
        """Score of the best match that is not the image; 0 where there is none."""
        return max((found.score for found in self.predictions if not found.right), default=0.0)

    @property
    def alarms(self) -> tuple[Prediction, ...]:
        """The matches that are called proven and are not the image."""
        return tuple(found for found in self.predictions if found.is_proven and not found.right)

    @property
    def verdict(self) -> str:
        """What was said of the image: a verdict, or `NOT_FOUND`."""
        return NOT_FOUND if self.found is None else self.found.verdict.value

    @property
    def best_verdict(self) -> str:
        """What was said of the match with the highest score; `NOT_FOUND` where there is none."""
        best = max(self.predictions, key=lambda found: found.score, default=None)
        return NOT_FOUND if best is None else best.verdict.value

    @property
    def is_rightly_called(self) -> bool:
        """Whether the image was found and the verdict is one of those that say what was done."""
        return self.found is not None and self.found.verdict in EDITS[self.edit].verdicts


@dataclass(frozen=True, slots=True)
class Row:
    """What came of the searches with one edit, or with all.

    Attributes:
        name: of the edit.
        family: of the edit; empty for all.
        searches: with images that are in the library.
        at_1, at_5, at_50: share of them whose image was the first match, among the first five, among 50.
        proven: share of them whose image was found and called proven.
        at_precision: share of them whose image was found with a score that keeps the precision
            `Evaluation.precision` over all searches with all edits.
        called: how many of them were called what; the verdicts and `NOT_FOUND`.
        rightly_called: share of them whose verdict is one that the edit should get.
        proposed: share of them whose image was among the first 50 candidates; None where nobody asked.
        proposed_at: the same for several numbers of candidates, `PROPOSED_AT`; empty where nobody asked.
        unknown: searches with images that are not in the library.
        alarms: how many of those got a match that is called proven.
    """

    name: str
    family: str
    searches: int
    at_1: float
    at_5: float
    at_50: float
    proven: float
    at_precision: float
    called: Mapping[str, int]
    rightly_called: float
    proposed: float | None
    proposed_at: Mapping[int, float]
    unknown: int
    alarms: int

    def to_dict(self) -> dict[str, object]:
        """Return the fields as JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"called": dict(self.called), "proposed_at": dict(self.proposed_at)}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        images: in the library.
        queries: images of the library that were edited and searched for.
        distractors: images that are not in the library, edited likewise.
        rows: one for each edit.
        total: over all edits. Each has as many searches, so these are the means over the edits as well.
        micro_ap: over all predictions of all searches, 0..1.
        precision: wanted of the next, 0..1.
        recall_at_precision: share of the images found by the threshold that keeps that precision.
        score_at_precision: that threshold; None where no score keeps the precision.
        verdicts: right and wrong matches by verdict.
        unknown_called: what the best match of each search with nothing to find was called; `NOT_FOUND` for
            those without any.
        threshold: for the wanted rate of false alarms; None without distractors.
        found_at_threshold: share of the images found with that score; None likewise.
        p50_ms, p95_ms: of the time of a search.
        neutral: images of the library that counted neither way in some search.
        outcomes: of every search.
    """

    images: int
    queries: int
    distractors: int
    rows: tuple[Row, ...]
    total: Row
    micro_ap: float
    precision: float
    recall_at_precision: float
    score_at_precision: float | None
    verdicts: Mapping[str, VerdictCount]
    unknown_called: Mapping[str, int]
    threshold: Threshold | None
    found_at_threshold: float | None
    p50_ms: float
    p95_ms: float
    neutral: int
    outcomes: tuple[Outcome, ...] = field(repr=False)

    @property
    def lowest(self) -> Row:
        """The edit after which the image was the first match least often; of several the first."""
        return min(self.rows, key=lambda row: row.at_1)

    @property
    def missed(self) -> list[Outcome]:
        """The searches whose image was not the first match."""
        return [outcome for outcome in self.outcomes if outcome.known and outcome.rank != 1]

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON; of the searches only what was missed or wrongly called proven."""
        return {
            "images": self.images,
            "queries": self.queries,
            "distractors": self.distractors,
            "edits": [row.to_dict() for row in self.rows],
            "total": self.total.to_dict(),
            "lowest": self.lowest.name,
            "micro_ap": self.micro_ap,
            "precision": self.precision,
            "recall_at_precision": self.recall_at_precision,
            "score_at_precision": self.score_at_precision,
            "verdicts": {name: count.to_dict() for name, count in self.verdicts.items()},
            "unknown_called": dict(self.unknown_called),
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            "found_at_threshold": self.found_at_threshold,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "neutral": self.neutral,
            "missed": [
                {"edit": one.edit, "path": one.path, "rank": one.rank, "candidate_rank": one.candidate_rank}
                for one in self.missed
            ],
            "wrongly_called": [
                {"edit": one.edit, "path": one.path, "verdict": one.verdict}
                for one in self.outcomes
                if one.known and one.found is not None and not one.is_rightly_called
            ],
            "alarms": [
                {"edit": one.edit, "path": one.path, "location": found.location, "score": found.score}
                for one in self.outcomes
                for found in one.alarms
            ],
        }


def summarised(
    outcomes: Sequence[Outcome], *, images: int, neutral: int, rate: float, asked_candidates: bool
) -> Evaluation:
    """Return the numbers of a run.

    Args:
        outcomes: of every search, at least one.
        images: in the library.
        neutral: images of the library that counted neither way.
        rate: wanted share of false alarms, 0..1.
        asked_candidates: the ranks of candidates were taken.
    """
    known = [outcome for outcome in outcomes if outcome.known]
    unknown = [outcome for outcome in outcomes if not outcome.known]
    predictions = [found for outcome in outcomes for found in outcome.predictions]
    scores, right = [found.score for found in predictions], [found.right for found in predictions]
    threshold = metrics.threshold_for([outcome.best_wrong for outcome in unknown], rate) if unknown else None
    sure = metrics.threshold_at_precision(scores, right, PRECISION)
    of_edit: dict[str, list[Outcome]] = {name: [] for name in EDITS}
    for outcome in outcomes:
        of_edit[outcome.edit].append(outcome)
    milliseconds = [1000 * outcome.seconds for outcome in outcomes]
    return Evaluation(
        images=images,
        queries=len({outcome.path for outcome in known}),
        distractors=len({outcome.path for outcome in unknown}),
        rows=tuple(
            _row(name, EDITS[name].family, part, sure, asked_candidates)
            for name, part in of_edit.items()
            if part
        ),
        total=_row("all", "", outcomes, sure, asked_candidates),
        micro_ap=metrics.micro_average_precision(scores, right, len(known)),
        precision=PRECISION,
        recall_at_precision=metrics.recall_at_precision(scores, right, len(known), PRECISION),
        score_at_precision=sure,
        verdicts=metrics.verdict_counts(
            ((found.verdict.value, found.right) for found in predictions),
            [verdict.value for verdict in Verdict],
        ),
        unknown_called=_counted(one.best_verdict for one in unknown),
        threshold=threshold,
        found_at_threshold=None if threshold is None else _found_from(known, threshold.score),
        p50_ms=float(np.percentile(milliseconds, 50)),
        p95_ms=float(np.percentile(milliseconds, 95)),
        neutral=neutral,
        outcomes=tuple(outcomes),
    )


def _row(
    name: str, family: str, outcomes: Sequence[Outcome], sure: float | None, asked_candidates: bool
) -> Row:
    known = [outcome for outcome in outcomes if outcome.known]
    unknown = [outcome for outcome in outcomes if not outcome.known]
    ranks = [outcome.rank for outcome in known]
    deep = [outcome.deep_rank if rank is None else rank for outcome, rank in zip(known, ranks, strict=True)]
    candidates = [outcome.candidate_rank for outcome in known]
    proposed_at = {k: metrics.recall_at(candidates, k) for k in PROPOSED_AT} if asked_candidates else {}
    return Row(
        name=name,
        family=str(family),
        searches=len(known),
        at_1=metrics.recall_at(ranks, 1),
        at_5=metrics.recall_at(ranks, 5),
        at_50=metrics.recall_at(deep, _DEEP),
        proven=_share(outcome.found is not None and outcome.found.is_proven for outcome in known),
        at_precision=0.0 if sure is None else _found_from(known, sure),
        called=_counted(outcome.verdict for outcome in known),
        rightly_called=_share(outcome.is_rightly_called for outcome in known),
        proposed=proposed_at.get(_PROPOSED),
        proposed_at=proposed_at,
        unknown=len(unknown),
        alarms=sum(bool(outcome.alarms) for outcome in unknown),
    )


def _counted(verdicts: Iterable[str]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in (*(verdict.value for verdict in Verdict), NOT_FOUND)}


def _found_from(known: Sequence[Outcome], score: float) -> float:
    return _share(one.found is not None and one.found.score >= score for one in known)


def _share(flags: Iterable[bool]) -> float:
    listed = list(flags)
    return sum(listed) / len(listed) if listed else 0.0
