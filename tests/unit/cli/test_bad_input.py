"""What a stranger may hand over, for every command that reads an image or a library.

Each kind has one exit status, one code, and a message that names the item; none leaves a stack
trace, and none is silently taken for an image without a match.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Run

HUGE_SIDE = 60_000  # 3.6 gigapixels: allowed as a side, far above the limit of pixels


def huge_png() -> bytes:
    """Return a PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", HUGE_SIDE, HUGE_SIDE, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, Path]:
    """Return one path for each kind of bad input."""
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("This is no image, whatever its name says.\n" * 20)
    (folder / "page.png").write_text("<!doctype html><html><body>404</body></html>")
    (folder / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (folder / "huge.png").write_bytes(huge_png())
    Image.fromarray(np.random.default_rng(3).integers(0, 255, (90, 90, 3), dtype=np.uint8)).save(
        folder / "whole.jpg"
    )
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:300])
    (folder / "folder.jpg").mkdir()
    names = ("empty.jpg", "text.jpg", "page.png", "drawing.svg", "huge.png", "cut.jpg", "folder.jpg")
    return {name: folder / name for name in (*names, "missing.jpg")}


QUERIES = [
    ("missing.jpg", "not_found"),
    ("empty.jpg", "empty_file"),
    ("folder.jpg", "not_a_file"),
    ("text.jpg", "unsupported_format"),
    ("page.png", "unsupported_format"),
    ("drawing.svg", "unsupported_format"),
    ("huge.png", "limit_exceeded"),
    ("cut.jpg", "corrupt_image"),
]


