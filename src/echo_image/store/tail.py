"""The index of the newest images, those behind the last segment, in the memory of a reader.

While images are being added every commit brings some dozens, and the tail grows to thousands before a segment
is made of it. To index all of it again after every commit would cost the next search up to 0.1 s. So it is
kept in blocks of 64, 256 and 1024 keys, the larger joined from the smaller, and after a commit only the last
one, which is not full yet, is made anew: 2 to 4 ms. A search is the dearer the more segments it sees, by some
0.2 ms each; there are ten at most of a tail of 4,096.

Only keys that follow all others are ever added, so the keys of a full block can only become fewer. It is then
made anew, as a segment that names a removed image would not give quite the same scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from echo_image.catalogue import Catalogue, Packs
from echo_image.index.segment import Segment
from echo_image.index.words import postings
from echo_image.store import snapshot as snapshots

#: Keys that a block covers, the largest first; each so many times the next.
_SIZES = (1024, 256, 64)
_FEWER = 4


class Tail:
    """Segments in memory, kept from one view to the next. Not thread-safe.

    Args:
        catalogue, packs: of the library.
    """

    def __init__(self, catalogue: Catalogue, packs: Packs) -> None:
        self._catalogue = catalogue
        self._packs = packs
        self._covered = 0
        self._blocks: dict[tuple[int, int], Segment] = {}

    def segments(self, covered: int) -> list[Segment]:
        """Return the index of all images with keys above `covered`, in the order of keys; empty ones are not.

        Raises:
            LibraryCorrupt: a pack is damaged.
        """
        if covered != self._covered:
            self._covered, self._blocks = covered, {}
        keys = np.array(self._catalogue.all_keys(after=covered), np.int64)
        blocks = {}
        for first, size in _partition((keys - covered - 1).tolist()):
            begin, end = np.searchsorted(keys, (covered + 1 + first, covered + 1 + first + size))
            blocks[first, size] = self._block(first, size, keys[begin:end].tolist())
        self._blocks = blocks
        return list(blocks.values())

    def _block(self, first: int, size: int, keys: list[int]) -> Segment:
        """Return the index of the images with these keys, all there are from `first` on in a block so large.

        Args:
            first: less the key that follows the last covered one.
        """
        if self._is_kept(first, size, keys):
            return self._blocks[first, size]
        parts = self._parts(first, size, keys)
        if any(self._is_kept(*part) for part in parts):
            return join([self._block(*part) for part in parts])
        images = snapshots.read_images(self._catalogue, self._packs, keys)
        return snapshots.build_segment(self._catalogue.records(keys), images)

    def _is_kept(self, first: int, size: int, keys: list[int]) -> bool:
        kept = self._blocks.get((first, size))
        return kept is not None and kept.keys.tolist() == keys

    def _parts(self, first: int, size: int, keys: list[int]) -> list[tuple[int, int, list[int]]]:
        """Return the smaller blocks that make up one, without those that hold no image."""
        if size == _SIZES[-1]:
            return []
        part, start = size // _FEWER, self._covered + 1
        parts = [
            (begin, part, [key for key in keys if begin <= key - start < begin + part])
            for begin in range(first, first + size, part)
        ]
        return [(begin, part, held) for begin, part, held in parts if held]


def _partition(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, size) of the blocks that hold all of these ascending numbers, each as large as can be.

    A block begins at a multiple of its size. Only one of the smallest may reach beyond the last number: what
    comes later belongs into it.
    """
    end = 0
    for offset in offsets:
        if offset < end:
            continue
        # Numbers may be missing, even all of a block: the next begins where one of the smallest can.
        first = offset // _SIZES[-1] * _SIZES[-1]
        full = (size for size in _SIZES if not first % size and first + size <= offsets[-1] + 1)
        size = next(full, _SIZES[-1])
        yield first, size
        end = first + size


def join(parts: Sequence[Segment]) -> Segment:
    """Return segments as one, in memory: what `build_segment` makes of all their images, array for array."""
    lengths = [len(part) for part in parts]
    starts = np.cumsum([0, *lengths])
    joined = postings.empty(int(starts[-1]), sum(len(part.postings) for part in parts))
    rows = [np.arange(start, start + length) for start, length in zip(starts, lengths, strict=False)]
    postings.merge([part.postings for part in parts], rows, joined)
    return Segment(
        keys=np.concatenate([part.keys for part in parts]),
        codes=np.concatenate([part.codes for part in parts], axis=1),
        layouts=np.concatenate([part.layouts for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        num_features=np.concatenate([part.num_features for part in parts]),
        postings=postings.read_only(joined),
    )
