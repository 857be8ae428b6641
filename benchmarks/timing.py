"""The time of one file: read, recognised, decoded, extracted, as `add` does it, in a worker process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reporting import say
from echo_image.errors import EchoImageError
from echo_image.image import DecodeLimits, read_file
from echo_image.ingest.workers.pool import WorkerFailure, WorkerPool
from echo_image.ingest.workers.reading import MEMORY_BYTES, TIMEOUT_S, extract_bytes, warm_up

__all__ = ["FileTime", "file_times", "read_timed"]


@dataclass(frozen=True, slots=True)
class FileTime:
    """How long a file took.

    Attributes:
        path: The file.
        seconds: Until it was extracted or refused; for one whose worker died, until then.
    """

    path: str
    seconds: float


def read_timed(path: str) -> float:
    """Read and extract one file, or fail to; return how long it took, s."""
    began = time.perf_counter()
    with contextlib.suppress(EchoImageError):  # what becomes of it is counted elsewhere
        extract_bytes(read_file(path, limits=DecodeLimits()), DecodeLimits())
    return time.perf_counter() - began


def file_times(paths: Sequence[str]) -> list[FileTime]:
    """Return the time of each file, one after the other, the longest first."""
    pool: WorkerPool[str, float] = WorkerPool(
        read_timed, workers=1, timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES, preload=warm_up
    )
    times = []
    with pool:
        before = time.perf_counter()
        for path, outcome in pool.imap(paths):
            now = time.perf_counter()
            if isinstance(outcome, WorkerFailure):
                say(f"{path}: {outcome.code}: {outcome.reason}")
                outcome = now - before
            times.append(FileTime(path, outcome))
            before = now
    return sorted(times, key=lambda timed: -timed.seconds)
