"""How often is an image found after each edit, among all others of the set, and how often is one made up.

Query images are drawn from the photograph-like sets (`--sets`); as many others of those sets are kept out of
the library and edited likewise: for them nothing should be found. All images of the set but those and the
broken ones are in the library. Images that the set knows to show the same count neither way; `--data` may
also name any other folder of images.

Every image is edited in the ways of `echo_image.evaluate.edits`. The first table tells how often the image
was the first match, among the first 5 and 50, called proven, found with a score that lets one wrong match in
10,000 through over all searches (`.9999`), and among the first 1, 5, 50 and 200 candidates before
verification; and how many of the images kept out got a match that is called proven. The second tells what the
images were called, and the best match of those kept out.

With `--build` the library is made and kept, and a file beside it, `NAME.queries.json`, tells which images are
searched for and which were kept out. With `--library` such a library is searched, and not changed: others may
have added to it in between.

    python -m benchmarks.edits --data FOLDER [--queries N] [--edits NAMES] [--seed S] [--json]
    python -m benchmarks.edits --data FOLDER --build LIBRARY --queries N
    python -m benchmarks.edits --data FOLDER --library LIBRARY [--queries N]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.dataset import PHOTO_SETS, Chosen, Dataset, choose, record_of, samples_of
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import Library, NotFound, open_library
from echo_image.evaluate import Evaluation, Options, Row, Sample, chosen_edits, run
from echo_image.evaluate.outcomes import PROPOSED_AT

__all__ = ["build", "edit_options", "prepared", "tables"]

_SAID_EVERY = 500


def edit_options(parser: argparse.ArgumentParser, *, queries: int) -> None:
    """Add the options that choose images and edits."""
    parser.add_argument("--queries", type=int, default=queries, help=f"images of each kind ({queries})")
    parser.add_argument("--edits", type=_names, help="edits or families, by commas (default: all)")
    parser.add_argument("--sets", type=_names, default=list(PHOTO_SETS), help="folders to draw from")
    parser.add_argument("--seed", type=int, default=0, help="of the choice and of the edits")


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _progress(done: int, total: int, _: str) -> None:
    if done % _SAID_EVERY == 0:
        say(f"{done} of {total} searches")


def tables(evaluation: Evaluation) -> list[Table]:
    """Return what is printed: how often each edit was found, what it was called, and what holds for all."""
    rows = (*evaluation.rows, evaluation.total)
    return [_found(rows, evaluation.precision), _called(evaluation), _totals(evaluation)]


def _found(rows: Sequence[Row], precision: float) -> Table:
    proposed = [f"proposed {PROPOSED_AT[0]}", *map(str, PROPOSED_AT[1:])]
    sure = f"{precision}".removeprefix("0")
    head = ["edit", "searches", "first", "first 5", "first 50", "proven", sure, *proposed, "false alarms"]
    cells = [
        [r.name, r.searches, r.at_1, r.at_5, r.at_50, r.proven, r.at_precision]
        + [r.proposed_at[k] for k in PROPOSED_AT]
        + [f"{r.alarms} of {r.unknown}"]
        for r in rows
    ]
    return Table(head, cells)


def _called(evaluation: Evaluation) -> Table:
    head = ["called", *evaluation.total.called, "rightly"]
    rows: list[list[object]] = [
        [row.name, *row.called.values(), row.rightly_called] for row in (*evaluation.rows, evaluation.total)
    ]
    return Table(head, [*rows, ["best match of those kept out", *evaluation.unknown_called.values(), ""]])


def _totals(evaluation: Evaluation) -> Table:
    totals: list[list[object]] = [
        ["lowest of the edits, found first", f"{evaluation.lowest.at_1:.3f} ({evaluation.lowest.name})"],
        ["micro average precision", evaluation.micro_ap],
        [f"recall at precision {evaluation.precision}", evaluation.recall_at_precision],
        ["score from which on it is kept", evaluation.score_at_precision],
    ]
    for name, count in evaluation.verdicts.items():
        share = "" if count.precision is None else f", precision {count.precision:.3f}"
        totals.append([f"called {name}, right and wrong", f"{count.right}, {count.wrong}{share}"])
    if evaluation.threshold is not None and evaluation.found_at_threshold is not None:
        threshold = evaluation.threshold
        totals += [
            [f"score for false alarms of {threshold.rate:g}", threshold.score],
            [f"searches of {threshold.searches} with nothing to find that reach it", threshold.alarms],
            ["share of the images found with it", evaluation.found_at_threshold],
        ]
    totals += [["search, p50 ms", evaluation.p50_ms], ["search, p95 ms", evaluation.p95_ms]]
    title = f"{evaluation.images} images, {evaluation.queries} edited, {evaluation.distractors} kept out"
    return Table([title, ""], totals)


def build(dataset: Dataset, place: Path, chosen: Chosen) -> None:
    """Make a library of what was chosen for it, and write down beside it what was kept out."""
    if place.exists():
        sys.exit(f"{place} is there already; --library searches it, another name builds another")
    with open_library(place) as library:
        library.add([dataset.absolute(path) for path in chosen.library])
        say(f"library of {library.info().images} images")
    chosen.write(record_of(place))


@contextmanager
def prepared(
    dataset: Dataset, args: argparse.Namespace
) -> Iterator[tuple[Library, list[Sample], list[Sample]]]:
    """Yield the library to be searched, and what is searched for: images that it has, and that it has not."""
    if args.library is not None:
        try:
            chosen = Chosen.read(record_of(args.library)).first(args.queries)
        except FileNotFoundError as error:
            sys.exit(f"{error.filename}: not there; --build makes a library with it")
        with open_library(args.library, create=False, read_only=True) as library:
            known, unknown = (samples_of(dataset, library, paths) for paths in (chosen.known, chosen.unknown))
            _check(library, known, unknown)
            yield library, known, unknown
        return
    chosen = choose(dataset, args.queries, sets=args.sets, seed=args.seed)
    with scratch(args) as folder:
        place = folder / "edits"
        shutil.rmtree(place, ignore_errors=True)  # one of another seed would hold what is kept out now
        with open_library(place) as library:
            library.add([dataset.absolute(path) for path in chosen.library])
            known, unknown = (samples_of(dataset, library, paths) for paths in (chosen.known, chosen.unknown))
            yield library, known, unknown


def _check(library: Library, known: Sequence[Sample], unknown: Sequence[Sample]) -> None:
    """End the program where a library does not hold what its record says."""
    for sample, wanted in [(sample, True) for sample in known] + [(sample, False) for sample in unknown]:
        try:
            library.image(sample.id)
        except NotFound:
            there = False
        else:
            there = True
        if there is not wanted:
            sys.exit(f"{sample.path} is {'not ' if wanted else ''}in the library, which its record denies")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    edit_options(parser, queries=40)
    parser.add_argument("--false-alarms", type=float, default=0.001, help="wanted share (0.001)")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--build", type=Path, metavar="LIBRARY", help="only make a library, and keep it")
    kept.add_argument("--library", type=Path, metavar="LIBRARY", help="search one made with --build")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    if args.build is not None:
        build(dataset, args.build, choose(dataset, args.queries, sets=args.sets, seed=args.seed))
        return
    with prepared(dataset, args) as (library, known, unknown):
        say(f"library of {library.info().images} images")
        how = Options(chosen_edits(args.edits), args.seed, args.false_alarms, candidates=True)
        evaluation = run(library, known, unknown, how, progress=_progress)
    report(args, {"seed": args.seed, **evaluation.to_dict()}, tables(evaluation))


if __name__ == "__main__":
    main()
