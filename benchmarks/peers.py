"""The same edits, given to other ways of finding images again, in the same run on the same images.

| peer | what it is |
|---|---|
| pHash, dHash | 64-bit hashes of the package imagehash, nearest by Hamming distance |
| crop-resistant hash | of the same package: a hash for each segment of the image, its own comparison |
| PDQ | 256 bits (package pdqhash), nearest by Hamming distance; also with the query turned 8 ways |
| ORB pair by pair | no search: has the query 10 inliers to its own image? What such features can give |
| Echo-Image | the search of this package |
| plain score | the first application's SSIM and ORB, with every image; slow, so with `--plain-images` |

ORB pair by pair takes 500 key points at 512 px, the ratio 0.8 and RANSAC, of the query and its mirror image.

Recall@1, where of equal distances the wrong image goes first, and the mean time of a query. The images are a
part of the set (`--images`), as some peers are slow; for a peer that compares fewer the task is easier. A
peer whose package is missing is left out, and said.

    python -m benchmarks.peers --data FOLDER [--queries N] [--images N] [--plain-images N] [--json]
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import takewhile
from typing import Any, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from benchmarks.edits import Chosen, choose, edit_options, samples_of
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import EchoImageError, Library, open_library
from echo_image.evaluate import Family, Options, Trial, chosen_edits, load_pixels, trials
from echo_image.evaluate.metrics import pessimistic_rank
from echo_image.verify.plain import plain_score

Rgb = NDArray[np.uint8]

INLIERS = 10
_ORB_SIDE_PX = 512
_ORB_FEATURES = 500
_ORB_RATIO = 0.8
_RANSAC_PX = 5.0


class Peer(Protocol):
    """A way of finding images again."""

    @property
    def name(self) -> str:
        """What it is, for the table."""
        ...

    @property
    def num_images(self) -> int:
        """How many images it compares a query with."""
        ...

    def is_first(self, trial: Trial) -> bool:
        """Whether the image that was edited comes first."""
        ...


@dataclass(frozen=True, slots=True)
class Nearest:
    """Compares something made of each image with all others.

    Attributes:
        name: for the table.
        make: (H, W, 3) uint8 → what is compared.
        compare: (query's, all images') → distances, smaller is closer.
        paths: of the images, in the order of `made`.
        made: what was made of them.
    """

    name: str
    make: Callable[[Rgb], Any]
    compare: Callable[[Any, Sequence[Any]], Sequence[float]]
    paths: Sequence[str]
    made: list[Any] = field(default_factory=list)

    @property
    def num_images(self) -> int:
        return len(self.made)

    def is_first(self, trial: Trial) -> bool:
        distances = self.compare(self.make(trial.pixels), self.made)
        own = [-far for far, path in zip(distances, self.paths, strict=True) if path == trial.sample.path]
        others = [-far for far, path in zip(distances, self.paths, strict=True) if path != trial.sample.path]
        return pessimistic_rank(own, others) == 1


@dataclass(frozen=True, slots=True)
class Plain:
    """The first application: every image is scored, here the image itself and some others."""

    paths: Sequence[str]
    name: str = "plain score"

    @property
    def num_images(self) -> int:
        return len(self.paths)

    def is_first(self, trial: Trial) -> bool:
        # Another gives way where the image itself is not among them, so that it is always one of as many.
        others = [path for path in self.paths if path != trial.sample.path][: len(self.paths) - 1]
        own, *scores = (
            plain_score(trial.pixels, load_pixels(path)).score for path in (trial.sample.path, *others)
        )
        return pessimistic_rank([own], scores) == 1


@dataclass(frozen=True, slots=True)
class PairByPair:
    """Whether key points of the query and of its own image agree on a homography; nothing is searched."""

    name: str = "ORB pair by pair"
    num_images: int = 1

    def is_first(self, trial: Trial) -> bool:
        own = key_points(load_pixels(trial.sample.path))
        looks = (trial.pixels, np.ascontiguousarray(trial.pixels[:, ::-1]))
        return max(num_inliers(key_points(look), own) for look in looks) >= INLIERS


@dataclass(frozen=True, slots=True)
class EchoImage:
    """This package."""

    library: Library
    num_images: int
    name: str = "Echo-Image"

    def is_first(self, trial: Trial) -> bool:
        matches = self.library.search(trial.pixels, limit=1).matches
        return any(match.id == trial.sample.id for match in matches)


def key_points(rgb: Rgb) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return (N, 2) px and (N, 32) descriptors of ORB as OpenCV has it, long side at 512 px."""
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    factor = _ORB_SIDE_PX / max(grey.shape)
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    extractor = cv2.ORB.create(nfeatures=_ORB_FEATURES, fastThreshold=8)
    resized = cv2.resize(grey, size, interpolation=method)
    if min(size) < 8:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)  # ORB's pyramid fails on a few px
    points, descriptors = extractor.detectAndCompute(resized, cast("Any", None))
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), np.asarray(descriptors, np.uint8)


