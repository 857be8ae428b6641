"""Postings of an inverted index: which images show a visual word, and what tells true from chance.

A posting is an image (row within the segment), a 56-bit signature (`signatures`: cell, near, far) and a
geometry (uint16): 5 bits angle, 3 bits pyramid level, 4 bits column and 4 bits row of a 16 × 16 grid.

Postings lie in the order of words, within a word of cells, within a cell of images. There are two kinds:

| | images | addressed by | bytes a posting |
|---|---|---|---|
| sparse | at most 262,144 | word; the cell is a column | 2 + 1 + 4 + 2 + 2 = 11; above 65,536 images 13 |
| dense | more | word and cell, whose 16.8 M offsets take 67 MB | 4 + 4 + 2 + 2 = 12 |

so that an image of 500 features takes 5.5 to 6.5 KB. A query finds the same in both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from echo_image.features.compilation import compiled
from echo_image.features.stored import StoredFeatures
from echo_image.index.pages import release
from echo_image.index.words.lanes import LANES
from echo_image.index.words.signatures import CELL_BITS
from echo_image.index.words.vocabulary import NUM_WORDS, Vocabulary

_Number = TypeVar("_Number", bound=np.generic)

NUM_CELLS = 1 << CELL_BITS
#: Segments of more images are dense. Below, a cell has so few postings that finding it takes longer than
#: looking at the whole word.
MAX_SPARSE_IMAGES = 262_144
_MAX_NARROW_IMAGES = 65_536
#: What one segment can hold, as offsets are uint32: 8.9 million images of 480 features.
MAX_POSTINGS = 2**32 - 1


#: A merge goes on by so many words at most, whose cells are counted in 2 MB, which a cache holds ...
_STEP_WORDS = 1024
#: ... and by so many postings, of which 25 MB are mapped, unless a single word has more.
_STEP_POSTINGS = 1_000_000
#: Merges of no more postings than this are made in memory (about 70 bytes for each).
_IN_MEMORY = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """P postings; sparse or dense (see above).

    Attributes:
        offsets: uint32, (65537,) when sparse, (65536 · 256 + 1,) when dense; the postings of word w, or of
            cell c of word w, are offsets[i] to offsets[i + 1] with i = w, or 256 · w + c.
        images: (P,) uint16, or uint32 where there are more than 65,536 images; row within the segment.
        cells: (P,) uint8 when sparse, (0,) when dense.
        near: (P + 16,) uint32; the last 16 are padding, as 16 are read at a time.
        far: (P,) uint16.
        geometry: (P,) uint16.
    """

    offsets: NDArray[np.uint32]
    images: NDArray[np.uint16] | NDArray[np.uint32]
    cells: NDArray[np.uint8]
    near: NDArray[np.uint32]
    far: NDArray[np.uint16]
    geometry: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.far)

    @property
    def is_dense(self) -> bool:
        """Whether cells are addressed by the offsets."""
        return len(self.offsets) != NUM_WORDS + 1


def is_dense(num_images: int) -> bool:
    """Say of which kind the postings of so many images are."""
    return num_images > MAX_SPARSE_IMAGES


def shapes(num_images: int, num_postings: int) -> dict[str, tuple[np.dtype[np.generic], tuple[int, ...]]]:
    """Return dtype and shape of each array of the postings, by name.

    Raises:
        ValueError: so many do not fit into one segment.
    """
    if num_postings > MAX_POSTINGS:
        raise ValueError(f"{num_postings} postings are more than one segment can hold ({MAX_POSTINGS})")
    dense = is_dense(num_images)
    num_lists = NUM_WORDS * NUM_CELLS if dense else NUM_WORDS
    return {
        "offsets": (np.dtype("<u4"), (num_lists + 1,)),
        "images": (np.dtype("<u2" if num_images <= _MAX_NARROW_IMAGES else "<u4"), (num_postings,)),
        "cells": (np.dtype("u1"), (0 if dense else num_postings,)),
        "near": (np.dtype("<u4"), (num_postings + LANES,)),
        "far": (np.dtype("<u2"), (num_postings,)),
        "geometry": (np.dtype("<u2"), (num_postings,)),
    }


def empty(num_images: int, num_postings: int) -> Postings:
    """Return postings in memory that are yet to be filled in."""
    return Postings(**{n: np.zeros(s, t) for n, (t, s) in shapes(num_images, num_postings).items()})


def read_only(postings: Postings) -> Postings:
    """Make the arrays unchangeable, as those of a file are: the loops are then compiled once for both."""
    for field in fields(postings):
        getattr(postings, field.name).flags.writeable = False
    return postings


def pack_geometry(stored: StoredFeatures) -> NDArray[np.uint16]:
    """Return (N,) uint16: angle << 11 | level << 8 | column << 4 | row."""
    angle = (stored.angles >> 3).astype(np.uint16)
    level = np.minimum(stored.levels, 7).astype(np.uint16)
    grid = stored.xy >> 12
    return np.asarray((angle << 11) | (level << 8) | (grid[:, 0] << 4) | grid[:, 1], np.uint16)


def build(features: Sequence[StoredFeatures], vocabulary: Vocabulary) -> Postings:
    """Return the postings of these images in memory; row i is `features[i]`."""
    words = _joined([f.words for f in features], np.zeros(0, np.uint16))
    descriptors = _joined([f.descriptors for f in features], np.zeros((0, 4), np.uint64))
    geometry = _joined([pack_geometry(f) for f in features], np.zeros(0, np.uint16))
    rows = np.repeat(np.arange(len(features), dtype=np.uint32), [len(f) for f in features])
    signed = vocabulary.sign(descriptors, words[:, None])
    return arrange(
        len(features), words, rows, signed.cells[:, 0], signed.near[:, 0], signed.far[:, 0], geometry
    )


def _joined(parts: Sequence[NDArray[_Number]], nothing: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate(parts) if parts else nothing


def arrange(
    num_images: int,
    words: NDArray[np.uint16],
    rows: NDArray[np.uint32],
    cells: NDArray[np.uint8],
    near: NDArray[np.uint32],
    far: NDArray[np.uint16],
    geometry: NDArray[np.uint16],
) -> Postings:
    """Return postings, given column by column (P,) in the order of images, as an index in memory."""
    postings = empty(num_images, len(words))
    key = (words.astype(np.uint64) << np.uint64(CELL_BITS) | cells) << np.uint64(32)
    order = np.sort(key | np.arange(len(words), dtype=np.uint64)) & np.uint64(0xFFFFFFFF)
    lists = words.astype(np.int64) * NUM_CELLS + cells if postings.is_dense else words
    np.cumsum(np.bincount(lists, minlength=len(postings.offsets) - 1), out=postings.offsets[1:])
    postings.images[:] = rows[order]
    postings.near[: len(words)] = near[order]
    postings.far[:] = far[order]
    postings.geometry[:] = geometry[order]
    if not postings.is_dense:
        postings.cells[:] = cells[order]
    return read_only(postings)


class Stopped(Exception):
    """A merge was asked to stop."""


def merge(
    parts: Sequence[Postings],
    rows: Sequence[NDArray[np.int64]],
    into: Postings,
    stop: threading.Event | None = None,
) -> None:
    """Fill in the postings of several segments as one.

    Memory: some 60 MB for many, whatever the number of postings, mapped pages included; many are read
    twice, word by word, and written once, in order.

    Args:
        parts: the segments' postings, in the order of their images.
        rows: for each part (N,) int64, the new row of each of its images, or -1 to leave it out.
        into: arrays of the right lengths (`count_kept`), writable.
        stop: set by another thread to end it.

    Raises:
        Stopped: it was.
        ValueError: `into` has room for another number of postings.
    """
    if len(into) <= _IN_MEMORY:
        _merge_in_memory(parts, rows, into)
        return
    starts = [_word_starts(part) for part in parts]
    end = 0
    for words in _steps(np.sum(starts, axis=0, dtype=np.int64)):
        if stop is not None and stop.is_set():
            raise Stopped
        begin, end = end, _merge_words(parts, rows, into, words, end)
        for part, own in zip(parts, starts, strict=True):
            _release(part, words, int(own[words[0]]), int(own[words[1]]))
        _release(into, words, begin, end)
    if end < len(into):
        raise _no_room(parts, rows, into)


def _word_starts(part: Postings) -> NDArray[np.uint32]:
    """Return (65537,): the postings of word w are those from w to w + 1."""
    starts = part.offsets[:: NUM_CELLS if part.is_dense else 1].copy()
    release(part.offsets)
    return starts


def _steps(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield all words, first and last of those that a merge takes at once; the last is not included."""
    first = 0
    while first < NUM_WORDS:
        last = int(np.searchsorted(starts, starts[first] + _STEP_POSTINGS, side="right")) - 1
        last = min(max(last, first + 1), first + _STEP_WORDS, NUM_WORDS)
        yield first, last
        first = last


