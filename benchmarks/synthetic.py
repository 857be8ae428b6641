"""Images that never were, for measuring a library of millions: features made of real ones.

A synthetic image is put together of pieces of real ones, so that words are as frequent, and repeat within an
image as often, as in reality. Each piece is a part of the key points of one real image, a twentieth of the
bits of its descriptors turned over, their words looked up anew, and all of it turned. It is therefore a true
match of the images it came from: those must not be searched for. Moved further, so that it would match
nothing, it would not be mistaken for anything either: moved by a quarter, postings get 23 times fewer
votes by chance than real ones do. Perceptual hashes are those of real images with a third of their bits
turned over, colour layouts with noise.

`Pool` holds several moved versions of every key point; `Pool.segment` draws images from it, in compiled
code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.index.segment import Segment
from echo_image.index.words import postings
from echo_image.index.words.postings import pack_geometry
from echo_image.index.words.vocabulary import Vocabulary
from echo_image.store.snapshot import StoredImage

__all__ = ["Pool", "make_pool"]

#: Moved versions of every real key point.
VERSIONS = 4
#: Share of the bits of a descriptor that are turned over.
MOVED = 0.05
#: Real images that one synthetic image is made of.
PIECES = 6
_HASH_MOVED = 0.35
_LAYOUT_NOISE = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Moved key points of S real images in V versions: K in all, piece by piece in random order.

    Attributes:
        starts: (V · S + 1,) int64, where the key points of a version of an image begin.
        words, cells, near, far, geometry: (K,) as in an index.
        counts: (S,) int64, key points of the real images.
        codes: (S, 4) uint64; layouts: (S, 48) uint8; quality: (S,) uint8.
    """

    starts: NDArray[np.int64]
    words: NDArray[np.uint16]
    cells: NDArray[np.uint8]
    near: NDArray[np.uint32]
    far: NDArray[np.uint16]
    geometry: NDArray[np.uint16]
    counts: NDArray[np.int64]
    codes: NDArray[np.uint64]
    layouts: NDArray[np.uint8]
    quality: NDArray[np.uint8]

    def segment(self, num: int, first_key: int, *, seed: int) -> Segment:
        """Return the index of `num` synthetic images with the keys first_key, first_key + 1 …, in memory."""
        rng = np.random.default_rng([seed, first_key])
        like = rng.integers(0, len(self.counts), num)
        lengths = self.counts[like]
        rows = np.repeat(np.arange(num, dtype=np.uint32), lengths)
        chosen = np.empty(len(rows), np.int64)
        turned = np.empty(len(rows), np.uint16)
        _draw(lengths, self.starts, int(rng.integers(2**31)), chosen, turned)
        geometry = (self.geometry[chosen] + turned).astype(np.uint16)  # the angle wraps round at the top
        words = postings.arrange(
            num, self.words[chosen], rows, self.cells[chosen], self.near[chosen], self.far[chosen], geometry
        )
        flips = np.packbits(rng.random((num, 256), np.float32) < _HASH_MOVED, axis=1).view(np.uint64)
        noise = rng.normal(0, _LAYOUT_NOISE, (num, self.layouts.shape[1]))
        return Segment(
            keys=np.arange(first_key, first_key + num, dtype=np.int64),
            codes=np.ascontiguousarray((self.codes[like] ^ flips).T),
            layouts=np.clip(self.layouts[like] + noise, 0, 255).astype(np.uint8),
            quality=self.quality[like],
            num_features=lengths.astype(np.uint16),
            postings=words,
        )


def make_pool(images: list[StoredImage], quality: list[int], vocabulary: Vocabulary, *, seed: int) -> Pool:
    """Return a pool made of real images. Cost: 2.5 µs for each version of each key point."""
    rng = np.random.default_rng(seed)
    images_and_quality = [(i, q) for i, q in zip(images, quality, strict=True) if len(i.local) >= PIECES]
    images = [image for image, _ in images_and_quality]
    counts = np.array([len(image.local) for image in images], np.int64)
    order = np.concatenate(
        [
            start + rng.permutation(count)
            for start, count in zip(np.cumsum(counts) - counts, counts, strict=True)
        ]
    )
    descriptors = np.concatenate([image.local.descriptors for image in images])[order]
    geometry = np.concatenate([pack_geometry(image.local) for image in images])[order]
    columns: list[tuple[NDArray[Any], ...]] = []
    for _ in range(VERSIONS):
        flips = np.packbits(rng.random((len(descriptors), 256), np.float32) < MOVED, axis=1).view(np.uint64)
        moved = descriptors ^ flips
        words = vocabulary.nearest(moved)
        signed = vocabulary.sign(moved, words)
        columns.append((words[:, 0], signed.cells[:, 0], signed.near[:, 0], signed.far[:, 0], geometry))
    words, cells, near, far, places = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return Pool(
        starts=np.concatenate([[0], np.cumsum(np.tile(counts, VERSIONS))]),
        words=words,
        cells=cells,
        near=near,
        far=far,
        geometry=places,
        counts=counts,
        codes=np.stack([image.code for image in images]).view(np.uint64),
        layouts=np.stack([image.layout for image in images]),
        quality=np.array([value for _, value in images_and_quality], np.uint8),
    )


@compiled
def _draw(
    lengths: NDArray[np.int64],
    starts: NDArray[np.int64],
    seed: int,
    chosen: NDArray[np.int64],
    turned: NDArray[np.uint16],
) -> None:
    """Fill in which key points of the pool each image gets, and by how much those of a piece are turned."""
    np.random.seed(seed)
    num_pieces = starts.shape[0] - 1
    position = 0
    for image in range(lengths.shape[0]):
        left = lengths[image]
        for piece in range(PIECES):
            wanted = left // (PIECES - piece)
            left -= wanted
            source = np.random.randint(0, num_pieces)
            begin, size = starts[source], starts[source + 1] - starts[source]
            offset = np.random.randint(0, size)
            turn = np.uint16(np.random.randint(0, 32) << 11)
            for i in range(wanted):
                chosen[position] = begin + (offset + i) % size
                turned[position] = turn
                position += 1
