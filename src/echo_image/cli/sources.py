"""The options that say what is taken from a source, and how gently it is asked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from echo_image.cli import arguments
from echo_image.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from echo_image.ingest.sources import Source

KINDS = ("folder", "archive", "list", "sitemap", "hashes", "remote")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options of sources that are named to `add`."""
    group = parser.add_argument_group("what is taken from a source")
    group.add_argument(
        "--as",
        dest="kind",
        choices=KINDS,
        help="what every SOURCE is, where its name does not tell",
    )
    group.add_argument(
        "--include",
        metavar="PATTERN",
        action="append",
        help="take only these, such as '*.jpg'; may be repeated",
    )
    group.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        help="leave these out, such as 'old/**'; may be repeated",
    )
    group.add_argument(
        "--hidden", action="store_true", help="also files and folders whose name begins with a dot"
    )
    group.add_argument(
        "--follow-links", action="store_true", help="also folders that symbolic links lead to, each once"
    )
    group.add_argument("--archives", action="store_true", help="also what is in the archives of a folder")
    group.add_argument("--column", metavar="NAME", help="column of a list that has the path or the URL")


def add_politeness(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how much is asked of other people's hosts."""
    group = parser.add_argument_group("how gently hosts are asked")
    group.add_argument(
        "--connections", type=arguments.count, metavar="N", help="downloads at once, over all hosts"
    )
    group.add_argument(
        "--per-host", type=arguments.count, metavar="N", help="downloads at once from one host"
    )
    group.add_argument(
        "--delay", type=arguments.seconds, metavar="S", help="seconds between two downloads from one host"
    )


def politeness_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the limits that were asked for; those that were not are left at their defaults."""
    asked = {"max_connections": args.connections, "per_host": args.per_host, "delay_s": args.delay}
    return {name: value for name, value in asked.items() if value is not None}


def sources_of(args: argparse.Namespace) -> list[Source]:
    """Return the sources that were named, with the options that concern them.

    Raises:
        UsageError: An option concerns none of them.
    """
    from echo_image.ingest.sources.registry import source_of

    asked = {
        "include": tuple(args.include or ()),
        "exclude": tuple(args.exclude or ()),
        "hidden": args.hidden,
        "follow_links": args.follow_links,
        "archives": args.archives,
        "column": args.column,
    }
    given = {name: value for name, value in asked.items() if value}
    sources = [source_of(text, kind=args.kind) for text in args.sources]
    for name in given:
        if not any(name in _fields(source) for source in sources):
            message = f"--{name.replace('_', '-')} concerns none of the sources: {args.sources[0]}."
            raise UsageError(message, hint="Say what the source is with --as, or leave the option out.")
    return [_with(source, given) for source in sources]


def _with(source: Source, given: dict[str, Any]) -> Source:
    known = _fields(source)
    changed = {name: value for name, value in given.items() if name in known}
    made: Source = dataclasses.replace(source, **changed) if changed else source  # type: ignore[type-var]
    return made


def _fields(source: Source) -> set[str]:
    return {field.name for field in dataclasses.fields(source)}  # type: ignore[arg-type]  # sources are dataclasses