def _merge_words(
    parts: Sequence[Postings],
    rows: Sequence[NDArray[np.int64]],
    into: Postings,
    words: tuple[int, int],
    begin: int,
) -> int:
    """Merge the postings of some words, to be written from `begin` on; return where they end."""
    first, last = words
    # One array in turn for the counts, where each cell begins, and where its next posting goes.
    cursors = np.zeros((last - first) * NUM_CELLS + 1, np.int64)
    cursors[0] = begin
    for part, new_rows in zip(parts, rows, strict=True):
        _count(first, last, part.offsets, part.cells, part.images, new_rows, part.is_dense, cursors[1:])
    np.cumsum(cursors, out=cursors)
    end = int(cursors[-1])
    if end > len(into):
        raise _no_room(parts, rows, into)
    if into.is_dense:
        into.offsets[first * NUM_CELLS : last * NUM_CELLS + 1] = cursors
    else:
        into.offsets[first : last + 1] = cursors[::NUM_CELLS]
    for part, new_rows in zip(parts, rows, strict=True):
        _scatter(
            first,
            last,
            (part.offsets, part.cells, part.images, part.near, part.far, part.geometry),
            new_rows,
            part.is_dense,
            cursors,
            (into.cells, into.images, into.near, into.far, into.geometry),
            into.is_dense,
        )
    return end


