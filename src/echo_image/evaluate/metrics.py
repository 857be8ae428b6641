"""Numbers that say how good a ranking is, computed so that ties never help.

* recall@k: the share of queries whose image is among the first k.
* µAP, micro average precision: all predictions (query, image, score) of all queries, those of queries without
  a match included, in one list by descending score; the mean of the precision at each right prediction, where
  a right pair that is nowhere predicted counts as 0. So scores must mean the same for every query. As in
  Douze et al., "The 2021 Image Similarity Dataset and Challenge" (2021), section 4.
* recall at a wanted precision: of all thresholds that keep the precision, the one that finds most. The
  threshold is one for all queries; the recall can be told of each kind of them.
* verdicts: how many predictions of each verdict are right.
* the threshold for a wanted rate of false alarms.

Of equal scores the wrong predictions come first: an engine that gives everything the same score has no
ranking, whatever order it happens to return.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Threshold",
    "VerdictCount",
    "micro_average_precision",
    "pessimistic_rank",
    "recall_at",
    "recall_at_precision",
    "threshold_at_precision",
    "threshold_for",
    "verdict_counts",
]


def pessimistic_rank(right: Iterable[float], wrong: Iterable[float]) -> int | None:
    """Return the rank, from 1, of the best right prediction of one query; None where there is none.

    Args:
        right, wrong: scores, larger is better. A wrong one with the same score goes before.

    Example:
        >>> pessimistic_rank([0.5], [0.9, 0.5, 0.1])
        3
    """
    best = max(right, default=None)
    return None if best is None else 1 + sum(score >= best for score in wrong)


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """Return the share of queries whose image has a rank of at most `k`; 0 without queries.

    Args:
        ranks: from 1; None for what was not found.
        k: at least 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks) if ranks else 0.0


def micro_average_precision(scores: ArrayLike, right: ArrayLike, num_positives: int) -> float:
    """Return µAP, 0..1; 0 where there is nothing to be found.

    Args:
        scores: (N,) of all predictions of all queries.
        right: (N,) bool, which of them are right. No pair may be predicted twice.
        num_positives: pairs that should be found, predicted or not; at least the number of right ones.

    Raises:
        ValueError: the shapes differ, a score is NaN, or more are right than there are to be found.

    Cost: O(N log N).
    """
    _, ordered = _ordered(scores, right, num_positives)
    if num_positives == 0:
        return 0.0
    found = np.cumsum(ordered)
    precision = found / np.arange(1, len(ordered) + 1)
    return float(precision[ordered].sum() / num_positives)


def recall_at_precision(scores: ArrayLike, right: ArrayLike, num_positives: int, precision: float) -> float:
    """Return the largest recall of any threshold on the score that keeps the precision; 0 where none does.

    Args:
        scores, right, num_positives: as for `micro_average_precision`.
        precision: wanted, 0..1, of all predictions at or above the threshold.

    Raises:
        ValueError: as for `micro_average_precision`.
    """
    _, ordered = _ordered(scores, right, num_positives)
    stop = _stop_at_precision(ordered, precision)
    return float(ordered[:stop].sum() / num_positives) if num_positives else 0.0


def threshold_at_precision(scores: ArrayLike, right: ArrayLike, precision: float) -> float | None:
    """Return the score from which on the most is found while the precision is kept; None where none keeps it.

    Of several that find as much it is the largest. One threshold is taken over all predictions of all
    queries; what it finds of some of them, such as those of one edit, is their recall at that precision.

    Args:
        scores, right: as for `micro_average_precision`.
        precision: wanted, 0..1, of all predictions at or above the threshold.

    Raises:
        ValueError: the shapes differ, or a score is NaN.
    """
    values, ordered = _ordered(scores, right, None)
    stop = _stop_at_precision(ordered, precision)
    return float(values[stop - 1]) if stop else None


