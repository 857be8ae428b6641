"""Making a library, side by side with others who make it too; taking an empty one away again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from echo_image import open_library
from echo_image.catalogue import schema
from echo_image.errors import (
    LibraryBusy,
    LibraryCorrupt,
    LibraryError,
    LibraryNotFound,
    NotFound,
    SpecMismatch,
)
from echo_image.store import Store, Writer, layout
from echo_image.store.locking import WriterLock
from tests.libraries import image_file, locations, start_python


def test_a_new_library_has_its_parts(tmp_path: Path) -> None:
    open_library(tmp_path / "a" / "b" / "library").close()
    names = {path.name for path in (tmp_path / "a" / "b" / "library").iterdir()}
    assert names >= {"catalogue.sqlite", "packs", "index", "writer.lock"}
    open_library(tmp_path / "a" / "b" / "library", create=False).close()


def test_an_empty_folder_becomes_a_library(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    assert (tmp_path / "catalogue.sqlite").is_file()


def test_a_folder_with_other_things_does_not(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(LibraryError, match="other things in it"):
        open_library(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize("below", ["", "library", "deep/down"])
def test_a_file_in_the_way(tmp_path: Path, below: str) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(LibraryError) as caught:
        open_library(tmp_path / "notes" / below)
    assert caught.value.hint
    assert (tmp_path / "notes").read_text() == "mine"


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound) as caught:
        open_library(tmp_path / "library", create=False)
    assert "echo-image add" in caught.value.hint
    with pytest.raises(LibraryNotFound):
        open_library(tmp_path / "library", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_maker_that_was_killed_half_way_is_followed_by_another(tmp_path: Path) -> None:
    path = tmp_path / "library"
    (path / "packs").mkdir(parents=True)
    (path / "writer.lock").touch()
    (path / "catalogue.new").write_bytes(b"half")
    with pytest.raises(LibraryNotFound):
        open_library(path, create=False)
    with open_library(path) as library:
        library.add_image(image_file(0), "0.png")
    assert not (path / "catalogue.new").exists()


MAKER = """
import sys
from echo_image import open_library
from tests.libraries import image_file

sys.stdin.readline()
number = int(sys.argv[2])
with open_library(sys.argv[1]) as library:
    print(library.add_image(image_file(number), f"{number}.png").added)
"""


def test_several_processes_make_the_same_library(tmp_path: Path) -> None:
    makers = [start_python(MAKER, tmp_path / "library", number) for number in range(4)]
    for maker in makers:  # all of them are started before the first one goes on
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    answers = [(*maker.communicate(timeout=120), maker.returncode) for maker in makers]
    assert answers == [("1\n", "", 0)] * 4
    with open_library(tmp_path / "library", create=False) as library:
        assert locations(library) == [f"{number}.png" for number in range(4)]
        assert library.check().ok


def test_a_library_made_by_another_just_before_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for the catalogue and getting the lock, the other one makes it and adds an image."""

    def other_comes_first(path: Path) -> WriterLock:
        monkeypatch.undo()
        with open_library(tmp_path / "library") as other:
            other.add_image(image_file(0), "0.png")
        return WriterLock(path)

    monkeypatch.setattr(layout, "WriterLock", other_comes_first)
    with open_library(tmp_path / "library") as library:
        assert locations(library) == ["0.png"]
    mistype(tmp_path / "library")  # and it is not this one's to take away
    open_library(tmp_path / "library", create=False).close()


# Taking away again


@pytest.mark.parametrize("before", ["nothing", "its folder"])
def test_a_mistyped_path_leaves_no_library(tmp_path: Path, before: str) -> None:
    path = tmp_path / "a" / "library"
    if before == "its folder":
        path.mkdir(parents=True)
    mistype(path)
    left = [str(entry.relative_to(tmp_path)) for entry in sorted(tmp_path.rglob("*"))]
    assert left == ([] if before == "nothing" else ["a", "a/library"])


def mistype(path: Path, *seeds: int, remove: str = "") -> None:
    """Open a library, add uploads, remove one, and then a folder that is not there."""

    def use() -> None:
        with open_library(path) as library:
            for seed in seeds:
                library.add_image(image_file(seed), f"{seed}.png")
            if remove:
                library.remove(remove)
            library.add(path / "no-such-folder")

    with pytest.raises(NotFound):
        use()


