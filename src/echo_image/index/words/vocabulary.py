"""The vocabulary: 65,536 real ORB descriptors, and the nearest of them to a descriptor.

A *word* is the cell of the descriptor space around one vocabulary entry. The entries are descriptors
sampled at random from freely licensed photographs and drawings (`scripts/make_vocabulary.py`, provenance
in `vocabulary.txt` beside the data); for binary descriptors random samples do as well as cluster centres.

Searching all 65,536 entries for every descriptor costs 10 ms an image. The entries are therefore kept
in the order of 512 *pivots* (k-majority centres, Grana et al., "A fast approach for integrating ORB
descriptors in the bag of words model", 2013), and only the lists of the nearest pivots are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from echo_image.index.words import kernels, signatures
from echo_image.index.words.signatures import Signatures

NUM_WORDS = 65_536
NUM_PIVOTS = 512

#: Pivot lists looked at. With 8 the true nearest entry is found for 74 of 100 descriptors of unseen images
#: in 2.3 µs each, with 24 for 88 in 5.2 µs; what matters is that like descriptors take the same way.
PROBES = 8

_FILE = "vocabulary.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Entries grouped by pivot.

    Attributes:
        words: (4, 65536) uint64, descriptors; the word id is the column.
        pivots: (4, 512) uint64.
        offsets: (513,) int64; the entries of pivot p are columns offsets[p] to offsets[p + 1].
        pivot_of_word: (65536,) uint16.
        signature_bits: (512, 56) uint8, which bits of a descriptor make its signature, by pivot.
        version: names the data; part of the fingerprint of an index.
    """

    words: NDArray[np.uint64]
    pivots: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    pivot_of_word: NDArray[np.uint16]
    signature_bits: NDArray[np.uint8]
    version: str

    def nearest(self, descriptors: NDArray[np.uint64], count: int = 1) -> NDArray[np.uint16]:
        """Return the `count` nearest words of each descriptor, nearest first.

        Args:
            descriptors: (N, 4) uint64.
            count: 1 to 16.

        Returns:
            (N, count) uint16 word ids.
        """
        if descriptors.ndim != 2 or descriptors.shape[1] != 4 or descriptors.dtype != np.uint64:
            raise ValueError(
                f"descriptors must be (N, 4) uint64, not {descriptors.shape} {descriptors.dtype}"
            )
        if not 1 <= count <= 16:
            raise ValueError(f"count must lie in 1..16, not {count}")
        words = np.zeros((len(descriptors), count), np.uint16)
        if len(descriptors):
            kernels.nearest_words(
                np.ascontiguousarray(descriptors), self.pivots, self.offsets, self.words, PROBES, words
            )
        return words

    def sign(self, descriptors: NDArray[np.uint64], words: NDArray[np.uint16]) -> Signatures:
        """Return the signatures of (N, 4) uint64 descriptors in (N, K) uint16 words."""
        return signatures.sign(descriptors, words, self.pivot_of_word, self.signature_bits)


@lru_cache(maxsize=1)
def load() -> Vocabulary:
    """Return the vocabulary shipped in the package. Cost: 5 ms once per process."""
    with resources.files("echo_image.index.words").joinpath(_FILE).open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        offsets = stored["offsets"].astype(np.int64)
        return Vocabulary(
            words=np.ascontiguousarray(stored["words"].T),
            pivots=np.ascontiguousarray(stored["pivots"].T),
            offsets=offsets,
            pivot_of_word=np.repeat(np.arange(NUM_PIVOTS, dtype=np.uint16), np.diff(offsets)),
            signature_bits=stored["signature_bits"],
            version=str(stored["version"]),
        )
