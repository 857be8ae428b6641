"""The fit of the score: a logistic regression on the evidence of pairs, beside the numbers in the code.

Pairs that show the same: edited images with their originals (`benchmarks.edits` draws both), and the known
pairs of tiers 1 to 3. Pairs that do not: for each query the first wrong candidates, which are the hard ones;
queries are also images of sets whose members look alike (`KINDS`): flags, charts, receipts, labels. What the
set knows to show the same as a query is in neither. The edit `inverted` is left out: a search inverts the
query first.

Two images of one set in `SHARING` are in neither: flags with one canton, charts with one axis and receipts of
one shop share a piece, and the set does not say which; `benchmarks.negatives` counts those.

The terms are those of `echo_image.verify.decide`; that they still are is checked by asking that module.
The fit is made on one half of the query images, by their paths, and all else is measured on the other half:
precision and recall at 50 of the fit, of the coefficients in the code, and of the code's whole decision with
its conditions; the precision of each verdict; and for scores from … to …, how many pairs show the same. With
`--json` every pair that the code takes wrongly is named: some show the same after all.

    python -m benchmarks.calibrate --data FOLDER [--queries N] [--pairs N] [--kinds N] [--wrong N] [--json]
"""

from __future__ import annotations

import shutil
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dataset import Dataset, choose, neutral_of, samples_of
from benchmarks.edits import edit_options
from benchmarks.fitting import TERMS, at_50, fitted, in_code, likely, terms
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import EchoImageError, Image, ImageRecord, Library, decode, open_library
from echo_image.evaluate import Options, chosen_edits, trials
from echo_image.image import from_array
from echo_image.retrieval.candidates import Candidate, Shortlists, propose
from echo_image.retrieval.query import Prepared, prepare, stored_reference
from echo_image.store import Store
from echo_image.verify import decide, describe
from echo_image.verify.changes import COVERED
from echo_image.verify.measure import Evidence, Hands, measure

#: Sets whose images look alike and are not the same.
KINDS = ("flags", "charts_vegalite", "receipts_sroie", "beer_labels")
#: Those of them whose images truly share pieces with one another.
SHARING = ("flags", "charts_vegalite", "receipts_sroie")
#: Scores between which pairs are counted.
SCORES = (0, 15, 30, 50, 70, 90, 97, 100)

_TIERS = (1, 2, 3)
_TURNED_BEFORE = "inverted"
_SAID_EVERY = 200


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A query, where it is from, the locations of what shows the same, and those that count neither way."""

    path: str
    image: Image
    right: frozenset[str]
    neutral: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One pair: what was measured, what the code makes of it, and whether both show the same."""

    query: str
    location: str
    evidence: Evidence
    score: float
    verdict: str
    right: bool

    @property
    def is_held_out(self) -> bool:
        """Whether it is measured on rather than fitted to: by the image that is searched with."""
        return zlib.crc32(Path(self.query).name.encode()) % 2 == 1

    @property
    def is_taken(self) -> bool:
        """Whether the code calls proven what does not show the same, or is not known to."""
        return not self.right and self.score >= decide.PROVEN_SCORE


