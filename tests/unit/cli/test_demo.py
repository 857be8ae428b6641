"""The demo: the same files every time, from the installed packages alone, and a search that finds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from echo_image.demo import DemoFolder, build
from echo_image.demo.originals import ORIGINALS, Original
from echo_image.errors import MissingExtra

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Run


def digests(folder: Path) -> dict[str, str]:
    """Return the content of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_files_every_time(demo_folder: DemoFolder, tmp_path: Path) -> None:
    build(tmp_path)
    assert digests(tmp_path) == digests(demo_folder.images.parent)
    assert len(digests(tmp_path / "images")) > 20


def test_building_again_writes_nothing(tmp_path: Path) -> None:
    first = build(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert build(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_every_query_is_an_edit_of_an_image_that_is_there(demo_folder: DemoFolder) -> None:
    for query in demo_folder.queries:
        assert (demo_folder.images / query.original).is_file()
        with Image.open(query.path) as image:
            assert min(image.size) > 100
        assert query.path.read_bytes() != (demo_folder.images / query.original).read_bytes()


def test_every_original_has_a_licence() -> None:
    assert len({original.name for original in ORIGINALS}) == len(ORIGINALS)
    for original in ORIGINALS:
        assert original.licence in {"CC0 1.0", "public domain", "no known copyright restrictions"}
        assert original.credit


def test_a_package_without_the_file_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"no-such-file\.png"):
        Original("none", "no-such-file.png", "nobody", "none").read()


def test_once_searches_and_ends(cli: Run, tmp_path: Path) -> None:
    folder = tmp_path / "demo-library"
    outcome = cli("demo", "--once", "--folder", folder)
    assert outcome.status == 0
    assert "astronaut" in outcome.out
    evidence = sorted((folder / "evidence").glob("*.png"))
    assert evidence
    assert str(evidence[0]) in outcome.err
    again = cli("demo", "--once", "--folder", folder, "--json")
    assert again.status == 0
    assert again.document["matches"][0]["evidence"] == str(evidence[0])
    assert " 0 images added" in again.err
