"""How inner loops are compiled: by numba, cached on disk, without the GIL, without any Python object."""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["compiled"]


def compiled(function: Any) -> Any:
    """Return a function compiled on its first call for the types it is called with."""
    return numba.njit(cache=True, nogil=True)(function)
