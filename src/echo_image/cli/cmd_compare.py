"""`echo-image compare A B`: say whether two images show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli.cmd_search import read_query
from echo_image.cli.parser import add_command, add_scoring
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column, key_value_rows
from echo_image.cli.text import score_bar, whole_score
from echo_image.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "compare",
        run,
        summary="say whether two images show the same",
        description="Compare two images without a library: the verdict, the score, and what was done to "
        "make one of the other. The first is the query, the second the image it is compared "
        "with.",
        example="echo-image compare crop.jpg photos/astronaut.png",
    )
    parser.add_argument("first", metavar="A", help="image file, http(s) address, or - for standard input")
    parser.add_argument("second", metavar="B", help="image file, http(s) address, or - for standard input")
    add_scoring(parser)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Compare and print the match."""
    if args.first == args.second == "-":
        raise UsageError("Both images are -, but standard input holds only one.", hint="Give one as a file.")
    from echo_image import compare
    from echo_image.settings import Settings

    settings = Settings.load()
    first = read_query(args.first, settings, terminal)
    second = read_query(args.second, settings, terminal)
    match = compare(first, second, scoring=args.scoring, settings=settings)
    if terminal.as_json:
        terminal.data(match.to_dict())
        return DONE
    rows = key_value_rows(
        [
            ("verdict", match.verdict.value),
            (
                "score",
                f"{whole_score(match.score)}  {score_bar(match.score, ascii_only=terminal.ascii_only)}",
            ),
            ("what was done", ", ".join(match.transform.words) or "–"),
            ("similarity", f"{match.similarity:.1f}"),
            ("structural similarity", f"{match.ssim:.3f}"),
            ("agreeing key points", f"{match.inliers} ({match.orb:.0%} of those in the overlap)"),
            ("overlap", f"{match.query_overlap:.0%} of A, {match.match_overlap:.0%} of B"),
        ]
    )
    terminal.table((Column(""), Column("", fold=True)), [rows])
    return DONE
