"""How long a search takes through the HTTP interface, beside the first application's exhaustive comparison.

`echo-image serve` runs in a process of its own on this machine, with a library of all images of the set.
Query images are uploaded one after the other over one connection; the time is from the request to the last
byte of the answer, as the client sees it. The first query is not counted.

The first application scores a query against every image. That is measured for some pairs of the set (read,
decode, score, of images on the disk; it also downloaded each) and multiplied by the number of images: that
figure is extrapolated, and says so.

    python -m benchmarks.search_http --data FOLDER [--queries N] [--json]
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np

from benchmarks.dataset import Dataset
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import open_library
from echo_image.errors import EchoImageError
from echo_image.image import decode
from echo_image.verify.plain import plain_score

PATIENCE_S = 60.0


@contextmanager
def serving(library: Path) -> Iterator[str]:
    """Serve a library; yield the URL."""
    command = [sys.executable, "-m", "echo_image", "serve", str(library), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            url = None
            said = []
            for line in server.stderr:
                said.append(line)
                if url := re.search(r"https?://[^\s]+", line):
                    break
            if url is None:
                sys.exit("the service did not start:\n" + "".join(said))
            yield url.group().rstrip("/.,")
        finally:
            server.terminate()
            server.stderr.read()


def search_ms(url: str, paths: Sequence[str]) -> list[float]:
    """Return the time of each search; the first path is searched for once more, before, uncounted."""
    times = []
    with httpx.Client(timeout=PATIENCE_S) as client:
        for path in [paths[0], *paths]:
            data = Path(path).read_bytes()
            began = time.perf_counter()
            answer = client.post(f"{url}/api/v1/search", files={"file": (Path(path).name, data)})
            answer.raise_for_status()
            times.append((time.perf_counter() - began) * 1e3)
    return times[1:]


def plain_ms(paths: Sequence[str], queries: Sequence[str]) -> float:
    """Return the mean time the first application takes for one image of the collection."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    began, scored = 0.0, 0
    for number, path in enumerate(paths):
        try:
            query = decode(Path(queries[number % len(queries)]).read_bytes()).pixels
            start = time.perf_counter()
            plain_score(query, decode(Path(path).read_bytes()).pixels)
        except EchoImageError:
            continue  # some files of the set are broken
        began += time.perf_counter() - start
        scored += 1
    cv2.setNumThreads(threads)
    return began / max(1, scored) * 1e3


def sample(dataset: Dataset, num: int, seed: int) -> tuple[list[str], list[str]]:
    """Return query files and files to score plainly, at most `num` of each."""
    rng = np.random.default_rng(seed)
    queries = sorted(dataset.references) or list(dataset.images)
    chosen = [
        [str(path) for path in rng.permutation(np.array(paths, dtype=object))[:num]]
        for paths in (queries, dataset.images)
    ]
    return [dataset.absolute(p) for p in chosen[0]], [dataset.absolute(p) for p in chosen[1]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--queries", type=int, default=100, help="queries, and pairs scored plainly")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    queries, compared = sample(dataset, args.queries, args.seed)
    with scratch(args) as folder:
        place = folder / "search"
        with open_library(place) as library:
            library.add([dataset.absolute(path) for path in dataset.images])
            images = library.info().images
        say(f"library of {images} images")
        with serving(place) as url:
            times = search_ms(url, queries)
    per_image = plain_ms(compared, queries)

    p50, p95 = (float(np.percentile(times, share)) for share in (50, 95))
    exhaustive = per_image * images
    numbers = {
        "images": images,
        "queries": len(times),
        "p50_ms": p50,
        "p95_ms": p95,
        "plain_pairs": len(compared),
        "plain_ms_per_image": per_image,
        "plain_ms_extrapolated": exhaustive,
        "ratio_to_p50": exhaustive / p50,
    }
    rows: list[list[object]] = [
        ["search through HTTP, p50", p50],
        ["search through HTTP, p95", p95],
        ["plain score, one image", per_image],
        [f"plain score, {images} images, extrapolated", exhaustive],
        ["times as long as p50", exhaustive / p50],
    ]
    report(args, numbers, [Table([f"{len(times)} queries, {images} images", "ms"], rows)])


if __name__ == "__main__":
    main()
