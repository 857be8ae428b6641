"""A folder that cannot be written: reading works, also beside a writer, and writing says why it cannot.

Permissions do not bind root, so there the reading process gives its rights up.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echo_image import Library, open_library
from echo_image.errors import LibraryReadOnly
from tests.faults.killing import killed_at
from tests.libraries import fill, found, image_file, run_python, start_python

#: A program that does what each line of its input says with a library, and answers with a line of JSON.
READER = """
import json, mmap, os, sys
from echo_image import EchoImageError, open_library
from tests.libraries import contents, drawn, found, image_file, jpeg

# Everything is imported and compiled while the interpreter's own files may still be read.
with open_library(sys.argv[2]) as own:
    own.add_image(image_file(0), "/000.png")
    own.add_image(jpeg(drawn(0)), "/000.jpg")
    found(own, 0), own.duplicates(), own.check(), contents(own)
    own.evidence(jpeg(drawn(0)), own.images()[0].id)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

def do(word, *rest):
    if word == "search":
        return found(library, int(rest[0]))
    if word == "info":
        return library.info().images
    if word == "check":
        return library.check().to_dict()
    if word == "export":
        return len(contents(library))
    if word == "duplicates":
        return len(library.duplicates())
    if word == "add":
        return library.add_image(image_file(int(rest[0])), "/new.png").added
    if word == "remove":
        return library.remove("/000.png").removed
    if word == "repair":
        return library.check(repair=True).to_dict()

try:
    library = open_library(sys.argv[1], create=False, read_only=sys.argv[3] == "read-only")
    print(json.dumps("open"), flush=True)
    for line in sys.stdin:
        try:
            print(json.dumps(do(*line.split())), flush=True)
        except EchoImageError as error:
            print(json.dumps(error.to_dict()), flush=True)
except EchoImageError as error:
    print(json.dumps(error.to_dict()), flush=True)
"""


class Reader:
    """The program, running."""

    def __init__(self, path: Path, own: Path, mode: str) -> None:
        self._process = start_python(READER, path, own, mode)
        self.opened = self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        return json.loads(line)

    def ask(self, question: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        _, errors = self._process.communicate(timeout=60)
        assert (self._process.returncode, errors) == (0, "")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may read and only its owner write; pytest's own are private."""
    path = Path(tempfile.mkdtemp(prefix="echo-image-"))
    path.chmod(0o755)
    yield path
    protect(path, on=False)
    shutil.rmtree(path)


def protect(path: Path, *, on: bool) -> None:
    """Take the right to write from a folder and everything in it, also from their owner; or give it back."""
    for entry in [path, *path.rglob("*")]:
        if entry.is_dir():
            entry.chmod(0o555 if on else 0o755)
        else:
            entry.chmod(0o444 if on else 0o644)


def make(path: Path, count: int = 5) -> None:
    with open_library(path) as library:
        for seed in range(count):
            library.add_image(image_file(seed), f"/{seed:03d}.png")


@pytest.mark.parametrize("mode", ["read-only", "as usual"])
def test_reading_works_and_writing_says_why_not(folder: Path, tmp_path: Path, mode: str) -> None:
    make(folder / "library")
    protect(folder / "library", on=True)
    before = sorted(path.name for path in (folder / "library").rglob("*"))
    reader = Reader(folder / "library", tmp_path / "own", mode)
    assert reader.opened == "open"
    assert reader.ask("search 3") == ["003.png"]
    assert reader.ask("info") == reader.ask("export") == 5
    assert reader.ask("duplicates") == 0
    assert reader.ask("check") == {"ok": True, "problems": [], "repaired": []}
    for question in ("add 9", "remove", "repair"):
        error = reader.ask(question)
        assert error["code"] == "library_read_only"
        assert error["hint"]
    assert reader.ask("search 4") == ["004.png"]
    reader.end()
    assert sorted(path.name for path in (folder / "library").rglob("*")) == before


