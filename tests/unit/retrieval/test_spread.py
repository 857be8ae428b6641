"""What a search finds does not depend on how the images are spread over segments, and follows changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from echo_image import Library, open_library
from echo_image.store import Store, Writer
from tests.edited import cropped, mirrored
from tests.libraries import drawn, segment_files
from tests.photographs import NAMES, encoded, jpeg, photograph

#: Names in the order they are added.
ORDER = (*NAMES, "drawn-0", "drawn-1", "drawn-2", "drawn-3")


def data_of(name: str) -> bytes:
    if name.startswith("drawn-"):
        return encoded(drawn(int(name[6:]), (300, 220)))
    return jpeg(photograph(name, 360), 85)


def queries() -> list[bytes]:
    edited = [mirrored(photograph("coffee", 360)), cropped(0.2, 0.2, 0.5, 0.6)(photograph("astronaut", 360))]
    made = [jpeg(one.pixels, 70) for one in edited]
    made += [
        jpeg(255 - photograph("rocket", 360), 70),
        jpeg(photograph("brick", 200), 50),
        data_of("drawn-2"),
    ]
    return [*made, jpeg(drawn(77, (300, 220)), 70)]


def build(path: Path, groups: Sequence[Sequence[str]], *, tail: Sequence[str] = ()) -> None:
    """Make a library with a segment for each group of names, and the rest in no segment."""
    for group in groups:
        add(path, group)
        store = Store(path, create=False)
        with Writer(store) as writer:
            writer.seal(at_least=1)
        store.close()
    add(path, tail)
    assert len(segment_files(path)) == len(groups)


def add(path: Path, names: Sequence[str]) -> None:
    with open_library(path) as library:
        for name in names:
            assert library.add_image(data_of(name), name).added == 1


def found(library: Library, **options: Any) -> list[list[dict[str, object]]]:
    """The matches of every query, without the moments at which their images were added."""
    results = [library.search(query, limit=30, min_score=0, **options).matches for query in queries()]
    told = [[match.to_dict() for match in matches] for matches in results]
    return [[one | {"image": {**one["image"], "added_at": ""}} for one in matches] for matches in told]  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, object]]]:
    """What the library says when all of it lies in memory."""
    path = tmp_path_factory.mktemp("tail") / "library"
    build(path, [], tail=ORDER)
    with open_library(path) as library:
        matches = found(library)
    assert [one[0]["location"] for one in matches[:5]] == [
        "coffee",
        "astronaut",
        "rocket",
        "brick",
        "drawn-2",
    ]
    assert all(len(one) > 1 for one in matches)
    return matches


SPREADS: dict[str, tuple[Sequence[Sequence[str]], Sequence[str]]] = {
    "one segment": ([ORDER], ()),
    "one segment and a tail": ([ORDER[:9]], ORDER[9:]),
    "several segments": ([ORDER[:1], ORDER[1:6], ORDER[6:7], ORDER[7:15], ORDER[15:]], ()),
    "a segment for each of the first, and a tail": ([[name] for name in ORDER[:4]], ORDER[4:]),
}


@pytest.mark.parametrize("spread", SPREADS)
def test_the_same_matches_however_the_images_are_spread(
    tmp_path: Path, expected: list[list[dict[str, object]]], spread: str
) -> None:
    groups, tail = SPREADS[spread]
    build(tmp_path / "library", groups, tail=tail)
    with open_library(tmp_path / "library", read_only=True) as library:
        assert found(library) == expected


def names(library: Library, query: bytes) -> list[str]:
    return [match.location for match in library.search(query).matches if match.is_proven]


def test_adds_and_removals_are_seen_by_the_next_search(tmp_path: Path) -> None:
    path = tmp_path / "library"
    build(path, [ORDER[:4], ORDER[4:8]], tail=ORDER[8:10])
    with open_library(path, read_only=True) as reader, open_library(path) as writer:
        for number, name in enumerate(ORDER[:10]):
            query = encoded(cropped(0.05, 0.05, 0.9, 0.9)(photograph(name, 360)).pixels)
            assert names(reader, query) == [name]
            assert writer.remove(name).images_removed == 1
            assert names(reader, query) == names(writer, query) == []
            if number % 2:
                writer.add_image(data_of(name), f"{name} again")
                assert names(reader, query) == names(writer, query) == [f"{name} again"]
        assert names(reader, data_of("rocket")) == []
        writer.add_image(data_of("rocket"), "rocket")
        assert names(reader, data_of("rocket")) == ["rocket"]


def test_a_second_location_is_shown_and_goes_with_its_removal(tmp_path: Path) -> None:
    path = tmp_path / "library"
    build(path, [ORDER[:3]], tail=ORDER[3:5])
    query = jpeg(photograph("brick", 250), 60)
    with open_library(path) as library:
        library.add_image(data_of("brick"), "a brick")
        [match] = [match for match in library.search(query).matches if match.is_proven]
        assert sorted(match.locations) == ["a brick", "brick"]
        library.remove("brick")
        [match] = [match for match in library.search(query).matches if match.is_proven]
        assert match.locations == ("a brick",)
        library.remove("a brick")
        assert names(library, query) == []


def test_the_same_pixels_in_two_files_are_two_identical_matches(tmp_path: Path) -> None:
    path = tmp_path / "library"
    pixels = photograph("coins", 300)
    with open_library(path) as library:
        for kind in ("PNG", "BMP", "TIFF"):
            library.add_image(encoded(pixels, kind), kind)
        result = library.search(encoded(pixels, "WEBP", lossless=True))
    assert sorted(match.location for match in result.matches) == ["BMP", "PNG", "TIFF"]
    assert {match.verdict.value for match in result.matches} == {"identical"}
    assert [match.rank for match in result.matches] == [1, 2, 3]


def test_a_search_in_an_empty_library(tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        result = library.search(data_of("coffee"))
        assert (result.matches, result.candidates) == ((), 0)
