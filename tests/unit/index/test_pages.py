"""Memory of mapped files is given back, and nothing that was written is lost."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from echo_image.index.pages import release

COUNT = 2**20  # 8 MB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.arange(COUNT, dtype=np.int64).tofile(tmp_path / "numbers")
    return tmp_path / "numbers"


def resident_kb(path: Path) -> int:
    """How much of a file's map lies in the memory of this process."""
    total, within = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            within = line.endswith(str(path))
        elif within and words[0] == "Rss:":
            total += int(words[1])
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is in memory")
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_what_was_looked_at_leaves_the_memory(path: Path, mode: Literal["r", "r+"]) -> None:
    numbers = np.asarray(np.memmap(path, np.int64, mode=mode))
    assert numbers.sum() == COUNT * (COUNT - 1) // 2
    assert resident_kb(path) == COUNT * 8 // 1024
    release(numbers[: COUNT // 2])
    assert resident_kb(path) <= COUNT * 4 // 1024
    release(numbers.reshape(4, -1)[2:].view(np.uint8))
    assert resident_kb(path) == 0
    np.testing.assert_array_equal(numbers, np.arange(COUNT))


def test_what_was_written_stays(path: Path) -> None:
    numbers = np.memmap(path, np.int64, mode="r+")
    numbers[:] = numbers[::-1].copy()
    release(numbers[1000 : COUNT - 7])
    expected = np.arange(COUNT)[::-1]
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_array_equal(np.fromfile(path, np.int64), expected)


def test_a_map_that_is_a_copy_is_left_alone(path: Path) -> None:
    numbers = np.memmap(path, np.int64, mode="c")
    numbers[:] = 7
    release(numbers)
    assert (numbers == 7).all()


def test_arrays_in_memory_are_left_alone(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    in_memory = np.frombuffer(mmap.mmap(-1, 4096), np.uint8)
    for array in (np.arange(9), np.arange(9)[2:5], np.frombuffer(b"abc", np.uint8), in_memory):
        before = array.copy()
        release(array)
        np.testing.assert_array_equal(array, before)
    numbers = np.memmap(path, np.int64, mode="r")
    release(numbers[5:5])
    monkeypatch.delattr(mmap, "MADV_DONTNEED")
    release(numbers)  # a system that has no such call
    assert numbers[-1] == COUNT - 1
