"""The parsers of all commands, built without importing the library.

A command is a module with `add_parser(commands)` and `run(args, terminal)`. `COMMANDS` names them in
the order in which help and reference list them.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from echo_image._version import __version__
from echo_image.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from echo_image.cli.terminal import Terminal

    Subparsers = argparse._SubParsersAction["CommandParser"]
    Run = Callable[[argparse.Namespace, Terminal], int]

COMMANDS = (
    "add",
    "crawl",
    "recheck",
    "jobs",
    "search",
    "compare",
    "remove",
    "duplicates",
    "info",
    "check",
    "export",
    "serve",
    "keys",
    "bench",
    "demo",
)


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose complaints are `UsageError`s, told like every other error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"See `{self.prog} --help`.")


def build_parser() -> CommandParser:
    """Return the parser of `echo-image` with every command."""
    parser = CommandParser(
        prog="echo-image",
        description="Find an image again in your own collection, whatever was done to it.",
        epilog="Start with: echo-image add my-library ~/Photos && echo-image search my-library photo.jpg",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"echo-image {__version__}")
    commands: Subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", parser_class=CommandParser
    )
    for name in COMMANDS:
        import_module(f"echo_image.cli.cmd_{name}").add_parser(commands)
    return parser


def add_command(
    commands: Subparsers, name: str, run: Run, *, summary: str, description: str, example: str
) -> CommandParser:
    """Return the parser of a new command with the options that every command has.

    Args:
        commands: The collection of commands to add it to.
        name: What the user types.
        run: Called with the parsed arguments; returns the exit status.
        summary: One phrase for the list of commands.
        description: What it does, what it prints.
        example: One line that runs.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"example: {example}",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, example=example)
    speech = parser.add_argument_group("output")
    speech.add_argument("--json", action="store_true", help="write one JSON document to standard output")
    speech.add_argument("--quiet", action="store_true", help="write no progress and no talk, only errors")
    speech.add_argument("--debug", action="store_true", help="log what happens, and where an error came from")
    return parser


def add_scoring(parser: CommandParser) -> None:
    """Add the choice of the score."""
    parser.add_argument(
        "--scoring",
        choices=("aligned", "plain"),
        default="aligned",
        help="aligned: compare after alignment (default); plain: the score of the first application",
    )
