"""Watching a folder: what the system tells of real changes, and what is made up for what it does not tell."""

from __future__ import annotations

import builtins
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from echo_image.errors import MissingExtra, NotFound
from echo_image.ingest.sources import Folder, watching
from echo_image.ingest.sources.watching import Changes, watch
from tests.libraries import write


class Watch:
    """A watch in a thread of its own."""

    def __init__(self, folder: Folder, library: Path) -> None:
        self.stop = threading.Event()
        self._batches: queue.Queue[Changes] = queue.Queue()
        self.thread = threading.Thread(target=self._run, args=(folder, library))
        self.thread.start()

    def _run(self, folder: Folder, library: Path) -> None:
        for changes in watch(folder, library=library, stop=self.stop.is_set, quiet_ms=50, longest_ms=400):
            self._batches.put(changes)

    def until(self, enough: Callable[[set[str], set[str], bool], bool]) -> tuple[set[str], set[str]]:
        """Collect batches until they are enough; fails after 20 s."""
        changed: set[str] = set()
        deleted: set[str] = set()
        rescan = False
        while not enough(changed, deleted, rescan):
            batch = self._batches.get(timeout=20)
            changed |= set(batch.changed)
            deleted |= set(batch.deleted)
            rescan |= batch.rescan
        return changed, deleted


@contextmanager
def watching_of(folder: Folder, library: Path) -> Iterator[Watch]:
    watched = Watch(folder, library)
    try:
        watched.until(lambda changed, deleted, rescan: rescan)  # all is watched from here on
        yield watched
    finally:
        watched.stop.set()
        watched.thread.join(20)
        assert not watched.thread.is_alive()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.png", "sub/b.png", "gone/x/c.png", "library/packs/p.png"):
        write(tmp_path / "tree" / name, b"x")
    write(tmp_path / "elsewhere" / "made.png", b"x")
    write(tmp_path / "elsewhere" / "deep" / "er.png", b"x")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "tree"


def test_files_that_come_change_and_go(tree: Path) -> None:
    with watching_of(Folder(str(tree)), tree / "library") as watched:
        write(tree / "new.png", b"1")
        write(tree / "sub" / "b.png", b"2")
        (tree / "a.png").unlink()
        write(tree / ".hidden.png", b"h")
        write(tree / "library" / "packs" / "q.png", b"q")
        write(tree / "link" / "made.png", b"behind a link")
        write(tree / "last.png", b"3")
        changed, deleted = watched.until(
            lambda changed, deleted, _: str(tree / "last.png") in changed and bool(deleted)
        )
    assert changed == {str(tree / name) for name in ("new.png", "sub/b.png", "last.png")}
    assert deleted == {str(tree / "a.png")}


def test_the_rules_of_the_folder_are_kept(tree: Path) -> None:
    folder = Folder(str(tree), include=("*.png",), exclude=("sub", "bad*"), hidden=True)
    with watching_of(folder, tree / "library") as watched:
        for name in ("notes.txt", "sub/c.png", "bad.png", "new/sub/d.png", ".git/e.png", "last.png"):
            write(tree / name, b"x")
        wanted = {str(tree / name) for name in (".git/e.png", "last.png")}
        changed, _ = watched.until(lambda changed, deleted, _: wanted <= changed)
    assert changed == wanted


def test_archives_are_told_where_they_are_opened(tree: Path) -> None:
    folder = Folder(str(tree), include=("*.png",), exclude=("bad*",), archives=True)
    with watching_of(folder, tree / "library") as watched:
        for name in ("bad.zip", "x.zip", "notes.txt", "last.png"):
            write(tree / name, b"x")
        changed, _ = watched.until(lambda changed, deleted, _: str(tree / "last.png") in changed)
    assert changed == {str(tree / "x.zip"), str(tree / "last.png")}


def test_a_folder_that_is_moved_in_or_away_is_walked(tree: Path, tmp_path: Path) -> None:
    with watching_of(Folder(str(tree)), tree / "library") as watched:
        os.rename(tmp_path / "elsewhere", tree / "moved")
        inside = {str(tree / "moved" / name) for name in ("made.png", "deep/er.png")}
        watched.until(lambda changed, deleted, _: inside <= changed)
        write(tree / "moved" / "deep" / "later.png", b"x")
        watched.until(lambda changed, deleted, _: str(tree / "moved" / "deep" / "later.png") in changed)
        shutil.rmtree(tree / "gone")
        watched.until(lambda changed, deleted, _: str(tree / "gone") in deleted)
        os.rename(tree / "moved", tmp_path / "away")
        watched.until(lambda changed, deleted, _: str(tree / "moved") in deleted)


def test_a_folder_that_goes_away_and_comes_back_is_scanned_again(tree: Path, tmp_path: Path) -> None:
    with watching_of(Folder(str(tree)), tree / "library") as watched:
        os.rename(tree, tmp_path / "away")
        watched.until(lambda changed, deleted, rescan: rescan)
        write(tree / "other.png", b"x")
        watched.until(lambda changed, deleted, rescan: rescan)
        write(tree / "last.png", b"x")
        watched.until(lambda changed, deleted, _: str(tree / "last.png") in changed)


def test_so_much_that_the_queue_may_have_run_over_is_scanned_again(tree: Path) -> None:
    with watching_of(Folder(str(tree)), tree / "library") as watched:
        for number in range(watching._MOST_PATHS * 3):
            (tree / f"{number}.png").touch()
        watched.until(lambda changed, deleted, rescan: rescan)


def test_what_comes_into_a_new_folder_before_it_is_watched_is_found_later(tree: Path) -> None:
    """The system told of the folder, and never of the second file."""
    told = iter([set(), {(1, str(tree / "new"))}, set(), set()])
    rules = watching._Rules(Folder(str(tree)), tree / "library", lambda: False)
    write(tree / "new" / "first.png", b"x")

    def batches() -> Iterator[set[Any]]:
        for batch in told:
            yield batch
            write(tree / "new" / "second.png", b"x")

    found = list(watching._watched(batches(), rules))
    assert found[0] == Changes(rescan=True)
    assert {path for changes in found for path in changes.changed} == {
        str(tree / "new" / name) for name in ("first.png", "second.png")
    }


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        next(watch(Folder(str(tmp_path / "gone")), library=tmp_path / "library", stop=lambda: False))


def test_it_is_an_extra(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "watchfiles":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra) as caught:
        next(watch(Folder(str(tree)), library=tree / "library", stop=lambda: False))
    assert "echo-image[watch]" in caught.value.hint
