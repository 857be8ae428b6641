"""What a search sees: all segments of one moment, the newest images in memory, and what was removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from echo_image.catalogue import Catalogue, ImageRecord, Packs
from echo_image.errors import LibraryCorrupt
from echo_image.features import layout, stored
from echo_image.features.stored import StoredFeatures
from echo_image.index import hashes
from echo_image.index.segment import Segment
from echo_image.index.words import postings, vocabulary

HASH_BYTES = 32
_WHOLE_BYTES = HASH_BYTES + layout.NUM_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """An unchanging view of a library's indexes.

    Attributes:
        segments: in the order of keys; those of the newest images live in memory only.
        removed: (R,) int64, ascending keys that segments still name but the catalogue no longer has.
        allowed: (A,) int64, ascending keys of the only images that are wanted; None where all are.
    """

    segments: tuple[Segment, ...]
    removed: NDArray[np.int64]
    allowed: NDArray[np.int64] | None = None

    def is_live(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say for each key whether the image is still in the library, and wanted."""
        live = ~np.isin(keys, self.removed)
        if self.allowed is None:
            return live
        places = np.minimum(np.searchsorted(self.allowed, keys), max(len(self.allowed) - 1, 0))
        return live & (self.allowed[places] == keys) if len(self.allowed) else np.zeros(len(keys), np.bool_)

    def restricted(self, keys: list[int]) -> Snapshot:
        """Return the view of these images only; the keys ascend."""
        return replace(self, allowed=np.array(keys, np.int64))

    def unrestricted(self) -> Snapshot:
        """Return the view of all images."""
        return self if self.allowed is None else replace(self, allowed=None)

    def live_keys(self) -> list[int]:
        """Return the keys of the images that are live, ascending."""
        keys = [segment.keys[self.is_live(segment.keys)] for segment in self.segments]
        return [int(key) for part in keys for key in part]

    @property
    def num_indexed(self) -> int:
        """How many live images the indexes hold, wanted or not: what a scan costs grows with it."""
        return sum(len(segment) for segment in self.segments) - len(self.removed)

    def __len__(self) -> int:
        if self.allowed is None:
            return self.num_indexed
        return sum(int(np.count_nonzero(self.is_live(segment.keys))) for segment in self.segments)


def make(segments: Iterable[Segment], removed: Iterable[int]) -> Snapshot:
    """Return a snapshot of these segments."""
    kept = tuple(segment for segment in segments if len(segment))
    return Snapshot(kept, np.array(sorted(removed), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class StoredImage:
    """What a pack holds of one image.

    Attributes:
        code: (32,) uint8, perceptual hash.
        layout: (48,) uint8, colour layout.
        local: local features.
    """

    code: NDArray[np.uint8]
    layout: NDArray[np.uint8]
    local: StoredFeatures


def read_images(catalogue: Catalogue, packs: Packs, keys: list[int]) -> dict[int, StoredImage]:
    """Return hash and features of images; raises LibraryCorrupt when a pack is damaged."""
    images = {}
    for key, place in catalogue.places(keys).items():
        images[key] = parse(packs.features(place))
    return images


def parse(data: bytes) -> StoredImage:
    """Return what a pack holds of an image; raises LibraryCorrupt when it is not as long as it should be."""
    if len(data) < _WHOLE_BYTES:
        raise LibraryCorrupt(
            f"stored features are {len(data)} bytes, at least {_WHOLE_BYTES} are needed",
            hint="run `echo-image check LIBRARY --repair`",
        )
    whole = np.frombuffer(data, np.uint8, _WHOLE_BYTES)
    return StoredImage(whole[:HASH_BYTES], whole[HASH_BYTES:], stored.unpack(data[_WHOLE_BYTES:]))


def build_segment(records: dict[int, ImageRecord], images: dict[int, StoredImage]) -> Segment:
    """Return the index of these images, in memory."""
    keys = sorted(records)
    codes = np.zeros((len(keys), HASH_BYTES), np.uint8)
    layouts = np.zeros((len(keys), layout.NUM_BYTES), np.uint8)
    for row, key in enumerate(keys):
        codes[row], layouts[row] = images[key].code, images[key].layout
    return Segment(
        keys=np.array(keys, np.int64),
        codes=np.ascontiguousarray(hashes.as_words(codes).T),
        layouts=layouts,
        quality=np.array([records[key].quality for key in keys], np.uint8),
        num_features=np.array([records[key].num_features for key in keys], np.uint16),
        postings=postings.build([images[key].local for key in keys], vocabulary.load()),
    )
