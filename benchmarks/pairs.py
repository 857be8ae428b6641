"""How often is the other image of a known pair found: recall@1 and recall@5, by tier and by kind.

Every image of the set but the broken ones is added to one library, so all others are distractors. Each
query image is searched for. The query itself is taken out of what is found, unless its bytes are stored
under the reference's location as well, and so is everything that counts neither way: near-duplicates and
images of the same group that are in no known pair with it, and the query's other references, which are as
right as the one looked for. A pair is found at k when its reference is among the first k that remain; of
equal scores the wrong one goes first.

    python -m benchmarks.pairs --data FOLDER [--tiers 1,2] [--json]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.dataset import Dataset, Pair
from benchmarks.reporting import Table, dataset_of, options, report, say, scratch
from echo_image import Library, open_library
from echo_image.evaluate.metrics import pessimistic_rank, recall_at

FOUND_AT = (1, 5)


@dataclass(frozen=True, slots=True)
class Recall:
    """Shares of pairs found.

    Attributes:
        num: Pairs.
        at_1: Share of them whose reference came first.
        at_5: Share of them whose reference was among the first five.
    """

    num: int
    at_1: float
    at_5: float


def rank_of(found: Sequence[tuple[float, Sequence[str]]], pair: Pair, neutral: frozenset[str]) -> int | None:
    """Return the rank, from 1, of a pair's reference among the images found; None if it is not among them.

    Args:
        found: For each match its score and the paths under which it is stored. Wrong ones with the score of
            the reference go before it.
        pair: The pair looked for.
        neutral: Paths that count neither way.
    """
    right = [score for score, places in found if pair.reference in places]
    wrong = [
        score
        for score, places in found
        if pair.reference not in places
        and pair.query not in places
        and any(path not in neutral for path in places)
    ]
    return pessimistic_rank(right, wrong)


def recall(ranks: Sequence[int | None]) -> Recall:
    """Return the shares for a number of pairs, at least one."""
    at_1, at_5 = (recall_at(ranks, k) for k in FOUND_AT)
    return Recall(len(ranks), at_1, at_5)


def measure(library: Library, dataset: Dataset, tiers: frozenset[int]) -> dict[Pair, int | None]:
    """Search with every query of the tiers; return the rank of each pair's reference."""
    ranks: dict[Pair, int | None] = {}
    for number, (query, references) in enumerate(sorted(dataset.references.items()), start=1):
        wanted = [pair for pair in references.values() if pair.tier in tiers]
        if not wanted:
            continue
        counted_neither_way = dataset.alike(query) | references.keys() | {query}
        # No more than needed: a search that is asked for more may look deeper than a person's would.
        limit = max(FOUND_AT) + len(counted_neither_way)
        matches = library.search(dataset.absolute(query), limit=limit).matches
        found = [
            (match.score, [dataset.relative(place) or place for place in match.locations])
            for match in matches
        ]
        for pair in wanted:
            ranks[pair] = rank_of(found, pair, frozenset(counted_neither_way - {pair.reference}))
        if number % 100 == 0:
            say(f"{number} of {len(dataset.references)} queries")
    return ranks


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__)
    parser.add_argument("--tiers", type=_tiers, default=frozenset({1, 2, 3, 4}), help="such as 1,2")
    args = parser.parse_args(arguments)
    dataset = dataset_of(args, annotated=True)
    with scratch(args) as folder, open_library(folder / "pairs") as library:
        library.add([dataset.absolute(path) for path in dataset.images])
        ranks = measure(library, dataset, args.tiers)

    groups: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for pair, rank in ranks.items():
        groups[f"tier {pair.tier}", "all"].append(rank)
        groups[f"tier {pair.tier}", pair.kind].append(rank)
    recalls = {group: recall(of_group) for group, of_group in sorted(groups.items())}
    rows = [[tier, kind, r.num, r.at_1, r.at_5] for (tier, kind), r in recalls.items()]
    numbers = {
        "images": len(dataset.images),
        "recall": [{"tier": tier, "kind": kind, **asdict(r)} for (tier, kind), r in recalls.items()],
        "not_found_at_5": [
            {**asdict(pair), "rank": rank} for pair, rank in ranks.items() if rank is None or rank > 5
        ],
    }
    report(args, numbers, [Table(["tier", "kind", "pairs", "recall@1", "recall@5"], rows)])


def _tiers(text: str) -> frozenset[int]:
    try:
        return frozenset(int(tier) for tier in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected tiers such as 1,2") from error


if __name__ == "__main__":
    main()
