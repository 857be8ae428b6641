"""Adding: progress, interruption and a full disk; what is reported is what the library holds."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from echo_image import AddInterrupted, Library, Progress
from echo_image.errors import StorageFull
from echo_image.ingest.jobs import progress, settling
from echo_image.store import Writer
from tests.libraries import (
    counts,
    fill,
    small_segments,
    write,
)


def test_progress_counts_up_to_everything(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_S", 0)
    monkeypatch.setattr(settling, "BATCH_ITEMS", 2)
    fill(tmp_path / "images", 6)
    write(tmp_path / "images" / "bad.png", b"no image")
    told: list[Progress] = []
    report = library.add(tmp_path / "images", progress=told.append)
    assert [state.done for state in told] == sorted(state.done for state in told)
    assert (told[-1].done, told[-1].total) == (7, 7)
    assert (told[-1].added, told[-1].failed) == (report.added, report.failed) == (6, 1)
    assert all(state.total in (None, 7) for state in told)


@pytest.mark.parametrize("stop_at", range(1, 8))
def test_what_an_interrupted_addition_reports_is_what_the_library_holds(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_S", 0)
    monkeypatch.setattr(settling, "BATCH_ITEMS", 3)
    fill(tmp_path / "images", 6)
    write(tmp_path / "images" / "001-bad.png", b"no image")  # told while two images wait to be stored
    calls = []

    def press_ctrl_c(_: Progress) -> None:
        calls.append(1)
        if len(calls) >= stop_at:
            raise KeyboardInterrupt

    try:
        report = library.add(tmp_path / "images", progress=press_ctrl_c)
        assert len(calls) < stop_at
    except AddInterrupted as stopped:
        report = stopped.report
    assert report.added == library.info().locations
    assert report.offered <= 7
    rest = library.add(tmp_path / "images")
    assert counts(rest) == (6 - report.added, 0, report.added, 0, 1)
    assert library.check().ok


@pytest.mark.parametrize("stop_at", [1, 2, 5, 20])
def test_a_caller_can_stop_an_addition_and_go_on_later(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr(settling, "BATCH_ITEMS", 3)
    fill(tmp_path / "images", 12)  # more than are read without workers
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) >= stop_at

    report = library.add(tmp_path / "images", stop=stop)
    assert report.added == library.info().locations < 12 or stop_at == 20
    assert report.failed == report.skipped == 0
    rest = library.add(tmp_path / "images")
    assert counts(rest) == (12 - report.added, 0, report.added, 0, 0)
    assert library.check().ok


def test_ctrl_c_in_the_middle_of_storing_waits_for_its_end(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "BATCH_ITEMS", 2)
    fill(tmp_path / "images", 6)
    real = Writer.commit

    def commit(self: Writer, entries: Any, **options: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return real(self, entries, **options)

    monkeypatch.setattr(Writer, "commit", commit)
    with pytest.raises(AddInterrupted) as caught:
        library.add(tmp_path / "images")
    assert caught.value.report.added == library.info().locations > 0


def test_a_full_disk_ends_the_addition_and_keeps_what_was_stored(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "BATCH_ITEMS", 2)
    fill(tmp_path / "images", 6)
    calls = []
    real = os.write

    def write_until_full(descriptor: int, data: bytes) -> int:
        calls.append(1)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write_until_full)
    with pytest.raises(StorageFull) as caught:
        library.add(tmp_path / "images")
    assert "run the same command again" in caught.value.hint
    monkeypatch.undo()
    assert library.info().images == 2
    # The third record was written and then taken back: it was of no use on a full disk.
    assert library.info().bytes["other"] == 2 * 16
    assert counts(library.add(tmp_path / "images")) == (4, 0, 2, 0, 0)
    assert library.check().ok


def test_segments_are_made_on_the_way(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_segments(monkeypatch, images=4, segments=9)
    monkeypatch.setattr(settling, "BATCH_ITEMS", 2)
    monkeypatch.setattr(progress, "PROGRESS_S", 0)
    fill(tmp_path / "images", 8)
    seen = []
    library.add(tmp_path / "images", progress=lambda _: seen.append(library.info().segments))
    assert 1 in seen
    assert seen[-1] == 2
