"""Peers that make something of each image and compare it with what they made of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage

from benchmarks import goldberg
from benchmarks.reporting import say
from echo_image.evaluate import Trial, load_pixels

__all__ = ["Answer", "Nearest", "filled", "nearest_peers"]

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a peer says of the images it compared a query with; those that count neither way are left out.

    Attributes:
        scores: (N,) float64, larger is closer.
        right: (N,) bool, it is the image that was edited.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Nearest:
    """Compares something made of each image with all others.

    Attributes:
        name: for the table.
        make: (H, W, 3) uint8 → what is compared.
        gather: what was made of all images → what they are compared in.
        compare: (query's, all images') → distances, smaller is closer.
        paths: of the images, in the order of `made`.
        made: what was made of them.
    """

    name: str
    make: Callable[[Rgb], Any]
    gather: Callable[[list[Any]], Any]
    compare: Callable[[Any, Any], ArrayLike]
    paths: Sequence[str]
    made: list[Any] = field(default_factory=list)
    _index: Any = None

    @property
    def num_images(self) -> int:
        return len(self.paths)

    def add(self, rgb: Rgb) -> None:
        """Take in the next image."""
        self.made.append(self.make(rgb))
        self._index = None

    def asked(self, trial: Trial) -> Answer:
        """Return how near each image is to the query."""
        if self._index is None:
            self._index = self.gather(self.made)
        near = -np.asarray(self.compare(self.make(trial.pixels), self._index), np.float64)
        own = np.array([trial.known and path == trial.sample.path for path in self.paths], np.bool_)
        counts = own | np.array([path not in trial.neutral for path in self.paths], np.bool_)
        return Answer(near[counts], own[counts])


def filled(peers: Sequence[Nearest]) -> None:
    """Make of every image what each peer compares; raises EchoImageError for a file that is no image."""
    for path in peers[0].paths if peers else ():
        pixels = load_pixels(path)
        for peer in peers:
            peer.add(pixels)


def nearest_peers(paths: Sequence[str]) -> Iterator[Nearest]:
    """Yield the peers, without anything made yet; says which are missing for want of a package."""
    yield from _by_imagehash(paths)
    yield from _by_pdqhash(paths)
    yield Nearest("Goldberg signature", goldberg.signature, np.stack, goldberg.distances, paths)


def _by_imagehash(paths: Sequence[str]) -> Iterator[Nearest]:
    try:
        imagehash = import_module("imagehash")
    except ImportError:
        say("pHash, dHash, crop-resistant hash: left out, imagehash is not installed (the extra `bench`)")
        return

    def by(function: str) -> Callable[[Rgb], Any]:
        return lambda rgb: getattr(imagehash, function)(PillowImage.fromarray(rgb))

    def bits_by(function: str) -> Callable[[Rgb], NDArray[np.bool_]]:
        return lambda rgb: np.asarray(by(function)(rgb).hash, np.bool_).ravel()

    yield Nearest("pHash", bits_by("phash"), np.stack, bits_apart, paths)
    yield Nearest("dHash", bits_by("dhash"), np.stack, bits_apart, paths)
    yield Nearest(
        "crop-resistant hash",
        by("crop_resistant_hash"),
        lambda made: made,
        lambda query, others: [float(query - other) for other in others],
        paths,
    )


def _by_pdqhash(paths: Sequence[str]) -> Iterator[Nearest]:
    try:
        pdqhash = import_module("pdqhash")
    except ImportError:
        say("PDQ: left out, pdqhash is not installed (the extra `bench`)")
        return

    def turned(rgb: Rgb) -> NDArray[np.bool_]:
        return np.asarray(pdqhash.compute_dihedral(rgb)[0], np.bool_)

    yield Nearest(
        "PDQ", lambda rgb: np.asarray(pdqhash.compute(rgb)[0], np.bool_), np.stack, bits_apart, paths
    )
    # The query is tried in 8 orientations against the images as they are, the first of theirs.
    yield Nearest("PDQ, 8 ways", turned, lambda made: np.stack([ways[0] for ways in made]), bits_apart, paths)


def bits_apart(query: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return Hamming distances of a hash, or the smallest of several, (B,) or (K, B), to others, (N, B)."""
    several = np.atleast_2d(query)
    apart = np.stack([(others != one).sum(axis=1) for one in several])
    return np.asarray(apart.min(axis=0), np.float64)
