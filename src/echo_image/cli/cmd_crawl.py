"""`echo-image crawl LIBRARY URL…`: take in the images of web sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from echo_image.cli import arguments
from echo_image.cli.cmd_add import add_sources, add_working
from echo_image.cli.parser import add_command
from echo_image.cli.sources import add_politeness

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "crawl",
        run,
        summary="take in the images of web sites",
        description="Read the pages of web sites, from the given addresses along their links, and take in the"
        " images that they show. robots.txt is heeded. It stays on the hosts of the addresses unless --host"
        " names others; images may lie elsewhere. The page and the alternative text of an image are kept as"
        " its attributes. A crawl is a job: it can be interrupted and resumed.",
        example="echo-image crawl my-library https://example.org/ --depth 2 --max-pages 500",
    )
    parser.add_argument("library", metavar="LIBRARY", help="folder of the library; made if it is not there")
    parser.add_argument("urls", metavar="URL", nargs="+", help="address of a page to begin with")
    add_working(parser)
    _add_scope(parser)
    add_politeness(parser)


def _add_scope(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which pages and images")
    group.add_argument(
        "--depth",
        type=arguments.depth,
        metavar="N",
        help="links to follow from the first page (default: all)",
    )
    group.add_argument(
        "--max-pages", type=arguments.count, metavar="N", help="pages to read at most (default: 10,000)"
    )
    group.add_argument(
        "--host",
        dest="hosts",
        metavar="HOST",
        action="append",
        help="also read pages of this host; may be repeated",
    )
    group.add_argument(
        "--include",
        metavar="PATTERN",
        action="append",
        help="read only pages whose address matches; may be repeated",
    )
    group.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        help="read no page whose address matches; may be repeated",
    )
    group.add_argument(
        "--min-side",
        type=arguments.pixels,
        metavar="PX",
        help="skip images whose shorter side has fewer pixels",
    )


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Crawl the sites and tell what became of each image."""
    from echo_image.ingest.sources.registry import class_of

    site, options = class_of("site"), _options(args)
    return add_sources(args, [site(url, **options) for url in args.urls], terminal, "crawling")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    asked = {
        "depth": args.depth,
        "max_pages": args.max_pages,
        "hosts": tuple(args.hosts or ()),
        "include": tuple(args.include or ()),
        "exclude": tuple(args.exclude or ()),
        "min_side": args.min_side,
    }
    return {name: value for name, value in asked.items() if value not in (None, ())}
