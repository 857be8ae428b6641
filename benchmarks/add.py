"""What it costs to add an image: images per second, processor time, bytes on disk.

Processor time is that of this process and of all its workers, from an empty library to the end of `add`,
per image. Beside it, measured in the same run on the same files, one at a time: the least that any engine
of this kind does with an image, which is to decode it in grey at a reduced scale (Pillow's draft mode, long
side kept at 512 px or more), to resize it to 512 px and to call ORB once (500 features, FAST threshold 8).
The ratio of both is what everything else costs. Files that cannot be decoded so are left out of both.

    python -m benchmarks.add --data FOLDER [--workers N] [--json]
"""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from PIL import Image as PillowImage

from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import open_library

LONG_SIDE = 512


def cpu_s() -> float:
    """Return the processor seconds of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def least_work(path: str) -> int:
    """Decode an image in grey, reduced, find and describe ORB key points; return how many.

    Raises:
        OSError: Pillow cannot decode it.
    """
    with PillowImage.open(path) as image:
        share = LONG_SIDE / max(image.size)
        image.draft("L", (int(image.width * share), int(image.height * share)))
        grey = np.asarray(image.convert("L"))
    scale = min(1.0, LONG_SIDE / max(grey.shape))
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    if min(small.shape) < 8:
        return 0  # ORB's pyramid fails on a few px
    extractor = cv2.ORB.create(nfeatures=500, fastThreshold=8)
    points, _ = extractor.detectAndCompute(small, cast("Any", None))
    return len(points)


def least_cpu_s(paths: Sequence[str]) -> tuple[float, int]:
    """Return the processor seconds of `least_work` over all images, and how many could be decoded."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    done = 0
    began = time.process_time()
    for path in paths:
        try:
            least_work(path)
            done += 1
        except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
            continue
    used = time.process_time() - began
    cv2.setNumThreads(threads)
    return used, done


def bytes_by_part(folder: Path) -> dict[str, int]:
    """Return the bytes of a library by the first name below its folder."""
    parts: dict[str, int] = defaultdict(int)
    for file in folder.rglob("*"):
        if file.is_file():
            parts[file.relative_to(folder).parts[0]] += file.stat().st_size
    return dict(sorted(parts.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    paths = [dataset.absolute(path) for path in dataset.images]
    for path in paths:
        Path(path).read_bytes()  # from the disk into memory, so that neither side waits for the disk
    least, decoded = least_cpu_s(paths)
    say(f"least work on {decoded} of {len(paths)} images: {least:.1f} s")
    with scratch(args) as folder:
        place = folder / "add"
        shutil.rmtree(place, ignore_errors=True)
        before, began = cpu_s(), time.perf_counter()
        with open_library(place) as library:
            added = library.add(paths, workers=args.workers)
        seconds, used = time.perf_counter() - began, cpu_s() - before
        parts = bytes_by_part(place)

    images = added.added + added.updated
    least_ms, used_ms = least / max(1, decoded) * 1e3, used / max(1, len(paths)) * 1e3
    numbers = {
        "files": len(paths),
        "images": images,
        "failed": added.failed,
        "workers": args.workers,
        "seconds": seconds,
        "images_per_s": len(paths) / seconds,
        "cpu_ms_per_image": used_ms,
        "least_cpu_ms_per_image": least_ms,
        "ratio": used_ms / least_ms,
        "bytes_per_image": {part: size / max(1, images) for part, size in parts.items()},
    }
    costs = [
        ["files offered", len(paths)],
        ["images per second", len(paths) / seconds],
        ["processor ms per image", used_ms],
        ["least work, ms per image", least_ms],
        ["ratio", used_ms / least_ms],
    ]
    disk = [[part, size / max(1, images)] for part, size in parts.items()]
    disk.append(["together", sum(parts.values()) / max(1, images)])
    report(
        args,
        numbers,
        [Table([f"{args.workers} workers", ""], costs), Table(["part", "bytes per image"], disk)],
    )


if __name__ == "__main__":
    main()
