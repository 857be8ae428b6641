"""What a search costs in a library that is there, measured in a process of its own."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image import open_library
from echo_image.image import DecodeLimits, read_file
from echo_image.index.words import scan, vocabulary
from echo_image.index.words.effort import effort_for
from echo_image.index.words.search import prepare as prepare_words
from echo_image.retrieval.candidates import Shortlists, propose
from echo_image.retrieval.query import Prepared, prepare
from echo_image.store import Store
from echo_image.store.extraction import load
from echo_image.store.snapshot import Snapshot

__all__ = ["probe"]

_ROUNDS = 5


def probe(place: Path, queries: Sequence[str]) -> dict[str, float]:
    """Return what searches with these files cost, by name."""
    began = time.perf_counter()
    with open_library(place, read_only=True) as library:
        opened = time.perf_counter() - began
        times, stages = [], defaultdict(list)
        for query in queries:  # pages and compiled loops come in
            library.search(query)
        before = _memory("RssAnon")
        for _ in range(_ROUNDS):
            for query in queries:
                result = library.search(query)
                times.append(result.took_ms)
                for name, value in result.stages_ms.items():
                    stages[name].append(value)
        grown = (_memory("RssAnon") - before) / len(times)
        mapped = _memory("RssFile")
    p50, p95 = np.percentile(times, [50, 95])
    numbers = {
        "open, s": opened,
        "search p50, ms": float(p50),
        "search p95, ms": float(p95),
        **{f"{name} p50, ms": statistics.median(values) for name, values in stages.items()},
        "anonymous memory a search leaves, KB": grown,
        "mapped pages, MB": mapped / 1000,
    }
    return numbers | _on_one_core(place, queries)


def _memory(name: str) -> int:
    """Return a line of the kernel's account of this process, KB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _on_one_core(place: Path, queries: Sequence[str]) -> dict[str, float]:
    """Measure with the process bound to one processor."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    store = Store(place, create=False)
    try:
        snapshot = store.snapshot()
        prepared = [
            prepare(load(read_file(query, limits=DecodeLimits()), DecodeLimits())) for query in queries
        ]
        with ThreadPoolExecutor(1) as pool:
            lists = Shortlists()
            candidates = [_best_of(partial(propose, snapshot, query, lists, pool)) for query in prepared]
        return {"candidates on one core p50, ms": 1000 * statistics.median(candidates)} | _bandwidth(
            snapshot, prepared
        )
    finally:
        store.close()
        os.sched_setaffinity(0, allowed)


def _best_of(function: Callable[[], Any]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def _bandwidth(snapshot: Snapshot, prepared: Sequence[Prepared]) -> dict[str, float]:
    """Compare the scan with a plain sum, in bytes a second, on the largest segment that is dense."""
    dense = [segment.postings for segment in snapshot.segments if segment.postings.is_dense]
    if not dense:
        return {}
    postings = max(dense, key=len)
    query = prepared[0]
    effort = effort_for(len(snapshot))
    lookups = prepare_words(
        query.features.local, query.image.width, query.image.height, vocabulary.load(), effort
    ).lookups
    columns = (postings.offsets, postings.images, postings.near, postings.far, postings.geometry)
    votes = np.empty(4_000_000, np.uint64)
    every_cell = np.arange(256, dtype=np.uint8)
    rates = {}
    for name, flips in (("a search", effort.cell_flips()), ("whole words", every_cell)):
        seconds = _best_of(
            partial(
                scan.scan_dense, *columns, lookups.columns(), flips, effort.near_reach, effort.reach, votes
            )
        )
        rates[name] = _scanned_bytes(postings.offsets, lookups.words, lookups.cells, flips) / seconds
    values = postings.near[: min(len(postings), 1 << 27) // 2 * 2].view(np.uint64)
    plain = values.nbytes / _best_of(values.sum)
    return {
        "plain sum, GB/s": plain / 1e9,
        **{f"scan of {name}, GB/s": rate / 1e9 for name, rate in rates.items()},
        **{f"scan of {name} / plain sum": rate / plain for name, rate in rates.items()},
    }


def _scanned_bytes(
    offsets: NDArray[np.uint32], words: NDArray[np.uint16], cells: NDArray[np.uint8], flips: NDArray[np.uint8]
) -> int:
    lists = (words.astype(np.int64)[:, None] << 8) | (cells[:, None] ^ flips)
    return 4 * int((offsets[lists + 1].astype(np.int64) - offsets[lists]).sum())