def num_inliers(
    query: tuple[NDArray[np.float32], NDArray[np.uint8]],
    candidate: tuple[NDArray[np.float32], NDArray[np.uint8]],
) -> int:
    """Return how many correspondences agree on one homography, by RANSAC from a fixed seed."""
    if len(query[1]) < 4 or len(candidate[1]) < 4:
        return 0
    neighbors = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(query[1], candidate[1], k=2)
    pairs = [near for near, *far in neighbors if far and near.distance <= _ORB_RATIO * far[0].distance]
    if len(pairs) < 4:
        return 0
    cv2.setRNGSeed(1)
    source = np.array([query[0][pair.queryIdx] for pair in pairs])
    target = np.array([candidate[0][pair.trainIdx] for pair in pairs])
    mask = cv2.findHomography(source, target, cv2.RANSAC, _RANSAC_PX)[1]
    return 0 if mask is None else int(np.sum(mask))


def _bits(distance_from: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> Sequence[float]:
    """Hamming distances of one hash, or the smallest of several, (B,) or (K, B), to N others, (B,) each."""
    several = np.atleast_2d(distance_from)
    apart = several[:, None, :] != np.stack(others)[None]
    return [float(bits) for bits in apart.sum(axis=2).min(axis=0)]


def hash_peers(paths: Sequence[str]) -> Iterator[Nearest]:
    """Yield the peers of the optional packages, without anything made yet; says which are missing."""
    try:
        imagehash = import_module("imagehash")
    except ImportError:
        say("pHash, dHash, crop-resistant hash: left out, imagehash is not installed (the extra `bench`)")
    else:

        def by(function: str) -> Callable[[Rgb], Any]:
            return lambda rgb: getattr(imagehash, function)(PillowImage.fromarray(rgb))

        def bits_by(function: str) -> Callable[[Rgb], NDArray[np.bool_]]:
            return lambda rgb: np.asarray(by(function)(rgb).hash, np.bool_).ravel()

        yield Nearest("pHash", bits_by("phash"), _bits, paths)
        yield Nearest("dHash", bits_by("dhash"), _bits, paths)
        yield Nearest(
            "crop-resistant hash",
            by("crop_resistant_hash"),
            lambda query, others: [float(query - other) for other in others],
            paths,
        )
    try:
        pdqhash = import_module("pdqhash")
    except ImportError:
        say("PDQ: left out, pdqhash is not installed (the extra `bench`)")
    else:
        yield Nearest("PDQ", lambda rgb: np.asarray(pdqhash.compute(rgb)[0], np.bool_), _bits, paths)
        yield Nearest(
            "PDQ, 8 ways",
            lambda rgb: np.asarray(pdqhash.compute_dihedral(rgb)[0], np.bool_),
            _turned,
            paths,
        )


def _turned(query: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> Sequence[float]:
    """Distances of a query in 8 orientations, (8, B), to images as they are, the first of each (8, B)."""
    return _bits(query, [other[0] for other in others])


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one peer.

    Attributes:
        num_images: compared with each query.
        first: recall@1 by family, and of `all`.
        seconds: of one query, the mean.
    """

    num_images: int
    first: dict[str, float]
    seconds: float


class Tally:
    """Counts what each peer finds, trial by trial, so that no edited image is kept."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self._peers = peers
        self._found: dict[str, dict[str, list[bool]]] = {peer.name: defaultdict(list) for peer in peers}
        self._seconds: dict[str, float] = defaultdict(float)

    def add(self, trial: Trial) -> None:
        """Ask every peer."""
        for peer in self._peers:
            began = time.perf_counter()
            first = peer.is_first(trial)
            self._seconds[peer.name] += time.perf_counter() - began
            for group in (trial.edit.family.value, trial.edit.name, "all"):
                self._found[peer.name][group].append(first)

    def scores(self) -> dict[str, Score]:
        """Return what came of each peer, by its name."""
        return {
            peer.name: Score(
                peer.num_images,
                {group: sum(found) / len(found) for group, found in self._found[peer.name].items()},
                self._seconds[peer.name] / max(1, len(self._found[peer.name]["all"])),
            )
            for peer in self._peers
        }


def part_of(chosen: Chosen, num: int, *, seed: int) -> list[str]:
    """Return the known images and some others of the library, `num` in all."""
    others = [path for path in chosen.library if path not in chosen.known]
    order = np.random.default_rng(seed).permutation(len(others))[: max(0, num - len(chosen.known))]
    return [*chosen.known, *sorted(others[int(index)] for index in order)]


def filled(peers: Sequence[Nearest], paths: Sequence[str]) -> None:
    """Make of every image what each peer compares; raises EchoImageError for a file that is no image."""
    for path in paths:
        pixels = load_pixels(path)
        for peer in peers:
            peer.made.append(peer.make(pixels))


def readable(paths: Sequence[str]) -> list[str]:
    """Return the files that are images."""
    good = []
    for path in paths:
        try:
            load_pixels(path)
        except EchoImageError as error:
            say(f"left out: {error}")
        else:
            good.append(path)
    return good


def tables(scores: dict[str, Score]) -> list[Table]:
    """Return one table: peers, recall@1 by family, of all."""
    groups = [*(family.value for family in Family), "all"]
    groups = [group for group in groups if any(group in score.first for score in scores.values())]
    rows = [
        [name, score.num_images, *(score.first[group] for group in groups), round(1000 * score.seconds)]
        for name, score in scores.items()
    ]
    return [Table(["recall@1", "images", *groups, "ms"], rows)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    edit_options(parser, queries=3)
    parser.add_argument("--images", type=int, default=200, help="images compared with each query (200)")
    parser.add_argument(
        "--plain-images", type=int, default=10, help="the same for the plain score; 0: not (10)"
    )
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    chosen = choose(dataset, args.queries, sets=args.sets, seed=args.seed)
    paths = readable([dataset.absolute(path) for path in part_of(chosen, args.images, seed=args.seed)])
    nearest = list(hash_peers(paths))
    filled(nearest, paths)
    say(f"{len(paths)} images")
    with scratch(args) as folder:
        place = folder / "peers"
        shutil.rmtree(place, ignore_errors=True)
        with open_library(place) as library:
            library.add(paths)
            known, unknown = (samples_of(dataset, library, part) for part in (chosen.known, chosen.unknown))
            peers: list[Peer] = [*nearest, PairByPair(), EchoImage(library, len(paths))]
            if args.plain_images > 0:
                peers.append(Plain(paths[:: max(1, len(paths) // args.plain_images)][: args.plain_images]))
            tally = Tally(peers)
            given = trials(known, unknown, Options(chosen_edits(args.edits), args.seed))
            for trial in takewhile(lambda trial: trial.known, given):
                tally.add(trial)
    scores = tally.scores()
    report(args, {"peers": {name: asdict(score) for name, score in scores.items()}}, tables(scores))


if __name__ == "__main__":
    main()
