"""Groups of images that show the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from echo_image import DuplicateGroup, Library, open_library
from echo_image.duplicates import groups as module
from echo_image.duplicates.near import near_pairs
from echo_image.errors import LibraryCorrupt, UsageError
from echo_image.verify.judge import judge
from tests.libraries import drawn, image_file, jpeg, png


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library") as opened:
        yield opened


def names(groups: list[DuplicateGroup]) -> list[list[str]]:
    return [[place for image in group.images for place in image.locations] for group in groups]


def reduced(seed: int, size: tuple[int, int]) -> bytes:
    return png(np.asarray(PilImage.fromarray(drawn(seed, (640, 480))).resize(size)))


def test_groups_of_every_kind(library: Library) -> None:
    library.add_image(png(drawn(0, (640, 480))), "large.png")
    library.add_image(reduced(0, (320, 240)), "small.png")
    library.add_image(jpeg(drawn(0, (640, 480)), quality=70), "medium.jpg")
    library.add_image(image_file(1), "same.png")
    library.add_image(image_file(1) + b"trailing", "same-pixels.png")
    library.add_image(image_file(2), "here.png")
    library.add_image(image_file(2), "there.png")
    for seed in (3, 4, 5):
        library.add_image(image_file(seed), f"{seed}.png")
    found = library.duplicates()
    assert [(group.kind, len(group.images)) for group in found] == [
        ("near", 3),
        ("identical", 2),
        ("identical", 1),
    ]
    assert names(found)[0] == ["large.png", "medium.jpg", "small.png"]
    assert sorted(names(found)[1]) == ["same-pixels.png", "same.png"]
    assert names(found)[2] == ["here.png", "there.png"]
    assert [group.score for group in found[1:]] == [100, 100]
    assert 50 <= found[0].score <= 100
    document = json.loads(json.dumps(found[0].to_dict()))
    assert [image["location"] for image in document["images"]] == names(found)[0]


def test_the_order_of_adding_does_not_matter(tmp_path: Path) -> None:
    files = {
        "a": png(drawn(0, (640, 480))),
        "b": reduced(0, (320, 240)),
        "c": jpeg(drawn(0, (640, 480)), quality=60),
        "d": image_file(1),
        "e": jpeg(drawn(1), quality=90),
        "f": image_file(2),
    }
    answers = []
    for number, order in enumerate(("abcdef", "fedcba", "cafebd")):
        with open_library(tmp_path / str(number)) as library:
            for name in order:
                library.add_image(files[name], name)
            answers.append(names(library.duplicates()))
    assert answers[0] == answers[1] == answers[2]
    assert [sorted(group) for group in answers[0]] == [["a", "b", "c"], ["d", "e"]]


def test_pairs_below_the_score_do_not_count(library: Library) -> None:
    library.add_image(png(drawn(0, (640, 480))), "a")
    library.add_image(jpeg(drawn(0, (640, 480)), quality=30), "b")
    (group,) = library.duplicates(min_score=0)
    assert group.score < 100
    assert library.duplicates(min_score=group.score) == [group]
    assert library.duplicates(min_score=min(100, group.score + 0.01)) == []
    for wrong in (-1, 101, float("nan")):
        with pytest.raises(UsageError, match="min_score"):
            library.duplicates(min_score=wrong)


def test_an_empty_library_and_one_image(library: Library) -> None:
    assert library.duplicates() == []
    library.add_image(image_file(0), "a")
    assert library.duplicates() == []


def test_images_without_detail_are_no_near_copies(library: Library) -> None:
    """Their hashes are all the same; only equal pixels count."""
    for number in range(4):
        library.add_image(png(np.full((60, 80, 3), 20 * number, np.uint8)), f"flat-{number}")
    assert library.duplicates() == []
    library.add_image(png(np.full((60, 80, 3), 20, np.uint8)) + b"x", "flat-again")
    assert sorted(names(library.duplicates())[0]) == ["flat-1", "flat-again"]


def test_many_frames_of_one_film_cost_one_comparison_each(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = drawn(0).astype(np.int16)
    rng = np.random.default_rng(1)
    count = 40
    for number in range(count):
        noisy = np.clip(frame + rng.integers(-2, 3, frame.shape), 0, 255).astype(np.uint8)
        library.add_image(png(noisy), f"{number:02d}")
    verified = []

    def count_and_judge(*arguments: Any) -> object:
        verified.append(1)
        return judge(*arguments)

    monkeypatch.setattr(module, "judge", count_and_judge)
    (group,) = library.duplicates()
    assert len(group.images) == count
    assert len(verified) == count - 1


def test_only_what_is_compared_is_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(6):
        library.add_image(image_file(seed), f"{seed}")
    library.add_image(jpeg(drawn(3)), "3.jpg")
    read: list[int] = []
    real = library._store.stored

    def stored(keys: list[int]) -> object:
        read.extend(keys)
        return real(keys)

    monkeypatch.setattr(library._store, "stored", stored)
    assert [sorted(group) for group in names(library.duplicates())] == [["3", "3.jpg"]]
    assert len(read) == 2


def test_images_that_go_meanwhile_are_left_out(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add_image(image_file(0), "a")
    library.add_image(jpeg(drawn(0)), "b")
    library.add_image(image_file(1), "c")
    library.add_image(jpeg(drawn(1)), "d")

    def remove_first(codes: Any) -> object:
        with open_library(library.path) as other:
            other.remove("b")
        return near_pairs(codes)

    monkeypatch.setattr(module, "near_pairs", remove_first)
    assert [sorted(group) for group in names(library.duplicates())] == [["c", "d"]]


def test_damage_is_told(library: Library) -> None:
    for seed in (0, 1):
        library.add_image(image_file(seed), f"{seed}")
    (library.path / "packs" / "000001.pack").unlink()
    with pytest.raises(LibraryCorrupt), open_library(library.path) as fresh:
        fresh.duplicates()
