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
from echo_image.index.words.effort import effort_for
from echo_image.index.words.search import prepare as prepare_words
from echo_image.index.words.search import search as search_words
from echo_image.retrieval.query import Prepared
from echo_image.store.snapshot import Snapshot
from echo_image.verify.measure import Hands

#: The image with this rank is taken for one that got its score by chance.
_BACKGROUND_RANK = 100
#: Strength from which on a candidate is compared in any case. Of 640 hard edits among a million images 99 in
#: a hundred have more than 4.2, and the weakest that is found has 2.1; by chance 18 images have 1.4.
_STANDS_OUT = 1.4
#: In a million unrelated images some hash lies as near as this, and each so many bits nearer tell e times as
#: much; likewise a colour layout at this mean difference.
_CHANCE_BITS = 76.0
_BITS_OF_STRENGTH = 10.0
_CHANCE_LAYOUT = 4.0


@dataclass(frozen=True, slots=True)
class Shortlists:
    """How many candidates each source may propose, and how many are compared whatever they are worth.

    Attributes:
        hashed, layout, words, mirrored: the most of each source.
        least: of all together, in their order; behind these only what stands out from chance is compared.
    """

    hashed: int = 16
    layout: int = 8
    words: int = 24
    mirrored: int = 12
    least: int = 12

    def for_limit(self, limit: int) -> Shortlists:
        """Return longer lists for a caller who wants more than a page."""
        more = max(1.0, limit / 10)
        return Shortlists(*(int(getattr(self, field.name) * more) for field in fields(self)))


@dataclass(slots=True)
class Candidate:
    """An image worth comparing.

    Attributes:
        key: of the image.
        strength: how far it stands out, by the best of the lists it is in: 1 is what chance gives.
        straight, mirrored: with the query as it is, with its mirror image.
        inverted: with the query's colours inverted.
    """

    key: int
    strength: float
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
    """Return what is worth comparing, the most promising first, none twice.

    The mirror image is looked up by the features that a library would store of it: a mirrored copy is seldom
    a small part of another picture besides.
    """
    other_hand = pool.submit(_by_words, snapshot, query, query.features.mirrored_local)
    # A list that is not wanted costs no scan.
    by_hash = pool.submit(_by_hash, snapshot, query.subject.codes, lists.hashed) if lists.hashed else None
    straight = _by_words(snapshot, query, query.features.extended)
    hashed = by_hash.result() if by_hash else []
    found: dict[int, Candidate] = {}

    def note(key: int, strength: float) -> Candidate:
        candidate = found.setdefault(key, Candidate(key, strength))
        candidate.strength = max(candidate.strength, strength)
        return candidate

    for key, strength, orientation in hashed:
        candidate = note(key, strength)
        if is_mirroring(orientation % len(ORIENTATIONS)):
            candidate.mirrored = True
        else:
            candidate.straight = True
        candidate.inverted |= orientation >= len(ORIENTATIONS)
    if query.subject.is_plain and lists.layout:
        for key, strength in _by_layout(snapshot, query, lists.layout):
            note(key, strength).straight = True
    for key, strength in straight[: lists.words]:
        note(key, strength).straight = True
    for key, strength in other_hand.result()[: lists.mirrored]:
        note(key, strength).mirrored = True
    ordered = sorted(found.values(), key=lambda candidate: (-candidate.strength, candidate.key))
    return [c for rank, c in enumerate(ordered) if rank < lists.least or c.strength >= _STANDS_OUT]


def _by_words(snapshot: Snapshot, query: Prepared, local: LocalFeatures) -> list[tuple[int, float]]:
    """Return keys and strengths: how many times the score of the image that is 100th."""
    words = prepare_words(
        local,
        query.image.width,
        query.image.height,
        vocabulary.load(),
        effort_for(snapshot.num_indexed),
        num_stored=len(query.features.local),
    )
    # What chance gives is told by all images, also where few of them are wanted.
    keys, scores = _best(snapshot.unrestricted(), search_words(snapshot.segments, words))
    if not len(keys):
        return []
    chance = scores[min(_BACKGROUND_RANK, len(scores) - 1)]
    if snapshot.allowed is not None:
        wanted = snapshot.is_live(keys)
        keys, scores = keys[wanted], scores[wanted]
    return list(zip(keys.tolist(), (scores / chance).tolist(), strict=True))


def _by_hash(snapshot: Snapshot, codes: NDArray[np.uint64], count: int) -> list[tuple[int, float, int]]:
    """Return keys, strengths and orientations."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    orientation_of: dict[int, int] = {}
    for segment in snapshot.segments:
        rows, distances, orientations = hashes.search(segment.codes, codes, _enough(snapshot, count))
        parts.append((rows, -distances.astype(np.float32)))
        orientation_of |= dict(zip(segment.keys[rows].tolist(), orientations.tolist(), strict=True))
    keys, scores = (values[:count] for values in _best(snapshot, parts))
    strengths = np.exp((scores + _CHANCE_BITS) / _BITS_OF_STRENGTH)
    return [
        (key, strength, orientation_of[key])
        for key, strength in zip(keys.tolist(), strengths.tolist(), strict=True)
    ]


def _by_layout(snapshot: Snapshot, query: Prepared, count: int) -> list[tuple[int, float]]:
    """Return keys and strengths."""
    parts = []
    for segment in snapshot.segments:
        rows, distances = layouts.search(segment.layouts, query.features.layout, _enough(snapshot, count))
        parts.append((rows, -distances))
    keys, scores = (values[:count] for values in _best(snapshot, parts))
    return list(zip(keys.tolist(), np.exp(scores + _CHANCE_LAYOUT).tolist(), strict=True))


def _enough(snapshot: Snapshot, count: int) -> int:
    """Return how many must be looked for so that `count` live ones are among them, if there are so many."""
    if snapshot.allowed is not None:
        return sum(len(segment) for segment in snapshot.segments)
    return count + len(snapshot.removed)


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
