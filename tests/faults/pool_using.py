"""How the pool's tests make and use a pool, and wait for the end of processes."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from echo_image.ingest.workers.pool import WorkerPool
from tests.faults.pool_tasks import obey

MIB = 2**20
PATIENCE_MS = 60_000

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="pidfd and RLIMIT_AS are Linux's")


Pool: TypeAlias = "WorkerPool[tuple[str, Any], Any]"


def make(workers: int = 2, timeout_s: float = 60.0, memory_bytes: int | None = None) -> Pool:
    return WorkerPool(obey, workers=workers, timeout_s=timeout_s, memory_bytes=memory_bytes)


def outcomes_of(pool: Pool, items: Iterable[tuple[str, Any]]) -> list[tuple[tuple[str, Any], Any]]:
    """Return all pairs, typed so that a test may look into an outcome."""
    return list(pool.imap(items))


def only(pool: Pool, *item: Any) -> Any:
    """Return the outcome of one item."""
    [(_, outcome)] = pool.imap([item])
    return outcome


def open_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for_end(*pids: int) -> None:
    """Return when the processes have ended; the pids must have been alive when they were told."""
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            assert poll.poll(PATIENCE_MS), f"process {pid} lives on"
        finally:
            os.close(fd)
