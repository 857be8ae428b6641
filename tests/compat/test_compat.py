"""Libraries of every format that was released, kept as they were made: this version opens and searches them.

A library of other extractors is refused with advice and left as it is: numbers of two extractors cannot be
compared. `make_library.py` says how the libraries were made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from echo_image import Verdict, index, open_library
from echo_image.errors import SpecMismatch
from tests.compat.make_library import LIBRARIES
from tests.libraries import found, image_file

KEPT = sorted(path for path in LIBRARIES.iterdir() if path.is_dir())


def expected_of(kept: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((kept / "expected.json").read_text("utf-8"))
    return expected


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


OURS = [kept for kept in KEPT if expected_of(kept)["fingerprint"] == index.fingerprint()]


@pytest.fixture
def copied(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept / "library", tmp_path / "library"))


def test_there_is_a_library_of_this_version_s_format() -> None:
    assert OURS, (
        f"no library in {LIBRARIES} has the fingerprint {index.fingerprint()}: when it was changed on"
        " purpose, add one with `python -m tests.compat.make_library NAME`"
    )


def test_the_libraries_are_small() -> None:
    for kept in KEPT:
        assert sum(path.stat().st_size for path in kept.rglob("*") if path.is_file()) < 1_500_000


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("kept", OURS, ids=lambda kept: kept.name)
def test_it_opens_and_holds_what_it_held(kept: Path, copied: Path, read_only: bool) -> None:
    expected = expected_of(kept)
    with open_library(copied, create=False, read_only=read_only) as library:
        assert list(library.export()) == expected["export"]
        thumbnails = {record.id: len(library.thumbnail(record.id)) for record in library.images()}
        assert thumbnails == expected["thumbnail_bytes"]
        assert library.check().problems == ()


@pytest.mark.parametrize("kept", OURS, ids=lambda kept: kept.name)
def test_every_query_finds_what_it_shows(kept: Path, copied: Path) -> None:
    expected = expected_of(kept)
    with open_library(copied, create=False, read_only=True) as library:
        for name, location in expected["queries"].items():
            matches = library.search(kept / "queries" / name).matches
            if location == expected["removed"]:
                assert all(location not in match.locations for match in matches)
                continue
            best = matches[0]
            assert location in best.locations, name
            assert best.is_proven, name
            assert (best.verdict == Verdict.IDENTICAL) == name.endswith("-same.png")


@pytest.mark.parametrize("kept", OURS, ids=lambda kept: kept.name)
def test_it_can_be_added_to_and_rebuilt(kept: Path, copied: Path) -> None:
    expected = expected_of(kept)
    with open_library(copied, create=False) as library:
        assert library.add_image(image_file(7), "new").added == 1
        assert found(library, 7) == ["new"]
        assert library.remove("new").images_removed == 1
        next(copied.glob("index/*.segment")).unlink()
        assert library.check(repair=True).ok
    with open_library(copied, create=False) as library:
        assert list(library.export()) == expected["export"]
        for name, location in expected["queries"].items():
            if name.endswith("-60.jpg") and location != expected["removed"]:
                assert location in library.search(kept / "queries" / name).matches[0].locations


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_another_fingerprint_is_refused_and_left_alone(
    kept: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kept in OURS:
        monkeypatch.setattr(index, "fingerprint", lambda: "orb99")
    before = digests(copied)
    for read_only in (False, True):
        with pytest.raises(SpecMismatch) as caught:
            open_library(copied, create=False, read_only=read_only)
        assert expected_of(kept)["fingerprint"] in caught.value.message
        assert caught.value.hint
        left = digests(copied)
        # SQLite's shared memory stays where nobody may write; it holds nothing.
        assert {name: left[name] for name in before} == before


def test_opening_leaves_the_kept_libraries_as_they_are() -> None:
    """SQLite's side files would otherwise turn up in the repository."""
    for kept in KEPT:
        names = {path.name for path in (kept / "library").rglob("*") if path.is_file()}
        assert not any(name.endswith(("-wal", "-shm", "-journal", ".tmp", ".new")) for name in names)