def _stop_at_precision(ordered: NDArray[np.bool_], precision: float) -> int:
    """Return how many of the ordered predictions a threshold should take; 0 where it finds nothing anyway."""
    if not ordered.any():
        return 0
    # A threshold takes all of what has the same score. As the wrong of them come first, precision and what is
    # found only rise from the first right one to the last, so the best place to stop is never amid them.
    found = np.cumsum(ordered)
    keeps = found / np.arange(1, len(ordered) + 1) >= precision
    kept = np.where(keeps, found, 0)
    return int(kept.argmax()) + 1 if kept.any() else 0


def _ordered(
    scores: ArrayLike, right: ArrayLike, num_positives: int | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores, descending, and which are right; of equal scores the wrong ones first."""
    values, truth = np.asarray(scores, np.float64), np.asarray(right, np.bool_)
    if values.shape != truth.shape or values.ndim != 1:
        raise ValueError(f"one flag for each score is needed, not {truth.shape} for {values.shape}")
    if np.isnan(values).any():
        raise ValueError("a score is not a number")
    if num_positives is not None and truth.sum() > num_positives:
        raise ValueError(f"{truth.sum()} predictions are right, but only {num_positives} are to be found")
    order = np.lexsort((truth, -values))
    return values[order], truth[order]


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """What became of one verdict.

    Attributes:
        right, wrong: predictions with this verdict that are so.
    """

    right: int
    wrong: int

    @property
    def precision(self) -> float | None:
        """The share that is right; None where there are none."""
        total = self.right + self.wrong
        return self.right / total if total else None

    def to_dict(self) -> dict[str, object]:
        """Return the counts and the precision as JSON."""
        return {"right": self.right, "wrong": self.wrong, "precision": self.precision}


def verdict_counts(
    predictions: Iterable[tuple[str, bool]], verdicts: Iterable[str]
) -> Mapping[str, VerdictCount]:
    """Return for each verdict how many of its predictions are right and how many wrong.

    Args:
        predictions: (verdict, right).
        verdicts: all there are, in the order wanted; one that never came has zeros.

    Raises:
        ValueError: a prediction has another verdict.
    """
    names = list(verdicts)
    counts = Counter(predictions)
    unknown = {verdict for verdict, _ in counts} - set(names)
    if unknown:
        raise ValueError(f"unknown verdicts: {', '.join(sorted(unknown))}")
    return {name: VerdictCount(counts[name, True], counts[name, False]) for name in names}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which on matches are taken, and what it costs.

    Attributes:
        rate: wanted share of queries without a match that get one all the same.
        score: the smallest that keeps the rate.
        alarms: queries without a match that reach it.
        searches: queries without a match that were tried. No rate below 1 / `searches` can be seen in them.
    """

    rate: float
    score: float
    alarms: int
    searches: int

    @property
    def can_be_seen(self) -> bool:
        """Whether there were searches enough for one alarm to be allowed."""
        return self.rate * self.searches >= 1

    def to_dict(self) -> dict[str, object]:
        """Return the fields as JSON."""
        return {
            "rate": self.rate,
            "score": self.score,
            "alarms": self.alarms,
            "searches": self.searches,
            "can_be_seen": self.can_be_seen,
        }


def threshold_for(best_wrong: Sequence[float], rate: float, *, step: float = 1.0) -> Threshold:
    """Return the smallest score that at most a share of the queries without a match reaches.

    Args:
        best_wrong: the best score that each query without a match got; 0 for those that got nothing.
        rate: wanted share of false alarms, 0..1.
        step: scores are multiples of this, and so is the threshold.

    Raises:
        ValueError: the rate is no share, or there are no queries.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate must lie between 0 and 1, not {rate}")
    if not best_wrong:
        raise ValueError("without queries that have no match there are no false alarms to be counted")
    descending = sorted(best_wrong, reverse=True)
    # 0.1 of 10 queries is 1, although the float 0.1 may be a little less than a tenth.
    allowed = math.floor(rate * len(descending) + 1e-9)
    first_refused = [*descending, -step][allowed]
    score = step * (math.floor(first_refused / step + 1e-9) + 1)
    return Threshold(rate, score, sum(value >= score for value in descending), len(descending))
