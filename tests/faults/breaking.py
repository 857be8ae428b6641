"""What a worker does with files that break their readers, by their names."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from echo_image.ingest.workers import reading
from echo_image.ingest.workers.reading import Reading, Task


def read(task: Task) -> Reading:
    """Die, eat memory or hang for files called so; read all others."""
    name = Path(task.offered.target).name
    if name.startswith("dies"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("eats"):
        eaten = [bytearray(2**26) for _ in range(2**12)]
        raise AssertionError(f"{len(eaten)} pieces were given")
    if name.startswith("hangs"):
        threading.Event().wait()
    return reading.read(task)
