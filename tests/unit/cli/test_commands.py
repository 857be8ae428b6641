"""What each command prints: the JSON of the contract, or words for a person, and its exit status."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import echo_image.cli.cmd_add
from echo_image.demo import DemoFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.cli.conftest import Run

MATCH_FIELDS = {
    "rank",
    "id",
    "location",
    "locations",
    "score",
    "similarity",
    "verdict",
    "ssim",
    "orb",
    "inliers",
    "query_overlap",
    "match_overlap",
    "transform",
    "image",
}
TRANSFORM_FIELDS = {"homography", "mirrored", "rotation_deg", "scale", "words", "changes"}
ADD_FIELDS = {"added", "updated", "unchanged", "skipped", "failed", "seconds", "failures"}


def assert_match(match: dict[str, Any]) -> None:
    """Check one match against the contract."""
    assert match.keys() >= MATCH_FIELDS
    assert match["transform"].keys() >= TRANSFORM_FIELDS
    assert 0 <= match["score"] <= 100
    assert 0 <= match["similarity"] <= 100
    assert match["verdict"] in {"identical", "copy", "edited", "part", "similar"}


def test_add_tells_what_became_of_every_file(cli: Run, tmp_path: Path, demo_folder: DemoFolder) -> None:
    library, images = tmp_path / "library", tmp_path / "images"
    shutil.copytree(demo_folder.images, images)
    count = sum(path.is_file() for path in images.rglob("*"))
    first = cli("add", library, images, "--workers", "1", "--json")
    assert first.status == 0
    assert first.document.keys() >= ADD_FIELDS
    assert (first.document["added"], first.document["failed"]) == (count, 0)
    again = cli("add", library, images, "--workers", "1", "--json")
    assert (again.document["added"], again.document["unchanged"]) == (0, count)


def test_add_says_it_in_words(cli: Run, tmp_path: Path, good: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.touch()
    outcome = cli("add", tmp_path / "library", good, broken, "--workers", "1")
    assert outcome.status == 4
    assert outcome.out.startswith("1 image added, 0 updated, 0 unchanged, 0 skipped, 1 failed in ")
    assert f"failed: {broken}: " in outcome.err
    assert "[empty_file]" in outcome.err
    assert "failed: " in cli("add", tmp_path / "library", broken, "--quiet").err


def test_add_keeps_attributes(cli: Run, tmp_path: Path, good: Path) -> None:
    library = tmp_path / "library"
    cli("add", library, good, "--attributes", '{"album": "summer"}', "--workers", "1")
    (record,) = cli("export", library, "--json").document
    assert record["attributes"] == {"album": "summer"}


def test_interrupting_add_keeps_what_was_done(
    cli: Run, tmp_path: Path, demo_folder: DemoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the first progress: status 130, what was committed is there, the next run does the rest."""
    pressed: list[int] = []

    @contextmanager
    def press_ctrl_c(terminal: object, action: str) -> Iterator[Callable[[Any], None]]:
        def show(state: Any) -> None:
            if state.done and not pressed:
                pressed.append(state.done)
                signal.raise_signal(signal.SIGINT)

        yield show

    library = tmp_path / "library"
    with monkeypatch.context() as patch:
        patch.setattr(echo_image.cli.cmd_add, "progress_bar", press_ctrl_c)
        outcome = cli("add", library, demo_folder.images, "--workers", "1", "--json")
    assert outcome.status == 130
    assert outcome.document["interrupted"] is True
    kept = cli("info", library, "--json").document["images"]
    rest = cli("add", library, demo_folder.images, "--workers", "1", "--json").document
    assert kept >= outcome.document["added"] >= 1
    assert rest["added"] + rest["unchanged"] == sum(p.is_file() for p in demo_folder.images.rglob("*"))
    assert rest["unchanged"] == kept
    assert cli("check", library).status == 0


