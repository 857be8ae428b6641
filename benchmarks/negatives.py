"""How often are two different images called the same: hard pairs, counted by verdict.

Three parts. `drawn`: pairs in the ways of `benchmarks.lookalikes`, on photographs of the set. `pairs`: images
of one kind of the set against each other (flags, receipts, charts, labels, packs, posters …), at most
`--pairs` of each kind. `search`: images of those kinds are searched for among all images.

Left out is what the set knows to show the same (pairs, groups, near-duplicates), and what shows the same by
these rules, which the engine has no part in (`same_picture`, `shows_the_other`, `one_series`):

- Both have one shape within 5 %, and reduced to 64 × 64 px differ at few places: flags of dependencies.
- The middle of the one is found in the other, upright, at some size, by template matching. A flag that is the
  canton of another is such, and a chart that stands in a page of charts.
- They are photographs of one heap of goods, by their names.

How many were left out is printed, and with `--json` which.

`identical`, `copy` and `edited` are always wrong here. `part` is right where both truly share a piece, which
of the drawn ones is known; of the others it is not.

    python -m benchmarks.negatives --data FOLDER [--drawn N] [--pairs N] [--searches N] [--kinds A,B] [--json]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.dataset import PHOTO_SETS, Dataset, neutral_of
from benchmarks.lookalikes import LOOKALIKES
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import EchoImageError, Library, Match, Verdict, decode, open_library
from echo_image.image import Image, from_array
from echo_image.retrieval import Prepared, compare_images, prepare
from echo_image.retrieval.query import reference
from echo_image.verify.judge import NAMELESS, judge

#: Folders whose images look alike and are different things.
KINDS = (
    "flags",
    "charts_vegalite",
    "receipts_sroie",
    "beer_labels",
    "grocery",
    "posters",
    "clothing",
    "trashnet",
    "houses",
)

_SAME_LEVELS = 28
_SAME_ASPECT = 0.05
_SAME_SHARE = 0.03
#: Template matching: middle part of the one image, long side of the other (px), sizes, and how well it fits.
_MIDDLE = 0.7
_FOUND_IN_PX = 256
_FOUND_SIZES = np.geomspace(0.2, 1.0, 18)
_FOUND_FIT = 0.75
#: Folders whose file names are those of a thing and a number.
_SERIES = ("grocery",)
_SMALL = (64, 64)
_LISTED = 25
_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What was said of one pair of different images.

    Attributes:
        part: `drawn`, `pairs` or `search`.
        kind: a way of `lookalikes`, or a folder.
        query, candidate: which two.
        verdict, score: what was said.
        shares: both truly show a piece of the same; None where that is not known.
    """

    part: str
    kind: str
    query: str
    candidate: str
    verdict: Verdict
    score: float
    shares: bool | None

    @property
    def is_wrong(self) -> bool:
        """Whether more was said than is true."""
        if self.verdict in (Verdict.IDENTICAL, Verdict.COPY, Verdict.EDITED):
            return True
        return self.verdict is Verdict.PART and self.shares is False


def same_picture(one: Image, two: Image) -> bool:
    """Say whether both have one shape and differ at few places when they are reduced."""
    shapes = one.width / one.height, two.width / two.height
    if abs(np.log(shapes[0] / shapes[1])) > _SAME_ASPECT:
        return False
    small = [cv2.resize(image.pixels, _SMALL, interpolation=cv2.INTER_AREA) for image in (one, two)]
    differs = cv2.absdiff(small[0], small[1]).max(axis=2) > _SAME_LEVELS
    return bool(differs.mean() <= _SAME_SHARE)


def shows_the_other(one: Image, two: Image) -> bool:
    """Say whether the middle of one image is found in the other by template matching."""
    return _found_in(one, two) or _found_in(two, one)


