"""Postings of an inverted index: which images show a visual word, and what tells true from chance.

A posting is an image (uint32, row within the segment), a signature (64 of the descriptor's 256 bits) and a
geometry (uint16): 6 bits angle, 4 bits pyramid level, 3 bits column and 3 bits row of an 8 × 8 grid.
14 bytes a feature, 7 KB an image of 500 features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echo_image.features.stored import StoredFeatures
from echo_image.index.words.vocabulary import NUM_WORDS, Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Postings in the order of words, within a word in the order of images.

    Attributes:
        offsets: (65537,) uint32; the postings of word w are offsets[w] to offsets[w + 1].
        images: (P,) uint32, row of the image within the segment.
        signatures: (P,) uint64.
        geometry: (P,) uint16.
    """

    offsets: NDArray[np.uint32]
    images: NDArray[np.uint32]
    signatures: NDArray[np.uint64]
    geometry: NDArray[np.uint16]


def pack_geometry(stored: StoredFeatures) -> NDArray[np.uint16]:
    """Return (N,) uint16: angle << 10 | level << 6 | column << 3 | row."""
    angle = stored.angles.astype(np.uint16) >> 2
    level = np.minimum(stored.levels, 15).astype(np.uint16)
    grid = stored.xy >> 13
    packed = (angle << 10) | (level << 6) | (grid[:, 0] << 3) | grid[:, 1]
    return np.asarray(packed, np.uint16)


def build(features: Sequence[StoredFeatures], vocabulary: Vocabulary) -> Postings:
    """Return the postings of these images; row i is `features[i]`."""
    lengths = np.array([len(f) for f in features], np.int64)
    words = np.concatenate([f.words for f in features]) if features else np.zeros(0, np.uint16)
    descriptors = (
        np.concatenate([f.descriptors for f in features]) if features else np.zeros((0, 4), np.uint64)
    )
    geometry = np.concatenate([pack_geometry(f) for f in features]) if features else np.zeros(0, np.uint16)
    images = np.repeat(np.arange(len(features), dtype=np.uint32), lengths)
    order = np.argsort(words, kind="stable")
    return Postings(
        offsets=offsets_of(np.bincount(words, minlength=NUM_WORDS)),
        images=images[order],
        signatures=vocabulary.signatures(descriptors)[order],
        geometry=geometry[order],
    )


def offsets_of(counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return (V + 1,) uint32 offsets of lists with these lengths."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    if offsets[-1] >= 2**32:
        raise ValueError(f"{offsets[-1]} postings are more than one segment can hold (4,294,967,295)")
    return offsets.astype(np.uint32)


def merge(parts: Sequence[Postings], rows: Sequence[NDArray[np.int64]]) -> Postings:
    """Return the postings of several segments as one.

    Args:
        parts: the segments' postings, in the order of their images.
        rows: for each part (N,) int64, the new row of each of its images, or -1 to leave it out.
    """
    words = np.arange(NUM_WORDS, dtype=np.uint16)
    all_words, all_rows, all_signatures, all_geometry = [], [], [], []
    for part, new_rows in zip(parts, rows, strict=True):
        row = new_rows[part.images]
        keep = row >= 0
        all_words.append(np.repeat(words, np.diff(part.offsets))[keep])
        all_rows.append(row[keep].astype(np.uint32))
        all_signatures.append(part.signatures[keep])
        all_geometry.append(part.geometry[keep])
    word = np.concatenate(all_words)
    order = np.argsort(word, kind="stable")
    return Postings(
        offsets=offsets_of(np.bincount(word, minlength=NUM_WORDS)),
        images=np.concatenate(all_rows)[order],
        signatures=np.concatenate(all_signatures)[order],
        geometry=np.concatenate(all_geometry)[order],
    )