def _release(postings: Postings, words: tuple[int, int], begin: int, end: int) -> None:
    """Give back the memory of some words, which have the postings from `begin` to `end`."""
    if postings.is_dense:
        release(postings.offsets[words[0] * NUM_CELLS : words[1] * NUM_CELLS])
    for column in (postings.images, postings.cells, postings.near, postings.far, postings.geometry):
        release(column[begin:end])


def _no_room(parts: Sequence[Postings], rows: Sequence[NDArray[np.int64]], into: Postings) -> ValueError:
    kept = sum(count_kept(part, new_rows) for part, new_rows in zip(parts, rows, strict=True))
    return ValueError(f"{kept} postings are kept, but there is room for {len(into)}")


def _merge_in_memory(parts: Sequence[Postings], rows: Sequence[NDArray[np.int64]], into: Postings) -> None:
    """As `merge`, for few postings: sorting them is quicker than counting all cells."""
    columns = []
    for part, new_rows in zip(parts, rows, strict=True):
        lists = np.repeat(np.arange(len(part.offsets) - 1), np.diff(part.offsets))
        words, cells = (lists >> CELL_BITS, lists & (NUM_CELLS - 1)) if part.is_dense else (lists, part.cells)
        new = new_rows[part.images]
        kept = new >= 0
        values = (words, new, cells, part.near[: len(part)], part.far, part.geometry)
        columns.append(tuple(value[kept] for value in values))
    words, new, cells, near, far, geometry = (np.concatenate(each) for each in zip(*columns, strict=True))
    if len(words) != len(into):
        raise _no_room(parts, rows, into)
    num_images = MAX_SPARSE_IMAGES + into.is_dense
    arranged = arrange(
        num_images,
        words.astype(np.uint16),
        new.astype(np.uint32),
        cells.astype(np.uint8),
        near,
        far,
        geometry,
    )
    for field in fields(Postings):
        getattr(into, field.name)[...] = getattr(arranged, field.name)


def count_kept(part: Postings, new_rows: NDArray[np.int64]) -> int:
    """Return how many postings belong to images whose new row is not -1."""
    if new_rows.min(initial=0) >= 0:
        return len(part)
    kept = 0
    for start in range(0, len(part), _STEP_POSTINGS):
        images = part.images[start : start + _STEP_POSTINGS]
        kept += int(_count_kept(images, new_rows))
        release(images)
    return kept


@compiled
def _count_kept(images: NDArray[np.uint32], new_rows: NDArray[np.int64]) -> int:
    kept = 0
    for p in range(images.shape[0]):
        kept += new_rows[images[p]] >= 0
    return kept


@compiled
def _count(
    first: int,
    last: int,
    offsets: NDArray[np.uint32],
    cells: NDArray[np.uint8],
    images: NDArray[np.uint32],
    new_rows: NDArray[np.int64],
    dense: bool,
    counts: NDArray[np.int64],
) -> None:
    """Add to `counts` how many postings of each cell of some words are kept.

    Args:
        first, last: words, the last not included.
        counts: ((last - first) · cells,).
    """
    lists = NUM_CELLS if dense else 1
    for i in range((last - first) * lists):
        of_list = first * lists + i
        for p in range(np.int64(offsets[of_list]), np.int64(offsets[of_list + 1])):
            if new_rows[images[p]] >= 0:
                counts[i if dense else i * NUM_CELLS + cells[p]] += 1


@compiled
def _scatter(
    first: int,
    last: int,
    source: tuple[NDArray[np.generic], ...],
    new_rows: NDArray[np.int64],
    dense: bool,
    cursors: NDArray[np.int64],
    target: tuple[NDArray[np.generic], ...],
    into_dense: bool,
) -> None:
    """Write the kept postings of some words of one part to where `cursors` says, and move these on.

    Args:
        first, last: words, the last not included.
        cursors: ((last - first) · cells,), where the next posting of each cell goes.
    """
    offsets, cells, images, near, far, geometry = source
    new_cells, new_images, new_near, new_far, new_geometry = target
    lists = NUM_CELLS if dense else 1
    for i in range((last - first) * lists):
        of_list = first * lists + i
        for p in range(np.int64(offsets[of_list]), np.int64(offsets[of_list + 1])):
            row = new_rows[images[p]]
            if row < 0:
                continue
            cell = i if dense else i * NUM_CELLS + cells[p]
            place = cursors[cell]
            cursors[cell] = place + 1
            new_images[place] = row
            new_near[place] = near[p]
            new_far[place] = far[p]
            new_geometry[place] = geometry[p]
            if not into_dense:
                new_cells[place] = cell & (NUM_CELLS - 1)