@pytest.mark.parametrize(("name", "code"), QUERIES)
def test_search_refuses(cli: Run, demo_library: Path, bad: dict[str, Path], name: str, code: str) -> None:
    outcome = cli("search", demo_library, bad[name], "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == code
    assert f"error[{code}]: " in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(("name", "code"), QUERIES)
@pytest.mark.parametrize("bad_one_first", [True, False])
def test_compare_refuses(
    cli: Run, good: Path, bad: dict[str, Path], name: str, code: str, bad_one_first: bool
) -> None:
    pair = (bad[name], good) if bad_one_first else (good, bad[name])
    outcome = cli("compare", *pair, "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == code


@pytest.mark.parametrize(
    ("name", "code"), [row for row in QUERIES if row[0] not in {"folder.jpg", "missing.jpg"}]
)
def test_add_names_the_failure_and_takes_the_others(
    cli: Run, tmp_path: Path, good: Path, bad: dict[str, Path], name: str, code: str
) -> None:
    outcome = cli("add", tmp_path / "new", bad[name], good, "--workers", "1", "--json")
    assert outcome.status == 4
    report = outcome.document
    assert (report["added"], report["failed"]) == (1, 1)
    (failure,) = report["failures"]
    assert failure["code"] == code
    assert failure["location"].endswith(name)
    assert failure["reason"]


def test_add_of_a_path_that_is_not_there_is_a_failure_among_others(
    cli: Run, own_library: Path, good: Path, bad: dict[str, Path]
) -> None:
    outcome = cli("add", own_library, good, bad["missing.jpg"], "--json")
    assert outcome.status == 4
    assert [failure["code"] for failure in outcome.document["failures"]] == ["not_found"]
    assert outcome.document["added"] + outcome.document["unchanged"] == 1


def test_add_of_nothing_but_a_path_that_is_not_there_adds_nothing(
    cli: Run, own_library: Path, bad: dict[str, Path]
) -> None:
    before = cli("info", own_library, "--json").document["locations"]
    outcome = cli("add", own_library, bad["missing.jpg"], "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == "not_found"
    assert cli("info", own_library, "--json").document["locations"] == before


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "huge.png", "cut.jpg"])
def test_what_is_wrong_in_a_file_is_wrong_on_standard_input(
    cli: Run, demo_library: Path, bad: dict[str, Path], name: str
) -> None:
    outcome = cli("search", demo_library, "-", "--json", stdin=bad[name].read_bytes())
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == dict(QUERIES)[name]


def test_a_limit_is_named(cli: Run, demo_library: Path, bad: dict[str, Path]) -> None:
    outcome = cli("search", demo_library, bad["huge.png"])
    assert outcome.status == 2
    assert "134" in outcome.err  # the limit: 134 million pixels
    assert not outcome.out


def test_the_limit_on_bytes_holds_for_standard_input(
    cli: Run, demo_library: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_IMAGE_MAX_IMAGE_BYTES", "1000")
    outcome = cli("search", demo_library, "-", "--json", stdin=good.read_bytes())
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == "limit_exceeded"


@pytest.mark.parametrize("side", [1, 8])
def test_an_image_without_detail_says_so_and_matches_nothing(
    cli: Run, demo_library: Path, tmp_path: Path, side: int
) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (side, side), (200, 30, 30)).save(path)
    outcome = cli("search", demo_library, path)
    assert outcome.status == 0
    assert not outcome.out
    assert "detail" in outcome.err


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg",
        "http://localhost:1/a.jpg",
        "HTTP://[::1]/a.jpg",
        "http://10.0.0.1/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://0x7f000001/a.jpg",
    ],
)
def test_a_private_address_is_not_asked(cli: Run, demo_library: Path, url: str) -> None:
    outcome = cli("search", demo_library, url, "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == "forbidden_address"
    outcome = cli("compare", url, url, "--json")
    assert outcome.document["error"]["code"] == "forbidden_address"


def test_a_region_outside_the_query(cli: Run, demo_library: Path, good: Path) -> None:
    outcome = cli("search", demo_library, good, "--region", "0,0,99999,10", "--json")
    assert outcome.status == 2
    assert outcome.document["error"]["code"] == "invalid_region"


READS_A_LIBRARY = [
    ("search", "{library}", "{good}"),
    ("remove", "{library}", "a.jpg"),
    ("duplicates", "{library}"),
    ("info", "{library}"),
    ("check", "{library}"),
    ("check", "{library}", "--repair"),
    ("export", "{library}"),
    ("serve", "{library}", "--port", "0"),
]


@pytest.mark.parametrize("words", READS_A_LIBRARY, ids=" ".join)
def test_a_library_that_is_not_there_is_not_made(
    cli: Run, tmp_path: Path, good: Path, words: tuple[str, ...]
) -> None:
    library = tmp_path / "unknown"
    outcome = cli(*(word.format(library=library, good=good) for word in words), "--json")
    assert outcome.status == 3
    assert outcome.document["error"]["code"] == "library_not_found"
    assert outcome.document["error"]["hint"]
    assert str(library) in outcome.document["error"]["message"]
    assert not library.exists()


@pytest.mark.parametrize("words", [*READS_A_LIBRARY, ("add", "{library}", "{good}")], ids=" ".join)
def test_a_file_in_the_place_of_a_library_is_left_alone(
    cli: Run, tmp_path: Path, good: Path, words: tuple[str, ...]
) -> None:
    library = tmp_path / "notes.txt"
    library.write_text("mine")
    outcome = cli(*(word.format(library=library, good=good) for word in words), "--json")
    assert outcome.status == 3
    assert outcome.document["error"]["code"].startswith("library_")
    assert library.read_text() == "mine"


def test_a_folder_that_is_no_library_is_not_read_as_one(cli: Run, good: Path) -> None:
    outcome = cli("search", good.parent, good, "--json")
    assert outcome.status == 3
    assert outcome.document["error"]["code"] == "library_not_found"


def test_a_location_from_a_stranger_does_not_steer_the_terminal(cli: Run, tmp_path: Path, good: Path) -> None:
    trap = tmp_path / "trap\x1b]0;owned\x07\n.png"
    trap.write_bytes(good.read_bytes())
    library = tmp_path / "library"
    assert cli("add", library, trap, "--workers", "1").status == 0
    for words in (("search", library, good), ("duplicates", library), ("remove", library, f"{trap}?")):
        outcome = cli(*words)
        assert "\x1b" not in outcome.out + outcome.err
        assert "\x07" not in outcome.out + outcome.err
    assert "trap\\x1b]0;owned\\x07\\x0a.png" in cli("search", library, good).out
    assert cli("search", library, good, "--json").document["matches"][0]["location"] == str(trap)
