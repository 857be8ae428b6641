"""The evaluation set: a folder with `manifest.csv` (one line an image) and `gt_pairs.csv` (one line a pair).

| file | columns used |
|---|---|
| `manifest.csv` | `path` below the folder, `role` (`distractor`, `gt`, `nasty`), `group`, `dup_cluster` |
| `gt_pairs.csv` | `query`, `reference` (paths), `kind`, `tier` (1 must be found … 4 for information only) |
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["Dataset", "Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images that show the same thing.

    Attributes:
        query: Path below the folder of the data.
        reference: Path of what should be found.
        kind: What lies between the two, such as `scale`.
        tier: 1, 2, 3 or 4: how much it matters.
    """

    query: str
    reference: str
    kind: str
    tier: int


class Dataset:
    """An evaluation set.

    Args:
        folder: The folder with the two CSV files and the images.

    Raises:
        FileNotFoundError: One of the CSV files is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._rows = {row["path"]: row for row in _read(self.folder / "manifest.csv")}
        self.pairs = [
            Pair(row["query"], row["reference"], row["kind"], int(row["tier"]))
            for row in _read(self.folder / "gt_pairs.csv")
        ]

    @cached_property
    def images(self) -> list[str]:
        """Paths of all images but the broken and odd ones, sorted."""
        return sorted(path for path, row in self._rows.items() if row["role"] != "nasty")

    @cached_property
    def nasty(self) -> list[str]:
        """Paths of the broken and odd files, sorted."""
        return sorted(path for path, row in self._rows.items() if row["role"] == "nasty")

    @cached_property
    def references(self) -> dict[str, dict[str, Pair]]:
        """Query → reference → pair."""
        found: dict[str, dict[str, Pair]] = defaultdict(dict)
        for pair in self.pairs:
            found[pair.query][pair.reference] = pair
        return dict(found)

    def alike(self, path: str) -> frozenset[str]:
        """Return the known near-duplicates of an image, and all images of its sequence or object.

        Those of them that are in no pair with it count neither as found nor as wrong.
        """
        row = self._rows[path]
        keys = [(name, row[name]) for name in ("dup_cluster", "group") if row.get(name)]
        return frozenset(other for key in keys for other in self._members[key]) - {path}

    @cached_property
    def _members(self) -> dict[tuple[str, str], list[str]]:
        members: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path, row in self._rows.items():
            for name in ("dup_cluster", "group"):
                if row.get(name):
                    members[name, row[name]].append(path)
        return members

    def absolute(self, path: str) -> str:
        """Return the path of an image as the library is given it."""
        return str(self.folder / path)

    def relative(self, location: str) -> str | None:
        """Return the path below the folder that a library's location stands for; None for another place."""
        local = Path(location.removeprefix("file://"))
        try:
            return local.relative_to(self.folder).as_posix()
        except ValueError:
            return None


def _read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
