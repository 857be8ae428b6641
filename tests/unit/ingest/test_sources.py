"""What is named → what is offered: order, odd names, links, special files, paths that are not there."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import NotFound, UsageError
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.sources import Kind, Offered, printable
from echo_image.ingest.sources.files import SETTLED_NS
from echo_image.ingest.sources.offered import SourceContext
from echo_image.ingest.sources.registry import sources_of
from tests.libraries import LONG_AGO_NS, write


def offered(*named: str | Path, library: Path = Path("/no-such-library")) -> list[Offered]:
    return list(offered_lazily(named, library))


def offered_lazily(named: object, library: Path = Path("/no-such-library")) -> Iterator[Offered]:
    """Yield what the sources that words mean offer, one after the other, as a job lists them."""
    context = SourceContext(library, DecodeLimits(), FetchLimits())
    for source in sources_of(named):
        yield from (item for item in source.offer(context) if isinstance(item, Offered))


def names(items: list[Offered]) -> list[str]:
    return [Path(item.location).name for item in items]


def test_a_folder_is_walked_to_the_bottom_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "sub/z.png", "sub/deep/er/x.png", "also/y.png", "notes.txt"):
        write(tmp_path / name, b"x")
    (tmp_path / "empty" / "nested").mkdir(parents=True)
    items = offered(tmp_path)
    assert [item.location for item in items] == [
        str(tmp_path / name)
        for name in ("a.jpg", "b.png", "notes.txt", "also/y.png", "sub/z.png", "sub/deep/er/x.png")
    ]
    assert [item.expected for item in items] == [True, True, False, True, True, True]
    assert all(item.stamp == FileStamp(1, LONG_AGO_NS) for item in items)
    assert not any(item.problem for item in items)


def test_sources_are_taken_in_the_order_given(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        write(tmp_path / name, b"x")
    items = offered_lazily([tmp_path / "b.png", "http://x.example/i", tmp_path / "a.png"])
    assert Path(next(items).location).name == "b.png"
    url = next(items)
    assert (url.location, url.target) == ("http://x.example/i",) * 2
    assert (url.kind, url.stamp) == (Kind.URL, UNKNOWN)
    assert names(list(items)) == ["a.png"]


def test_one_source_may_be_named_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.png", b"x")
    monkeypatch.chdir(tmp_path)
    for source in (path, str(path), os.fsencode(path), "a.png", "./a.png"):
        (item,) = offered_lazily(source)
        assert item.location == str(path)


def test_hidden_names_are_left_out_unless_named(tmp_path: Path) -> None:
    for name in (".a.png", ".git/b.png", "c.png", "d/.e.png"):
        write(tmp_path / name, b"x")
    assert names(offered(tmp_path)) == ["c.png"]
    assert names(offered(tmp_path / ".a.png", tmp_path / ".git")) == [".a.png", "b.png"]


def test_links(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a.png", b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file.png").symlink_to(tmp_path / "real" / "a.png")
    (folder / "folder.png").symlink_to(tmp_path / "real")
    (folder / "up").symlink_to(folder)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    items = {Path(item.location).name: item for item in offered(folder)}
    assert items.keys() == {"file.png", "loop.png", "gone.png", "gone.txt"}
    assert items["file.png"].stamp == FileStamp(1, LONG_AGO_NS)
    assert (items["gone.png"].code, items["loop.png"].code) == ("not_found", "unreadable")
    assert (items["gone.png"].expected, items["gone.txt"].expected) == (True, False)
    # Named itself, a link to a folder is that folder.
    assert names(offered(folder / "folder.png")) == ["a.png"]
    (named,) = offered(folder / "gone.png")
    assert named.code == "not_found"


def test_special_files_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # the name of a socket may have 108 bytes only
    listener.bind("socket.png")
    listener.close()
    items = offered(tmp_path, Path("/dev/null"))
    assert names(items) == ["fifo.png", "socket.png", "null"]
    assert {item.code for item in items} == {"not_a_file"}


def test_the_library_is_never_taken_in(tmp_path: Path) -> None:
    write(tmp_path / "a.png", b"x")
    write(tmp_path / "sub" / "library" / "packs" / "p.png", b"x")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "sub" / "library")
    for library in (tmp_path / "sub" / "library", tmp_path / "elsewhere", tmp_path / "sub/../sub/library"):
        assert names(offered(tmp_path, library=library)) == ["a.png"]
    (item,) = offered(tmp_path / "elsewhere", library=tmp_path / "sub" / "library")
    assert item.code == "usage"
    assert "library itself" in item.problem


def test_a_missing_path_is_an_item_when_another_is_there(tmp_path: Path) -> None:
    here = write(tmp_path / "a.png", b"x")
    first, second, last = offered(tmp_path / "gone", here, tmp_path / "gone.png")
    assert (first.location, first.code) == (str(tmp_path / "gone"), "not_found")
    assert (second.location, second.code) == (str(here), "")
    assert (last.location, last.code) == (str(tmp_path / "gone.png"), "not_found")
    assert last.problem
    gone, url = offered(tmp_path / "gone", "https://images.example/a.png")
    assert (gone.code, url.problem) == ("not_found", "")


@pytest.mark.parametrize("missing", [["gone"], ["gone", "also"], ["a\0b"], ["x" * 5000], ["\ud800"]])
def test_nothing_that_was_named_is_there(tmp_path: Path, missing: list[str]) -> None:
    with pytest.raises(NotFound) as caught:
        offered(*[f"{tmp_path}/{name}" if name else name for name in missing])
    assert caught.value.hint
    assert caught.value.message.encode()
    assert ("nor 1 others" in caught.value.message) == (len(missing) == 2)


def test_nothing_named_is_nothing_offered() -> None:
    assert offered() == []


@pytest.mark.parametrize("source", [7, None, [["nested"]], [b"bytes", 3], "", b"", ["a.png", ""]])
def test_what_is_neither_path_nor_url(source: object) -> None:
    """An empty name is none: as a path it would be the current folder, with everything below it."""
    with pytest.raises(UsageError):
        list(offered_lazily(source))


@pytest.mark.parametrize(
    "name",
    [
        b"with space.png",
        b"line\nbreak.png",
        "Grüße-日本語-🦊.png".encode(),
        b"latin-\xe9\xff.png",
        b"quote'\"\\.png",
        b"x" * 251 + b".png",
        b"-rf.png",
        b"%41.png",
        b"tab\tbell\x07.png",
    ],
)
def test_odd_names_have_a_location_that_any_database_can_hold(tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    write(Path(os.fsdecode(path)), b"x")
    for named in (tmp_path, os.fsdecode(path)):
        (item,) = offered(named)
        assert item.location.encode()
        assert os.fsencode(item.target) == path
        assert item.stamp.num_bytes == 1
        assert item.expected


def test_printable() -> None:
    assert printable("Grüße 🦊\n") == "Grüße 🦊\n"
    assert printable(os.fsdecode(b"a\xff/b")) == "a\\xff/b"
    assert printable("half \ud83e of a fox") == "half \\ud83e of a fox"


def test_a_folder_deeper_than_any_stack(tmp_path: Path) -> None:
    """1,500 folders one inside the other; calls within calls would end at about 1,000."""
    start = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        Path("a.png").write_bytes(b"x")
        (item,) = offered(tmp_path)
        assert item.location == f"{tmp_path}/{'d/' * 1500}a.png"
        assert not item.problem
    finally:
        os.chdir(start)
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # shutil.rmtree calls itself


def test_a_folder_that_cannot_be_read_is_an_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a" / "x.png", b"x")
    write(tmp_path / "b" / "y.png", b"x")
    real = os.scandir

    def scandir(folder: str) -> object:
        if folder.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    bad, good = offered(tmp_path)
    assert (bad.location, bad.code, bad.expected) == (str(tmp_path / "a"), "unreadable", True)
    assert "Permission denied" in bad.problem
    assert names([good]) == ["y.png"]


@pytest.mark.parametrize(
    ("age_ns", "relied_upon"),
    [(SETTLED_NS * 100, True), (0, False), (-3600 * 10**9, False)],
    ids=["old", "new", "of tomorrow"],
)
def test_the_stamp_of_a_file_that_may_still_change_is_not_relied_upon(
    tmp_path: Path, age_ns: int, relied_upon: bool
) -> None:
    write(tmp_path / "a.png", b"x", mtime_ns=time.time_ns() - age_ns)
    (item,) = offered(tmp_path / "a.png")
    assert (item.stamp != UNKNOWN) == relied_upon
