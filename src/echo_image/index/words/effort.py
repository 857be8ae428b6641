"""How far a query looks: wide in small libraries, where it costs nothing, less in large ones.

Photographs of prints move descriptors further than any edit does, so how far is looked decides how many of
them are found; what chance brings besides is told apart by agreement, even among a million images. Only time
limits it: the postings of a word grow with the library. The trade-off is in `docs/index.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.index.words.signatures import CELL_BITS

#: Distances that a vote can hold.
MAX_REACH = 15


@dataclass(frozen=True, slots=True)
class Effort:
    """How a query is looked up.

    Attributes:
        max_images: of a library that is searched so.
        words: a query feature is looked up in so many: the nearest and its neighbours.
        fine_words: one of those that a query has beyond what a library stores of an image, in so many.
        flips: bits of the cell that may differ.
        near_reach: of the near bits; reach: of all 56, at most 15.
        sigma: width of the Gaussian weight of the distance, bits.
    """

    max_images: int
    words: int
    fine_words: int
    flips: int
    near_reach: int
    reach: int
    sigma: float

    def cell_flips(self) -> NDArray[np.uint8]:
        """Return (F,) uint8: which bits of a cell may differ, the fewest first."""
        masks = np.arange(1 << CELL_BITS, dtype=np.uint8)
        flips = np.bitwise_count(masks)
        chosen = masks[flips <= self.flips]
        return chosen[np.argsort(np.bitwise_count(chosen), kind="stable")]

    def distance_weights(self) -> NDArray[np.float32]:
        """Return (16,) float32, what a vote of each distance weighs."""
        return np.exp(-(np.arange(MAX_REACH + 1) ** 2) / (2 * self.sigma**2)).astype(np.float32)


EFFORTS = (
    Effort(20_000, words=8, fine_words=8, flips=8, near_reach=8, reach=15, sigma=6.0),
    Effort(80_000, words=6, fine_words=6, flips=3, near_reach=8, reach=14, sigma=6.0),
    Effort(200_000, words=4, fine_words=4, flips=2, near_reach=7, reach=12, sigma=5.0),
    Effort(2**62, words=3, fine_words=2, flips=1, near_reach=6, reach=11, sigma=5.0),
)


def effort_for(num_images: int) -> Effort:
    """Return how far a query looks in a library of so many images."""
    return next(effort for effort in EFFORTS if num_images <= effort.max_images)