def test_search_prints_the_contract(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    outcome = cli("search", demo_library, demo_folder.queries[0].path, "--json")
    assert outcome.status == 0
    document = outcome.document
    assert document["query"].keys() >= {"width", "height", "quality"}
    assert document["took_ms"] > 0
    assert document["candidates"] >= len(document["matches"]) >= 1
    for rank, match in enumerate(document["matches"], start=1):
        assert_match(match)
        assert match["rank"] == rank
    assert Path(document["matches"][0]["location"]).name.startswith("astronaut")


def test_search_finds_every_query_of_the_demo(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    for query in demo_folder.queries:
        matches = cli("search", demo_library, query.path, "--json").document["matches"]
        proven = [match for match in matches if match["verdict"] != "similar"]
        assert query.original in {Path(match["location"]).name for match in proven}, query


def test_search_prints_a_table(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    outcome = cli("search", demo_library, demo_folder.queries[0].path)
    head, first, *_ = outcome.out.splitlines()
    assert head.split() == ["#", "score", "verdict", "what", "was", "done", "location"]
    assert first.split()[0] == "1"
    assert str(demo_folder.images) in first
    assert "mirrored" in first
    assert "candidates looked at" in outcome.err
    assert not cli("search", demo_library, demo_folder.queries[0].path, "--quiet").err


def test_search_reads_standard_input(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    path = demo_folder.queries[0].path
    from_file = cli("search", demo_library, path, "--json").document["matches"]
    from_stdin = cli("search", demo_library, "-", "--json", stdin=path.read_bytes()).document["matches"]
    assert from_stdin == from_file


def test_search_takes_its_options(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    path = demo_folder.queries[0].path
    every = cli("search", demo_library, path, "--limit", "5", "--json").document["matches"]
    assert len(every) > 1
    one = cli("search", demo_library, path, "--limit", "1", "--json").document["matches"]
    assert [match["id"] for match in one] == [every[0]["id"]]
    floor = every[0]["score"]
    best = cli("search", demo_library, path, "--min-score", str(floor), "--json").document["matches"]
    assert [match["id"] for match in best] == [m["id"] for m in every if m["score"] >= floor]
    region = cli("search", demo_library, path, "--region", "40,80,200,200", "--json").document
    assert region["query"]["region"] == [40, 80, 200, 200]
    assert region["matches"][0]["transform"]["homography"] != every[0]["transform"]["homography"]
    plain = cli("search", demo_library, path, "--scoring", "plain", "--json").document["matches"]
    assert plain


def test_search_looks_among_some_images_only(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    query = demo_folder.queries[0].path

    def found(*options: str) -> list[dict[str, Any]]:
        matches: list[dict[str, Any]] = cli("search", demo_library, query, *options, "--json").document[
            "matches"
        ]
        return matches

    best = found()[0]
    width, height = best["image"]["width"], best["image"]["height"]
    assert (
        found("--format", best["image"]["format"].lower(), "--min-side", str(max(width, height)))[0] == best
    )
    assert best["id"] not in {match["id"] for match in found("--max-side", str(max(width, height) - 1))}
    assert found("--location", "/nowhere", "--min-score", "0") == []
    assert found("--where", '{"brand": "Acme"}', "--min-score", "0") == []
    assert found("--added-before", "2020-01-01", "--min-score", "0") == []
    assert found("--verdicts", f"similar, {best['verdict']}")[0] == best
    wrong = cli("search", demo_library, query, "--added-after", "soon")
    assert (wrong.status, "added_after" in wrong.err) == (2, True)
    assert cli("search", demo_library, query, "--verdicts", ",").status == 2


def test_search_writes_the_evidence(
    cli: Run, demo_library: Path, demo_folder: DemoFolder, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "evidence"
    path = demo_folder.queries[0].path
    outcome = cli("search", demo_library, path, "--save-evidence", folder, "--limit", "2", "--json")
    assert outcome.status == 0
    for match in outcome.document["matches"]:
        written = folder / f"{match['rank']}-{match['id'][:12]}.png"
        assert match["evidence"] == str(written)
        with Image.open(written) as image:
            assert image.format == "PNG"
    in_words = cli("search", demo_library, path, "--save-evidence", folder, "--limit", "1")
    assert f"evidence: {folder}" in in_words.err


def test_evidence_that_cannot_be_written(cli: Run, demo_library: Path, good: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    outcome = cli("search", demo_library, good, "--save-evidence", taken, "--json")
    assert outcome.status == 1
    assert outcome.document["error"]["code"] == "io_error"
    assert str(taken) in outcome.document["error"]["message"]


def test_compare(cli: Run, demo_folder: DemoFolder) -> None:
    original = demo_folder.images / demo_folder.queries[0].original
    outcome = cli("compare", demo_folder.queries[0].path, original, "--json")
    assert outcome.status == 0
    assert_match(outcome.document)
    assert outcome.document["transform"]["mirrored"] is True
    assert outcome.document["score"] > 90
    same = cli("compare", original, "-", "--json", stdin=original.read_bytes())
    assert same.document["verdict"] == "identical"
    in_words = cli("compare", demo_folder.queries[0].path, original)
    assert "verdict" in in_words.out
    assert "mirrored" in in_words.out


def test_compare_of_two_that_differ(cli: Run, demo_folder: DemoFolder) -> None:
    pair = (demo_folder.images / "coffee.png", demo_folder.images / "rocket.jpg")
    outcome = cli("compare", *pair, "--json")
    assert outcome.status == 0
    assert outcome.document["verdict"] == "similar"
    assert outcome.document["score"] < 50


def test_remove(cli: Run, own_library: Path, demo_folder: DemoFolder) -> None:
    location = str(demo_folder.images / "coffee.png")
    before = cli("info", own_library, "--json").document["images"]
    outcome = cli("remove", own_library, location, "no-such-place", "--json")
    assert outcome.status == 4
    assert outcome.document == {"removed": 1, "images_removed": 1, "missing": ["no-such-place"]}
    assert cli("info", own_library, "--json").document["images"] == before - 1
    found = cli("search", own_library, location, "--json").document["matches"]
    assert location not in {match["location"] for match in found}
    in_words = cli("remove", own_library, str(demo_folder.images / "rocket.jpg"))
    assert (in_words.status, in_words.out) == (0, "1 location removed, 1 image gone\n")


def test_duplicates(cli: Run, demo_library: Path) -> None:
    outcome = cli("duplicates", demo_library, "--json")
    assert outcome.status == 0
    groups = outcome.document["groups"]
    assert all(group.keys() >= {"images", "kind", "score"} for group in groups)
    names = [{Path(image["locations"][0]).name for image in group["images"]} for group in groups]
    assert any({"astronaut.png", "astronaut-small.jpg"} <= group for group in names)
    in_words = cli("duplicates", demo_library)
    assert "astronaut-small.jpg" in in_words.out
    assert f"{len(groups)} group" in in_words.err
    assert len(cli("duplicates", demo_library, "--min-score", "100", "--json").document["groups"]) <= len(
        groups
    )


def test_info(cli: Run, demo_library: Path, demo_folder: DemoFolder) -> None:
    outcome = cli("info", demo_library, "--json")
    assert outcome.status == 0
    count = sum(path.is_file() for path in demo_folder.images.rglob("*"))
    assert outcome.document["images"] == count
    in_words = cli("info", demo_library).out
    assert str(count) in in_words
    assert "kB" in in_words or "MB" in in_words


def test_check_and_repair(cli: Run, own_library: Path) -> None:
    whole = cli("check", own_library, "--json")
    assert whole.status == 0
    assert whole.document["ok"] is True
    assert cli("check", own_library).out == "the library is whole\n"


def test_export(cli: Run, demo_library: Path, demo_folder: DemoFolder, tmp_path: Path) -> None:
    count = sum(path.is_file() for path in demo_folder.images.rglob("*"))
    lines = cli("export", demo_library).out.splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) == count
    assert records == cli("export", demo_library, "--json").document
    table = list(csv.DictReader(io.StringIO(cli("export", demo_library, "--format", "csv").out)))
    assert [row["id"] for row in table] == [record["id"] for record in records]
    assert [json.loads(row["locations"]) for row in table] == [record["locations"] for record in records]
    output = tmp_path / "catalogue.jsonl"
    outcome = cli("export", demo_library, "--output", output)
    assert not outcome.out
    assert output.read_text().splitlines() == lines
    assert list(tmp_path.iterdir()) == [output]


def test_export_to_a_place_that_is_not_there(cli: Run, demo_library: Path, tmp_path: Path) -> None:
    outcome = cli("export", demo_library, "--output", tmp_path / "no" / "catalogue.jsonl")
    assert outcome.status == 1
    assert outcome.err.startswith("error[io_error]: ")


def test_an_empty_library(cli: Run, tmp_path: Path, good: Path) -> None:
    library = tmp_path / "library"
    cli("add", library, good, "--workers", "1")
    cli("remove", library, good)
    outcome = cli("search", library, good)
    assert outcome.status == 0
    assert not outcome.out
    assert cli("export", library, "--json").document == []
    assert cli("duplicates", library, "--json").document == {"groups": []}
    assert cli("check", library).status == 0
