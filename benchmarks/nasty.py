"""What becomes of broken and odd files: outcomes, the longest time for one, and the peak of memory.

All files of the set with the role `nasty` are offered to an empty library. The counts must add up to what
was offered. Then each is read once more, one at a time in a worker process, for its time. The
peak is the largest resident memory of any process of both runs.

    python -m benchmarks.nasty --data FOLDER [--workers N] [--json]
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections import Counter
from collections.abc import Sequence

from benchmarks.reporting import Table, dataset_of, options, report, scratch
from benchmarks.timing import file_times
from echo_image import AddReport, open_library


def peak_mib() -> float:
    """Return the largest resident memory of this process or of a child that has ended."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(peaks) / unit


def outcomes(added: AddReport) -> dict[str, int]:
    """Return the number of files by outcome; failures by their code."""
    counts = {name: getattr(added, name) for name in ("added", "updated", "unchanged", "skipped")}
    failed = Counter(failure.code for failure in added.failures)
    return {**counts, **{f"failed: {code}": num for code, num in sorted(failed.items())}}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of the first run")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args, annotated=True)
    with scratch(args) as folder:
        place = folder / "nasty"
        shutil.rmtree(place, ignore_errors=True)
        with open_library(place) as library:
            offered = [dataset.absolute(path) for path in dataset.nasty]
            added = library.add(offered, workers=args.workers)
    counts = outcomes(added)
    if sum(counts.values()) != len(offered):
        sys.exit(f"{sum(counts.values())} outcomes for {len(offered)} files")
    times = file_times(offered)
    longest = times[0].seconds if times else 0.0
    numbers = {
        "files": len(offered),
        "outcomes": counts,
        "seconds": added.seconds,
        "longest_s": longest,
        "longest": [{"path": timed.path, "seconds": timed.seconds} for timed in times[:5]],
        "peak_mib": peak_mib(),
    }
    rows: list[list[object]] = [[name, num] for name, num in counts.items() if num]
    rows += [["longest, s", longest], ["peak of memory, MiB", round(peak_mib())]]
    report(args, numbers, [Table([f"{len(offered)} files", ""], rows)])


if __name__ == "__main__":
    main()
