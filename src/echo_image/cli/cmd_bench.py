"""`echo-image bench FOLDER`: how well your own images are found again after edits."""

from __future__ import annotations

import argparse
import math
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.parser import add_command
from echo_image.cli.progress import progress_bar
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column, key_value_rows
from echo_image.cli.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from echo_image import Library, Progress
    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal
    from echo_image.evaluate import Evaluation, ProgressCallback, Row, Sample
    from echo_image.settings import Settings

#: With all edits and as many images that are not in the library: 570 searches, about a minute on two cores.
DEFAULT_QUERIES = 5
DEFAULT_FALSE_ALARMS = 0.001

_SHOWN_ALARMS = 5

COLUMNS = (
    Column("edit"),
    Column("searches", right=True),
    Column("first", right=True),
    Column("in first 5", right=True),
    Column("proven", right=True),
    Column("at 99.99%", right=True),
    Column("false alarms", right=True),
)


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "bench",
        run,
        summary="measure how well your images are found after edits",
        description="Build a temporary library of a folder, edit some of its images in many ways (crops, "
        "rotations, captions, screenshots, collages, compression …), search for each, and print how often "
        "the image is found. As many images are kept out of the library and edited likewise: what is "
        "found for them is a false alarm. Proposes a score from which on matches can be trusted.",
        example="echo-image bench photos --queries 2 --edits codec,crop_50",
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of images, some hundred or more")
    parser.add_argument(
        "--library",
        metavar="LIBRARY",
        type=Path,
        help="search this library instead of a temporary one; images of the folder that are not in it are "
        "those for which nothing should be found",
    )
    parser.add_argument(
        "--queries",
        type=arguments.limit,
        metavar="N",
        default=DEFAULT_QUERIES,
        help=f"images to edit of each kind (default: {DEFAULT_QUERIES})",
    )
    parser.add_argument(
        "--edits",
        type=_names,
        metavar="NAMES",
        help="edits or families of edits, by commas, such as codec,crop_50 (default: all)",
    )
    parser.add_argument(
        "--seed", type=_seed, metavar="S", default=0, help="of the choice of images and of the edits"
    )
    parser.add_argument(
        "--false-alarms",
        type=_share,
        metavar="RATE",
        default=DEFAULT_FALSE_ALARMS,
        help="share of searches without a match that may get one, from 0 to 1 "
        f"(default: {DEFAULT_FALSE_ALARMS})",
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Choose images, search for their edits, and print what came of it."""
    from echo_image.evaluate import Options, chosen_edits
    from echo_image.evaluate import run as run_searches
    from echo_image.settings import Settings

    options = Options(chosen_edits(args.edits), args.seed, args.false_alarms)
    settings = Settings.load()
    with ExitStack() as stack:
        library, known, unknown = _prepared(args, settings, terminal, stack)
        with progress_bar(terminal, "searching") as show:
            evaluation = run_searches(library, known, unknown, options, progress=_adapted(show))
    if terminal.as_json:
        terminal.data({"seed": args.seed, **evaluation.to_dict()})
    else:
        _print(evaluation, terminal)
    _warn(evaluation, terminal)
    return DONE


def _prepared(
    args: argparse.Namespace, settings: Settings, terminal: Terminal, stack: ExitStack
) -> tuple[Library, list[Sample], list[Sample]]:
    from echo_image import open_library
    from echo_image.evaluate import hold_out, sample_of, samples_of_folder

    if args.library is not None:
        library = stack.enter_context(
            open_library(args.library, create=False, read_only=True, settings=settings)
        )
        return library, *samples_of_folder(library, args.folder, args.queries, seed=args.seed)
    place = stack.enter_context(tempfile.TemporaryDirectory(prefix="echo-image-bench-"))
    library = stack.enter_context(open_library(Path(place) / "library", settings=settings))
    with progress_bar(terminal, "adding") as show:
        added = library.add(args.folder, progress=show)
    terminal.say(
        f"{args.folder}: {plural(added.added, 'image')} added, {added.failed:,} failed "
        f"in {added.seconds:.1f} s"
    )
    known, unknown = hold_out(library, args.queries, seed=args.seed)
    return (
        library,
        [sample_of(library, path) for path in known],
        [sample_of(library, path) for path in unknown],
    )


def _adapted(show: Callable[[Progress], None] | None) -> ProgressCallback | None:
    """Return what draws the searches done on the bar of `add`; None where nobody looks on."""
    if show is None:
        return None
    from echo_image import Progress

    def searched(done: int, total: int, edit: str) -> None:
        show(Progress(done, total, edit, added=0, failed=0, seconds=0.0))

    return searched


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.searches:,}",
        f"{row.at_1:.1%}",
        f"{row.at_5:.1%}",
        f"{row.proven:.1%}",
        f"{row.at_precision:.1%}",
        f"{row.alarms:,} of {row.unknown:,}",
    )


def _print(evaluation: Evaluation, terminal: Terminal) -> None:
    edits = [_cells(row) for row in evaluation.rows]
    terminal.table(COLUMNS, [edits, [_cells(evaluation.total)]])
    terminal.line("")
    terminal.table((Column(""), Column("", fold=True)), [key_value_rows(_summary(evaluation))])


def _summary(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    yield (
        "images",
        f"{evaluation.images:,} in the library, {evaluation.queries:,} of them edited, and "
        f"{plural(evaluation.distractors, 'other')}",
    )
    if evaluation.neutral:
        yield "near-duplicates", f"{plural(evaluation.neutral, 'image')} counted neither way"
    yield "micro average precision", f"{evaluation.micro_ap:.3f}"
    yield f"found at precision {evaluation.precision}", _sure(evaluation)
    for name, count in evaluation.verdicts.items():
        yield f"called {name}", f"{count.right:,} right, {count.wrong:,} wrong"
    yield "called what it is", f"{evaluation.total.rightly_called:.1%}"
    yield "score to trust", _trusted(evaluation)
    yield (
        "time of a search",
        f"{evaluation.p50_ms:.0f} ms; {evaluation.p95_ms:.0f} ms at most for 95 of 100",
    )


def _sure(evaluation: Evaluation) -> str:
    if evaluation.score_at_precision is None:
        return "0.0%: a wrong match has the highest score"
    return (
        f"{evaluation.recall_at_precision:.1%}, with a score of {evaluation.score_at_precision:.0f} or more"
    )


def _trusted(evaluation: Evaluation) -> str:
    threshold = evaluation.threshold
    if threshold is None or evaluation.found_at_threshold is None:
        return "unknown: every image tried is in the library"
    doubt = "" if threshold.can_be_seen else " (seen in too few searches)"
    return (
        f"{threshold.score:.0f} or more{doubt}: reached by {threshold.alarms:,} of "
        f"{plural(threshold.searches, 'search', 'searches')} without a match, "
        f"and by {evaluation.found_at_threshold:.1%} of those with one"
    )


def _warn(evaluation: Evaluation, terminal: Terminal) -> None:
    pairs = {(one.path, found.location) for one in evaluation.outcomes for found in one.alarms}
    for path, location in sorted(pairs)[:_SHOWN_ALARMS]:
        terminal.say(f"called proven, and not known to show the same: {path} and {location}")
    if len(pairs) > _SHOWN_ALARMS:
        terminal.say(f"and {plural(len(pairs) - _SHOWN_ALARMS, 'other pair')}; --json has them all")
    threshold = evaluation.threshold
    if threshold is not None and not threshold.can_be_seen and threshold.rate > 0:
        needed = math.ceil(1 / threshold.rate)
        terminal.say(
            f"{plural(threshold.searches, 'search', 'searches')} without a match are too few to see "
            f"a rate of {threshold.rate:g}: {needed:,} would show it (--queries)"
        )


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _seed(text: str) -> int:
    """Read a whole number from 0 to 2³² - 1."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return value


def _share(text: str) -> float:
    """Read a share from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: expected 0 to 1, as in 0.001")
    return value
