"""The same edits, given to other ways of finding images again, in the same run on the same images.

| peer | what it is |
|---|---|
| pHash, dHash | 64-bit hashes of the package imagehash, nearest by Hamming distance |
| crop-resistant hash | of the same package: a hash for each segment of the image, its own comparison |
| PDQ | 256 bits (package pdqhash), nearest by Hamming distance; also with the query turned 8 ways |
| Goldberg signature | 648 comparisons of grey on a grid (Wong, Bern, Goldberg 2002), nearest |
| ORB pair by pair | no search: has the query 10 inliers to its own image? What such features can give |
| Echo-Image | the search of this package |
| plain score | the first application's SSIM and ORB, with every image; slow, so with `--plain-images` |

ORB pair by pair takes 500 key points at 512 px, the ratio 0.8 and RANSAC, of the query and its mirror image.

Columns: recall@1 by family and of all, where of equal distances the wrong image goes first; micro average
precision (`µAP`) and recall at 99.99 % precision (`.9999`) over all pairs of a query and an image, with as
many queries that have no match; the mean time of a query, from its pixels. The images are a part of the set
(`--images`), as some peers are slow; for a peer that compares fewer the task is easier. A peer whose package
is missing is left out, and said. `--markdown` prints the table as it stands in the README.

    python -m benchmarks.peers --data FOLDER [--queries N] [--images N] [--plain-images N] [--markdown]
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.dataset import Chosen, choose, samples_of
from benchmarks.edits import edit_options
from benchmarks.peer_nearest import Answer, filled, nearest_peers
from benchmarks.peer_orb import PairByPair
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import EchoImageError, Library, open_library
from echo_image.evaluate import PRECISION, Family, Options, Trial, chosen_edits, load_pixels, trials
from echo_image.evaluate.metrics import micro_average_precision, pessimistic_rank, recall_at_precision
from echo_image.verify.plain import plain_score

#: Of a search, as in the benchmark of the edits.
_LIMIT = 10


class Peer(Protocol):
    """A way of finding images again."""

    @property
    def name(self) -> str:
        """What it is, for the table."""
        ...

    @property
    def num_images(self) -> int:
        """How many images it compares a query with; 1 where it only looks at the query's own."""
        ...

    def asked(self, trial: Trial) -> Answer:
        """Return what it says of the images; those it does not mention are not found."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """The first application: every image is scored, here the image itself and some others."""

    paths: Sequence[str]
    name: str = "plain score"

    @property
    def num_images(self) -> int:
        return len(self.paths)

    def asked(self, trial: Trial) -> Answer:
        # Another gives way where the image itself is not among them, so that it is always one of as many.
        own = [trial.sample.path] if trial.known else []
        others = [path for path in self.paths if path not in trial.neutral and path not in own]
        compared = [*own, *others[: len(self.paths) - len(own)]]
        scores = [plain_score(trial.pixels, load_pixels(path)).score for path in compared]
        return Answer(np.array(scores, np.float64), np.arange(len(compared)) < len(own))


@dataclass(frozen=True, slots=True)
class EchoImage:
    """This package."""

    library: Library
    num_images: int
    name: str = "Echo-Image"

    def asked(self, trial: Trial) -> Answer:
        matches = self.library.search(trial.pixels, limit=_LIMIT).matches
        found = [
            (match.score, trial.known and match.id == trial.sample.id)
            for match in matches
            if match.id == trial.sample.id or not trial.neutral.intersection(match.locations)
        ]
        return Answer(
            np.array([score for score, _ in found], np.float64),
            np.array([right for _, right in found], np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one peer.

    Attributes:
        num_images: compared with each query.
        first: recall@1 by family and by edit, and of `all`.
        micro_ap: µAP; None for a peer that does not search.
        recall_at_precision: at a precision of 99.99 %; None likewise.
        seconds: of one query, the mean.
    """

    num_images: int
    first: dict[str, float]
    micro_ap: float | None
    recall_at_precision: float | None
    seconds: float


@dataclass(slots=True)
class _Count:
    first: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    answers: list[Answer] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Tally:
    """Counts what each peer finds, trial by trial, so that no edited image is kept."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self._peers = peers
        self._counts = {peer.name: _Count() for peer in peers}

    def add(self, trial: Trial) -> None:
        """Ask every peer; for an image that nobody has, those that search."""
        for peer in self._peers:
            if not trial.known and peer.num_images == 1:
                continue
            count = self._counts[peer.name]
            began = time.perf_counter()
            answer = peer.asked(trial)
            count.seconds.append(time.perf_counter() - began)
            count.answers.append(answer)
            if trial.known:
                rank = pessimistic_rank(answer.scores[answer.right], answer.scores[~answer.right])
                for group in (trial.edit.family.value, trial.edit.name, "all"):
                    count.first[group].append(rank == 1)

    def scores(self) -> dict[str, Score]:
        """Return what came of each peer, by its name."""
        return {peer.name: _score(peer, self._counts[peer.name]) for peer in self._peers}


def _score(peer: Peer, count: _Count) -> Score:
    micro_ap = sure = None
    if peer.num_images > 1:
        scores = np.concatenate([answer.scores for answer in count.answers])
        right = np.concatenate([answer.right for answer in count.answers])
        positives = len(count.first["all"])
        micro_ap = micro_average_precision(scores, right, positives)
        sure = recall_at_precision(scores, right, positives, PRECISION)
    return Score(
        peer.num_images,
        {group: sum(found) / len(found) for group, found in count.first.items()},
        micro_ap,
        sure,
        sum(count.seconds) / max(1, len(count.seconds)),
    )


def part_of(chosen: Chosen, num: int, *, seed: int) -> list[str]:
    """Return the known images and some others of the library, `num` in all."""
    others = [path for path in chosen.library if path not in chosen.known]
    order = np.random.default_rng(seed).permutation(len(others))[: max(0, num - len(chosen.known))]
    return [*chosen.known, *sorted(others[int(index)] for index in order)]


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
    """Return one table: peers, recall@1 by family and of all, what holds for all queries, time."""
    groups = [*(family.value for family in Family), "all"]
    groups = [group for group in groups if any(group in score.first for score in scores.values())]
    rows: list[list[object]] = [
        [
            name,
            score.num_images,
            *(score.first[group] for group in groups),
            "–" if score.micro_ap is None else score.micro_ap,
            "–" if score.recall_at_precision is None else score.recall_at_precision,
            f"{1000 * score.seconds:,.0f}",
        ]
        for name, score in scores.items()
    ]
    return [Table(["recall@1", "images", *groups, "µAP", ".9999", "ms"], rows)]


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
    nearest = list(nearest_peers(paths))
    filled(nearest)
    say(f"{len(paths)} images")
    with scratch(args) as folder:
        place = folder / "peers"
        shutil.rmtree(place, ignore_errors=True)
        with open_library(place) as library:
            library.add(paths)
            known, unknown = (samples_of(dataset, library, part) for part in (chosen.known, chosen.unknown))
            library.search(load_pixels(paths[0]))  # the first search compiles, which is nobody's time
            peers: list[Peer] = [*nearest, PairByPair(), EchoImage(library, len(paths))]
            if args.plain_images > 0:
                peers.append(Plain(paths[:: max(1, len(paths) // args.plain_images)][: args.plain_images]))
            tally = Tally(peers)
            for trial in trials(known, unknown, Options(chosen_edits(args.edits), args.seed)):
                tally.add(trial)
    scores = tally.scores()
    report(args, {"peers": {name: asdict(score) for name, score in scores.items()}}, tables(scores))


if __name__ == "__main__":
    main()
