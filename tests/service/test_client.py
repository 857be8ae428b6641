"""The client against a real service: every method once, with both of its kinds."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import PIL.Image
import pytest

from echo_image import errors
from echo_image.client import AsyncClient, Client, Unreachable
from echo_image.client.answers import data_of
from tests.libraries import drawn, jpeg
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Pixels, Service, middle


@pytest.fixture
def service(filled: Path, tmp_path: Path) -> Iterator[Service]:
    settings = SETTINGS.override(allow_private_addresses=True)
    with own(filled, tmp_path / "own", settings) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@pytest.fixture
def query(originals: dict[str, Pixels], tmp_path: Path) -> Path:
    path = tmp_path / "part.jpg"
    path.write_bytes(jpeg(middle(originals["coffee"])))
    return path


def test_about(client: Client) -> None:
    assert client.about().limits.max_urls == SETTINGS.server.max_urls
    assert [(library.name, library.images) for library in client.libraries()] == [("own", 6)]
    assert client.session().scopes == ("read", "write")


def test_searching(client: Client, query: Path, web: str) -> None:
    found = client.search(query, limit=2, keep=True, verdicts=["part", "copy", "edited"])
    best = found.matches[0]
    assert best.location == "https://images.example/coffee.png"
    assert best.image is not None
    assert (best.image.format, best.transform.mirrored) == ("PNG", False)
    for again in (
        client.search(str(query)),
        client.search(query.read_bytes()),
        client.search(io.BytesIO(query.read_bytes())),
        client.search(query_id=found.query.id),
        client.search(image_id=best.id),
        client.search(f"{web}/images/coffee", region=(50, 50, 300, 200)),
        client.search(query, location="images.example", where=None, format="PNG"),
    ):
        assert again.matches[0].id == best.id
    assert client.search(query, location="elsewhere.example").matches == ()
    kept = client.kept_query(found.query.id)
    assert (kept.name, kept.width) == ("part.jpg", found.query.width)
    assert client.query_preview(kept.id).startswith(b"\xff\xd8")
    client.forget_query(kept.id)
    with pytest.raises(errors.NotFound) as caught:
        client.kept_query(kept.id)
    assert len(caught.value.request_id) == 32
    with pytest.raises(errors.InvalidRegion):
        client.search(query, region=(0, 0, 10_000, 10))


def test_several_searches(client: Client, query: Path, web: str) -> None:
    rows = client.search_batch([query, f"{web}/nothing", b"no image"], limit=1)
    assert [row.error.code if row.error else None for row in rows] == [
        None,
        "unsupported_format",
        "fetch_failed",
    ]
    assert rows[0].answer is not None
    assert rows[0].answer.matches[0].verdict in {"part", "copy", "edited"}


def test_proofs(client: Client, query: Path, web: str) -> None:
    match = client.search(query).matches[0]
    assert client.compare(query, f"{web}/images/coffee").score > 50
    assert client.evidence(query, match.id).startswith(b"\x89PNG")
    explained = client.explain(query, match.id)
    assert explained.match.id == match.id
    assert len(explained.points[0]) == 4
    assert explained.aligned is not None
    shown = PIL.Image.open(io.BytesIO(data_of(explained.image.preview.src)))
    assert shown.size == (explained.image.preview.width, explained.image.preview.height)
    assert {reason.code for reason in explained.reasons} >= {"points_agree"}


def test_images(client: Client, tmp_path: Path, web: str) -> None:
    path = tmp_path / "new.jpg"
    path.write_bytes(jpeg(drawn(1)))
    report = client.add(path, f"{web}/nothing", attributes={"owner": "me"})
    assert (report.added, report.failed, report.failures[0].code) == (1, 1, "fetch_failed")
    newest = next(client.images(order="newest"))
    assert newest.attributes == {"owner": "me"}
    assert newest.location.endswith("/new.jpg")
    assert [image.id for image in client.images(where={"owner": "me"})] == [newest.id]
    # Through all pages, each image once.
    assert len({image.id for image in client.images(page_size=2)}) == 7
    assert client.image(newest.id) == newest
    assert client.thumbnail(newest.id).startswith(b"\xff\xd8")
    with pytest.raises(errors.EchoImageError) as caught:
        client.original(newest.id)
    assert caught.value.code == "originals_not_served"
    client.remove(newest.id)
    with pytest.raises(errors.NotFound):
        client.image(newest.id)


def test_jobs(client: Client, tmp_path: Path, web: str) -> None:
    path = tmp_path / "new.jpg"
    path.write_bytes(jpeg(drawn(1)))
    job = client.create_job([path, f"{web}/images/coffee", f"{web}/nothing"], attributes={"owner": "me"})
    told: list[int] = []
    ended = client.wait(job, timeout_s=60, progress=lambda job: told.append(job.done))
    assert (ended.state, ended.total, ended.added, ended.failed) == ("done", 3, 2, 1)
    assert told == sorted(told)
    assert client.job(job.id) == ended
    events = list(client.job_events(job))
    assert [event.kind for event in events] == ["failure", "end"]
    assert [known.id for known in client.jobs()] == [job.id]
    assert [item.location for item in client.item_page(job.id, status="failed").items] == [f"{web}/nothing"]
    (cause,) = client.job_causes(job.id)
    assert (cause.code, cause.http_status, cause.count) == ("fetch_failed", 404, 1)
    assert client.job_report(job.id).startswith(b"<!doctype html>")
    assert client.job_report(job.id, "csv").count(b"\n") == 4
    with pytest.raises(errors.UsageError):
        client.job_report(job.id, "xml")
    assert client.wait(client.retry_job(job.id), timeout_s=60).failed == 1
    with pytest.raises(errors.UsageError):
        client.resume_job(job.id)
    checked = client.wait(client.recheck(web), timeout_s=60)
    assert (checked.kind, checked.unchanged) == ("recheck", 1)
    client.cancel_job(checked.id)
    assert client.cancel_job(job.id).ended
    assert client.jobs() == ()


def test_the_same_with_an_event_loop(service: Service, query: Path, web: str) -> None:
    async def run() -> None:
        async with AsyncClient(service.url) as client:
            found, about = await asyncio.gather(client.search(query, keep=True), client.about())
            assert about.originals is False
            assert found.matches[0].location == "https://images.example/coffee.png"
            assert len([image async for image in client.images(page_size=4)]) == 6
            job = await client.create_job([f"{web}/images/coffee", jpeg(drawn(1))])
            ended = await client.wait(job, timeout_s=60)
            assert (ended.state, ended.added) == ("done", 2)
            assert [event.kind async for event in client.job_events(ended)] == ["end"]
            with pytest.raises(errors.NotFound):
                await client.image("0" * 64)

    asyncio.run(run())


def test_nobody_is_there() -> None:
    with Client("http://127.0.0.1:1", retries=1) as client, pytest.raises(Unreachable):
        client.about()
