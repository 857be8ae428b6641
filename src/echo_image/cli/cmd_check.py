"""`echo-image check LIBRARY [--repair]`: whether catalogue, indexes and files agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE, FAILED

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "check",
        run,
        summary="see whether a library is whole, and repair it",
        description="See whether the catalogue, the indexes and the stored files of a library agree. The "
        "catalogue is the truth: --repair builds every index again from it. Exit status 1 "
        "when something is wrong and was not repaired.",
        example="echo-image check my-library --repair",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument("--repair", action="store_true", help="build what is broken again from the catalogue")


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Check, repair where asked, and print what was wrong."""
    from echo_image import open_library
    from echo_image.settings import Settings

    with open_library(
        args.library, create=False, read_only=not args.repair, settings=Settings.load()
    ) as library:
        report = library.check(repair=args.repair)
    if terminal.as_json:
        terminal.data(report.to_dict())
    else:
        for problem in report.problems:
            terminal.line(f"problem: {problem}")
        for repair in report.repaired:
            terminal.line(f"repaired: {repair}")
        terminal.line("the library is whole" if report.ok else "the library is not whole")
    if not report.ok and not args.repair:
        terminal.say("hint: run the same command with --repair.")
    return DONE if report.ok else FAILED
