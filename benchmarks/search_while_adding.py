"""What a search costs while images are being added, against the same search when nothing else goes on.

A library is filled with some images of the set. Then one thread searches with reduced copies of them, one
search after the other: for a while with nothing else going on, while another process adds the other images
(`echo-image add`), again idle, while a thread of the searching process adds them, and idle once more; each in
turn, and all of it several times, so that whatever else the machine does falls on all alike. Every round
begins with a new copy of the first library. Idle are all idle searches of a round together, before and after
the images came, as a library of more images is slower to search by itself.

    python -m benchmarks.search_while_adding --data FOLDER [--rounds N] [--times N] [--workers N] [--json]
"""

from __future__ import annotations

import io
import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import Library, open_library, warm_up

IDLE, PROCESS, THREAD = "idle", "job in another process", "job in a thread"


@dataclass(frozen=True, slots=True)
class Files:
    """What is searched, searched for, and added.

    Attributes:
        library: filled with the first images, never changed.
        queries: bytes of reduced copies of some of these.
        added: folder of the other images.
        count: how many these are.
    """

    library: Path
    queries: list[bytes]
    added: Path
    count: int


def prepare(paths: Sequence[str], folder: Path, *, first: int, times: int, queries: int) -> Files:
    """Fill a library with `first` of the images, and a folder with `times` differing copies of the others."""
    order = np.random.default_rng(0).permutation(len(paths))
    known, others = [paths[i] for i in order[:first]], [paths[i] for i in order[first:]]
    library, added = folder / "first", folder / "added"
    for old in (library, added):
        shutil.rmtree(old, ignore_errors=True)
    with open_library(library) as filled:
        say(f"{filled.add(known).added} images in the library")
    added.mkdir()
    for copy, (number, path) in itertools.product(range(times), enumerate(others)):
        # Bytes behind the end change no pixel, but make it a file of its own.
        content = Path(path).read_bytes() + bytes(copy)
        (added / f"{copy}-{number:05}{Path(path).suffix}").write_bytes(content)
    return Files(library, [reduced(path) for path in known[:queries]], added, times * len(others))


def reduced(path: str) -> bytes:
    """Return a copy of an image, seven tenths as large, as JPEG."""
    with Image.open(path) as image:
        size = (max(16, image.width * 7 // 10), max(16, image.height * 7 // 10))
        buffer = io.BytesIO()
        image.convert("RGB").resize(size).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def search_until(library: Library, queries: Iterator[bytes], is_over: Callable[[], bool]) -> list[float]:
    """Search, one after the other, at least once and until told; return how long each took, ms."""
    took: list[float] = []
    while not (took and is_over()):
        query, began = next(queries), time.perf_counter()
        library.search(query)
        took.append((time.perf_counter() - began) * 1e3)
    return took


def idle(library: Library, queries: Iterator[bytes], seconds: float) -> list[float]:
    """Search with nothing else going on."""
    end = time.perf_counter() + seconds
    return search_until(library, queries, lambda: time.perf_counter() > end)


def beside_process(library: Library, queries: Iterator[bytes], files: Files, workers: int) -> list[float]:
    """Search while another process adds, in a session of its own, as from another terminal."""
    command = [sys.executable, "-m", "echo_image", "add", str(library.path), str(files.added)]
    with subprocess.Popen(
        [*command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as job:
        return search_until(library, queries, lambda: job.poll() is not None)


def beside_thread(library: Library, queries: Iterator[bytes], files: Files, workers: int) -> list[float]:
    """Search while a thread of this process adds."""
    job = threading.Thread(target=lambda: library.add(files.added, workers=workers))
    job.start()
    took = search_until(library, queries, lambda: not job.is_alive())
    job.join()
    return took


def run_round(files: Files, folder: Path, seconds: float, workers: int) -> dict[str, list[float]]:
    """Return how long each search took, ms, by what else went on."""
    took: dict[str, list[float]] = defaultdict(list)
    for name, beside in ((PROCESS, beside_process), (THREAD, beside_thread)):
        place = folder / "searched"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(files.library, place)
        with open_library(place) as library:
            queries = itertools.cycle(files.queries)
            for query in files.queries[:5]:
                library.search(query)
            took[IDLE] += idle(library, queries, seconds)
            before = library.info().images
            took[name] = beside(library, queries, files, workers)
            if library.info().images == before:
                sys.exit(f"{name}: nothing was added")
            took[IDLE] += idle(library, queries, seconds)
    return took


def row(name: str, took: list[float]) -> list[object]:
    """Return the number of searches, their median, 95th percentile and the longest."""
    return [name, len(took), *(float(value) for value in np.percentile(took, (50, 95, 100)))]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often all is done")
    parser.add_argument("--first", type=float, default=0.4, help="share of the images that is there at first")
    parser.add_argument("--times", type=int, default=1, help="differing copies of each image that is added")
    parser.add_argument("--queries", type=int, default=100, help="images searched for")
    parser.add_argument("--seconds", type=float, default=5.0, help="of idle searches before and after")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that add")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    paths = [dataset.absolute(path) for path in dataset.images]
    warm_up()
    rows: list[list[object]] = []
    ratios: dict[str, list[float]] = defaultdict(list)
    with scratch(args) as folder:
        first = max(1, round(args.first * len(paths)))
        files = prepare(paths, folder, first=first, times=args.times, queries=args.queries)
        for number in range(1, args.rounds + 1):
            took = run_round(files, folder, args.seconds, args.workers)
            for name in (IDLE, PROCESS, THREAD):
                rows.append([number, *row(name, took[name])])
                ratios[name].append(float(np.percentile(took[name], 95) / np.percentile(took[IDLE], 95)))
                rows[-1].append(ratios[name][-1])
            say(f"round {number} of {args.rounds} done")
    middle = {name: float(np.median(values)) for name, values in ratios.items() if name != IDLE}
    head = ["round", "beside", "searches", "p50 ms", "p95 ms", "longest ms", "p95 / idle p95"]
    report(
        args,
        {"added": files.count, "rounds": [dict(zip(head, line, strict=True)) for line in rows], **middle},
        [Table(head, rows), Table(["p95 / idle p95", "median"], list(middle.items()))],
    )


if __name__ == "__main__":
    main()
