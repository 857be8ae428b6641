"""How time, memory and bytes grow with the number of images: real ones, and synthetic ones up to millions.

The library is that of `benchmarks.edits --build` (real images but those kept out), made larger step by step
with `benchmarks.growth`. At each size, in fresh processes:

* first search of a process, by the command line, with the index not in the page cache (cold) and in it;
* warm searches: p50 and p95 of the whole and of its stages; the candidate stage alone on one core;
* how much of the bandwidth of a plain sum the scan of the postings reaches, on the same core in the same run;
* memory: anonymous memory that a search leaves behind; pages of the index that are mapped;
* adding 64 images, removing them again, and what making it larger took: drawing, writing, merging.

    python -m benchmarks.scale --data FOLDER --work FOLDER [--sizes N,N…] [--queries N] [--json]

`--work` keeps the library (some 6.5 KB an image); `benchmarks.edits --library WORK/scale` searches it.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.dataset import Chosen, choose, neutral_of, record_of
from benchmarks.edits import build, edit_options
from benchmarks.growth import Growth, grow
from benchmarks.probe import probe
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import open_library
from echo_image.store import layout

_ADDED = 64


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    edit_options(parser, queries=12)
    parser.add_argument(
        "--sizes", type=_sizes, default=[50_000, 200_000, 1_000_000], help="numbers of images"
    )
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    with scratch(args) as folder:
        place = folder / "scale"
        if not place.exists():
            build(dataset, place, choose(dataset, args.queries, sets=args.sets, seed=args.seed))
        chosen = Chosen.read(record_of(place))
        apart = {p for path in (*chosen.known, *chosen.unknown) for p in neutral_of(dataset, path)}
        apart |= {dataset.absolute(path) for path in (*chosen.known, *chosen.unknown)}
        queries = [dataset.absolute(path) for path in chosen.known[: args.queries]]
        others = [dataset.absolute(path) for path in dataset.images if path not in set(chosen.library)]
        rows = []
        for size in sorted(args.sizes):
            growth = grow(place, size, apart=sorted(apart), seed=args.seed)
            rows.append(measured(place, growth, queries, others[:_ADDED]))
            say(str(rows[-1]))
    report(args, {"sizes": rows}, [_table(rows)])


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def measured(place: Path, growth: Growth, queries: Sequence[str], others: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of one size, by name."""
    with open_library(place, read_only=True) as library:
        images, segments = library.info().images, library.info().segments
    index_bytes = sum(path.stat().st_size for path in (place / "index").iterdir())
    numbers: dict[str, Any] = {
        "images": images,
        "segments": segments,
        "index bytes an image": index_bytes / images,
    }
    numbers |= {f"grown: {name}": value for name, value in asdict(growth).items()}
    _fresh_search(place, queries[0])  # compiles what is not compiled yet
    forget_pages(place)
    numbers["first search, cold, s"] = _fresh_search(place, queries[0])
    numbers["first search, warm, s"] = _fresh_search(place, queries[0])
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        numbers |= executor.submit(probe, place, list(queries)).result()
    return numbers | _changes(place, others)


def _fresh_search(place: Path, query: str) -> float:
    """Return how long a search from the command line takes, s, from start to end of the process."""
    command = [sys.executable, "-m", "echo_image", "search", str(place), query, "--json"]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def forget_pages(place: Path) -> None:
    """Ask the system to drop segments and packs from its page cache (not the catalogue: SQLite locks it)."""
    for folder in (layout.INDEX, layout.PACKS):
        for path in (place / folder).iterdir():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _changes(place: Path, others: Sequence[str]) -> dict[str, float]:
    """Add images that the library has not, and remove them again."""
    with open_library(place) as library:
        began = time.perf_counter()
        added = library.add(list(others)).added
        add_s = time.perf_counter() - began
        began = time.perf_counter()
        library.search(others[0])
        seen_s = time.perf_counter() - began
        began = time.perf_counter()
        library.remove(*others)
        remove_s = time.perf_counter() - began
    return {
        "add, ms an image": 1000 * add_s / max(added, 1),
        "first search after it, ms": 1000 * seen_s,
        "remove, ms an image": 1000 * remove_s / max(added, 1),
    }


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    names = list(rows[0])
    return Table(
        ["", *(f"{row['images']:,}" for row in rows)], [[n, *(row[n] for row in rows)] for n in names[1:]]
    )


if __name__ == "__main__":
    main()
