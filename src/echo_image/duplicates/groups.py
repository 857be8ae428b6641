"""Groups of images of one library: near pairs of perceptual hashes, verified, and joined.

Of pairs that would join what hangs together already only the first, the nearest, is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from echo_image.catalogue import ImageRecord
from echo_image.duplicates.components import Component, Components
from echo_image.duplicates.near import near_pairs
from echo_image.features import QueryFeatures, orb, perceptual
from echo_image.index import hashes
from echo_image.retrieval.query import stored_reference
from echo_image.store import Store
from echo_image.store.snapshot import HASH_BYTES
from echo_image.verify.decide import PROVEN_SCORE, Verdict
from echo_image.verify.judge import NAMELESS, judge
from echo_image.verify.measure import Subject

#: Hashes of images with less (0..100) say little: flat images are all near each other. The published
#: recommendation for PDQ.
MIN_QUALITY = 50
_IDENTICAL = "identical"
_NEAR = "near"
#: Images read for verification that are kept, about 40 KB each.
_SUBJECTS = 256
#: Keys whose hashes are looked up at once.
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that show the same.

    Attributes:
        images: largest first (pixels, then bytes), so the first is the one to keep.
        kind: `identical` when all have the same pixels, else `near`.
        score: the lowest score of the pairs that hold the group together, 0..100.
    """

    images: tuple[ImageRecord, ...]
    kind: str
    score: float

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of the public contract."""
        return {
            "kind": self.kind,
            "score": round(self.score, 1),
            "images": [image.to_dict() for image in self.images],
        }


def find_duplicates(store: Store, *, min_score: float = PROVEN_SCORE) -> list[DuplicateGroup]:
    """Return the groups of a library, those with most images first.

    An image with several locations is a group of its own, of the kind `identical`, as are images with equal
    pixels.

    Args:
        store: the library.
        min_score: pairs below it do not count, 0..100.

    Raises:
        LibraryCorrupt: a part of the library is damaged.

    Cost: as `near_pairs`, and some ms for each near pair that is verified, at most 16 for an image. In memory
        are the hashes, the images of groups, and the features of some hundred others.
    """
    components = Components()
    for first, second in store.catalogue.pixel_twins():
        components.link(first, second, score=100.0, identical=True)
    _link_near(store, components, min_score)
    groups = [_group(store, component) for component in components.all()]
    alone = [key for key in store.catalogue.keys_with_several_locations() if key not in components]
    for start in range(0, len(alone), _CHUNK):
        records = store.catalogue.records(alone[start : start + _CHUNK]).values()
        groups += [DuplicateGroup((record,), _IDENTICAL, 100.0) for record in records]
    kept = [group for group in groups if _is_group(group)]
    return sorted(kept, key=lambda group: (-len(group.images), group.images[0].locations))


def _group(store: Store, component: Component) -> DuplicateGroup:
    records = store.catalogue.records(component.members).values()
    images = sorted(
        records, key=lambda image: (-image.width * image.height, -image.num_bytes, image.locations)
    )
    return DuplicateGroup(tuple(images), _IDENTICAL if component.identical else _NEAR, component.score)


def _is_group(group: DuplicateGroup) -> bool:
    """Whether it still is one: images may have been removed since their hashes were compared."""
    return len(group.images) > 1 or any(len(image.locations) > 1 for image in group.images)


def _link_near(store: Store, components: Components, min_score: float) -> None:
    keys, codes = _codes(store, store.catalogue.keys_of_quality(MIN_QUALITY))
    verified = _Verified(store)
    for i, j in zip(*near_pairs(codes), strict=True):
        first, second = int(keys[i]), int(keys[j])
        if components.root(first) == components.root(second):
            continue
        score = verified.score(first, second)
        if score is not None and score >= min_score:
            components.link(first, second, score=score, identical=False)


def _codes(store: Store, keys: list[int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """(N,) int64 keys of the images that are still there, and (N, 4) uint64 hashes."""
    found: dict[int, bytes] = {}
    for start in range(0, len(keys), _CHUNK):
        found |= store.codes(keys[start : start + _CHUNK])
    codes = np.frombuffer(b"".join(found.values()), np.uint8).reshape(-1, HASH_BYTES)
    return np.fromiter(found, np.int64, len(found)), hashes.as_words(codes)


class _Verified:
    """Verifies pairs, and keeps what it read of the last images: those of a group come close together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._subject = lru_cache(maxsize=_SUBJECTS)(self._read)

    def score(self, first: int, second: int) -> float | None:
        """Return the score of a pair that is proven to show the same; None when it is not, or gone."""
        query, candidate = self._subject(first), self._subject(second)
        if query is None or candidate is None:
            return None
        match = judge(query, _features_of(query), candidate, NAMELESS)
        return None if match.verdict is Verdict.SIMILAR else match.score

    def _read(self, key: int) -> Subject | None:
        record = self._store.catalogue.records([key]).get(key)
        stored = self._store.stored([key]).get(key)
        jpeg = self._store.thumbnails([key]).get(key)
        if record is None or stored is None or jpeg is None:
            return None
        return stored_reference(
            stored, jpeg, width=record.width, height=record.height, quality=record.quality
        )


def _features_of(subject: Subject) -> QueryFeatures:
    code = subject.codes.view(np.uint8).reshape(1, -1)
    hashed = perceptual.PerceptualHash(code, subject.quality)
    none = orb.empty()
    return QueryFeatures(hashed, np.zeros(0, np.uint8), subject.local, subject.local, none, none)
