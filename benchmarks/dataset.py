"""Which images of a data set a measurement searches for, and which it keeps out of the library.

The data sets themselves are objects of `echo_image.evaluate.datasets`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.reporting import say
from echo_image import EchoImageError, Library
from echo_image.evaluate import Dataset, EvaluationSet, Folder, Pair, Sample, sample_of

__all__ = [
    "PHOTO_SETS",
    "Chosen",
    "Dataset",
    "EvaluationSet",
    "Folder",
    "Pair",
    "choose",
    "neutral_of",
    "record_of",
    "samples_of",
]

#: Sets of photographs and of things printed from them; not flags, charts, receipts and test images, and no
#: sets with several views of one thing that no pair tells of, such as shelves of a shop and videos.
PHOTO_SETS = (
    "bsds500",
    "clothing",
    "houses",
    "imagenet_sample",
    "nature_hires",
    "paintings_web",
    "posters",
    "trashnet",
    "webthumbs",
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Paths below the folder of the data.

    Attributes:
        known: that are searched for.
        unknown: that are searched for and kept out of the library.
        library: that are in the library.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    library: tuple[str, ...]

    def first(self, num: int) -> Chosen:
        """Return the same library and at most `num` of each kind to be searched for."""
        return Chosen(self.known[:num], self.unknown[:num], self.library)

    def write(self, file: Path) -> None:
        """Write it down as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Chosen:
        """Return what `write` wrote; raises FileNotFoundError where there is nothing."""
        document = json.loads(file.read_text(encoding="utf-8"))
        return cls(*(tuple(document[name]) for name in ("known", "unknown", "library")))


def record_of(library: Path) -> Path:
    """Return the file beside a library that tells which images are searched for and which were kept out."""
    return library.with_name(f"{library.name}.queries.json")


def choose(dataset: Dataset, num: int, *, sets: Sequence[str], seed: int) -> Chosen:
    """Draw `num` images of each kind; fewer where the set has fewer. The images and the seed alone decide.

    Images of pairs and groups are not drawn: what they show stands in the library again.

    Args:
        dataset: the images.
        num: wanted of each kind.
        sets: names of folders; where no image lies in them, all images are drawn from.
        seed: of the choice.
    """
    paired = {path for pair in dataset.pairs for path in (pair.query, pair.reference)}
    single = [path for path in dataset.images if path not in paired and not dataset.alike(path)]
    pool = [path for path in single if path.split("/", 1)[0] in sets] or single or dataset.images
    num = min(num, len(pool) // 2)
    order = np.random.default_rng(seed).permutation(len(pool))[: 2 * num]
    drawn = [pool[int(index)] for index in order]
    unknown = tuple(drawn[num:])
    return Chosen(tuple(drawn[:num]), unknown, tuple(sorted(set(dataset.images) - set(unknown))))


def neutral_of(dataset: Dataset, path: str) -> frozenset[str]:
    """Return the locations that show the same as a path below the folder, as the set has it written down."""
    pairs = [(pair.query, pair.reference) for pair in dataset.pairs]
    partners = {b for a, b in pairs if a == path} | {a for a, b in pairs if b == path}
    return frozenset(dataset.absolute(other) for other in partners | dataset.alike(path))


def samples_of(dataset: Dataset, library: Library, paths: Sequence[str]) -> list[Sample]:
    """Return paths below the folder as samples; those that are too small or broken are left out, and said.

    Of a plain folder it is not known what shows the same; there the engine is asked, as `bench` does.
    """
    samples = []
    for path in paths:
        neutral = neutral_of(dataset, path) if dataset.is_annotated else None
        try:
            samples.append(sample_of(library, dataset.absolute(path), neutral=neutral))
        except EchoImageError as error:
            say(f"left out: {error}")
    return samples
