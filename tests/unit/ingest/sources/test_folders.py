"""Folders: patterns, hidden names, links to folders, disks that go away. `test_sources.py` has the rest."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image.errors import NotFound, UsageError
from echo_image.ingest.sources import Folder, Offered, Source, SourceContext
from tests.libraries import write


def offered(folder: Folder, context: SourceContext) -> list[Offered]:
    return [item for item in folder.offer(context) if isinstance(item, Offered)]


def names(folder: Folder, context: SourceContext) -> list[str]:
    """Return the locations, relative to the folder."""
    return [os.path.relpath(item.location, folder.path) for item in offered(folder, context)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "a.png",
        "b.JPG",
        "notes.txt",
        ".h.png",
        "x/a.png",
        "x/.git/a.png",
        "x/thumbs/t.png",
        "y/z/c.tif",
    ):
        write(tmp_path / "tree" / name, b"x")
    return tmp_path / "tree"


def test_it_is_a_source_of_json_values(tree: Path, context: SourceContext) -> None:
    folder = Folder(str(tree), include=["*.png"], exclude=["x"], hidden=True)  # type: ignore[arg-type]
    assert isinstance(folder, Source)
    assert (Folder.type, folder.label, folder.missing()) == ("folder", str(tree), "")
    again = Folder(**json.loads(json.dumps(dataclasses.asdict(folder))))
    assert again == folder
    assert offered(again, context) == offered(folder, context)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["a.png", "b.JPG", "notes.txt", "x/a.png", "x/thumbs/t.png", "y/z/c.tif"]),
        ({"include": ("*.png",)}, ["a.png", "x/a.png", "x/thumbs/t.png"]),
        ({"include": ("*.jpg", "y")}, ["b.JPG", "y/z/c.tif"]),
        ({"exclude": ("thumbs/", "*.txt", "y/**")}, ["a.png", "b.JPG", "x/a.png"]),
        ({"include": ("/*",), "exclude": ("x", "y")}, ["a.png", "b.JPG", "notes.txt"]),
        (
            {"include": ("*.png",), "hidden": True},
            [".h.png", "a.png", "x/a.png", "x/.git/a.png", "x/thumbs/t.png"],
        ),
    ],
)
def test_patterns_and_hidden_names(
    tree: Path, context: SourceContext, options: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    assert names(Folder(str(tree), **options), context) == expected  # type: ignore[arg-type]


def test_an_excluded_folder_is_not_even_listed(
    tree: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    real = os.scandir

    def scandir(folder: str) -> object:
        listed.append(os.path.relpath(folder, tree))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    names(Folder(str(tree), exclude=("x", "z/")), context)
    assert listed == [".", "y"]


def test_links_to_folders_are_walked_when_asked_for_and_each_folder_once(
    tmp_path: Path, context: SourceContext
) -> None:
    tree = tmp_path / "tree"
    write(tree / "real" / "a.png", b"x")
    write(tmp_path / "outside" / "b.png", b"x")
    write(tmp_path / "outside" / "deep" / "c.png", b"x")
    (tree / "again").symlink_to(tree / "real")
    (tree / "aloop").symlink_to(tree)
    (tree / "out").symlink_to(tmp_path / "outside")
    (tree / "out2").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "back").symlink_to(tree)
    (tree / "deep").symlink_to(tmp_path / "outside" / "deep")
    (tree / "gone").symlink_to(tmp_path / "nowhere")
    (tree / "excluded").symlink_to(tmp_path)
    assert names(Folder(str(tree)), context) == ["gone", "real/a.png"]
    followed = Folder(str(tree), follow_links=True, exclude=("gone", "excluded"))
    # By its own path where it has one; else by the first link.
    assert names(followed, context) == ["real/a.png", "deep/c.png", "out/b.png"]


def test_the_library_is_not_taken_in_through_a_link(tmp_path: Path, context: SourceContext) -> None:
    write(context.library / "packs" / "p.png", b"x")
    write(tmp_path / "tree" / "a.png", b"x")
    (tmp_path / "tree" / "link").symlink_to(context.library)
    assert names(Folder(str(tmp_path / "tree"), follow_links=True), context) == ["a.png"]
    (item,) = offered(Folder(str(tmp_path / "tree" / "link")), context)
    assert item.code == UsageError.code


@pytest.mark.parametrize("what", ["nothing", "a.png", "a\0b"])
def test_no_such_folder(tree: Path, context: SourceContext, what: str) -> None:
    folder = Folder(str(tree / what))
    assert "there is no folder" in folder.missing()
    with pytest.raises(NotFound) as caught:
        offered(folder, context)
    assert caught.value.hint


class _Breaking:
    """A listing that breaks after its first entry, as that of a network disk whose server goes away."""

    def __init__(self, real: Iterator[os.DirEntry[str]]) -> None:
        self._real = real

    def __enter__(self) -> Iterator[os.DirEntry[str]]:
        return self._entries()

    def __exit__(self, *_: object) -> None:
        pass

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        yield next(self._real)
        raise OSError(116, "Stale file handle")


def test_a_folder_that_breaks_while_it_is_read_is_an_item_beside_what_was_read(
    tmp_path: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("m/one.png", "m/two.png", "z/three.png"):
        write(tmp_path / "tree" / name, b"x")
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda at: _Breaking(real(at)) if at.endswith("/m") else real(at))
    problem, kept, after = offered(Folder(str(tmp_path / "tree")), context)
    assert (problem.location, problem.code) == (str(tmp_path / "tree" / "m"), "unreadable")
    assert "Stale file handle" in problem.problem
    assert Path(kept.location).parent.name == "m"
    assert Path(after.location).name == "three.png"


def test_a_folder_that_vanishes_while_another_is_walked_is_an_item(
    tree: Path, context: SourceContext
) -> None:
    items = Folder(str(tree)).offer(context)
    next(items)
    (tree / "y" / "z" / "c.tif").unlink()
    (tree / "y" / "z").rmdir()
    (tree / "y").rmdir()
    last = list(items)[-1]
    assert isinstance(last, Offered)
    assert (last.location, last.code) == (str(tree / "y"), "unreadable")


def test_it_ends_when_told_to_stop(tree: Path, context: SourceContext) -> None:
    for number in range(1000):
        write(tree / "many" / f"{number}.png", b"x")
    asked = iter([False, False, True])
    stopped = dataclasses.replace(context, stop=lambda: next(asked, True))
    assert len(offered(Folder(str(tree)), stopped)) < 700


@pytest.mark.parametrize("options", [{"include": "*.png"}, {"exclude": ["../x"]}])
def test_wrong_patterns_are_told_when_it_is_made(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Folder("/", **options)  # type: ignore[arg-type]
