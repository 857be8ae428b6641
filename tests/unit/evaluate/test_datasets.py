"""Any folder, and an evaluation set with its pairs, as one kind of object."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image import NotFound
from echo_image.evaluate import EvaluationSet, Folder, Pair, open_dataset

MANIFEST = """path,role,group,dup_cluster,more
a/1.jpg,gt,cover,,x
a/2.jpg,gt,cover,d1,x
b/3.jpg,distractor,,d1,x
b/4.jpg,distractor,,,x
odd.bin,nasty,,,x
"""
PAIRS = """query,reference,kind,tier
a/1.jpg,a/2.jpg,scale,1
a/1.jpg,b/4.jpg,scene,3
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with files of many names; none is read."""
    for name in ("a/1.jpg", "a/2.JPG", "b/3.png", "b/4", "b/words.txt", ".hidden.jpg", ".git/5.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_has_the_files_that_may_be_images(place: Path) -> None:
    folder = open_dataset(place)
    assert isinstance(folder, Folder)
    assert folder.images == ["a/1.jpg", "a/2.JPG", "b/3.png", "b/4"]
    assert not folder.is_annotated
    assert (list(folder.pairs), list(folder.nasty), folder.references) == ([], [], {})
    assert folder.alike("a/1.jpg") == frozenset()


def test_an_evaluation_set_knows_what_belongs_together(place: Path) -> None:
    (place / "manifest.csv").write_text(MANIFEST)
    (place / "gt_pairs.csv").write_text(PAIRS)
    data = open_dataset(place)
    assert isinstance(data, EvaluationSet)
    assert data.is_annotated
    assert data.images == ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"]
    assert data.nasty == ["odd.bin"]
    first, second = Pair("a/1.jpg", "a/2.jpg", "scale", 1), Pair("a/1.jpg", "b/4.jpg", "scene", 3)
    assert data.pairs == [first, second]
    assert data.references == {"a/1.jpg": {"a/2.jpg": first, "b/4.jpg": second}}
    assert data.alike("a/2.jpg") == {"a/1.jpg", "b/3.jpg"}
    assert data.alike("b/4.jpg") == frozenset()


def test_paths_go_to_the_library_and_come_back(place: Path) -> None:
    folder = Folder(place)
    assert folder.absolute("a/1.jpg") == str(place.resolve() / "a/1.jpg")
    assert folder.relative(folder.absolute("a/1.jpg")) == "a/1.jpg"
    assert folder.relative(f"file://{folder.absolute('b/4')}") == "b/4"
    assert folder.relative("/elsewhere/1.jpg") is None
    assert folder.relative("https://example.net/1.jpg") is None


def test_what_is_missing_is_said(place: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        open_dataset(place / "nowhere")
    (place / "manifest.csv").write_text(MANIFEST)
    with pytest.raises(FileNotFoundError, match=r"gt_pairs\.csv"):
        open_dataset(place)