def test_a_reader_that_may_not_write_sees_what_a_writer_adds(folder: Path, tmp_path: Path) -> None:
    """Also one that was there before the writer came, and that stays when the writer has gone."""
    path = folder / "library"
    make(path, count=2)
    if os.geteuid() != 0:
        pytest.skip("without root there is no second user whom permissions could part from the writer")
    reader = Reader(path, tmp_path / "own", "read-only")
    assert reader.ask("search 2") == []
    with open_library(path) as library:
        library.add_image(image_file(2), "/002.png")
        assert reader.ask("search 2") == ["002.png"]
        library.add_image(image_file(3), "/003.png")
        assert reader.ask("search 3") == ["003.png"]
    library = open_library(path)
    library.remove("/002.png")
    library.close()
    assert reader.ask("search 2") == []
    with open_library(path) as library:
        library.add_image(image_file(4), "/004.png")
    assert reader.ask("search 4") == ["004.png"]
    assert reader.ask("info") == 4
    assert reader.ask("check")["ok"]
    reader.end()


@pytest.fixture
def killed(folder: Path, tmp_path: Path) -> Path:
    """A library whose writer was killed: its last commits are in SQLite's log only."""
    images = fill(tmp_path / "images", 4)
    killed_at(folder / "library", images, "echo_image.store.writer:Writer", "commit", 2, "after")
    assert (folder / "library" / "catalogue.sqlite-wal").stat().st_size > 0
    return folder / "library"


def test_what_a_killed_writer_left_in_its_log_is_seen(killed: Path, tmp_path: Path) -> None:
    protect(killed, on=True)
    reader = Reader(killed, tmp_path / "own", "read-only")
    assert reader.opened == "open"
    assert reader.ask("info") == 4
    assert reader.ask("search 3") == ["003.png"]
    assert reader.ask("check")["ok"]
    reader.end()


def test_a_log_that_cannot_be_taken_over_is_told_and_not_passed_over(killed: Path, tmp_path: Path) -> None:
    """Copied to a read-only medium without the shared memory, the log cannot be read: half the images."""
    (killed / "catalogue.sqlite-shm").unlink()
    protect(killed, on=True)
    reader = Reader(killed, tmp_path / "own", "read-only")
    assert reader.opened["code"] == "library_read_only"
    assert "log" in reader.opened["message"]
    assert "written" in reader.opened["hint"]
    reader.end()
    protect(killed, on=False)
    with open_library(killed, read_only=True) as library:
        assert library.info().images == 4


def test_a_folder_that_may_not_even_be_entered(folder: Path, tmp_path: Path) -> None:
    make(folder / "library", count=1)
    (folder / "library").chmod(0o000)
    reader = Reader(folder / "library", tmp_path / "own", "read-only")
    assert reader.opened["code"].startswith("library_")
    assert reader.opened["hint"]
    reader.end()


WRITER = """
import sys
from echo_image import open_library
from tests.libraries import image_file

with open_library(sys.argv[1]) as library:
    print(library.add_image(image_file(9), "/009.png").added)
"""


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A library on a file system that is mounted read only."""
    make(tmp_path / "library")
    place = tmp_path / "mounted"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a folder read only")
    bound = subprocess.run(["mount", "--bind", tmp_path / "library", place], check=False)
    if bound.returncode != 0:
        pytest.skip("mounting is not permitted here")
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_read_only_file_system(mounted: Path, tmp_path: Path) -> None:
    def write_all(library: Library) -> list[Any]:
        return [
            lambda: library.add_image(image_file(9), "x"),
            lambda: library.remove("/001.png"),
            lambda: library.check(repair=True),
        ]

    with open_library(mounted) as library:
        assert found(library, 3) == ["003.png"]
        assert library.check().ok
        assert library.info().images == 5
        for write in write_all(library):
            with pytest.raises(LibraryReadOnly) as caught:
                write()
            assert "Read-only file system" in caught.value.message
        # Its owner changes it from elsewhere; SQLite would see one file, were it done in this process.
        assert run_python(WRITER, tmp_path / "library").stdout == "1\n"
        assert found(library, 9) == ["009.png"]
    with pytest.raises(LibraryReadOnly):
        open_library(mounted / "new")
