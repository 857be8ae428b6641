"""Edits of known and of unknown images, searched for in a library one after the other.

At any moment two images and one edit of them are in memory. Only numbers are kept: some hundred bytes a
search. The same images, edits and seed give the same queries; times are those of the machine.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from echo_image import Library, Match, UsageError
from echo_image.evaluate.edits import Edit, chosen_edits
from echo_image.evaluate.edits.drawing import Rgb, resized
from echo_image.evaluate.outcomes import Evaluation, Outcome, Prediction, rank_of, summarised
from echo_image.evaluate.proposals import Proposals
from echo_image.evaluate.sampling import Sample, load_pixels

__all__ = ["Options", "ProgressCallback", "Trial", "run", "trials"]

#: Called with the number of searches done, the number there are, and the edit just searched for.
ProgressCallback = Callable[[int, int, str], None]

#: Matches asked for. Up to ten the candidates are those of every search; with more they would be others.
_LIMIT = 10
#: Asked for when the image is not among those, to see whether it would have been found further down.
_DEEP_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Options:
    """How to evaluate.

    Attributes:
        edits: that are made of each image.
        seed: of all that the edits leave open.
        false_alarms: wanted share of searches without a match that get one all the same, 0..1.
        candidates: whether to ask for the rank before verification as well, which takes half as long again.
    """

    edits: tuple[Edit, ...] = field(default_factory=chosen_edits)
    seed: int = 0
    false_alarms: float = 0.001
    candidates: bool = False

    def __post_init__(self) -> None:
        if not self.edits:
            raise UsageError("no edit was chosen")
        if not 0 <= self.false_alarms <= 1:
            raise UsageError(f"the rate of false alarms must lie between 0 and 1, not {self.false_alarms}")


def run(
    library: Library,
    known: Sequence[Sample],
    unknown: Sequence[Sample] = (),
    options: Options | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> Evaluation:
    """Search for edits of images and return what came of it.

    Args:
        library: that is searched.
        known: images that are in it, at least one.
        unknown: images that are not in it; they are also what others are laid on and put beside, since an
            image of the library would rightly be found. Without any, a drawn one stands in.
        options: which edits, how often may be wrong.
        progress: called after every search.

    Raises:
        UsageError: there is no known image.
        EchoImageError: a file cannot be read any more, or the library not be searched.

    Cost: 70 ms a search on two cores, and the time of the edit, about 10 ms.
    """
    options = options or Options()
    if not known:
        raise UsageError("no image was given to be searched for")
    images = library.info().images
    total = (len(known) + len(unknown)) * len(options.edits)
    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as stack:
        proposals = None
        if options.candidates:
            proposals = stack.enter_context(Proposals(library.path))
        library.search(load_pixels(known[0].path))  # the first search compiles, which is nobody's time
        for trial in trials(known, unknown, options):
            outcomes.append(_searched(library, trial, proposals))
            if progress is not None:
                progress(len(outcomes), total, trial.edit.name)
    neutral = frozenset[str]().union(*(sample.neutral for sample in (*known, *unknown)))
    return summarised(
        outcomes,
        images=images,
        neutral=len(neutral),
        rate=options.false_alarms,
        asked_candidates=options.candidates,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One edited image.

    Attributes:
        edit: that was made.
        sample: of which image.
        known: the image is in the library.
        pixels: (H, W, 3) uint8, the edited image.
        neutral: locations that count neither way; also those of what was laid under or beside the image.
    """

    edit: Edit
    sample: Sample
    known: bool
    pixels: Rgb
    neutral: frozenset[str]


def trials(known: Sequence[Sample], unknown: Sequence[Sample], options: Options) -> Iterator[Trial]:
    """Yield every edit of every image, the known images first; arguments as for `run`."""
    everything = [(sample, True) for sample in known] + [(sample, False) for sample in unknown]
    for number, (sample, is_known) in enumerate(everything):
        companion = _companion(sample, unknown, number)
        rgb = load_pixels(sample.path)
        other = drawn_ground() if companion is None else load_pixels(companion.path)
        neutral = sample.neutral | (frozenset() if companion is None else companion.neutral)
        for edit in options.edits:
            # From the image and the edit, so that neither depends on what else is searched for.
            rng = np.random.default_rng([options.seed, crc32(edit.name.encode()), int(sample.id[:16], 16)])
            yield Trial(edit, sample, is_known, edit(rgb, rng=rng, other=other), neutral)


def _companion(sample: Sample, unknown: Sequence[Sample], number: int) -> Sample | None:
    others = [other for other in unknown if other.id != sample.id]
    return others[number % len(others)] if others else None


def drawn_ground() -> Rgb:
    """Return a landscape of soft colours, 640 × 480, that is in nobody's library."""
    coarse = np.random.default_rng(20).integers(30, 226, (6, 8, 3)).astype(np.uint8)
    return resized(coarse, 640, 480)


def _searched(library: Library, trial: Trial, proposals: Proposals | None) -> Outcome:
    began = time.perf_counter()
    found = library.search(trial.pixels, limit=_LIMIT)
    seconds = time.perf_counter() - began
    rank = None
    if proposals is not None and trial.known:
        rank = proposals.rank(trial.pixels, trial.sample.id, trial.neutral)
    predictions = tuple(_counted(found.matches, trial))
    deep_rank = None
    if trial.known and not any(one.right for one in predictions):
        deep_rank = rank_of(_counted(library.search(trial.pixels, limit=_DEEP_LIMIT).matches, trial))
    return Outcome(
        edit=trial.edit.name,
        path=trial.sample.path,
        known=trial.known,
        predictions=predictions,
        candidate_rank=rank,
        seconds=seconds,
        deep_rank=deep_rank,
    )


def _counted(matches: Sequence[Match], trial: Trial) -> Iterator[Prediction]:
    for match in matches:
        right = match.id == trial.sample.id and trial.known
        if right or not trial.neutral.intersection(match.locations):
            yield Prediction(match.location, match.score, match.verdict, right)
