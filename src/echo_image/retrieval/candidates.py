"""Which images of a library are worth comparing: the union of what hash and words propose.

The two fail on different edits: the hash keeps pictures that are half covered or captioned, the words keep
crops and collages. The colour layout is for pictures of plain areas, where both have nothing to hold on to.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from echo_image.features.orb import LocalFeatures
from echo_image.features.perceptual import ORIENTATIONS, is_mirroring
from echo_image.index import hashes, layouts
from echo_image.index.words import vocabulary
from echo_image.index.words.search import prepare as prepare_words
from echo_image.index.words.search import search as search_words
from echo_image.retrieval.query import Prepared
from echo_image.store.snapshot import Snapshot
from echo_image.verify.measure import Hands


@dataclass(frozen=True, slots=True)
class Shortlists:
    """How many candidates each source may propose."""

    hashed: int = 16
    layout: int = 8
    words: int = 24
    mirrored: int = 12

    def for_limit(self, limit: int) -> Shortlists:
        """Return longer lists for a caller who wants more than a page."""
        more = max(1.0, limit / 10)
        return Shortlists(*(int(getattr(self, field.name) * more) for field in fields(self)))


@dataclass(slots=True)
class Candidate:
    """An image worth comparing.

    Attributes:
        key: of the image.
        rank: the best rank in any list, 0 first.
        straight, mirrored: with the query as it is, with its mirror image.
        inverted: with the query's colours inverted.
    """

    key: int
    rank: int
    straight: bool = False
    mirrored: bool = False
    inverted: bool = False

    @property
    def hands(self) -> Hands:
        """Which hands the verification must try."""
        if self.straight and not self.mirrored:
            return Hands.STRAIGHT
        if self.mirrored and not self.straight:
            return Hands.MIRRORED
        return Hands.BOTH


def propose(
    snapshot: Snapshot, query: Prepared, lists: Shortlists, pool: ThreadPoolExecutor
) -> list[Candidate]:
    """Return candidates, the most promising first, none twice."""
    other_hand = pool.submit(_by_words, snapshot, query, query.features.mirrored)
    straight = _by_words(snapshot, query, query.features.extended)
    mirrored = other_hand.result()
    found: dict[int, Candidate] = {}

    def note(key: int, rank: int) -> Candidate:
        candidate = found.setdefault(key, Candidate(key, rank))
        candidate.rank = min(candidate.rank, rank)
        return candidate

    for rank, key in enumerate(straight[: lists.words]):
        note(key, rank).straight = True
    for rank, key in enumerate(mirrored[: lists.mirrored]):
        note(key, rank).mirrored = True
    for rank, (key, orientation) in enumerate(_by_hash(snapshot, query.subject.codes, lists.hashed)):
        candidate = note(key, rank)
        if is_mirroring(orientation % len(ORIENTATIONS)):
            candidate.mirrored = True
        else:
            candidate.straight = True
        candidate.inverted |= orientation >= len(ORIENTATIONS)
    for rank, key in enumerate(_by_layout(snapshot, query, lists.layout)):
        note(key, rank).straight = True
    return sorted(found.values(), key=lambda candidate: (candidate.rank, candidate.key))


def _by_words(snapshot: Snapshot, query: Prepared, local: LocalFeatures) -> list[int]:
    words = prepare_words(local, query.image.width, query.image.height, vocabulary.load())
    return [int(key) for key in _best(snapshot, search_words(snapshot.segments, words))[0]]


def _by_hash(snapshot: Snapshot, codes: NDArray[np.uint64], count: int) -> list[tuple[int, int]]:
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    orientation_of: dict[int, int] = {}
    for segment in snapshot.segments:
        rows, distances, orientations = hashes.search(segment.codes, codes, count + len(snapshot.removed))
        parts.append((rows, -distances.astype(np.float32)))
        orientation_of |= dict(zip(segment.keys[rows].tolist(), orientations.tolist(), strict=True))
    return [(int(key), orientation_of[int(key)]) for key in _best(snapshot, parts)[0][:count]]


def _by_layout(snapshot: Snapshot, query: Prepared, count: int) -> list[int]:
    parts = []
    for segment in snapshot.segments:
        rows, distances = layouts.search(
            segment.layouts, query.features.layout, count + len(snapshot.removed)
        )
        parts.append((rows, -distances))
    return [int(key) for key in _best(snapshot, parts)[0][:count]]


def _best(
    snapshot: Snapshot, parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Merge the segments' (rows, scores): live keys, highest score first, ties by smaller key."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    keys = np.concatenate(
        [segment.keys[rows] for segment, (rows, _) in zip(snapshot.segments, parts, strict=True)]
    )
    scores = np.concatenate([values for _, values in parts])
    live = snapshot.is_live(keys)
    keys, scores = keys[live], scores[live]
    order = np.lexsort((keys, -scores))
    return keys[order], scores[order]
