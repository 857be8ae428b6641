"""A folder of very many small files: the first run, a second one with nothing changed, and memory.

The files are images of the set, made small, each with a number in a comment of its JPEG: every file has
other bytes. Memory is that of the process and its workers together, private pages only (what is mapped from
files is the system's to take back).

    python -m benchmarks.many_files --data FOLDER [--files N] [--work FOLDER] [--json]
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.dataset import Dataset
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import AddReport, Progress, open_library
from echo_image.errors import EchoImageError
from echo_image.image import decode

SIDE_PX = 96
DIFFERENT = 500
PER_FOLDER = 1000
_COMMENT = b"\xff\xfe"
_RUN = ("run", "added", "unchanged", "failed", "s", "files_s")


def small_jpegs(dataset: Dataset) -> Iterator[bytes]:
    """Yield images of the set with a long side of 96 px."""
    for path in dataset.images:
        try:
            pixels = decode(Path(dataset.absolute(path)).read_bytes()).pixels
        except (EchoImageError, OSError):
            continue
        factor = SIDE_PX / max(pixels.shape[:2])
        size = [max(1, round(side * factor)) for side in (pixels.shape[1], pixels.shape[0])]
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if done:
            yield data.tobytes()


def numbered(jpeg: bytes, number: int) -> bytes:
    """Return a JPEG with a number in a comment: another file with the same pixels."""
    text = str(number).encode("ascii")
    return jpeg[:2] + _COMMENT + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def fill(folder: Path, originals: list[bytes], number: int) -> None:
    """Write so many files, 1,000 a folder."""
    for first in range(0, number, PER_FOLDER):
        part = folder / f"{first // PER_FOLDER:04d}"
        part.mkdir(parents=True)
        for index in range(first, min(first + PER_FOLDER, number)):
            (part / f"{index:06d}.jpg").write_bytes(numbered(originals[index % len(originals)], index))


def private_mib() -> float:
    """Return the private memory of this process and its descendants, MiB."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    ours, grown = {os.getpid()}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        ours, grown = ours | more, bool(more)
    return sum(_private_kib(pid) for pid in ours) / 1024


def _private_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(
        int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty:", "Private_Clean:"))
    )


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--files", type=int, default=200_000, help="how many files (default: 200,000)")
    args = parser.parse_args()
    originals = []
    for jpeg in small_jpegs(dataset_of(args)):
        originals.append(jpeg)
        if len(originals) == DIFFERENT:
            break
    with scratch(args) as work:
        say(f"writing {args.files:,} files")
        fill(work / "files", originals, args.files)
        marks: list[tuple[int, float]] = []

        def watch(state: Progress) -> None:
            if not marks or state.done - marks[-1][0] >= args.files // 100:
                marks.append((state.done, private_mib()))
                say(f"{state.done:,} done, {state.rate:.0f} files/s, {marks[-1][1]:.0f} MiB")

        runs: list[tuple[float, AddReport]] = []
        time.sleep(2)  # files of this moment may still change: their times are not relied upon
        with open_library(work / "library") as library:
            for _ in range(3):
                began = time.perf_counter()
                result = library.add(work / "files", progress=None if runs else watch)
                runs.append((time.perf_counter() - began, result))
            segments = library.info().segments
    quarters = [
        float(np.median([mib for done, mib in marks if low < 4 * done / args.files <= low + 1] or [np.nan]))
        for low in range(4)
    ]
    rows = [
        (name, result.added, result.unchanged, result.failed, round(seconds, 2), args.files / seconds)
        for name, (seconds, result) in zip(("first", "second", "third"), runs, strict=True)
    ]
    memory = Table(("quarter of the first run", "private MiB, median"), list(enumerate(quarters, start=1)))
    report(
        args,
        {
            "files": args.files,
            "runs": [dict(zip(_RUN, row, strict=True)) for row in rows],
            "quarters_mib": quarters,
            "last_to_first": quarters[-1] / quarters[0],
            "segments": segments,
        },
        [Table(("run", "added", "unchanged", "failed", "seconds", "files/s"), rows), memory],
    )


if __name__ == "__main__":
    main()
