"""`echo-image duplicates LIBRARY`: groups of images that show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli import arguments
from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column
from echo_image.cli.text import byte_size, plural

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal

COLUMNS = (
    Column("group", right=True),
    Column("kind"),
    Column("score", right=True),
    Column("size", right=True),
    Column("bytes", right=True),
    Column("location", fold=True),
)


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "duplicates",
        run,
        summary="list groups of images that show the same",
        description="List the images of a library that show the same as another one, in groups. Nothing "
        "is removed.",
        example="echo-image duplicates my-library",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library")
    parser.add_argument(
        "--min-score", type=arguments.score, metavar="S", help="leave out pairs below this score (0 to 100)"
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Group the library's images and print the groups."""
    from echo_image import open_library
    from echo_image.settings import Settings

    choice = {} if args.min_score is None else {"min_score": args.min_score}
    with open_library(args.library, create=False, read_only=True, settings=Settings.load()) as library:
        groups = library.duplicates(**choice)
    if terminal.as_json:
        terminal.data({"groups": [group.to_dict() for group in groups]})
    elif groups:
        sections = [
            [
                (
                    str(number),
                    group.kind,
                    f"{group.score:.0f}",
                    f"{image.width}×{image.height}",
                    byte_size(image.num_bytes),
                    " = ".join(image.locations),
                )
                for image in group.images
            ]
            for number, group in enumerate(groups, start=1)
        ]
        terminal.table(COLUMNS, sections)
    terminal.say(f"{plural(len(groups), 'group')} of images that show the same")
    return DONE
