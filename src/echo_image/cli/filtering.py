"""The options that say among which images to search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echo_image.cli import arguments

if TYPE_CHECKING:
    import argparse

    from echo_image import ImageFilter


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("among which images")
    group.add_argument(
        "--location",
        metavar="START",
        help="only what lies below a folder, a URL or a host such as example.org",
    )
    group.add_argument(
        "--contains",
        metavar="TEXT",
        help="only what has this in its location, such as a part of a file's name",
    )
    group.add_argument("--format", metavar="NAME", help="only images of a format, such as JPEG or PNG")
    group.add_argument(
        "--min-side", type=arguments.pixels, metavar="PX", help="least pixels of the longer side"
    )
    group.add_argument(
        "--max-side", type=arguments.pixels, metavar="PX", help="most pixels of the longer side"
    )
    group.add_argument(
        "--added-after", metavar="DATE", help="only what was added at this date (ISO 8601) or later"
    )
    group.add_argument("--added-before", metavar="DATE", help="only what was added before this date")
    group.add_argument(
        "--where",
        type=arguments.attributes,
        metavar="JSON",
        help='only images with these attributes: {"brand": "Acme", "price": {"lt": 20}}'
        " (conditions: gt, gte, lt, lte, in)",
    )


def filter_of(args: argparse.Namespace) -> ImageFilter:
    """Return what the options ask for."""
    from echo_image import ImageFilter

    return ImageFilter(
        location=args.location,
        contains=args.contains,
        format=args.format,
        min_side=args.min_side,
        max_side=args.max_side,
        added_after=args.added_after,
        added_before=args.added_before,
        where=args.where or {},
    )
