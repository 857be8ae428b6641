"""Files of jobs: counted as long as they lie there, and gone whenever their sender goes."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from echo_image.errors import StorageFull
from echo_image.server.errors import Overloaded
from echo_image.server.jobs.spool import Spool
from echo_image.server.keeping.state import StateFolder
from echo_image.server.requests.body import Upload

JOB = "0" * 32


def upload(data: bytes) -> Upload:
    return Upload("a.jpg", len(data), io.BytesIO(data))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(StateFolder(tmp_path), max_bytes=40)


def left(path: Path) -> list[str]:
    return sorted(one.name for one in (path / "jobs").iterdir())


def test_files_lie_there_until_they_are_dropped(spool: Spool, tmp_path: Path) -> None:
    sent = spool.put(
        JOB, [upload(b"one"), upload(b"three")], ["https://a.example/"], given_up=threading.Event()
    )
    assert [Path(sent.folder, name).read_bytes() for name in ("0", "1")] == [b"one", b"three"]
    assert [place.partition(":")[0] for place in sent.locations] == ["upload", "upload"]
    assert (sent.num_urls, sent.label) == (1, "2 files, https://a.example/")
    with pytest.raises(Overloaded, match="max_job_bytes"):
        spool.put("1" * 32, [upload(bytes(20))], [], given_up=threading.Event())
    spool.drop(JOB)
    assert left(tmp_path) == []
    spool.put("1" * 32, [upload(bytes(40))], [], given_up=threading.Event())


class Leaving(io.BytesIO):
    """A file whose sender goes while it is copied: the job is dropped, and the file is closed or not."""

    def __init__(self, spool: Spool, given_up: threading.Event, *, closed: bool) -> None:
        super().__init__(b"data")
        self._left = spool, given_up, closed

    def read(self, size: int | None = -1, /) -> bytes:
        spool, given_up, closed = self._left
        given_up.set()
        spool.drop(JOB)
        if closed:
            self.close()
        return super().read(size)


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_left_of_a_sender_who_goes_while_it_is_copied(
    spool: Spool, tmp_path: Path, closed: bool
) -> None:
    given_up = threading.Event()
    first = Upload("a.jpg", 4, Leaving(spool, given_up, closed=closed))
    with pytest.raises(ValueError if closed else StorageFull):
        spool.put(JOB, [first, upload(b"second")], [], given_up=given_up)
    assert left(tmp_path) == []
    spool.put(JOB, [upload(bytes(40))], [], given_up=threading.Event())


def test_nothing_is_left_of_a_sender_who_went_before_it_began(spool: Spool, tmp_path: Path) -> None:
    given_up = threading.Event()
    given_up.set()
    spool.drop(JOB)
    spool.put(JOB, [upload(b"late")], [], given_up=given_up)
    assert left(tmp_path) == []
    spool.put(JOB, [upload(bytes(40))], [], given_up=threading.Event())


def test_what_waits_for_a_job_outlives_a_restart(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    first = Spool(state, max_bytes=40)
    for number, name in enumerate(("1" * 32, "2" * 32, "3" * 32)):
        first.put(name, [upload(bytes(12))], [], given_up=threading.Event())
        if number < 2:
            first.bind(name, f"{number}" * 32)
    state.close()
    again = Spool(StateFolder(tmp_path), max_bytes=80)
    again.recover({"0" * 32})
    assert left(tmp_path) == ["1" * 32]
    with pytest.raises(Overloaded, match="max_job_bytes"):
        again.put("4" * 32, [upload(bytes(40))], [], given_up=threading.Event())
    again.drop_job("0" * 32)
    assert left(tmp_path) == []
    again.put("4" * 32, [upload(bytes(40))], [], given_up=threading.Event())
