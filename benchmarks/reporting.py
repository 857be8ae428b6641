"""What the benchmarks share: their options, where they run, and how they print."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echo_image import NotFound
from echo_image.evaluate import Dataset, open_dataset

__all__ = ["Table", "dataset_of", "options", "report", "say", "scratch"]


@dataclass(frozen=True, slots=True)
class Table:
    """A small table.

    Attributes:
        head: Names of the columns.
        rows: One value for each column; floats are printed with three digits.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __str__(self) -> str:
        cells = [list(self.head), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.head))]
        lines = []
        for row in cells:
            first = row[0].ljust(widths[0])
            lines.append("  ".join([first, *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]))
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the table as it stands in a document."""
        lines = [list(self.head), ["---", *["---:"] * (len(self.head) - 1)]]
        lines += [[_cell(value) for value in row] for row in self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of images, or of an evaluation set")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--markdown", action="store_true", help="print tables as they stand in a document")
    parser.add_argument("--work", type=Path, help="folder for libraries (default: a temporary one)")
    return parser


def dataset_of(args: argparse.Namespace, *, annotated: bool = False) -> Dataset:
    """Return the data set named on the command line; ends the program where there is none.

    Args:
        args: of a parser that `options` made.
        annotated: only one will do that tells which images belong together, and which are broken.
    """
    wanted = "--data names a folder with manifest.csv and gt_pairs.csv"
    try:
        dataset = open_dataset(args.data)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename}: not there; {wanted}")
    except NotFound as error:
        sys.exit(f"{error}; --data names a folder of images")
    if annotated and not dataset.is_annotated:
        sys.exit(f"{args.data / 'manifest.csv'}: not there; {wanted}")
    return dataset


@contextmanager
def scratch(args: argparse.Namespace) -> Iterator[Path]:
    """Yield a folder for libraries: the one named, which stays, or a temporary one."""
    if args.work is not None:
        args.work.mkdir(parents=True, exist_ok=True)
        yield args.work
        return
    with tempfile.TemporaryDirectory(prefix="echo-image-benchmark-") as folder:
        yield Path(folder)


def report(args: argparse.Namespace, numbers: dict[str, Any], tables: Sequence[Table]) -> None:
    """Print what was measured, with the machine it was measured on."""
    machine = {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if args.json:
        print(json.dumps({"machine": machine, **numbers}, indent=2))
        return
    for table in tables:
        print(table.markdown() if args.markdown else table)
        print()
    print(f"{machine['processors']} processors, {machine['system']}, Python {machine['python']}")


def say(text: str) -> None:
    """Tell what is going on, on stderr."""
    print(text, file=sys.stderr, flush=True)