def test_an_interrupted_first_image_leaves_no_library(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_library(tmp_path / "library"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_library_stays_when_something_was_added(tmp_path: Path) -> None:
    mistype(tmp_path / "library", 0)
    with open_library(tmp_path / "library", create=False) as library:
        assert locations(library) == ["0.png"]
    mistype(tmp_path / "emptied", 0, remove="0.png")
    open_library(tmp_path / "emptied", create=False).close()


def test_a_library_that_was_there_before_stays(tmp_path: Path) -> None:
    open_library(tmp_path / "library").close()
    with pytest.raises(NotFound), open_library(tmp_path / "library") as library:
        library.add(tmp_path / "no-such-folder")
    open_library(tmp_path / "library", create=False).close()


@pytest.mark.parametrize("error", [None, ZeroDivisionError, SystemExit])
def test_a_new_library_stays_when_nothing_went_wrong_with_it(
    tmp_path: Path, error: type[BaseException] | None
) -> None:
    if error is None:
        with open_library(tmp_path / "library"):
            pass
    else:
        with pytest.raises(error), open_library(tmp_path / "library"):
            raise error
    open_library(tmp_path / "library", create=False).close()


def test_a_library_that_someone_else_writes_into_stays(tmp_path: Path) -> None:
    library = open_library(tmp_path / "library")
    store = Store(tmp_path / "library", create=False)
    with Writer(store):
        library.__exit__(NotFound, NotFound("mistyped"), None)
    store.close()
    open_library(tmp_path / "library", create=False).close()


def test_a_writer_that_comes_too_late_finds_no_library(tmp_path: Path) -> None:
    library = open_library(tmp_path / "library")
    late = open_library(tmp_path / "library")
    library.__exit__(NotFound, NotFound("mistyped"), None)
    with pytest.raises(LibraryNotFound):
        late.add_image(image_file(0), "0.png")
    assert list(tmp_path.iterdir()) == []
    late.close()


# What a closed library looks like


SIDE_FILES = ("catalogue.sqlite-shm", "catalogue.sqlite-wal")


def test_a_closed_library_is_whole_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "library"
    for seed in range(3):
        with open_library(path) as library:
            library.add_image(image_file(seed), f"{seed}.png")
            assert any((path / name).exists() for name in SIDE_FILES)
        assert not any((path / name).exists() for name in SIDE_FILES)


def test_the_last_to_close_takes_the_log_over(tmp_path: Path) -> None:
    path = tmp_path / "library"
    with open_library(path) as last:
        with open_library(path) as first:
            first.add_image(image_file(0), "0.png")
        assert (path / "catalogue.sqlite-wal").stat().st_size > 0
        assert locations(last) == ["0.png"]
    assert not any((path / name).exists() for name in SIDE_FILES)


# The lock


def test_the_second_writer_is_told_whom_it_waits_for(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "writer.lock")
    with pytest.raises(LibraryBusy) as caught:
        WriterLock(tmp_path / "writer.lock", wait_s=0)
    assert str(tmp_path) in caught.value.message
    assert "wait for it" in caught.value.hint
    lock.release()
    WriterLock(tmp_path / "writer.lock", wait_s=0).release()


def test_a_lock_whose_file_was_deleted_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening the file and locking it the library is deleted and made anew."""
    path = tmp_path / "writer.lock"
    real = os.open
    opened: list[int] = []

    def open_and_replace(name: Path, flags: int, mode: int = 0o777) -> int:
        opened.append(real(name, flags, mode))
        if len(opened) == 1:
            path.unlink()
            path.write_bytes(b"")
        return opened[-1]

    monkeypatch.setattr(os, "open", open_and_replace)
    lock = WriterLock(path, wait_s=0)
    monkeypatch.undo()
    assert len(opened) == 2
    with pytest.raises(LibraryBusy):
        WriterLock(path, wait_s=0)
    lock.release()


def test_a_failing_writer_gives_the_lock_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "library", create=True)
    (tmp_path / "library" / "catalogue.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(LibraryCorrupt):
        Writer(store)
    WriterLock(tmp_path / "library" / "writer.lock", wait_s=0).release()
    store.close()


# Versions


def test_another_fingerprint_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_library(tmp_path / "library").close()
    monkeypatch.setattr("echo_image.index.fingerprint", lambda: "orb99")
    for read_only in (True, False):
        with pytest.raises(SpecMismatch, match="orb99") as caught:
            open_library(tmp_path / "library", read_only=read_only)
        assert "new library" in caught.value.hint


def test_an_older_layout_is_brought_up_to_date_when_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
    scripts = [*schema.scripts(), "ALTER TABLE images ADD COLUMN colour TEXT;"]
    monkeypatch.setattr(schema, "scripts", lambda: scripts)
    monkeypatch.setattr(schema, "READABLE_FROM", len(scripts))
    with pytest.raises(SpecMismatch) as caught:
        open_library(tmp_path / "library", read_only=True)
    assert "check LIBRARY --repair" in caught.value.hint
    with open_library(tmp_path / "library") as library:
        assert locations(library) == ["0.png"]
        assert library.add_image(image_file(1), "1.png").added == 1
    with open_library(tmp_path / "library", read_only=True) as library:
        assert library.check().ok


def test_a_later_layout_is_refused_whoever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        scripts = [*schema.scripts(), "ALTER TABLE images ADD COLUMN colour TEXT;"]
        patch.setattr(schema, "scripts", lambda: scripts)
        open_library(tmp_path / "library").close()
    for read_only in (True, False):
        with pytest.raises(SpecMismatch, match=f"layout {len(scripts)}") as caught:
            open_library(tmp_path / "library", read_only=read_only)
        assert caught.value.hint == "update echo-image"


def test_sizes_of_files_that_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_library(tmp_path / "library") as library:
        library.add_image(image_file(0), "0.png")
    sizes = layout.file_sizes(tmp_path / "library")
    assert sizes == {
        str(path.relative_to(tmp_path / "library")): path.stat().st_size
        for path in (tmp_path / "library").rglob("*")
        if path.is_file()
    }
    real = os.scandir

    def scandir_and_delete(folder: Path) -> object:
        found = list(real(folder))
        for entry in found:
            if entry.name == "000001.pack":
                Path(entry.path).unlink()

        class Closing(list):  # type: ignore[type-arg]
            def __enter__(self) -> Closing:
                return self

            def __exit__(self, *_: object) -> None:
                pass

        return Closing(found)

    monkeypatch.setattr(os, "scandir", scandir_and_delete)
    assert layout.file_sizes(tmp_path / "library").keys() == sizes.keys() - {"packs/000001.pack"}
