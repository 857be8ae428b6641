"""Different images that look alike: how they are drawn, which are left out, and what is counted as wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from benchmarks.lookalikes import LOOKALIKES, Lookalike
from benchmarks.negatives import Case, one_series, same_picture, shows_the_other
from echo_image import Verdict
from echo_image.image import from_array
from tests.photographs import photograph

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("way", LOOKALIKES, ids=lambda way: way.name)
def test_two_different_images_and_the_same_two_again(way: Lookalike) -> None:
    photographs = photograph("astronaut", 400), photograph("coffee", 400)
    one, two = way.draw(np.random.default_rng(1), *photographs)
    again = way.draw(np.random.default_rng(1), *photographs)
    assert np.array_equal(one, again[0])
    assert np.array_equal(two, again[1])
    assert one.dtype == two.dtype == np.uint8
    assert not same_picture(from_array(one), from_array(two))


def case(verdict: Verdict, shares: bool | None) -> Case:
    return Case("drawn", "crest", "a", "b", verdict, 80.0, shares)


def test_what_is_wrong() -> None:
    for verdict in (Verdict.IDENTICAL, Verdict.COPY, Verdict.EDITED):
        assert all(case(verdict, shares).is_wrong for shares in (True, False, None))
    assert [case(Verdict.PART, shares).is_wrong for shares in (True, False, None)] == [False, True, False]
    assert not case(Verdict.SIMILAR, False).is_wrong


def test_what_is_left_out() -> None:
    whole = photograph("astronaut", 400)
    piece = np.ascontiguousarray(whole[80:280, 100:300])
    other = photograph("coffee", 400)
    assert same_picture(from_array(whole), from_array(photograph("astronaut", 200)))
    assert not same_picture(from_array(whole), from_array(piece))
    assert shows_the_other(from_array(piece), from_array(whole))
    assert shows_the_other(from_array(whole), from_array(piece))
    assert not shows_the_other(from_array(whole), from_array(other))
    assert one_series("grocery/Lime_019.jpg", "grocery/Lime_001.jpg")
    assert not one_series("grocery/Lime_019.jpg", "grocery/Lemon_019.jpg")
    assert not one_series("trashnet/glass_1.jpg", "trashnet/glass_2.jpg")


def test_the_benchmark_counts_each_pair_once(tmp_path: Path) -> None:
    rows = []
    for folder, names in {"flags": ("brick", "grass", "gravel"), "posters": ("astronaut", "coffee")}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            PIL.Image.fromarray(photograph(name, 300)).save(tmp_path / folder / f"{name}.png")
            path = f"{folder}/{name}.png"
            rows.append({"path": path, "role": "distractor", "group": "", "dup_cluster": ""})
    for file, lines in {"manifest.csv": rows, "gt_pairs.csv": []}.items():
        with (tmp_path / file).open("w", newline="", encoding="utf-8") as stream:
            head = rows[0].keys() if lines else ("query", "reference", "kind", "tier")
            writer = csv.DictWriter(stream, head)
            writer.writeheader()
            writer.writerows(lines)
    command = [sys.executable, "-m", "benchmarks.negatives", "--data", str(tmp_path), "--json"]
    words = ["--drawn", "1", "--kinds", "flags,posters", "--searches", "3"]
    done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    # One of each way of drawing, three flags and two posters against each other; no search finds anything.
    assert document["cases"] == len(LOOKALIKES) + 3 + 1
    assert document["wrong"] == []
    assert document["left_out"] == []
