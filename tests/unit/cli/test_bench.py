"""`echo-image bench`: its table, its JSON, and what it refuses."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from echo_image.cli.cmd_bench import DEFAULT_QUERIES
from echo_image.cli.parser import build_parser
from tests.libraries import drawn, png

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of six drawn images."""
    place = tmp_path_factory.mktemp("photos")
    for seed in range(6):
        (place / f"{seed}.png").write_bytes(png(drawn(seed, (320, 240))))
    return place


def test_the_table(cli: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outcome = cli("bench", folder, "--queries", "2", "--edits", "jpeg_20,mirrored")
    assert outcome.status == 0, outcome.err
    table, summary = outcome.out.split("\n\n")
    lines = [line.split() for line in table.splitlines()]
    assert lines[0][:2] == ["edit", "searches"]
    assert [line[0] for line in lines[1:]] == ["mirrored", "jpeg_20", "all"]
    assert lines[1][1:5] == ["2", "100.0%", "100.0%", "100.0%"]
    assert lines[3][1:] == ["4", "100.0%", "100.0%", "100.0%", "100.0%", "0", "of", "4"]
    assert "4 in the library, 2 of them edited, and 2 others" in summary
    assert "score to trust" in summary
    assert re.search(r"found at precision 0.9999 +100.0%, with a score of \d+ or more", summary)
    assert re.search(r"called what it is +100.0%", summary)
    assert "6 images added, 0 failed" in outcome.err
    assert "4 searches without a match are too few to see a rate of 0.001" in outcome.err
    assert list(tmp_path.iterdir()) == []  # the temporary library is gone


def test_the_json(cli: Run, folder: Path) -> None:
    words = ("bench", folder, "--queries", "1", "--edits", "codec", "--false-alarms", "0.2", "--json")
    outcome = cli(*words, "--quiet", "--seed", "7")
    assert outcome.status == 0
    assert outcome.err == ""
    document = outcome.document
    assert document["seed"] == 7
    assert [row["name"] for row in document["edits"]] == ["jpeg_30", "jpeg_20", "jpeg_10", "jpeg_5", "webp"]
    assert all(row["family"] == "codec" for row in document["edits"])
    assert document["total"]["searches"] == document["total"]["unknown"] == 5
    assert document["threshold"]["rate"] == 0.2
    assert document["threshold"]["can_be_seen"]
    assert 0 <= document["micro_ap"] <= 1
    assert {"identical", "copy", "edited", "part", "similar"} == document["verdicts"].keys()


def test_a_library_is_searched_as_it_is(cli: Run, folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    inside = [folder / f"{seed}.png" for seed in range(4)]
    assert cli("add", library, *inside, "--workers", "1").status == 0
    words = ("bench", folder, "--library", library, "--queries", "2", "--edits", "jpeg_30")
    document = cli(*words, "--json").document
    assert (document["images"], document["queries"], document["distractors"]) == (4, 2, 2)
    assert document["total"]["at_1"] == 1
    assert cli("info", library, "--json").document["images"] == 4


def test_without_others_no_score_is_proposed(cli: Run, folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    assert cli("add", library, folder, "--workers", "1").status == 0
    words = ("bench", folder, "--library", library, "--queries", "2", "--edits", "jpeg_30")
    outcome = cli(*words)
    assert outcome.status == 0
    assert "unknown: every image tried is in the library" in outcome.out
    assert "too few" not in outcome.err
    assert cli(*words, "--json").document["threshold"] is None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--edits", "crop_51"), "'crop_51'"),
        (("--edits", ","), "no edit was named"),
        (("--queries", "0"), "1 to 1000"),
        (("--false-alarms", "1.2"), "expected 0 to 1"),
        (("--false-alarms", "nan"), "expected 0 to 1"),
        (("--false-alarms", "few"), "expected 0 to 1"),
        (("--seed", "-1"), "whole number from 0"),
        (("--seed", "x"), "whole number from 0"),
    ],
)
def test_wrong_options(cli: Run, folder: Path, words: tuple[str, str], reason: str) -> None:
    outcome = cli("bench", folder, *words)
    assert outcome.status == 2
    assert reason in outcome.err
    assert outcome.out == ""


def test_folders_that_do_not_serve(cli: Run, tmp_path: Path) -> None:
    missing = cli("bench", tmp_path / "nowhere")
    assert missing.status == 2
    assert "nowhere" in missing.err
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "only.png").write_bytes(png(drawn(1, (320, 240))))
    few = cli("bench", tmp_path / "one")
    assert few.status == 2
    assert "and there are 1" in few.err
    no_library = cli("bench", tmp_path / "one", "--library", tmp_path / "nothing")
    assert no_library.status == 3
    assert not (tmp_path / "nothing").exists()


def test_the_defaults() -> None:
    args = build_parser().parse_args(["bench", "photos"])
    assert (args.queries, args.edits, args.seed, args.false_alarms) == (DEFAULT_QUERIES, None, 0, 0.001)
    assert args.library is None
