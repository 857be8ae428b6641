"""A search: what it is asked for, what it gives, and in which order."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
import PIL.Image
import pytest

from echo_image import InvalidRegion, Library, Match, SearchResult, UsageError, Verdict, compare, decode
from tests.edited import Edit, cropped, inside_another, mirrored, then, unmoved
from tests.libraries import drawn
from tests.photographs import COLOURFUL, NAMES, encoded, jpeg, photograph, scaled
from tests.unit.verify.made import mapped


def assert_ordered(result: SearchResult) -> None:
    matches = result.matches
    assert [match.rank for match in matches] == list(range(1, len(matches) + 1))
    assert len({match.id for match in matches}) == len(matches)
    places = [location for match in matches for location in match.locations]
    assert len(set(places)) == len(places)
    proven = [match.is_proven for match in matches]
    assert proven == sorted(proven, reverse=True)
    for group in (True, False):
        scores = [match.score for match in matches if match.is_proven is group]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_are_identical(library: Library, name: str) -> None:
    result = library.search(jpeg(photograph(name, 500), 85))
    best = result.matches[0]
    assert (best.location, best.verdict, best.score, best.similarity) == (name, Verdict.IDENTICAL, 100, 100)
    assert best.transform.words == ("identical",)
    assert_ordered(result)
    assert all(match.verdict is not Verdict.IDENTICAL for match in result.matches[1:])


def test_the_same_pixels_are_identical_in_another_format(library: Library) -> None:
    pixels = drawn(1003, (320, 240))
    for data in (encoded(pixels, "BMP"), encoded(pixels, "TIFF"), encoded(pixels, "WEBP", lossless=True)):
        best = library.search(data).matches[0]
        assert (best.location, best.verdict, best.score) == ("drawn-3", Verdict.IDENTICAL, 100)


def test_every_kind_of_query_gives_the_same(library: Library, tmp_path: Any) -> None:
    pixels = cropped(0.1, 0.1, 0.7, 0.7)(photograph("coffee", 500)).pixels
    data = encoded(pixels)
    path = tmp_path / "query.png"
    path.write_bytes(data)
    queries: tuple[Any, ...] = (
        path,
        str(path),
        data,
        bytearray(data),
        pixels,
        PIL.Image.open(io.BytesIO(data)),
        decode(data),
    )
    results = [library.search(query).to_dict() for query in queries]
    for result in results:
        assert result["matches"] == results[0]["matches"]
        assert result["query"] == {"width": pixels.shape[1], "height": pixels.shape[0], "quality": 100}


@pytest.mark.parametrize("limit", [1, 2, 5, 50, 1000])
def test_at_most_so_many_and_always_the_first_of_the_rest(library: Library, limit: int) -> None:
    query = photograph("astronaut", 300)
    result = library.search(query, limit=limit, min_score=0)
    everything = library.search(query, limit=1000, min_score=0)
    assert len(result.matches) <= limit
    assert_ordered(result)
    assert result.matches[0].location == "astronaut"
    assert len(everything.matches) >= 5
    if limit <= 5:
        ids = [match.id for match in everything.matches[:limit]]
        assert [match.id for match in result.matches] == ids


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("hand", [unmoved(lambda rgb: rgb), mirrored])
def test_inverted_and_cropped_is_found_as_compare_finds_it(library: Library, name: str, hand: Edit) -> None:
    original = photograph(name, 500)
    query = then(unmoved(lambda rgb: 255 - rgb), cropped(0.15, 0.2, 0.66, 0.6), hand)(original).pixels
    best = library.search(query).matches[0]
    assert (best.location, best.verdict) == (name, Verdict.EDITED)
    assert "colours inverted" in best.transform.words
    assert set(compare(query, jpeg(original, 85)).transform.words) == set(best.transform.words)


def test_what_only_the_inverted_look_finds_gets_its_plain_score(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("echo_image.retrieval.search"), "PLAIN_EXHAUSTIVE", 0)
    original = photograph("retina", 500)
    query = then(unmoved(lambda rgb: 255 - rgb), cropped(0.3, 0.3, 0.45, 0.45))(original).pixels
    found = library.search(query, scoring="plain", min_score=0, limit=24).matches
    assert "retina" in [match.location for match in found]


@pytest.mark.parametrize("floor", [0, 30, 50, 80, 100])
def test_no_match_below_the_least_score(library: Library, floor: float) -> None:
    everything = library.search(photograph("astronaut", 400), limit=24, min_score=0).matches
    result = library.search(photograph("astronaut", 400), limit=24, min_score=floor)
    assert [match.id for match in result.matches] == [m.id for m in everything if m.score >= floor]
    assert len(everything) > 5


def test_what_is_asked_wrongly_is_named(library: Library) -> None:
    query = photograph("coffee", 300)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"limit": 0}, "limit"),
        ({"limit": -3}, "-3"),
        ({"min_score": -1}, "min_score"),
        ({"min_score": 100.5}, "100.5"),
        ({"min_score": float("nan")}, "nan"),
        ({"scoring": "best"}, "aligned, plain"),
        ({"limit": "5"}, "limit must be a whole number"),
        ({"limit": 2.5}, "limit must be a whole number"),
        ({"limit": None}, "limit must be a whole number"),
        ({"limit": True}, "limit must be a whole number"),
        ({"min_score": "a"}, "min_score must be a number"),
        ({"region": (0, 0, 10)}, "four whole numbers"),
        ({"region": (0, 0, 10, 10.5)}, "four whole numbers"),
        ({"region": 7}, "four whole numbers"),
    )
    for arguments, words in wrong:
        with pytest.raises(UsageError, match=words):
            library.search(query, **arguments)


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 10), (0, 0, 10, 0), (-1, 0, 10, 10), (290, 0, 20, 10), (0, 0, 301, 10)]
)
def test_a_region_outside_the_query_is_named(library: Library, region: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidRegion, match="region"):
        library.search(photograph("coffee", 300), region=region)


def error_px(match: Match, homography: Any, width: int, height: int) -> float:
    grid = np.stack(
        np.meshgrid(np.linspace(0, width - 1, 7), np.linspace(0, height - 1, 7)), axis=-1
    ).reshape(-1, 2)
    return float(np.abs(mapped(match.transform.homography, grid) - mapped(homography, grid)).max())


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_region_is_searched_for_alone_and_told_in_px_of_the_whole_query(
    library: Library, name: str
) -> None:
    """A collage of two photographs; the region holds one of them."""
    one, other = scaled(photograph(name, 500), 0.8), photograph("brick", 300)
    height, width = one.shape[:2]
    sheet = np.full((max(height, 300) + 40, width + 340, 3), 255, np.uint8)
    sheet[20 : 20 + height, 310 : 310 + width] = one
    sheet[10:310, 5:305] = other
    region = (310, 20, width, height)
    result = library.search(sheet, region=region)
    best = result.matches[0]
    assert best.location == name
    assert "brick" not in [match.location for match in result.matches if match.is_proven]
    assert result.query.region == region
    assert (result.query.width, result.query.height) == sheet.shape[1::-1]
    back = 1 / 0.8
    truth = np.array(
        [[back, 0, 0.5 * back - 0.5 - back * 310], [0, back, 0.5 * back - 0.5 - back * 20], [0, 0, 1]]
    )
    grid = np.stack(np.meshgrid(np.linspace(310, 309 + width, 7), np.linspace(20, 19 + height, 7)), axis=-1)
    expected = mapped(truth, grid.reshape(-1, 2))
    assert np.abs(mapped(best.transform.homography, grid.reshape(-1, 2)) - expected).max() < 3
    inliers = best.proof.query_points
    assert ((inliers >= [305, 15]) & (inliers <= [315 + width, 25 + height])).all()
    assert best.query_overlap == pytest.approx(1, abs=0.01)
    cut = library.search(np.ascontiguousarray(sheet[20 : 20 + height, 310 : 310 + width]))
    assert [m.id for m in cut.matches] == [m.id for m in result.matches]
    assert [m.score for m in cut.matches] == [m.score for m in result.matches]


def test_a_region_that_is_the_whole_query_changes_nothing(library: Library) -> None:
    data = jpeg(photograph("rocket", 500), 85)
    result = library.search(data, region=(0, 0, 500, 334))
    assert result.matches[0].verdict is Verdict.IDENTICAL
    assert result.matches[0].to_dict() == library.search(data).matches[0].to_dict()


def test_a_mirrored_region(library: Library) -> None:
    edited = mirrored(photograph("coffee", 500)).pixels
    height, width = edited.shape[:2]
    best = library.search(edited, region=(100, 50, 300, 200)).matches[0]
    assert best.location == "coffee"
    assert best.transform.mirrored
    assert error_px(best, mirrored(photograph("coffee", 500)).homography, width, height) < 3


@pytest.mark.parametrize("colour", [0, 255, (200, 30, 60)])
def test_a_flat_query_finds_nothing_and_says_why(library: Library, colour: Any) -> None:
    result = library.search(np.full((200, 300, 3), colour, np.uint8), min_score=0)
    assert result.matches == ()
    assert "too little detail" in result.note
    assert result.query.quality == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (8, 8), (20, 13)])
def test_a_tiny_query_is_answered(library: Library, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    result = library.search(pixels)
    assert all(not match.is_proven for match in result.matches)


def test_many_threads_get_what_one_gets(library: Library) -> None:
    queries = [photograph(name, 350) for name in NAMES] * 2
    expected = [library.search(query).to_dict()["matches"] for query in queries[: len(NAMES)]] * 2
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda query: library.search(query).to_dict()["matches"], queries))
    assert found == expected


def test_the_result_is_the_json_of_the_contract(library: Library) -> None:
    query = inside_another(photograph("astronaut", 300)).pixels
    result = json.loads(json.dumps(library.search(query, region=(10, 10, 580, 580)).to_dict()))
    assert {"query", "took_ms", "candidates", "matches"} <= set(result)
    assert result["query"] == {"width": 600, "height": 600, "quality": 100, "region": [10, 10, 580, 580]}
    assert result["took_ms"] > 0
    assert 0 < result["candidates"] <= 24
    names = {
        "rank", "id", "location", "locations", "score", "similarity", "verdict", "ssim", "orb", "inliers",
        "query_overlap", "match_overlap", "transform", "image",
    }  # fmt: skip
    for match in result["matches"]:
        assert set(match) == names
        assert set(match["transform"]) == {
            "homography",
            "mirrored",
            "rotation_deg",
            "scale",
            "words",
            "changes",
        }
        assert np.array(match["transform"]["homography"]).shape == (3, 3)
        assert len(match["id"]) == 64
        assert match["location"] == match["locations"][0]
    assert result["matches"][0]["location"] == "astronaut"
    assert result["matches"][0]["similarity"] == pytest.approx(
        50 * (result["matches"][0]["ssim"] + result["matches"][0]["orb"]), abs=0.1
    )
