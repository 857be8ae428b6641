"""A run on a small library of drawn images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from echo_image import Library, NotFound, SearchResult, UsageError, open_library
from echo_image.evaluate import (
    Options,
    Outcome,
    Sample,
    chosen_edits,
    hold_out,
    load_pixels,
    run,
    sample_of,
    samples_of_folder,
    trials,
)
from echo_image.evaluate.runner import drawn_ground
from echo_image.evaluate.sampling import MAX_SIDE_PX
from tests.libraries import drawn, jpeg, png

EDITS = chosen_edits(["jpeg_30", "mirrored", "inset_50"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of eight drawn images, one too small, and one file that is no image."""
    place = tmp_path_factory.mktemp("images")
    for seed in range(8):
        (place / f"{seed}.png").write_bytes(png(drawn(seed, (320, 240))))
    (place / "small.png").write_bytes(png(drawn(20, (60, 60))))
    (place / "words.txt").write_text("not an image")
    return place


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    """Yield a library of that folder."""
    with open_library(tmp_path / "library") as opened:
        opened.add([str(path) for path in sorted(folder.glob("*.png"))], workers=1)
        yield opened


def samples(library: Library, num: int, seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    known, unknown = hold_out(library, num, seed=seed)
    return [sample_of(library, path) for path in known], [sample_of(library, path) for path in unknown]


# Sampling


def test_what_is_held_out_is_no_longer_in_the_library(library: Library) -> None:
    known, unknown = hold_out(library, 3, seed=1)
    assert len(known) == len(unknown) == 3
    assert len({*known, *unknown}) == 6
    left = {place for record in library.images() for place in record.locations}
    assert set(known) <= left
    assert not set(unknown) & left
    assert library.info().images == 9 - 3
    assert all("small" not in path for path in (*known, *unknown))


def test_half_of_the_images_stay(library: Library) -> None:
    known, unknown = hold_out(library, 100, seed=0)
    assert (len(known), len(unknown)) == (4, 4)
    assert library.info().images == 5


def test_the_seed_chooses(folder: Path, tmp_path: Path) -> None:
    chosen = []
    for number, seed in enumerate((3, 3, 4)):
        with open_library(tmp_path / str(number)) as library:
            # In another order: the choice depends on the images alone.
            library.add(sorted(map(str, folder.glob("?.png")), reverse=number == 1), workers=1)
            chosen.append(hold_out(library, 2, seed=seed))
    assert chosen[0] == chosen[1] != chosen[2]


def test_too_few_images_are_refused(folder: Path, tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        library.add([str(folder / "0.png"), str(folder / "small.png")], workers=1)
        with pytest.raises(UsageError, match="64 px are needed, and there are 1"):
            hold_out(library, 1, seed=0)


def test_a_folder_is_parted_by_what_the_library_has(library: Library, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for seed in (0, 1, 50, 51, 52):
        (tmp_path / "more" / f"{seed}.png").write_bytes(png(drawn(seed, (320, 240))))
    (tmp_path / "more" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    known, unknown = samples_of_folder(library, tmp_path / "more", 2, seed=0)
    assert {Path(sample.path).name for sample in known} == {"0.png", "1.png"}
    assert len(unknown) == 2
    assert {Path(sample.path).name for sample in unknown} < {"50.png", "51.png", "52.png"}
    with pytest.raises(NotFound):
        samples_of_folder(library, tmp_path / "nowhere", 2, seed=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="none is an image of the library"):
        samples_of_folder(library, tmp_path / "empty", 2, seed=0)


def test_near_duplicates_count_neither_way(library: Library, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.jpg"
    again.write_bytes(jpeg(drawn(0, (320, 240)), 70))
    assert library.add(str(again), workers=1).added == 1
    sample = sample_of(library, str(folder / "0.png"))
    assert sample.neutral == {str(again)}
    assert sample_of(library, str(folder / "1.png")).neutral == frozenset()
    told = sample_of(library, str(folder / "0.png"), neutral=frozenset({"told"}))
    assert told.neutral == {"told"}

    evaluation = run(library, [sample], [], Options(EDITS))
    assert evaluation.total.at_1 == 1
    assert evaluation.neutral == 1
    found = [place.location for outcome in evaluation.outcomes for place in outcome.predictions]
    assert str(again) not in found
    counted = run(library, [replace(sample, neutral=frozenset())], [], Options(EDITS))
    assert str(again) in [place.location for outcome in counted.outcomes for place in outcome.predictions]


def test_small_images_are_no_samples(library: Library, folder: Path) -> None:
    with pytest.raises(UsageError, match="60 x 60 px, too small"):
        sample_of(library, str(folder / "small.png"))


def test_large_images_are_reduced(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(png(drawn(1, (2400, 300))))
    pixels = load_pixels(str(large))
    assert pixels.shape == (200, MAX_SIDE_PX, 3)
    expected = cv2.resize(drawn(1, (2400, 300)), (1600, 200), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pixels, expected)


# Running


def test_a_run(library: Library) -> None:
    known, unknown = samples(library, 3)
    told: list[tuple[int, int, str]] = []
    options = Options(EDITS, candidates=True)
    evaluation = run(library, known, unknown, options, progress=lambda *state: told.append(state))
    assert [done for done, _, _ in told] == list(range(1, 19))
    assert {total for _, total, _ in told} == {18}
    assert {name for _, _, name in told} == {"jpeg_30", "mirrored", "inset_50"}
    assert (evaluation.images, evaluation.queries, evaluation.distractors) == (6, 3, 3)
    assert [row.name for row in evaluation.rows] == ["mirrored", "inset_50", "jpeg_30"]
    assert all((row.searches, row.unknown) == (3, 3) for row in evaluation.rows)
    assert (evaluation.total.searches, evaluation.total.unknown) == (9, 9)
    # Six drawn images that look nothing alike: an engine that misses these misses everything.
    assert evaluation.total.at_1 == evaluation.total.proven == evaluation.total.proposed == 1
    assert evaluation.total.alarms == 0
    assert evaluation.micro_ap == 1
    assert evaluation.recall_at_precision == 1
    assert evaluation.threshold is not None
    assert evaluation.threshold.searches == 9
    assert evaluation.threshold.score <= 50
    assert evaluation.found_at_threshold == 1
    assert evaluation.missed == []
    assert 0 < evaluation.p50_ms <= evaluation.p95_ms
    assert evaluation.total.at_50 == evaluation.total.at_precision == 1
    assert evaluation.total.proposed_at[200] == 1
    assert evaluation.score_at_precision is not None
    # Each of several lists has its first.
    assert all(one.candidate_rank in range(1, 7) for one in evaluation.outcomes if one.known)
    assert all(one.candidate_rank is None for one in evaluation.outcomes if not one.known)
    assert not any(found.right for one in evaluation.outcomes if not one.known for found in one.predictions)
    assert json.loads(json.dumps(evaluation.to_dict()))["total"]["at_1"] == 1


def test_the_same_run_again(library: Library) -> None:
    known, unknown = samples(library, 2)

    def timeless(seed: int, edits: str) -> list[Outcome]:
        options = Options(chosen_edits(edits.split()), seed)
        return [replace(one, seconds=0.0) for one in run(library, known, unknown, options).outcomes]

    both = timeless(0, "mirrored crop_50")
    assert both == timeless(0, "mirrored crop_50")
    # What one edit draws does not depend on the others.
    assert [one for one in both if one.edit == "crop_50"] == timeless(0, "crop_50")
    # Found and sure either way; but another seed cuts another piece.
    how = [Options(chosen_edits(["crop_50"]), seed) for seed in (0, 1)]
    pieces = [[trial.pixels.tobytes() for trial in trials(known, unknown, options)] for options in how]
    assert pieces[0] != pieces[1]


def test_without_others_a_drawn_image_is_the_companion(library: Library, folder: Path) -> None:
    (trial,) = trials([sample_of(library, str(folder / "0.png"))], [], Options(chosen_edits(["inset_50"])))
    ground = drawn_ground()
    share = (
        np.abs(trial.pixels.reshape(-1, 3).astype(int).mean(axis=0) - ground.mean(axis=(0, 1))) < 40
    ).all()
    assert share
    assert trial.known
    evaluation = run(library, [trial.sample], [], Options(chosen_edits(["inset_50"])))
    assert evaluation.threshold is None
    assert evaluation.found_at_threshold is None
    assert evaluation.total.at_1 == 1
    assert evaluation.total.proposed is None


def test_companions_are_images_that_are_not_in_the_library(library: Library) -> None:
    known, unknown = samples(library, 2)
    marked = [replace(sample, neutral=frozenset({sample.path})) for sample in unknown]
    for trial in trials(known, marked, Options(chosen_edits(["collage"]))):
        companions = trial.neutral - trial.sample.neutral
        assert len(companions) == 1
        assert companions < {sample.path for sample in unknown}
        assert companions != {trial.sample.path}


def test_nothing_to_do_is_refused(library: Library) -> None:
    with pytest.raises(UsageError, match="no image was given"):
        run(library, [])
    with pytest.raises(UsageError, match="no edit was chosen"):
        Options(())
    with pytest.raises(UsageError, match="must lie between 0 and 1"):
        Options(false_alarms=1.5)


def test_what_is_not_found_is_looked_for_further_down(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image is taken away from every search that asks for few matches."""
    sample = sample_of(library, str(folder / "0.png"), neutral=frozenset())
    whole = Library.search
    asked: list[int] = []

    def search(self: Library, query: Any, *, limit: int = 5, **options: Any) -> SearchResult:
        found = whole(self, query, limit=limit, **options)
        asked.append(limit)
        return found if limit > 10 else replace(found, matches=())

    monkeypatch.setattr(Library, "search", search)
    (one,) = run(library, [sample], [], Options(chosen_edits(["jpeg_30"]))).outcomes
    assert (one.rank, one.deep_rank) == (None, 1)
    assert asked[-2:] == [10, 50]
    monkeypatch.undo()
    (one,) = run(library, [sample], [], Options(chosen_edits(["jpeg_30"]))).outcomes
    assert (one.rank, one.deep_rank) == (1, None)
