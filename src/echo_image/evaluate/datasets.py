"""Images to measure with, as objects: any folder, or an evaluation set that knows what belongs together.

| file of an evaluation set | columns used |
|---|---|
| `manifest.csv` | `path` below the folder, `role` (`distractor`, `gt`, `nasty`), `group`, `dup_cluster` |
| `gt_pairs.csv` | `query`, `reference` (paths), `kind`, `tier` (1 must be found … 4 for information only) |

All measurements ask for no more than `Dataset`; what a plain folder does not know is empty there.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Protocol

from echo_image.errors import NotFound
from echo_image.ingest.sources.files import IMAGE_SUFFIXES

__all__ = ["Dataset", "EvaluationSet", "Folder", "Pair", "open_dataset"]

_MANIFEST = "manifest.csv"
_PAIRS = "gt_pairs.csv"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images that show the same thing.

    Attributes:
        query: path below the folder of the data.
        reference: path of what should be found.
        kind: what lies between the two, such as `scale`.
        tier: 1, 2, 3 or 4: how much it matters.
    """

    query: str
    reference: str
    kind: str
    tier: int


class Dataset(Protocol):
    """Images in a folder, and what is known of them. Paths are those below the folder, with `/`."""

    @property
    def folder(self) -> Path:
        """The folder, absolute."""
        ...

    @property
    def images(self) -> Sequence[str]:
        """Paths of all images that should be readable, sorted."""
        ...

    @property
    def nasty(self) -> Sequence[str]:
        """Paths of files that are known to be broken or odd, sorted."""
        ...

    @property
    def pairs(self) -> Sequence[Pair]:
        """Pairs of images that are known to show the same."""
        ...

    @property
    def references(self) -> dict[str, dict[str, Pair]]:
        """Query → reference → pair."""
        ...

    @property
    def is_annotated(self) -> bool:
        """Whether it is known which images show the same; else only the engine can be asked."""
        ...

    def alike(self, path: str) -> frozenset[str]:
        """Return the known near-duplicates of an image, and all images of its sequence or object.

        Those of them that are in no pair with it count neither as found nor as wrong.
        """
        ...

    def absolute(self, path: str) -> str:
        """Return the path of an image as the library is given it."""
        ...

    def relative(self, location: str) -> str | None:
        """Return the path below the folder that a library's location stands for; None for another place."""
        ...


class _Placed:
    """Where the files of a data set are."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).resolve()

    def absolute(self, path: str) -> str:
        return str(self.folder / path)

    def relative(self, location: str) -> str | None:
        local = Path(location.removeprefix("file://"))
        try:
            return local.relative_to(self.folder).as_posix()
        except ValueError:
            return None


class Folder(_Placed):
    """Any folder of images, of which nothing is known.

    Args:
        folder: walked to the bottom when it is asked for images; hidden files and folders are left out, and
            files whose name ends as no image's does.

    Raises:
        NotFound: there is no such folder.
    """

    is_annotated = False

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder)
        if not self.folder.is_dir():
            raise NotFound(f"there is no folder {folder}", hint="name a folder of images")

    @cached_property
    def images(self) -> list[str]:
        found = []
        for place, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place, name) for name in names if _may_be_image(name)]
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    @property
    def nasty(self) -> list[str]:
        return []

    @property
    def pairs(self) -> list[Pair]:
        return []

    @property
    def references(self) -> dict[str, dict[str, Pair]]:
        return {}

    def alike(self, path: str) -> frozenset[str]:
        return frozenset()


class EvaluationSet(_Placed):
    """A folder whose images, pairs and near-duplicates somebody wrote down.

    Args:
        folder: with the two CSV files and the images.

    Raises:
        FileNotFoundError: one of the CSV files is not there.
    """

    is_annotated = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder)
        self._rows = {row["path"]: row for row in _read(self.folder / _MANIFEST)}
        self.pairs = [
            Pair(row["query"], row["reference"], row["kind"], int(row["tier"]))
            for row in _read(self.folder / _PAIRS)
        ]

    @cached_property
    def images(self) -> list[str]:
        return sorted(path for path, row in self._rows.items() if row["role"] != "nasty")

    @cached_property
    def nasty(self) -> list[str]:
        return sorted(path for path, row in self._rows.items() if row["role"] == "nasty")

    @cached_property
    def references(self) -> dict[str, dict[str, Pair]]:
        found: dict[str, dict[str, Pair]] = defaultdict(dict)
        for pair in self.pairs:
            found[pair.query][pair.reference] = pair
        return dict(found)

    def alike(self, path: str) -> frozenset[str]:
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


def open_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Return a folder as an evaluation set where it has a manifest, else as a plain folder.

    Raises:
        NotFound: there is no such folder.
        FileNotFoundError: there is a manifest and no list of pairs.
    """
    return EvaluationSet(folder) if Path(folder, _MANIFEST).is_file() else Folder(folder)


def _may_be_image(name: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    return not name.startswith(".") and (not suffix or suffix in IMAGE_SUFFIXES)


def _read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
