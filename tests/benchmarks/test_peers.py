"""The peers run on a tiny set of drawn images, and what is counted of their answers is right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peer_nearest, peer_orb, peers
from benchmarks.peer_nearest import Answer
from benchmarks.reporting import Table
from echo_image.evaluate import EDITS, Sample, Trial
from tests.libraries import drawn, png

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "pHash",
    "dHash",
    "crop-resistant hash",
    "PDQ",
    "PDQ, 8 ways",
    "Goldberg signature",
    "ORB pair by pair",
    "Echo-Image",
    "plain score",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten drawn images."""
    folder = tmp_path_factory.mktemp("data")
    for seed in range(10):
        (folder / f"{seed}.png").write_bytes(png(drawn(seed, (320, 240))))
    return folder


def run(data: Path, *words: str) -> str:
    command = [sys.executable, "-m", "benchmarks.peers", "--data", str(data), "--queries", "1", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_peers(data: Path) -> None:
    words = ("--edits", "jpeg_20,mirrored", "--images", "6", "--plain-images", "3", "--json")
    document = json.loads(run(data, *words))["peers"]
    assert document.keys() == NAMES
    for name, score in document.items():
        compared = {"plain score": 3, "ORB pair by pair": 1}.get(name, 6)
        assert score["num_images"] == compared, name
        assert score["first"]["jpeg_20"] == 1, name
        assert score["first"]["all"] == pytest.approx((1 + score["first"]["mirrored"]) / 2)
        assert score["seconds"] > 0
    # That is what turning the query is for.
    assert document["PDQ"]["first"]["mirrored"] == 0
    assert document["PDQ, 8 ways"]["first"]["mirrored"] == 1
    assert document["Echo-Image"]["first"]["mirrored"] == 1
    assert document["Echo-Image"]["micro_ap"] == document["Echo-Image"]["recall_at_precision"] == 1
    assert document["ORB pair by pair"]["micro_ap"] is None


def test_the_table_of_the_readme(data: Path) -> None:
    words = ("--edits", "jpeg_20,mirrored", "--images", "4", "--plain-images", "0", "--markdown")
    lines = run(data, *words).splitlines()
    assert lines[0] == "| recall@1 | images | geometry | codec | all | µAP | .9999 | ms |"
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    table = [line for line in lines if line.startswith("| ")]
    assert {line.split("|")[1].strip() for line in table[2:]} == NAMES - {"plain score"}
    assert all(line.count("|") == 9 for line in table)


def test_a_table_in_both_forms() -> None:
    table = Table(["name", "share"], [["one", 0.5], ["another", 2]])
    assert str(table).splitlines() == ["name     share", "one      0.500", "another      2"]
    assert table.markdown().splitlines()[2:] == ["| one | 0.500 |", "| another | 2 |"]


def test_a_missing_package_leaves_its_peers_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    goldberg = "Goldberg signature"
    monkeypatch.setitem(sys.modules, "imagehash", None)
    assert {peer.name for peer in peer_nearest.nearest_peers([])} == {"PDQ", "PDQ, 8 ways", goldberg}
    assert "imagehash is not installed" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    assert {peer.name for peer in peer_nearest.nearest_peers([])} == {goldberg}
    assert "pdqhash is not installed" in capsys.readouterr().err


def trial(path: str, *, known: bool = True, neutral: frozenset[str] = frozenset()) -> Trial:
    return Trial(EDITS["mirrored"], Sample(path, "0" * 64), known, drawn(1, (320, 240)), neutral)


def near(*places: float) -> peer_nearest.Nearest:
    """Return a peer for which images lie at these distances from every query."""
    names = [f"{number}.png" for number in range(len(places))]
    peer = peer_nearest.Nearest("near", lambda _: 0, np.array, lambda _, others: others, names)
    peer.made.extend(places)
    return peer


def test_the_nearest_has_the_highest_score() -> None:
    answer = near(3, 1, 2).asked(trial("2.png"))
    assert answer.scores.tolist() == [-3, -1, -2]
    assert answer.right.tolist() == [False, False, True]
    unknown = near(3, 1).asked(trial("1.png", known=False))
    assert not unknown.right.any()
    neutral = near(3, 1, 2).asked(trial("2.png", neutral=frozenset({"1.png", "2.png"})))
    assert neutral.scores.tolist() == [-3, -2]
    assert neutral.right.tolist() == [False, True]


def test_bits_are_counted_for_the_best_of_several() -> None:
    others = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], np.bool_)
    assert peer_nearest.bits_apart(np.array([1, 0, 0, 0], np.bool_), others).tolist() == [1, 1]
    both = np.array([[1, 1, 1, 1], [0, 0, 0, 1]], np.bool_)
    assert peer_nearest.bits_apart(both, others).tolist() == [2, 1]


def test_what_is_counted_of_the_answers() -> None:
    tied, clear = near(1, 1), near(1, 2)
    tied.name = "tied"
    tally = peers.Tally([tied, clear])
    for known in (True, False):
        tally.add(trial("0.png", known=known))
    scores = tally.scores()
    assert scores["tied"].first == {"geometry": 0, "mirrored": 0, "all": 0}
    assert scores["near"].first["all"] == 1
    # Four pairs, one right: behind the wrong ones of its score, also those of the query without a match.
    assert scores["tied"].micro_ap == pytest.approx(1 / 4)
    assert scores["near"].micro_ap == pytest.approx(1 / 2)
    assert scores["near"].recall_at_precision == 0


def test_a_pair_is_not_asked_of_what_nobody_has() -> None:
    class One:
        name, num_images = "one", 1

        def asked(self, given: Trial) -> Answer:
            assert given.known
            return Answer(np.zeros(0), np.zeros(0, np.bool_))

    tally = peers.Tally([One()])
    for known in (True, False):
        tally.add(trial("0.png", known=known))
    assert tally.scores()["one"].first["all"] == 0
    assert tally.scores()["one"].micro_ap is None


def test_key_points_agree_on_an_image_and_not_on_two() -> None:
    first, second = peer_orb.key_points(drawn(1, (320, 240))), peer_orb.key_points(drawn(2, (320, 240)))
    assert peer_orb.num_inliers(first, first) > 50
    assert peer_orb.num_inliers(first, second) < peer_orb.INLIERS
    nothing = peer_orb.key_points(np.zeros((90, 90, 3), np.uint8))
    assert peer_orb.num_inliers(nothing, first) == peer_orb.num_inliers(first, nothing) == 0
    assert len(peer_orb.key_points(np.zeros((2, 600, 3), np.uint8))[0]) == 0
