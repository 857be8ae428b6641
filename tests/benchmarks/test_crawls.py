"""The benchmarks of downloads and crawls run on a tiny site, and count what they say they count."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crawl import Score
from tests.sites.pictures import drawn

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation set of four drawn images."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for seed in range(4):
        image = drawn(seed, (160, 120))
        (folder / f"{seed}.png").write_bytes(image)
        size = {"width": 160, "height": 120, "bytes": len(image)}
        rows.append({"path": f"{seed}.png", "role": "distractor", **size})
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def run(name: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def test_downloads() -> None:
    numbers = run("downloads", "--requests", "50", "--rounds", "1", "--bytes", "100")
    assert numbers["requests"] == 50
    assert set(numbers["requests_per_s"]) == {"aiohttp", "downloads"}


def test_a_crawl(data: Path) -> None:
    numbers = run("crawl", "--data", str(data), "--listing", "--categories", "1", "--rounds", "1")
    images = numbers["listing"]["images"]
    assert images["expected"] > 300
    assert (images["missed"], images["wrong"]) == (0, 0)
    assert numbers["listing"]["pages"] > 60
    assert numbers["ratio"] > 0


def test_a_score() -> None:
    assert Score.of(["a", "b", "x"], ["a", "b", "c", "d"]) == Score(expected=4, missed=2, wrong=1)
