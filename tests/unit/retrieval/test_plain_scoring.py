"""`scoring="plain"` gives every image the first application's score, computed here once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image import open_library
from echo_image.image import decode
from echo_image.verify.plain import plain_score
from tests.edited import cropped, mirrored
from tests.photographs import NAMES, decoded, encoded, jpeg, photograph


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of seven photographs, one of them larger than what is searched with at first."""
    folder = tmp_path_factory.mktemp("plain") / "files"
    folder.mkdir()
    for name in NAMES[:6]:
        (folder / f"{name}.png").write_bytes(encoded(photograph(name, 220)))
    (folder / "retina.jpg").write_bytes(jpeg(photograph("retina"), 80))
    return folder


@pytest.fixture(scope="module")
def library(folder: Path) -> Path:
    path = folder.parent / "library"
    with open_library(path) as opened:
        assert opened.add(folder, workers=1).added == 7
    return path


@pytest.mark.parametrize(
    "query",
    [
        mirrored(photograph("chelsea", 220)).pixels,
        cropped(0.1, 0.1, 0.8, 0.8)(photograph("coffee", 220)).pixels,
    ],
)
def test_scores_are_those_of_an_independent_computation(folder: Path, library: Path, query: object) -> None:
    pixels = decoded(encoded(query))  # type: ignore[arg-type]
    expected = {}
    for path in folder.iterdir():
        plain = plain_score(pixels, decode(path.read_bytes()).pixels)
        expected[path.name] = (min(max(100 * plain.score, 0), 100), plain.ssim, plain.orb)
    with open_library(library, read_only=True) as opened:
        result = opened.search(encoded(pixels), scoring="plain", limit=50, min_score=0)
    found = {Path(m.location).name: (m.score, m.ssim, m.orb) for m in result.matches}
    assert set(found) == set(expected)
    for name, values in found.items():
        assert values == pytest.approx(expected[name], abs=1e-9)
    order = [match.score for match in result.matches]
    assert order == sorted(order, reverse=True)
    assert [match.rank for match in result.matches] == list(range(1, 8))
    assert result.candidates == 7


def test_limit_and_least_score_hold_for_plain_scores(library: Path) -> None:
    query = photograph("chelsea", 200)
    with open_library(library, read_only=True) as opened:
        everything = opened.search(query, scoring="plain", limit=50, min_score=0).matches
        few = opened.search(query, scoring="plain", limit=2, min_score=0).matches
        floor = everything[2].score
        above = opened.search(query, scoring="plain", limit=50, min_score=floor).matches
    assert [m.id for m in few] == [m.id for m in everything[:2]]
    assert [m.id for m in above] == [m.id for m in everything if m.score >= floor]
    assert Path(everything[0].location).name == "chelsea.png"


def test_a_file_that_is_gone_is_represented_by_its_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "coffee.png"
    path.write_bytes(encoded(photograph("coffee", 300)))
    query = cropped(0.1, 0.1, 0.8, 0.8)(photograph("coffee", 300)).pixels
    with open_library(tmp_path / "library") as library:
        library.add(path, workers=1)
        [before] = library.search(query, scoring="plain").matches
        path.write_bytes(encoded(photograph("rocket", 300)))  # another image in its place
        [changed] = library.search(query, scoring="plain").matches
        path.unlink()
        [gone] = library.search(query, scoring="plain").matches
    assert changed.score == gone.score == pytest.approx(before.score, abs=5)
    assert gone.score != before.score
