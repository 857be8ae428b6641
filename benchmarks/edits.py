"""How often is an image found after each edit, among all others of the set, and how often is one made up.

Query images are drawn from the photograph-like sets (`--sets`); as many others of those sets are kept out of
the library and edited likewise: for them nothing should be found. All images of the set but those and the
broken ones are in the library. Images that the set knows to show the same count neither way.

Every image is edited in the ways of `echo_image.evaluate.edits`. Columns: the image was the first match,
among the first five, called proven, among the first 50 candidates before verification; and how many of the
images kept out got a match that is called proven.

    python -m benchmarks.edits --data FOLDER [--queries N] [--edits NAMES] [--seed S] [--json]
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.dataset import Dataset
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import EchoImageError, Library, open_library
from echo_image.evaluate import Evaluation, Options, Sample, chosen_edits, run, sample_of

__all__ = ["PHOTO_SETS", "Chosen", "choose", "edit_options", "neutral_of", "samples_of"]

#: Sets of photographs and of things printed from them; not flags, charts, receipts and test images, and no
#: sets with several views of one thing that no pair tells of, such as shelves of a shop and videos.
PHOTO_SETS = (
    "bsds500",
    "clothing",
    "houses",
    "imagenet_sample",
    "nature_hires",
    "paintings_web",
    "posters",
    "trashnet",
    "webthumbs",
)

_SAID_EVERY = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """Paths below the folder of the data.

    Attributes:
        known: that are searched for.
        unknown: that are searched for and kept out of the library.
        library: that are in the library.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    library: tuple[str, ...]


def choose(dataset: Dataset, num: int, *, sets: Sequence[str], seed: int) -> Chosen:
    """Draw `num` images of each kind; fewer where the set has fewer. The images and the seed alone decide.

    Images of pairs and groups are not drawn: what they show stands in the library again.

    Args:
        dataset: the images.
        num: wanted of each kind.
        sets: names of folders; where no image lies in them, all images are drawn from.
        seed: of the choice.
    """
    paired = {path for pair in dataset.pairs for path in (pair.query, pair.reference)}
    single = [path for path in dataset.images if path not in paired and not dataset.alike(path)]
    pool = [path for path in single if path.split("/", 1)[0] in sets] or single or dataset.images
    num = min(num, len(pool) // 2)
    order = np.random.default_rng(seed).permutation(len(pool))[: 2 * num]
    drawn = [pool[int(index)] for index in order]
    unknown = tuple(drawn[num:])
    return Chosen(tuple(drawn[:num]), unknown, tuple(sorted(set(dataset.images) - set(unknown))))


def neutral_of(dataset: Dataset, path: str) -> frozenset[str]:
    """Return the locations that show the same as a path below the folder, as the set has it written down."""
    pairs = [(pair.query, pair.reference) for pair in dataset.pairs]
    partners = {b for a, b in pairs if a == path} | {a for a, b in pairs if b == path}
    return frozenset(dataset.absolute(other) for other in partners | dataset.alike(path))


def samples_of(dataset: Dataset, library: Library, paths: Sequence[str]) -> list[Sample]:
    """Return paths below the folder as samples; those that are too small or broken are left out, and said."""
    samples = []
    for path in paths:
        try:
            samples.append(sample_of(library, dataset.absolute(path), neutral=neutral_of(dataset, path)))
        except EchoImageError as error:
            say(f"left out: {error}")
    return samples


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
    """Return what is printed: one line for each edit, then what holds for all."""
    head = ["edit", "searches", "first", "first 5", "proven", "proposed", "false alarms"]
    rows = [
        [r.name, r.searches, r.at_1, r.at_5, r.proven, r.proposed, f"{r.alarms} of {r.unknown}"]
        for r in (*evaluation.rows, evaluation.total)
    ]
    verdicts: list[list[object]] = [
        [f"called {name}, right and wrong", f"{count.right}, {count.wrong}"]
        for name, count in evaluation.verdicts.items()
    ]
    totals: list[list[object]] = [
        ["micro average precision", evaluation.micro_ap],
        [f"recall at precision {evaluation.precision}", evaluation.recall_at_precision],
        *verdicts,
    ]
    if evaluation.threshold is not None and evaluation.found_at_threshold is not None:
        threshold = evaluation.threshold
        totals += [
            [f"score for false alarms of {threshold.rate:g}", threshold.score],
            [f"searches of {threshold.searches} with nothing to find that reach it", threshold.alarms],
            ["share of the images found with it", evaluation.found_at_threshold],
        ]
    totals += [["search, p50 ms", evaluation.p50_ms], ["search, p95 ms", evaluation.p95_ms]]
    title = f"{evaluation.images} images, {evaluation.queries} edited, {evaluation.distractors} kept out"
    return [Table(head, rows), Table([title, ""], totals)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    edit_options(parser, queries=40)
    parser.add_argument("--false-alarms", type=float, default=0.001, help="wanted share (0.001)")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    chosen = choose(dataset, args.queries, sets=args.sets, seed=args.seed)
    with scratch(args) as folder:
        place = folder / "edits"
        shutil.rmtree(place, ignore_errors=True)  # one of another seed would hold what is kept out now
        with open_library(place) as library:
            library.add([dataset.absolute(path) for path in chosen.library])
            known, unknown = (samples_of(dataset, library, paths) for paths in (chosen.known, chosen.unknown))
            say(f"library of {library.info().images} images")
            how = Options(chosen_edits(args.edits), args.seed, args.false_alarms, candidates=True)
            evaluation = run(library, known, unknown, how, progress=_progress)
    report(args, evaluation.to_dict(), tables(evaluation))


if __name__ == "__main__":
    main()
