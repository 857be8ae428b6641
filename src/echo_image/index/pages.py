"""Giving back the memory that a mapped file takes up once it was read or written.

Every page of a mapped file that was touched counts as memory of the process for as long as it is mapped. Who
goes through a large file from one end to the other therefore gives back what lies behind: what the file held,
and what was written to it, stays in the system's cache, and whoever looks there again finds it.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["release"]

#: Of these maps the file has what was written; a map that is a copy would lose it.
_SHARED_MODES = ("r", "r+", "w+")
#: A page that is touched can bring along those before it, given back already: up to a huge page of them.
_BROUGHT_ALONG = 2**21


def release(array: NDArray[Any]) -> None:
    """Give back the pages of a mapped file that an array lies on; of any other array, do nothing.

    Values stay what they are, before, behind and in the array. Systems that know no such call keep the pages.

    Args:
        array: C-contiguous, a `numpy.memmap` of a whole file or any view of one.
    """
    owner, mapped = array, array.base
    while isinstance(mapped, np.ndarray):
        owner, mapped = mapped, mapped.base
    if not isinstance(owner, np.memmap) or owner.mode not in _SHARED_MODES or not array.nbytes:
        return
    if not isinstance(mapped, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
        return
    start = array.ctypes.data - owner.ctypes.data
    first = max(start - _BROUGHT_ALONG, 0) // mmap.PAGESIZE * mmap.PAGESIZE
    mapped.madvise(mmap.MADV_DONTNEED, first, start + array.nbytes - first)
