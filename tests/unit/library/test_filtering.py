"""Filters: SQL agrees with the same conditions written in Python, and hostile conditions are refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from echo_image import ImageFilter, ImageRecord, Library, UsageError, open_library
from tests.libraries import drawn, jpeg, png

ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"brand": "Acme", "price": 10},
    {"brand": "Acme", "price": 19.5, "tags": ["red", "wool"]},
    {"brand": "Ajax", "price": 20, "sold": True},
    {"brand": "O\"Neil's", "price": "20", "sold": False},
    {"brand": None, "tags": [1, None, "red"]},
    {"a.b[0]": "odd name", "größe": "XL"},
    {"price": 2**60 + 1},
]
LOCATIONS = [
    "/photos/2024/a.jpg",
    "/photos/2024-old/b_%\\c.jpg",
    "https://images.example/c.jpg",
    "http://images.example:8080/d.jpg",
    "https://images.example.org/e.jpg",
    "upload:123/f.jpg",
    "images.example/g.jpg",
    "/photos/2024/ж.jpg",
]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def filled(library: Library) -> Library:
    for number, (location, attributes) in enumerate(zip(LOCATIONS, ATTRIBUTES, strict=True)):
        pixels = drawn(number, (100 + 40 * number, 90))
        data = png(pixels) if number % 2 else jpeg(pixels)
        assert library.add_image(data, location, attributes=attributes).added == 1
    return library


def begins(*starts: str) -> Callable[[ImageRecord], bool]:
    return lambda record: any(place.startswith(starts) for place in record.locations)


def has_in(text: str) -> Callable[[ImageRecord], bool]:
    return lambda record: any(text in place for place in record.locations)


def has(name: str, test: Callable[[Any], bool]) -> Callable[[ImageRecord], bool]:
    return lambda record: name in record.attributes and test(record.attributes[name])


def same(value: Any) -> Callable[[Any], bool]:
    def equal(one: Any) -> bool:
        return one == value and isinstance(one, bool) == isinstance(value, bool)

    return lambda had: any(equal(one) for one in had) if isinstance(had, list) else equal(had)


def number(test: Callable[[float], bool]) -> Callable[[Any], bool]:
    return lambda had: isinstance(had, int | float) and not isinstance(had, bool) and test(had)


CASES: list[tuple[dict[str, Any], Callable[[ImageRecord], bool]]] = [
    ({"location": "/photos/2024/"}, begins("/photos/2024/")),
    ({"location": "/photos/2024"}, begins("/photos/2024")),
    (
        {"location": "images.example"},
        begins("images.example", "https://images.example/", "http://images.example:"),
    ),
    ({"location": "https://images.example"}, begins("https://images.example")),
    ({"location": "/photos/2024/ж"}, begins("/photos/2024/ж")),
    ({"location": "%"}, begins("%")),
    ({"contains": "/A."}, has_in("/a.")),
    ({"contains": "example.org"}, has_in("example.org")),
    ({"contains": "2024", "format": "JPEG"}, lambda r: has_in("2024")(r) and r.format == "JPEG"),
    ({"contains": "ж"}, has_in("ж")),
    ({"contains": "_"}, has_in("_")),
    ({"contains": "%"}, has_in("%")),
    ({"contains": "\\"}, has_in("\\")),
    ({"format": "png"}, lambda record: record.format == "PNG"),
    ({"min_side": 180}, lambda record: max(record.width, record.height) >= 180),
    ({"max_side": 179}, lambda record: max(record.width, record.height) <= 179),
    (
        {"min_side": 140, "max_side": 260, "format": "JPEG"},
        lambda r: 140 <= r.width <= 260 and r.format == "JPEG",
    ),
    ({"added_after": "2020-01-01"}, lambda _: True),
    ({"added_before": "2020-01-01T00:00:00+02:00"}, lambda _: False),
    ({"where": {"brand": "Acme"}}, has("brand", same("Acme"))),
    ({"where": {"brand": "O\"Neil's"}}, has("brand", same("O\"Neil's"))),
    ({"where": {"brand": None}}, has("brand", same(None))),
    ({"where": {"sold": True}}, has("sold", same(True))),
    ({"where": {"sold": False}}, has("sold", same(False))),
    ({"where": {"price": 20}}, has("price", same(20))),
    ({"where": {"price": "20"}}, has("price", same("20"))),
    ({"where": {"price": 2**60 + 1}}, has("price", same(2**60 + 1))),
    ({"where": {"price": {"gte": 10, "lt": 20}}}, has("price", number(lambda v: 10 <= v < 20))),
    ({"where": {"price": {"gt": 10, "lte": 20}}}, has("price", number(lambda v: 10 < v <= 20))),
    ({"where": {"brand": {"in": ["Acme", "Ajax"]}}}, has("brand", lambda v: v in ("Acme", "Ajax"))),
    ({"where": {"tags": "red"}}, has("tags", same("red"))),
    ({"where": {"tags": 1}}, has("tags", same(1))),
    ({"where": {"tags": None}}, has("tags", same(None))),
    ({"where": {"a.b[0]": "odd name"}}, has("a.b[0]", same("odd name"))),
    ({"where": {"größe": {"gte": "X"}}}, has("größe", lambda v: v >= "X")),
    ({"where": {"brand": "Acme", "tags": "wool"}}, lambda r: r.attributes.get("tags") == ["red", "wool"]),
    ({"where": {"absent": None}}, lambda _: False),
    ({}, lambda _: True),
]


@pytest.mark.parametrize(("asked", "expected"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_filter_means_what_it_says(
    filled: Library, asked: dict[str, Any], expected: Callable[[ImageRecord], bool]
) -> None:
    everything = filled.images(limit=100)
    wanted = [record.id for record in everything if expected(record)]
    only = ImageFilter(**asked)
    assert [record.id for record in filled.images(limit=100, only=only)] == wanted
    newest = filled.images(limit=100, only=only, newest_first=True)
    assert [record.id for record in newest] == wanted[::-1]
    assert only.is_empty == (asked == {})


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_go_on_behind_an_image_that_was_removed(filled: Library, newest_first: bool) -> None:
    ids = [record.id for record in filled.images(limit=100, newest_first=newest_first)]
    first = filled.images(limit=3, newest_first=newest_first)
    assert filled.remove_image(first[-1].id)
    rest = filled.images(after=first[-1].cursor, limit=100, newest_first=newest_first)
    assert [record.id for record in rest] == ids[3:]
    by_id = filled.images(after=first[0].id, limit=1, newest_first=newest_first)
    assert by_id[0].id == ids[1]


def test_a_search_among_some_finds_only_those(filled: Library) -> None:
    query = drawn(2, (180, 90))
    [best] = filled.search(query, limit=1).matches
    assert best.location == LOCATIONS[2]
    assert best.image.attributes == ATTRIBUTES[2]
    among = filled.search(query, only=ImageFilter(where={"brand": "Ajax"}), min_score=0, limit=10)
    assert {match.location for match in among.matches} <= {LOCATIONS[3]}
    assert filled.search(query, only=ImageFilter(format="JPEG"), limit=1).matches[0].location == LOCATIONS[2]
    nothing = filled.search(query, only=ImageFilter(location="/nowhere"), min_score=0)
    assert (nothing.matches, nothing.candidates) == ((), 0)
    # The image itself is left out where the filter does not mean it, and what was remembered is renewed.
    itself = filled.image(best.id)
    others = filled.search(itself, only=ImageFilter(format="PNG"), min_score=0).matches
    assert len(others) == 4
    assert best.id not in {match.id for match in others}
    assert filled.add_image(jpeg(drawn(2, (180, 90)), 40), "/nowhere/new.jpg").added == 1
    assert (
        filled.search(query, only=ImageFilter(location="/nowhere")).matches[0].location == "/nowhere/new.jpg"
    )


def test_a_search_among_many_by_candidates(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("echo_image.retrieval.search"), "_ALL_AMONG", 0)
    for seed in range(6):
        for quality, brand in ((90, "Acme"), (40, "Ajax")):
            place = f"/{brand}/{seed}.jpg"
            library.add_image(jpeg(drawn(seed), quality), place, attributes={"brand": brand})
    for seed, brand in itertools.product(range(6), ("Acme", "Ajax")):
        found = library.search(drawn(seed), only=ImageFilter(where={"brand": brand}), limit=10)
        assert found.matches[0].location == f"/{brand}/{seed}.jpg"
        assert {match.image.attributes["brand"] for match in found.matches} == {brand}
        assert 1 <= found.candidates <= 6


def test_matches_by_verdict(filled: Library) -> None:
    query = drawn(2, (180, 90))
    everything = filled.search(query, min_score=0, limit=20).matches
    assert {match.verdict for match in everything} > {"similar"}
    alike = filled.search(query, min_score=0, limit=20, verdicts=["similar"]).matches
    assert [match.id for match in alike] == [m.id for m in everything if m.verdict == "similar"]
    assert [match.rank for match in alike] == list(range(1, len(alike) + 1))
    for wrong in ([], ["copied"], [3]):
        with pytest.raises(UsageError):
            filled.search(query, verdicts=wrong)  # type: ignore[arg-type]


HOSTILE: list[dict[str, Any]] = [
    {"where": {"a": {"like": "%"}}},
    {"where": {"a": {}}},
    {"where": {"a": {"gte": [1]}}},
    {"where": {"a": {"gte": True}}},
    {"where": {"a": {"in": []}}},
    {"where": {"a": {"in": list(range(1000))}}},
    {"where": {"a": [1, 2]}},
    {"where": {"a": float("nan")}},
    {"where": {f"a{n}": n for n in range(100)}},
    {"where": [1]},
    {"where": {"\ud800": 1}},
    {"location": "\ud800"},
    {"location": "x" * 10_000},
    {"location": 7},
    {"contains": 7},
    {"min_side": -1},
    {"min_side": "9"},
    {"max_side": True},
    {"added_after": "yesterday"},
    {"added_after": "0001-01-01T00:00:00+14:00"},
    {"added_before": 5},
]


@pytest.mark.parametrize("asked", HOSTILE, ids=[str(asked)[:60] for asked in HOSTILE])
def test_hostile_conditions_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ImageFilter(**asked)
