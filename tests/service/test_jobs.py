"""Jobs: counts that add up, events that miss nothing, and an end that leaves what was done."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from echo_image import Library, open_library
from echo_image.errors import StorageFull
from echo_image.server import create_app
from echo_image.settings import Settings
from echo_image.store import Writer
from tests.libraries import drawn, jpeg
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Service, running

COUNTS = ("added", "updated", "unchanged", "skipped", "failed")
FETCHING = SETTINGS.override(allow_private_addresses=True, heartbeat_s=0.05)


def create(service: Service, **asked: Any) -> dict[str, Any]:
    answer = service.post("/api/v1/jobs", **asked)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    return job


def events(service: Service, job_id: str, last: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield `(event, id, data)`; a comment is `("", "", {})`."""
    headers = {"Last-Event-ID": last} if last else {}
    with service.client.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        told: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                told[name] = value
            else:
                data = json.loads(told["data"]) if "data" in told else {}
                yield told.get("event", ""), told.get("id", ""), data
                told = {}


def ended(service: Service, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job and return it."""
    *_, (name, _, job) = events(service, job_id)
    assert name == "end"
    assert service.get(f"/api/v1/jobs/{job_id}").json() == job
    assert sum(job[count] for count in COUNTS) == job["done"]
    return job


class _Slow(BaseHTTPRequestHandler):
    """`/N` is image N, at once for N < 100, else when the test lets it go; `/gone` is not there."""

    gate: threading.Event
    asked: threading.Semaphore

    def do_GET(self) -> None:
        name = self.path.strip("/")
        if not name.isdigit():
            self.send_error(404)
            return
        if int(name) >= 100:
            self.asked.release()
            self.gate.wait(60)
        data = jpeg(drawn(int(name)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class Site:
    """A web server whose slow answers the test lets go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = threading.Semaphore(0)
        handler = type("Slow", (_Slow,), {"gate": self.gate, "asked": self.asked})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def urls(self, *numbers: int) -> list[str]:
        return [f"{self.url}/{number}" for number in numbers]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        site.gate.set()
        site.server.shutdown()
        site.server.server_close()
        thread.join()


@pytest.fixture
def fetching(filled: Path, tmp_path: Path) -> Iterator[Service]:
    with own(filled, tmp_path / "own", FETCHING) as service:
        yield service


def locations(service: Service) -> set[str]:
    images = service.get("/api/v1/images", params={"limit": 100}).json()["images"]
    return {location for image in images for location in image["locations"]}


def test_everything_offered_is_counted(fetching: Service, site: Site) -> None:
    gone = f"{site.url}/gone"
    offered = {
        "urls": [*site.urls(1, 2), gone, site.urls(1)[0], "ftp://images.example/a.jpg"],
        "list": "\n".join(["# more of them", *site.urls(3), ""]),
    }
    job = create(fetching, json=offered)
    assert (job["total"], job["state"] in {"queued", "running"}) == (6, True)
    job = ended(fetching, job["id"])
    assert {name: job[name] for name in COUNTS} == {
        "added": 3,
        "updated": 0,
        "unchanged": 0,
        "skipped": 1,
        "failed": 2,
    }
    assert (job["state"], job["done"], job["error"]) == ("done", 6, None)
    codes = {failure["location"]: failure["code"] for failure in job["failures"]}
    assert codes == {gone: "fetch_failed", "ftp://images.example/a.jpg": "usage"}
    assert set(site.urls(1, 2, 3)) <= locations(fetching)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


def test_files_are_added_as_uploads(fetching: Service, tmp_path: Path) -> None:
    broken = b"\xff\xd8\xff\xe0 no image"
    files = [
        ("file", ("a.jpg", jpeg(drawn(1)))),
        ("file", ("a.jpg", jpeg(drawn(2)))),
        ("file", ("broken.jpg", broken)),
    ]
    job = create(fetching, files=files, data={"attributes": '{"owner": "me"}'})
    job = ended(fetching, job["id"])
    assert (job["added"], job["failed"], job["total"]) == (2, 1, 3)
    assert all(failure["location"].endswith("/broken.jpg") for failure in job["failures"])
    added = {location for location in locations(fetching) if location.endswith("/a.jpg")}
    assert len(added) == 2
    assert all(location.startswith("upload:") for location in added)
    again = ended(fetching, create(fetching, files=files[:2])["id"])
    assert again["unchanged"] == 2


@pytest.mark.parametrize("as_json", [True, False])
def test_a_list_can_be_a_file(fetching: Service, site: Site, as_json: bool) -> None:
    urls = site.urls(1, 2)
    content = json.dumps(urls) if as_json else "\r\n".join(urls)
    job = create(fetching, files={"list": ("urls.txt", b"\xef\xbb\xbf" + content.encode())})
    assert ended(fetching, job["id"])["added"] == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"json": {}}, "nothing to add"),
        ({"json": {"list": "["}}, "begins like JSON"),
        ({"json": {"list": '["https://a.example", 3]'}}, "Entry 2"),
        ({"files": {"list": ("l", b"\xff\xfe")}}, "UTF-8"),
        ({"json": {"kind": "scrape", "urls": "https://a.example"}}, "kind"),
        ({"json": {"urls": "https://a.example", "lst": ""}}, "list"),
    ],
)
def test_what_is_no_job_is_refused(service: Service, asked: dict[str, Any], words: str) -> None:
    answer = service.post("/api/v1/jobs", **asked)
    assert answer.status_code == 422
    assert words in json.dumps(answer.json())


