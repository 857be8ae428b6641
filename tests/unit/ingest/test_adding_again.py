"""Adding, when an image goes away between being recognised and being stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echo_image import Library
from echo_image.fetch import Fetched, Request
from echo_image.ingest.jobs import run, settling
from echo_image.ingest.workers import reading
from tests.libraries import (
    LONG_AGO_NS,
    counts,
    found,
    image_file,
    write,
)


def _recognise_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every item before the first one is stored, as workers do, and store one at a time."""
    monkeypatch.setattr(settling, "BATCH_ITEMS", 1)
    real = run.Run._outcomes

    def outcomes(self: Any, tasks: Any, listing: Any) -> Iterator[Any]:
        everything = list(real(self, tasks, listing))
        yield from everything

    monkeypatch.setattr(run.Run, "_outcomes", outcomes)


def _lose_the_image_of_a(library: Library, folder: Path) -> None:
    """Leave `a` changed since it was added, and `b` with what `a` showed then."""
    write(folder / "a.png", image_file(0))
    library.add(folder)
    write(folder / "a.png", image_file(1), mtime_ns=LONG_AGO_NS + 1)
    write(folder / "b.png", image_file(0))


def test_an_image_removed_between_being_recognised_and_being_stored_is_read_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`a` loses its image in one batch; `b` has that image, recognised when the library still had it."""
    folder = tmp_path / "images"
    _lose_the_image_of_a(library, folder)
    _recognise_first(monkeypatch)
    assert counts(library.add(folder)) == (1, 1, 0, 0, 0)
    assert found(library, 0) == ["b.png"]
    assert library.check().ok


def test_that_also_goes_for_urls_and_keeps_the_attributes(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = {"https://a.example/": image_file(0), "https://b.example/": image_file(0)}

    async def ask(session: object, request: Request, limits: object) -> Fetched:
        return Fetched(served[request.url], url=request.url, content_type="image/png")

    monkeypatch.setattr("echo_image.fetch.downloads.ask", ask)
    library.add("https://a.example/")
    served["https://a.example/"] = image_file(1)
    _recognise_first(monkeypatch)
    report = library.add(["https://a.example/", "https://b.example/"], attributes={"owner": "you"})
    assert counts(report) == (1, 1, 0, 0, 0)
    records = {record.locations[0]: record for record in library.images()}
    assert records["https://b.example/"].attributes == {"owner": "you"}
    assert library.check().ok


def test_one_that_is_gone_by_then_is_a_failure(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "images"
    _lose_the_image_of_a(library, folder)
    _recognise_first(monkeypatch)
    real = reading.read_anew

    def gone(task: Any) -> Any:
        Path(task.offered.target).unlink()
        return real(task)

    monkeypatch.setattr(settling, "read_anew", gone)
    report = library.add(folder)
    assert counts(report) == (0, 1, 0, 0, 1)
    assert report.failures[0].code == "not_found"
