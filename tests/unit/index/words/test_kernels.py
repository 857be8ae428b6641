"""The instructions that the compiled loops are made of; `nearest_words` is tested with the vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from echo_image.features.compilation import compiled
from echo_image.index.words.kernels import popcount


@compiled
def count(value: np.uint64) -> Any:
    return popcount(value)


@pytest.mark.parametrize("value", [0, 1, 2**63, 2**64 - 1, 0x0123_4567_89AB_CDEF])
def test_popcount_counts_all_64_bits(value: int) -> None:
    assert count(np.uint64(value)) == value.bit_count()