class Pairs:
    """Measures the pairs of questions with a library.

    Args:
        library: that is asked for candidates.
        store: the same, opened a second time.
        wrong: pairs of different images taken of each question, the most promising ones.
    """

    def __init__(self, library: Library, store: Store, pool: ThreadPoolExecutor, *, wrong: int) -> None:
        self._store, self._pool, self._wrong = store, pool, wrong
        self._records: dict[str, ImageRecord] = {}
        after = None
        while page := library.images(after=after, limit=500):
            self._records |= {place: record for record in page for place in record.locations}
            after = page[-1].id

    def measured(self, question: Question) -> list[Measured]:
        """Return the pairs of a question with what shows the same, and with the first wrong candidates."""
        query = prepare(question.image)
        proposed = propose(self._store.snapshot(), query, Shortlists(), self._pool)
        records = self._store.catalogue.records([candidate.key for candidate in proposed])
        hands = {candidate.key: candidate.hands for candidate in proposed}
        right = {
            self._records[place].key: self._records[place] for place in question.right & self._records.keys()
        }
        wrong = [records[c.key] for c in proposed if self._is_wrong(c, records, question, right)]
        return [
            self._pair(question.path, query, record, hands.get(record.key, Hands.BOTH), record.key in right)
            for record in [*right.values(), *wrong[: self._wrong]]
        ]

    @staticmethod
    def _is_wrong(
        candidate: Candidate, records: dict[int, ImageRecord], question: Question, right: dict[int, Any]
    ) -> bool:
        record = records.get(candidate.key)
        return (
            record is not None
            and candidate.key not in right
            and not _share_a_piece(question.path, record.locations[0])
            and not question.neutral.intersection(record.locations)
        )

    def _pair(self, path: str, query: Prepared, record: ImageRecord, hands: Hands, right: bool) -> Measured:
        reference = stored_reference(
            self._store.stored([record.key])[record.key],
            self._store.thumbnails([record.key])[record.key],
            width=record.width,
            height=record.height,
            quality=record.quality,
        )
        evidence = measure(query.subject, query.features, reference, hands)
        transform = describe.transform_of(evidence, query.subject.size, reference.size)
        shapes = [subject.size[0] / subject.size[1] for subject in (query.subject, reference)]
        decision = decide.decide(
            evidence,
            rotation_deg=transform.rotation_deg,
            stretch=transform.stretch,
            aspect_ratio=shapes[0] / shapes[1],
            covered=COVERED in transform.changes,
        )
        # The aligned images are the bulk of it, and thousands of pairs are kept.
        slim = replace(evidence, alignment=None)
        return Measured(path, record.locations[0], slim, decision.score, decision.verdict.value, right)


def _share_a_piece(one: str, two: str) -> bool:
    folders = [Path(path.removeprefix("file://")).parent.name for path in (one, two)]
    return folders[0] == folders[1] and folders[0] in SHARING


def edited(
    dataset: Dataset, library: Library, how: Options, samples: Sequence[Sequence[str]]
) -> Iterator[Question]:
    """Yield every edit of the known and of the unknown images."""
    known, unknown = (samples_of(dataset, library, paths) for paths in samples)
    for trial in trials(known, unknown, how):
        right = frozenset({trial.sample.path}) if trial.known else frozenset()
        yield Question(trial.sample.path, from_array(trial.pixels), right, trial.neutral - right)


def paired(dataset: Dataset, num: int, *, seed: int) -> Iterator[Question]:
    """Yield the queries of some pairs of the set."""
    pairs = sorted({(pair.query, pair.reference) for pair in dataset.pairs if pair.tier in _TIERS})
    for index in np.random.default_rng(seed).permutation(len(pairs))[:num]:
        query, reference = pairs[int(index)]
        right = frozenset({dataset.absolute(reference)})
        yield from _asked(dataset, query, right)


def of_one_kind(dataset: Dataset, num: int, *, seed: int) -> Iterator[Question]:
    """Yield images of the sets whose members look alike; none of them shows the same as another."""
    paths = [path for path in dataset.images if path.split("/", 1)[0] in KINDS]
    for index in np.random.default_rng(seed).permutation(len(paths))[:num]:
        yield from _asked(dataset, paths[int(index)], frozenset())


def _asked(dataset: Dataset, path: str, right: frozenset[str]) -> Iterator[Question]:
    neutral = (neutral_of(dataset, path) | {dataset.absolute(path)}) - right
    try:
        image = decode(Path(dataset.absolute(path)).read_bytes())
        yield Question(dataset.absolute(path), image, right, neutral)
    except EchoImageError as error:
        say(f"left out: {error}")


