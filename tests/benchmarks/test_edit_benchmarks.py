"""The benchmarks that edit images run on a tiny set of drawn images, and what they count is right."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import fitting
from benchmarks.dataset import Chosen, EvaluationSet, choose, neutral_of
from benchmarks.fitting import at_50, fitted, in_code, likely, terms
from echo_image import decode, open_library
from echo_image.evaluate import Options, Sample, chosen_edits, trials
from echo_image.retrieval.query import prepare, reference
from echo_image.verify import decide
from echo_image.verify.measure import Evidence, measure
from tests.libraries import drawn, jpeg, png

ROOT = Path(__file__).resolve().parents[2]
SMALL_EDITS = "jpeg_20,mirrored"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of eight photographs, so to speak, four flags, a pair of another set, and a broken file."""
    folder = tmp_path_factory.mktemp("data")
    images: list[dict[str, str]] = []

    def add(path: str, content: bytes, role: str = "distractor", group: str = "") -> None:
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        images.append({"path": path, "role": role, "group": group, "dup_cluster": ""})

    for seed in range(8):
        add(f"bsds500/{seed}.png", png(drawn(seed, (320, 240))))
    for seed in range(4):
        add(f"flags/{seed}.png", png(drawn(40 + seed, (200, 120))), "gt")
    add("covers/original.png", png(drawn(60, (320, 240))), "gt", "cover")
    add("covers/copy.jpg", jpeg(drawn(60, (320, 240)), 50), "gt", "cover")
    add("bsds500/broken.jpg", b"\xff\xd8\xff\xe0 not much of an image", "nasty")
    pairs = [{"query": "covers/copy.jpg", "reference": "covers/original.png", "kind": "copy", "tier": "1"}]
    for file, rows in (("manifest.csv", images), ("gt_pairs.csv", pairs)):
        with (folder / file).open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def run(name: str, data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--data", str(data), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def failed(name: str, data: Path, *words: str) -> str:
    """Return what a benchmark says that does not run."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--data", str(data), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def write(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return str(file)


def numbers(name: str, data: Path, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(name, data, "--json", *words).stdout)
    return document


# Which images


def test_queries_are_drawn_from_the_named_sets_and_stay_apart(data: Path) -> None:
    dataset = EvaluationSet(data)
    chosen = choose(dataset, 3, sets=["bsds500"], seed=0)
    assert len(chosen.known) == len(chosen.unknown) == 3
    assert all(path.startswith("bsds500/") for path in (*chosen.known, *chosen.unknown))
    assert not set(chosen.unknown) & {*chosen.known, *chosen.library}
    assert {*chosen.library, *chosen.unknown} == set(dataset.images)
    assert chosen == choose(dataset, 3, sets=["bsds500"], seed=0)
    assert chosen != choose(dataset, 3, sets=["bsds500"], seed=1)


def test_images_with_company_are_not_drawn(data: Path) -> None:
    chosen = choose(EvaluationSet(data), 100, sets=["no such set"], seed=0)
    assert len(chosen.known) == len(chosen.unknown) == 6
    assert not any(path.startswith("covers/") for path in (*chosen.known, *chosen.unknown))


def test_what_shows_the_same_counts_neither_way(data: Path) -> None:
    dataset = EvaluationSet(data)
    assert neutral_of(dataset, "covers/original.png") == {dataset.absolute("covers/copy.jpg")}
    assert neutral_of(dataset, "bsds500/1.png") == frozenset()


def test_a_choice_is_written_and_read(tmp_path: Path) -> None:
    chosen = Chosen(("a", "ä/b"), ("c", "d"), ("a", "ä/b", "e"))
    chosen.write(tmp_path / "record.json")
    assert Chosen.read(tmp_path / "record.json") == chosen
    assert chosen.first(1) == Chosen(("a",), ("c",), chosen.library)


# The benchmarks


def test_edits(data: Path, tmp_path: Path) -> None:
    words = ("--queries", "2", "--edits", SMALL_EDITS, "--work", str(tmp_path))
    document = numbers("edits", data, *words)
    assert document["images"] == 8 + 4 + 2 - 2
    assert (document["queries"], document["distractors"]) == (2, 2)
    assert [row["name"] for row in document["edits"]] == ["mirrored", "jpeg_20"]
    assert document["total"]["at_1"] == document["total"]["proposed"] == 1
    assert document["total"]["proposed_at"].keys() == {"1", "5", "50", "200"}
    assert document["edits"][1]["called"]["copy"] == 2
    again = numbers("edits", data, *words)  # in a folder that holds the library of the last time
    for one in (document, again):
        del one["p50_ms"], one["p95_ms"]
        # Equal candidates stand in the order in which they were added, and several workers add.
        for row in (*one["edits"], one["total"]):
            assert 0 <= row["proposed_at"].pop("1") <= row["proposed_at"]["5"] == 1
    assert document == again


def test_edits_print_a_table(data: Path) -> None:
    printed = run("edits", data, "--queries", "1", "--edits", "mirrored").stdout
    head = ["edit", "searches", "first", "first 5", "first 50", "proven", ".9999"]
    head += ["proposed 1", "5", "50", "200", "false alarms"]
    assert re.split(r"  +", printed.splitlines()[0].strip()) == head
    assert "micro average precision" in printed
    called = next(line for line in printed.splitlines() if line.startswith("called "))
    assert called.split() == [
        "called",
        "identical",
        "copy",
        "edited",
        "part",
        "similar",
        "not",
        "found",
        "rightly",
    ]
    assert "processors" in printed


def test_a_kept_library_is_searched_as_it_is(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    run("edits", data, "--build", str(kept), "--queries", "2")
    record = json.loads((tmp_path / "kept.queries.json").read_text())
    assert len(record["known"]) == len(record["unknown"]) == 2
    with open_library(kept) as library:
        places = {place for image in library.images() for place in image.locations}
        library.add([write(tmp_path / "more.png", png(drawn(90, (320, 240))))])
    assert places == {str(data.resolve() / path) for path in record["library"]}
    assert not set(record["unknown"]) & set(record["library"])

    words = ("--edits", SMALL_EDITS, "--seed", "0")
    document = numbers("edits", data, "--library", str(kept), *words)
    assert document["images"] == 8 + 4 + 2 - 2 + 1
    assert document["queries"] == document["distractors"] == 2
    fresh = numbers("edits", data, "--queries", "2", *words)
    assert [row["called"] for row in document["edits"]] == [row["called"] for row in fresh["edits"]]
    assert numbers("edits", data, "--library", str(kept), "--queries", "1", *words)["queries"] == 1


def test_a_library_that_is_not_what_its_record_says_is_refused(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert "kept.queries.json: not there" in failed("edits", data, "--library", str(kept))
    run("edits", data, "--build", str(kept), "--queries", "1")
    assert "is there already" in failed("edits", data, "--build", str(kept))
    record = tmp_path / "kept.queries.json"
    document = json.loads(record.read_text())
    record.write_text(json.dumps(document | {"unknown": document["known"]}))
    said = failed("edits", data, "--library", str(kept), "--edits", "jpeg_20")
    assert "is in the library, which its record denies" in said


def test_any_folder_will_do(data: Path) -> None:
    document = numbers("edits", data / "bsds500", "--queries", "2", "--edits", SMALL_EDITS)
    assert document["images"] == 8 - 2
    assert document["total"]["at_1"] == 1
    assert "manifest.csv: not there" in failed("pairs", data / "bsds500")
    assert "nowhere" in failed("edits", data / "nowhere")


def test_calibrate(data: Path) -> None:
    words = ("--queries", "2", "--edits", SMALL_EDITS, "--pairs", "5", "--kinds", "3", "--wrong", "2")
    document = numbers("calibrate", data, *words)
    assert document["right"] == 2 * 2 + 1
    # Two for each query; the library is small enough for each list to have them. So few images happen to lie
    # in one half of all names; then both the fit and the counts are of all.
    assert document["wrong"] == 2 * (2 * 2 + 2 * 2 + 1 + 3)
    assert document["fitted_to"] == document["right"] + document["wrong"]
    for counts in (document["verdicts"], document["scores"]):
        assert sum(right for _, right, _, _ in counts) == document["right"]
        assert sum(wrong for _, _, wrong, _ in counts) == document["wrong"]
    assert document["terms"] == list(fitting.TERMS)
    assert len(document["fitted"]) == len(document["in_code"]) == len(fitting.TERMS)
    assert document["deviation"] < 1e-6
    decision = document["at_50"]["the whole decision in the code"]
    assert decision["recall"] == decision["precision"] == 1
    assert document["taken"] == []


# The fit


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Return what is measured of an image and its copy."""
    query, copy = (decode(data) for data in (png(drawn(1, (320, 240))), jpeg(drawn(1, (320, 240)))))
    prepared = prepare(query)
    return measure(prepared.subject, prepared.features, reference(copy))


def test_the_fit_finds_what_made_the_data() -> None:
    rng = np.random.default_rng(3)
    values = np.column_stack([np.ones(40_000), rng.normal(size=(40_000, 2)), rng.integers(0, 2, 40_000)])
    truth = np.array([-0.5, 2.0, -1.0, 0.7])
    right = rng.uniform(size=40_000) < likely(values @ truth)
    assert fitted(values, right, ridge=1e-6) == pytest.approx(truth, abs=0.1)


def test_the_fit_is_where_nothing_pulls() -> None:
    rng = np.random.default_rng(4)
    values = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    right = values[:, 1] + rng.normal(size=300) > 0
    found = fitted(values, right, ridge=0.5)
    pull = values.T @ (likely(values @ found) - right) + np.array([0, 0.5, 0.5, 0.5]) * found
    assert np.abs(pull).max() < 1e-6


def test_the_fit_of_separable_pairs_and_empty_columns_is_finite() -> None:
    values = np.array([[1.0, x, 0.0] for x in (-3, -2, -1, 1, 2, 3)])
    found = fitted(values, values[:, 1] > 0)
    assert np.isfinite(found).all()
    assert ((likely(values @ found) > 0.5) == (values[:, 1] > 0)).all()
    assert found[2] == pytest.approx(0, abs=1e-6)


def test_the_terms_are_those_of_the_code(evidence: Evidence) -> None:
    """Whoever changes the terms of the score changes the fit too."""
    coefficients, deviation = in_code(evidence)
    assert deviation < 1e-6
    for changed in ({}, {"independent": 3, "detail_ssim": 0.2}, {"quality": 10}, {"hash_distance": 30}):
        pair = replace(evidence, **changed)
        z = float(np.array(terms(pair)) @ coefficients)
        # Close to 1 a probability has few digits left for its logarithm.
        assert decide._probability(pair) == pytest.approx(1 / (1 + math.exp(-z)), abs=1e-6)


def test_other_terms_would_be_seen(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "_probability", lambda pair: 1 / (1 + math.exp(-pair.orb)))
    assert in_code(evidence)[1] > 0.1


def test_precision_and_recall_at_50() -> None:
    chosen = np.array([True, True, True, False, False])
    right = np.array([True, True, False, True, False])
    precision, recall, wrong = at_50(chosen, right)
    assert (precision, recall, wrong) == (2 / 3, 2 / 3, 1)
    assert at_50(~np.ones(2, bool), np.ones(2, bool)) == (0, 0, 0)


def test_trials_come_known_first(data: Path) -> None:
    """`benchmarks.peers` stops at the first unknown one."""
    given = [Sample(str(data / f"bsds500/{seed}.png"), f"{seed:064x}") for seed in range(4)]
    how = Options(chosen_edits(SMALL_EDITS.split(",")))
    order = [trial.known for trial in trials(given[:2], given[2:], how)]
    assert order == [True] * 4 + [False] * 4
