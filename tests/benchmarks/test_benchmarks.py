"""Each benchmark runs on a tiny set made here, and counts what it says it counts."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image

from benchmarks.dataset import Pair
from benchmarks.pairs import rank_of

ROOT = Path(__file__).resolve().parents[2]
ORIGINALS = ("astronaut", "coffee", "chelsea", "rocket", "immunohistochemistry")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of five images, a reduced copy of each, the same file again of one, and four odd files."""
    folder = tmp_path_factory.mktemp("data")
    images: list[dict[str, str]] = []
    pairs: list[dict[str, str]] = []

    def add(path: str, role: str, content: Any, group: str = "") -> None:
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            content.save(file, quality=80)
        images.append({"path": path, "role": role, "group": group, "dup_cluster": ""})

    for name in ORIGINALS:
        image = Image.fromarray(getattr(skimage.data, name)())
        add(f"originals/{name}.jpg", "gt", image, name)
        add(f"copies/{name}.jpg", "gt", image.resize((image.width // 2, image.height // 2)), name)
        pairs.append(
            {
                "query": f"copies/{name}.jpg",
                "reference": f"originals/{name}.jpg",
                "kind": "scale",
                "tier": "1",
            }
        )
    same = (folder / "originals/coffee.jpg").read_bytes()
    add("again/coffee.jpg", "gt", same, "coffee")
    pairs.append(
        {"query": "originals/coffee.jpg", "reference": "again/coffee.jpg", "kind": "same", "tier": "1"}
    )
    pairs.append(
        {
            "query": "originals/coffee.jpg",
            "reference": "originals/rocket.jpg",
            "kind": "none",
            "tier": "3",
        }
    )
    add("nasty/empty.jpg", "nasty", b"")
    add("nasty/cut.jpg", "nasty", same[:2000])
    add("nasty/text.png", "nasty", b"not an image")
    add("nasty/fine.png", "nasty", Image.new("RGB", (90, 80), (1, 2, 3)))
    for file, rows in (("manifest.csv", images), ("gt_pairs.csv", pairs)):
        with (folder / file).open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def run(name: str, data: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--data", str(data), "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def test_pairs(data: Path) -> None:
    numbers = run("pairs", data)
    assert numbers["images"] == 2 * len(ORIGINALS) + 1
    recalls = {(r["tier"], r["kind"]): r for r in numbers["recall"]}
    assert recalls["tier 1", "scale"] == {
        "tier": "tier 1",
        "kind": "scale",
        "num": 5,
        "at_1": 1.0,
        "at_5": 1.0,
    }
    # The same bytes under another location are found, although the query itself does not count.
    assert recalls["tier 1", "same"]["at_1"] == 1.0
    assert recalls["tier 1", "all"]["num"] == 6
    # A pair that shows different things is not found.
    assert recalls["tier 3", "all"]["at_1"] == 0.0
    assert [pair["kind"] for pair in numbers["not_found_at_5"]] == ["none"]


def test_pairs_of_some_tiers_in_a_kept_folder(data: Path, tmp_path: Path) -> None:
    for _ in range(2):
        numbers = run("pairs", data, "--tiers", "3", "--work", str(tmp_path))
        assert {row["tier"] for row in numbers["recall"]} == {"tier 3"}


def test_add(data: Path) -> None:
    numbers = run("add", data, "--workers", "1")
    assert numbers["files"] == 2 * len(ORIGINALS) + 1
    assert numbers["images"] + numbers["failed"] <= numbers["files"]
    assert numbers["failed"] == 0
    assert numbers["ratio"] == pytest.approx(numbers["cpu_ms_per_image"] / numbers["least_cpu_ms_per_image"])
    assert numbers["least_cpu_ms_per_image"] > 0
    assert sum(numbers["bytes_per_image"].values()) > 1000


def test_search_http(data: Path) -> None:
    numbers = run("search_http", data, "--queries", "3")
    assert numbers["queries"] == 3
    assert 0 < numbers["p50_ms"] <= numbers["p95_ms"]
    assert numbers["plain_ms_extrapolated"] == pytest.approx(
        numbers["plain_ms_per_image"] * numbers["images"]
    )


def test_search_while_adding(data: Path) -> None:
    options = ("--rounds", "1", "--seconds", "0.1", "--queries", "3", "--workers", "1")
    numbers = run("search_while_adding", data, *options)
    assert numbers["added"] == 7
    assert [row["beside"] for row in numbers["rounds"]] == ["idle", *list(numbers)[-2:]]
    idle, *beside = numbers["rounds"]
    for row in beside:
        assert row["searches"] > 0
        assert 0 < row["p50 ms"] <= row["p95 ms"] <= row["longest ms"]
        assert row["p95 / idle p95"] == pytest.approx(row["p95 ms"] / idle["p95 ms"])


def test_nasty(data: Path) -> None:
    numbers = run("nasty", data)
    outcomes = numbers["outcomes"]
    assert numbers["files"] == 4 == sum(outcomes.values())
    assert outcomes["added"] >= 1
    assert outcomes["failed: empty_file"] == 1
    assert outcomes["failed: unsupported_format"] == 1
    assert numbers["longest_s"] > 0
    assert numbers["peak_mib"] > 10


def test_a_table_is_printed(data: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.nasty", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 files")
    assert "processors" in done.stdout


def test_no_data_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.pairs", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "manifest.csv" in done.stderr


@pytest.mark.parametrize(
    ("found", "rank"),
    [
        ([["r"]], 1),
        ([["q"], ["r"]], 1),
        ([["q", "r"]], 1),
        ([["x"], ["r"]], 2),
        ([["junk"], ["q"], ["x", "junk"], ["r"]], 2),
        ([["q", "x"], ["r"]], 1),
        ([["x"]], None),
        ([], None),
    ],
)
def test_the_rank_of_a_reference(found: list[list[str]], rank: int | None) -> None:
    scored = [(90.0 - place, places) for place, places in enumerate(found)]
    assert rank_of(scored, Pair("q", "r", "kind", 1), frozenset({"junk"})) == rank


def test_ties_do_not_help_a_reference() -> None:
    pair = Pair("q", "r", "kind", 1)
    assert rank_of([(80, ["r"]), (80, ["x"]), (80, ["junk"])], pair, frozenset({"junk"})) == 2
    assert rank_of([(81, ["r"]), (80, ["x"])], pair, frozenset()) == 1


def test_load(data: Path) -> None:
    numbers = run("load", data, "--queries", "3", "--requests", "6", "--clients", "1,4")
    for name in ("in_process", "clients_1", "clients_4"):
        assert numbers[name]["right"] == 6
    for name in ("clients_1", "clients_4", "overload"):
        kinds = {kind: numbers[name].get(kind, 0) for kind in ("right", "refused", "wrong", "lost", "other")}
        assert sum(kinds.values()) == 6
        assert kinds["wrong"] == kinds["lost"] == kinds["other"] == 0
