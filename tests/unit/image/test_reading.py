"""`read_file`: regular files only, within limits, refusals in our own words."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echo_image.errors import EmptyImage, LimitExceeded, NotAFile, NotFound, QueryError
from echo_image.image import DecodeLimits, read_file


def test_a_file_and_a_link_to_it(tmp_path: Path) -> None:
    path = tmp_path / "ünï ☃.jpg"
    path.write_bytes(b"content")
    assert read_file(path) == read_file(str(path)) == b"content"
    (tmp_path / "link").symlink_to(path)
    assert read_file(tmp_path / "link") == b"content"


@pytest.mark.parametrize("name", ["missing.jpg", "a" * 300, "nul\0inside", "file.jpg/below", "\udcff"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.jpg").write_bytes(b"x")
    with pytest.raises(NotFound):
        read_file(str(tmp_path / "x").replace("/x", "/") + name)


def test_a_ring_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(NotFound):
        read_file(tmp_path / "a")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotAFile, match="a folder"):
        read_file(tmp_path)


def test_devices_and_pipes_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(NotAFile, match="device, pipe or socket"):
            read_file(path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(EmptyImage, match=r"empty\.png.*0 bytes"):
        read_file(tmp_path / "empty.png")


def test_too_large_is_told_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(LimitExceeded, match="1,099,511,627,776 bytes; the limit is 268,435,456 bytes"):
        read_file(path)
    with pytest.raises(LimitExceeded, match="the limit is 10 bytes"):
        read_file(path, limits=DecodeLimits(max_bytes=10))


def test_exactly_the_limit(tmp_path: Path) -> None:
    (tmp_path / "ten").write_bytes(b"0123456789")
    assert read_file(tmp_path / "ten", limits=DecodeLimits(max_bytes=10)) == b"0123456789"


@contextmanager
def without_privileges() -> Iterator[None]:
    """Act as nobody where the tests run as root, who may read everything."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_file_that_may_not_be_read() -> None:
    # Not below pytest's own folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret"
        path.write_bytes(b"x")
        path.chmod(0)
        with without_privileges(), pytest.raises(QueryError, match="may not be read"):
            read_file(path)


def test_a_hostile_name_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read_file(tmp_path / "\x1b[2Jred\n\udcff")
    assert caught.value.message.isprintable()
