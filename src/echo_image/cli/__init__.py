"""The command line `echo-image`: one file per command, each parses, calls the library and prints.

Data goes to standard output, progress and talk to standard error. Exit status: 0 done, 1 failed,
2 wrong use or an unusable query, 3 the library or an address cannot be reached, 4 some items
failed, 130 interrupted.

Only the parsers are imported here; each command imports the library when it runs, so that
`echo-image --help` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: The words after the program's name; `None` takes them from `sys.argv`.

    Example:
        >>> main(["--version"])  # doctest: +ELLIPSIS
        echo-image ...
        0
    """
    from echo_image.cli.run import run_command

    return run_command(argv)