def _found_in(part: Image, whole: Image) -> bool:
    height, width = part.gray.shape
    top, left = round(height * (1 - _MIDDLE) / 2), round(width * (1 - _MIDDLE) / 2)
    middle = part.gray[top : height - top, left : width - left]
    factor = _FOUND_IN_PX / max(whole.gray.shape)
    ground = cv2.resize(whole.gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    for size in _FOUND_SIZES * _FOUND_IN_PX / max(middle.shape):
        template = cv2.resize(middle, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        fits = template.shape[0] <= ground.shape[0] and template.shape[1] <= ground.shape[1]
        if fits and cv2.matchTemplate(ground, template, cv2.TM_CCOEFF_NORMED).max() >= _FOUND_FIT:
            return True
    return False


def one_series(one: str, two: str) -> bool:
    """Say whether two paths name photographs of one heap of goods: one name with two numbers."""
    names = [Path(path).stem.rsplit("_", 1)[0] for path in (one, two)]
    return one.split("/", 1)[0] in _SERIES and names[0] == names[1]


def drawn(photographs: Sequence[Image], num: int, *, seed: int) -> Iterator[Case]:
    """Yield `num` cases of each way, on pairs of photographs that the seed draws."""
    for way in LOOKALIKES:
        rng = np.random.default_rng([seed, *way.name.encode()])
        for number in range(num):
            first, second = (photographs[int(i)].pixels for i in rng.permutation(len(photographs))[:2])
            one, two = way.draw(rng, first, second)
            match = compare_images(from_array(one), from_array(two), location="")
            name = f"{way.name} {number}"
            yield Case("drawn", way.name, name, name, match.verdict, match.score, way.shares)


class Kind:
    """The images of one folder, read and extracted as they are needed.

    Args:
        dataset: that the folder is in.
        name: of the folder.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._dataset, self.name = dataset, name
        self.left_out: list[tuple[str, str]] = []
        self._image = lru_cache(maxsize=400)(self._read)
        self._query = lru_cache(maxsize=100)(self._prepare)
        self._candidate = lru_cache(maxsize=400)(lambda path: reference(self._image(path)))

    def _read(self, path: str) -> Image:
        return decode(Path(self._dataset.absolute(path)).read_bytes())

    def _prepare(self, path: str) -> Prepared:
        return prepare(self._image(path))

    def paths(self) -> list[str]:
        """Return the images that can be read; of each group and cluster the first."""
        chosen: list[str] = []
        taken: set[str] = set()
        for path in self._dataset.images:
            if path.split("/", 1)[0] != self.name or path in taken:
                continue
            try:
                self._image(path)
            except EchoImageError:
                continue
            taken |= self._dataset.alike(path)
            chosen.append(path)
        return chosen

    def cases(self, num: int, *, seed: int) -> Iterator[Case]:
        """Yield at most `num` pairs, drawn by the seed, in the order of their queries."""
        pairs = list(combinations(self.paths(), 2))
        order = np.random.default_rng(seed).permutation(len(pairs))[:num]
        for index in sorted(order.tolist()):
            one, two = pairs[index]
            query = self._query(one)
            match = judge(query.subject, query.features, self._candidate(two), NAMELESS)
            case = Case("pairs", self.name, one, two, match.verdict, match.score, None)
            if match.is_proven and self.is_same(case):
                self.left_out.append((one, two))
                continue
            yield case

    def is_same(self, case: Case) -> bool:
        """Say whether both show the same, as the set has it or by the rules of this file.

        Template matching is slow, and asked only where more than `part` was said.
        """
        neutral = neutral_of(self._dataset, case.query)
        if self._dataset.absolute(case.candidate) in neutral or one_series(case.query, case.candidate):
            return True
        one, two = self._image(case.query), self._image(case.candidate)
        return same_picture(one, two) or (case.is_wrong and shows_the_other(one, two))

    def searched(self, library: Library, num: int, *, seed: int) -> Iterator[Case]:
        """Yield the proven matches of `num` images of the kind that are known to show something else."""
        paths = self.paths()
        for index in np.random.default_rng(seed).permutation(len(paths))[:num].tolist():
            path = paths[index]
            neutral = neutral_of(self._dataset, path) | {self._dataset.absolute(path)}
            for match in library.search(self._dataset.absolute(path), limit=_LIMIT).matches:
                other = self._other(match)
                if not match.is_proven or other is None or neutral.intersection(match.locations):
                    continue
                case = Case("search", self.name, path, other, match.verdict, match.score, None)
                if self.is_same(case):
                    self.left_out.append((path, other))
                    continue
                yield case

    def _other(self, match: Match) -> str | None:
        return self._dataset.relative(match.location)


def photographs_of(dataset: Dataset, num: int, *, seed: int) -> list[Image]:
    """Return photographs of the set that are in no pair and no group, or any images where there are none."""
    paired = {path for pair in dataset.pairs for path in (pair.query, pair.reference)}
    single = [path for path in dataset.images if path not in paired and not dataset.alike(path)]
    pool = [path for path in single if path.split("/", 1)[0] in PHOTO_SETS] or single or dataset.images
    order = np.random.default_rng(seed).permutation(len(pool))[:num]
    return [decode(Path(dataset.absolute(pool[int(i)])).read_bytes()) for i in order]


def tables(cases: Sequence[Case], left_out: int) -> list[Table]:
    """Return counts by part and kind, and the worst pairs."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.part, case.kind), []).append(case)
        groups.setdefault((case.part, "all"), []).append(case)
    rows: list[list[object]] = []
    for (part, kind), members in groups.items():
        counts = Counter(case.verdict for case in members)
        said = [counts[verdict] for verdict in Verdict]
        rows.append([part, kind, len(members), *said, sum(case.is_wrong for case in members)])
    wrong = sorted((case for case in cases if case.is_wrong), key=lambda case: -case.score)[:_LISTED]
    return [
        Table(["part", "kind", "pairs", *(verdict.value for verdict in Verdict), "wrong"], rows),
        Table(
            [f"the worst; {left_out} left out as the same picture", "candidate", "verdict", "score"],
            [[case.query, case.candidate, case.verdict.value, case.score] for case in wrong],
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--drawn", type=int, default=40, help="pairs of each way of drawing (40)")
    parser.add_argument("--pairs", type=int, default=4000, help="pairs of each kind of the set (4000)")
    parser.add_argument("--searches", type=int, default=60, help="searches of each kind of the set (60)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="folders of the set")
    parser.add_argument("--seed", type=int, default=0, help="of all choices")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args)
    cases = list(drawn(photographs_of(dataset, 2 * args.drawn, seed=args.seed), args.drawn, seed=args.seed))
    kinds = [Kind(dataset, name) for name in args.kinds.split(",") if name]
    with scratch(args) as folder, open_library(folder / "negatives") as library:
        library.add([dataset.absolute(path) for path in dataset.images])
        for kind in kinds:
            say(f"{kind.name}, {len(cases)} pairs so far")
            cases += kind.cases(args.pairs, seed=args.seed)
            cases += kind.searched(library, args.searches, seed=args.seed)
    left_out = sorted({pair for kind in kinds for pair in kind.left_out})
    numbers = {
        "cases": len(cases),
        "wrong": [vars_of(case) for case in cases if case.is_wrong],
        "parts": [vars_of(case) for case in cases if case.verdict is Verdict.PART],
        "left_out": left_out,
    }
    report(args, numbers, tables(cases, len(left_out)))


def vars_of(case: Case) -> dict[str, Any]:
    """Return a case as JSON."""
    return {
        "part": case.part,
        "kind": case.kind,
        "query": case.query,
        "candidate": case.candidate,
        "verdict": case.verdict.value,
        "score": case.score,
    }


if __name__ == "__main__":
    main()