def test_a_job_has_limits(filled: Path, tmp_path: Path) -> None:
    with own(filled, tmp_path / "own", SETTINGS.override(max_job_items=2, max_job_bytes=10)) as service:
        many = service.post("/api/v1/jobs", json={"urls": ["https://a.example/"] * 3})
        assert many.status_code == 422
        assert "max_job_items is 2" in many.json()["error"]["message"]
        large = service.post("/api/v1/jobs", files={"file": ("a.jpg", bytes(11))})
        assert (large.status_code, large.json()["error"]["code"]) == (503, "overloaded")
        assert "retry-after" in large.headers
        assert service.get("/api/v1/jobs").json() == {"jobs": []}


def test_an_unknown_job(service: Service) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", "")):
        answer = service.client.request(method, f"/api/v1/jobs/{'0' * 32}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_events_tell_of_a_job_while_it_runs(fetching: Service, site: Site) -> None:
    job = create(fetching, json={"urls": [f"{site.url}/gone", *site.urls(1, 100)]})
    stream = events(fetching, job["id"])
    done = failures = comments = 0
    while done < 2 or failures < 1:
        name, _, data = next(stream)
        failures += name == "failure"
        if name == "progress":
            assert "failures" not in data
            assert data["done"] >= done
            done = data["done"]
    while not comments:  # nothing more happens, and the connection is kept open
        comments += next(stream)[0] == ""
    assert data["state"] == "running" or name == "failure"
    site.gate.set()
    *_, (name, _, end) = stream
    assert (name, end["state"], end["added"], end["failed"]) == ("end", "done", 2, 1)


def test_events_go_on_where_they_broke_off(fetching: Service, site: Site) -> None:
    gone = [f"{site.url}/gone/{number}" for number in range(3)]
    job = create(fetching, json={"urls": gone})
    all_events = list(events(fetching, job["id"]))
    failures = [event for event in all_events if event[0] == "failure"]
    assert {data["location"] for _, _, data in failures} == set(gone)
    after = list(events(fetching, job["id"], last=failures[0][1]))
    # The id's other half, the version of the job, is the one that a listener had last.
    again = [(number.partition(".")[0], data) for name, number, data in after if name == "failure"]
    assert again == [(number.partition(".")[0], data) for _, number, data in failures[1:]]
    assert after[-1][0] == "end"
    for nonsense in ("x", "-1.2", "99999999999.1"):
        assert [e[0] for e in events(fetching, job["id"], last=nonsense)].count("failure") == 3


def test_several_listeners_hear_the_same_and_a_gone_one_is_let_go(
    filled: Path, tmp_path: Path, site: Site
) -> None:
    with own(filled, tmp_path / "own", FETCHING.override(max_listeners=2)) as service:
        job = create(service, json={"urls": site.urls(100)})
        one, two = events(service, job["id"]), events(service, job["id"])
        assert (next(one)[0], next(two)[0]) == ("progress", "progress")
        path = f"/api/v1/jobs/{job['id']}/events"
        refused = service.get(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        one.close()  # type: ignore[attr-defined]
        while (status := _status(service, path)) != 200:
            assert status == 503
        site.gate.set()
        assert list(two)[-1][0] == "end"


def _status(service: Service, path: str) -> int:
    with service.client.stream("GET", path) as answer:
        return answer.status_code


def test_a_job_can_be_cancelled(fetching: Service, site: Site) -> None:
    job = create(fetching, json={"urls": site.urls(1, *range(100, 130))})
    while fetching.get(f"/api/v1/jobs/{job['id']}").json()["done"] < 1:
        pass
    waiting = create(fetching, json={"urls": site.urls(2)})
    assert waiting["state"] == "queued"
    cancelled = fetching.client.delete(f"/api/v1/jobs/{waiting['id']}").json()
    assert (cancelled["state"], cancelled["done"]) == ("cancelled", 0)
    cancelled = fetching.client.delete(f"/api/v1/jobs/{job['id']}").json()
    # No fetch was waited for, and what was added stays.
    assert (cancelled["state"], cancelled["done"], cancelled["added"]) == ("cancelled", 1, 1)
    assert site.urls(1)[0] in locations(fetching)
    assert [known["id"] for known in fetching.get("/api/v1/jobs").json()["jobs"]] == [
        waiting["id"],
        job["id"],
    ]
    # A job that is over is forgotten.
    fetching.client.delete(f"/api/v1/jobs/{job['id']}")
    assert fetching.get(f"/api/v1/jobs/{job['id']}").status_code == 404
    # And the next one runs.
    assert ended(fetching, create(fetching, json={"urls": site.urls(3)})["id"])["added"] == 1


def test_jobs_wait_for_each_other_and_too_many_are_refused(filled: Path, tmp_path: Path, site: Site) -> None:
    with own(filled, tmp_path / "own", FETCHING.override(max_jobs=2, max_finished_jobs=1)) as service:
        first = create(service, json={"urls": site.urls(100)})
        assert site.asked.acquire(timeout=60)
        second = create(service, json={"urls": site.urls(1)})
        refused = service.post("/api/v1/jobs", json={"urls": site.urls(2)})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert service.get(f"/api/v1/jobs/{second['id']}").json()["state"] == "queued"
        # A single addition does not wait for the job.
        image = service.post("/api/v1/images", files={"file": ("b.jpg", jpeg(drawn(7)))})
        assert image.json()["added"] == 1
        site.gate.set()
        assert ended(service, second["id"])["added"] == 1
        third = ended(service, create(service, json={"urls": site.urls(2)})["id"])
        known = [job["id"] for job in service.get("/api/v1/jobs").json()["jobs"]]
        assert third["id"] in known
        assert first["id"] not in known


@contextmanager
def served(library: Library, settings: Settings) -> Iterator[tuple[Service, Any]]:
    app = create_app({"own": library}, settings)
    with running(app) as service:
        yield service, app.state.context


def test_a_stop_lets_the_item_in_flight_in_and_the_next_start_goes_on(
    filled: Path, tmp_path: Path, site: Site
) -> None:
    shutil.copytree(filled, tmp_path / "own")
    state = tmp_path / "state"
    settings = FETCHING.override(state_dir=str(state))
    with open_library(tmp_path / "own", create=False, settings=settings) as library:
        with served(library, settings) as (service, here):
            files = [("file", ("a.jpg", jpeg(drawn(1))))]
            job = create(service, files=files, data={"urls": site.urls(100)})
            waiting = create(service, files=[("file", ("b.jpg", jpeg(drawn(2))))])
            stream = events(service, job["id"])
            while next(stream)[2].get("added") != 1:
                pass
            assert len(list((state / "jobs").iterdir())) == 2
        # The service is stopped here, with the listener still there.
        told = here.jobs.all()[-1].to_dict(failures=True)
        assert (told["id"], told["state"], told["added"]) == (job["id"], "interrupted", 1)
        assert (told["done"], told["total"], told["pending"]) == (1, 2, 1)
        assert here.jobs.all()[0].state == "queued"
        assert len(list((state / "jobs").iterdir())) == 2
        assert library.info().images == 7
        site.gate.set()
        with served(library, settings) as (service, _):
            assert [one["id"] for one in service.get("/api/v1/jobs").json()["jobs"]] == [
                waiting["id"],
                job["id"],
            ]
            for one, added in ((job, 2), (waiting, 1)):
                over = ended(service, one["id"])
                assert (over["state"], over["added"], over["failed"]) == ("done", added, 0)
            assert library.info().images == 9
        with served(library, settings) as (service, _):
            # What is over can still be looked at.
            assert service.get(f"/api/v1/jobs/{job['id']}").json()["added"] == 2
        assert list((state / "jobs").iterdir()) == []


def test_files_that_ended_with_the_service_are_failures_with_a_reason(
    filled: Path, tmp_path: Path, site: Site
) -> None:
    shutil.copytree(filled, tmp_path / "own")
    with open_library(tmp_path / "own", create=False, settings=FETCHING) as library:
        with served(library, FETCHING) as (service, _):
            create(service, json={"urls": site.urls(100)})
            assert site.asked.acquire(timeout=60)
            waiting = create(service, files=[("file", ("b.jpg", jpeg(drawn(2))))])
        site.gate.set()
        with served(library, FETCHING) as (service, _):
            over = ended(service, waiting["id"])
    (failure,) = over["failures"]
    assert failure["location"].endswith("/b.jpg")
    assert (failure["code"], "is gone" in failure["reason"]) == ("not_found", True)
    assert str(tmp_path) not in failure["reason"]


def test_a_library_that_cannot_be_written_fails_the_job_and_it_can_be_resumed(
    filled: Path, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Writer, *args: object, **asked: object) -> None:
        raise StorageFull("The disk is full.", hint="Make room.")

    with own(filled, tmp_path / "own", FETCHING) as service:
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "commit", full)
            job = ended(service, create(service, json={"urls": site.urls(1, 2, 3)})["id"])
        assert (job["state"], job["done"], job["failures"]) == ("failed", 0, [])
        assert job["error"] == {"code": "storage_full", "message": "The disk is full.", "hint": "Make room."}
        assert job["resumable"] is True
        again = service.post(f"/api/v1/jobs/{job['id']}/resume")
        assert (again.status_code, again.json()["error"]) == (202, None)
        over = ended(service, job["id"])
        assert (over["state"], over["added"], over["pending"]) == ("done", 3, 0)
        refused = service.post(f"/api/v1/jobs/{job['id']}/resume")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "usage")


def test_the_reader_of_events_needs_no_special_client(fetching: Service, site: Site) -> None:
    """One plain GET is enough: the answer ends with the job."""
    job = create(fetching, json={"urls": site.urls(1)})
    text = httpx.get(f"{fetching.url}/api/v1/jobs/{job['id']}/events", timeout=60).text
    assert text.count("event: end\n") == 1
    assert text.endswith("\n\n")


def test_a_list_with_half_a_surrogate_pair_is_refused_and_breaks_no_listing(
    fetching_service: Service,
) -> None:
    answer = fetching_service.post("/api/v1/jobs", data={"list": '["http://x.invalid/\\ud800"]'})
    assert answer.status_code == 422
    assert fetching_service.get("/api/v1/jobs").status_code == 200


def test_a_password_in_an_address_is_shown_to_nobody(fetching_service: Service) -> None:
    job = create(fetching_service, json={"urls": ["https://anna:geheim@images.example/a.png"]})
    told = ended(fetching_service, job["id"])
    assert told["failed"] == 1
    assert told["failures"][0]["location"] == told["location"] == "https://images.example/a.png"
    assert "geheim" not in fetching_service.get(f"/api/v1/jobs/{job['id']}").text