def summary(pairs: Sequence[Measured]) -> tuple[dict[str, Any], list[Table]]:
    """Return the numbers and tables of a fit; there must be a pair of each kind."""
    fitted_to = [pair for pair in pairs if not pair.is_held_out] or pairs
    fit = fitted(
        np.array([terms(pair.evidence) for pair in fitted_to]), np.array([pair.right for pair in fitted_to])
    )
    pairs = [pair for pair in pairs if pair.is_held_out] or pairs
    values = np.array([terms(pair.evidence) for pair in pairs])
    right = np.array([pair.right for pair in pairs])
    code, deviation = in_code(pairs[0].evidence)
    if deviation > 1e-3:
        say(f"verify.decide no longer uses these terms alone: it deviates by {deviation:.3f}")
    choices = {
        "the fit": likely(values @ fit) >= 0.5,
        "the coefficients in the code": likely(values @ code) >= 0.5,
        "the whole decision in the code": np.array([pair.score for pair in pairs]) >= decide.PROVEN_SCORE,
    }
    at = {name: at_50(chosen, right) for name, chosen in choices.items()}
    numbers: dict[str, Any] = {
        "fitted_to": len(fitted_to),
        "right": int(right.sum()),
        "wrong": int((~right).sum()),
        "terms": list(TERMS),
        "fitted": fit.tolist(),
        "in_code": code.tolist(),
        "deviation": deviation,
        "at_50": {name: dict(zip(("precision", "recall", "wrong"), at[name], strict=True)) for name in at},
    }
    taken = Counter((pair.query, pair.location) for pair in pairs if pair.is_taken)
    numbers["taken"] = [[*names, times] for names, times in taken.most_common()]
    numbers["verdicts"] = _counts(pairs, lambda pair: pair.verdict)
    numbers["scores"] = _counts(pairs, lambda pair: _between(pair.score))
    title = f"held out: {numbers['right']} pairs that show the same, {numbers['wrong']} that do not"
    return numbers, [
        Table(
            ["term", "fitted", "in the code"],
            [list(row) for row in zip(TERMS, fit.tolist(), code.tolist(), strict=True)],
        ),
        Table([title, "precision", "recall", "wrong"], [[name, *at[name]] for name in at]),
        *(
            Table([name, "right", "wrong", "precision"], [list(row) for row in numbers[name]])
            for name in ("verdicts", "scores")
        ),
    ]


def _counts(pairs: Sequence[Measured], name: Callable[[Measured], str]) -> list[tuple[str, int, int, float]]:
    """Return for each name how many pairs show the same, how many do not, and the share of the former."""
    right = Counter(name(pair) for pair in pairs if pair.right)
    wrong = Counter(name(pair) for pair in pairs if not pair.right)
    return [
        (key, right[key], wrong[key], right[key] / (right[key] + wrong[key]))
        for key in sorted(right.keys() | wrong.keys())
    ]


def _between(score: float) -> str:
    place = int(np.searchsorted(SCORES, score, side="right"))
    return f"{SCORES[place - 1]:02d} to {SCORES[min(place, len(SCORES) - 1)]}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    edit_options(parser, queries=8)
    parser.add_argument("--pairs", type=int, default=300, help="known pairs of tiers 1 to 3 (300)")
    parser.add_argument(
        "--kinds", type=int, default=150, help="images of sets whose members look alike (150)"
    )
    parser.add_argument("--wrong", type=int, default=6, help="wrong pairs of each query (6)")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    chosen = choose(dataset, args.queries, sets=args.sets, seed=args.seed)
    edits = tuple(edit for edit in chosen_edits(args.edits) if edit.name != _TURNED_BEFORE)
    with scratch(args) as folder, ThreadPoolExecutor() as pool:
        place = folder / "calibrate"
        shutil.rmtree(place, ignore_errors=True)
        with open_library(place) as library:
            library.add([dataset.absolute(path) for path in chosen.library])
            store = Store(place, create=False, read_only=True)
            try:
                measuring = Pairs(library, store, pool, wrong=args.wrong)
                pairs: list[Measured] = []
                questions = [
                    edited(dataset, library, Options(edits, args.seed), (chosen.known, chosen.unknown)),
                    paired(dataset, args.pairs, seed=args.seed),
                    of_one_kind(dataset, args.kinds, seed=args.seed),
                ]
                for number, question in enumerate(chain.from_iterable(questions), start=1):
                    pairs += measuring.measured(question)
                    if number % _SAID_EVERY == 0:
                        say(f"{number} queries, {len(pairs)} pairs")
            finally:
                store.close()
    if len({pair.right for pair in pairs}) < 2:
        sys.exit("pairs of both kinds are needed: give a larger folder, or more --queries")
    numbers, tables = summary(pairs)
    report(args, numbers, tables)


if __name__ == "__main__":
    main()
