"""What can be asked of a job: items, causes, a report, another try; and the other kinds of jobs."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.libraries import drawn, jpeg
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Service
from tests.service.test_jobs import FETCHING, Site, create, ended, site

__all__ = ["site"]  # a fixture


@pytest.fixture
def fetching(filled: Path, tmp_path: Path) -> Any:
    with own(filled, tmp_path / "own", FETCHING) as service:
        yield service


def failed_job(service: Service, site: Site) -> dict[str, Any]:
    """Return a finished job of two images, two addresses with nothing and one file that is none."""
    gone = [f"{site.url}/gone", f"{site.url}/=gone"]
    files = [("file", ("=broken.jpg", b"\xff\xd8\xff\xe0 no image"))]
    job = ended(service, create(service, files=files, data={"urls": [*site.urls(1, 2), *gone]})["id"])
    assert (job["added"], job["failed"], job["pending"]) == (2, 3, 0)
    return job


def test_items_come_in_pages(fetching: Service, site: Site) -> None:
    job = failed_job(fetching, site)
    path = f"/api/v1/jobs/{job['id']}/items"
    seen: list[dict[str, Any]] = []
    after = 0
    while True:
        page = fetching.get(path, params={"after": after, "limit": 2}).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    assert len({item["location"] for item in seen}) == len(seen) == 5
    failed = fetching.get(path, params={"status": "failed"}).json()["items"]
    assert failed == [item for item in seen if item["status"] == "failed"]
    assert {item["http_status"] for item in failed} == {0, 404}
    assert all(item["attempts"] == 1 and item["finished_at"] for item in seen)


@pytest.mark.parametrize("asked", [{"status": "lost"}, {"limit": 0}, {"after": -1}, {"limit": 10**6}])
def test_a_wrong_page_is_refused(fetching: Service, site: Site, asked: dict[str, Any]) -> None:
    job = ended(fetching, create(fetching, json={"urls": site.urls(1)})["id"])
    assert fetching.get(f"/api/v1/jobs/{job['id']}/items", params=asked).status_code == 422


def test_causes_add_up_and_say_what_to_do(fetching: Service, site: Site) -> None:
    job = failed_job(fetching, site)
    causes = fetching.get(f"/api/v1/jobs/{job['id']}/causes").json()["causes"]
    assert sum(cause["count"] for cause in causes) == job["failed"] + job["skipped"]
    assert causes[0]["count"] == 2
    assert (causes[0]["code"], causes[0]["http_status"]) == ("fetch_failed", 404)
    assert causes[0]["advice"]
    assert causes[0]["retry"] is False
    assert len(causes[0]["examples"]) == 2


def test_the_report_is_a_page_and_a_table(fetching: Service, site: Site) -> None:
    job = failed_job(fetching, site)
    page = fetching.get(f"/api/v1/jobs/{job['id']}/report.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert f"{site.url}/gone" in page.text
    assert "<script" not in page.text
    table = fetching.get(f"/api/v1/jobs/{job['id']}/report.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert sorted(row["status"] for row in rows) == ["added", "added", "failed", "failed", "failed"]


def test_what_failed_is_tried_again_and_nothing_else(fetching: Service, site: Site) -> None:
    urls = site.urls(1, 100)
    gone = f"{site.url}/gone"
    job = ended(fetching, create(fetching, json={"urls": [gone, urls[0]]})["id"])
    again = fetching.post(f"/api/v1/jobs/{job['id']}/retry")
    assert again.status_code == 202
    over = ended(fetching, job["id"])
    assert (over["state"], over["added"], over["failed"]) == ("done", 1, 1)
    assert len(over["failures"]) == 1
    attempts = {
        item["location"]: item["attempts"]
        for item in fetching.get(f"/api/v1/jobs/{job['id']}/items").json()["items"]
    }
    assert attempts == {gone: 2, urls[0]: 1}


def test_there_is_nothing_to_try_again_where_nothing_failed(fetching: Service, site: Site) -> None:
    job = ended(fetching, create(fetching, json={"urls": site.urls(1)})["id"])
    for call in ("retry", "resume"):
        refused = fetching.post(f"/api/v1/jobs/{job['id']}/{call}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "usage")


def test_a_cancelled_job_goes_on(fetching: Service, site: Site) -> None:
    job = create(fetching, json={"urls": site.urls(1, 100)})
    while fetching.get(f"/api/v1/jobs/{job['id']}").json()["added"] < 1:
        pass
    cancelled = fetching.client.delete(f"/api/v1/jobs/{job['id']}").json()
    assert (cancelled["state"], cancelled["resumable"], cancelled["pending"]) == ("cancelled", True, 1)
    assert fetching.post(f"/api/v1/jobs/{job['id']}/retry").status_code == 202
    site.gate.set()
    over = ended(fetching, job["id"])
    assert (over["state"], over["added"], over["pending"]) == ("done", 2, 0)


def test_a_job_that_runs_is_not_begun_twice(fetching: Service, site: Site) -> None:
    job = create(fetching, json={"urls": site.urls(100)})
    assert site.asked.acquire(timeout=60)
    for call in ("retry", "resume"):
        assert fetching.post(f"/api/v1/jobs/{job['id']}/{call}").status_code == 400
    site.gate.set()
    assert ended(fetching, job["id"])["added"] == 1


def test_a_recheck_finds_what_is_gone_and_removes_nothing(fetching: Service, site: Site) -> None:
    ended(fetching, create(fetching, json={"urls": site.urls(1, 2)})["id"])
    images = len(fetching.get("/api/v1/images").json()["images"])
    job = create(fetching, json={"kind": "recheck", "location": site.url})
    assert job["kind"] == "recheck"
    over = ended(fetching, job["id"])
    assert (over["done"], over["unchanged"], over["failed"]) == (2, 2, 0)
    site.server.shutdown()
    site.server.server_close()
    assert len(fetching.get("/api/v1/images").json()["images"]) == images


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "crawl"}, "no page to begin with"),
        ({"kind": "recheck", "urls": ["https://a.example/"]}, "takes no URLs"),
        ({"urls": ["https://a.example/"], "depth": 2}, "depth belongs to"),
        ({"urls": ["https://a.example/"], "location": "x"}, "location belongs to"),
        ({"kind": "crawl", "urls": ["https://a.example/"], "depth": -1}, "depth"),
        ({"kind": "crawl", "urls": ["https://a.example/"] * 6}, "max_urls"),
        ({"kind": "crawl", "urls": ["https://a.example/"], "max_pages": 10**9}, "max_job_items"),
    ],
)
def test_what_does_not_go_together_is_refused(service: Service, asked: dict[str, Any], words: str) -> None:
    answer = service.post("/api/v1/jobs", json=asked)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_single_image_does_not_wait_for_a_job(filled: Path, tmp_path: Path, site: Site) -> None:
    with own(filled, tmp_path / "own", FETCHING.override(deadline_s=20)) as service:
        job = create(service, json={"urls": site.urls(*range(100, 110))})
        assert site.asked.acquire(timeout=60)
        added = service.post("/api/v1/images", files={"file": ("one.jpg", jpeg(drawn(9)))})
        assert added.json()["added"] == 1
        assert service.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "running"
        (image,) = service.get("/api/v1/images", params={"contains": "one.jpg"}).json()["images"]
        assert service.client.delete(f"/api/v1/images/{image['id']}").json()["removed"] is True
        site.gate.set()
        assert ended(service, job["id"])["added"] == 10


def test_details_of_an_unknown_job(service: Service) -> None:
    unknown = "0" * 32
    for name in ("items", "causes", "report.html", "report.csv"):
        assert service.get(f"/api/v1/jobs/{unknown}/{name}").status_code == 404
    for name in ("retry", "resume"):
        assert service.post(f"/api/v1/jobs/{unknown}/{name}").status_code == 404


def test_jobs_of_the_command_line_are_not_the_services(service: Service) -> None:
    assert service.get("/api/v1/jobs").json() == {"jobs": []}
    assert SETTINGS.keeping.max_jobs > 0


class _Pages(BaseHTTPRequestHandler):
    """Two pages that link to each other, with an image each."""

    def do_GET(self) -> None:
        pages = {"/": ("two", 31), "/two": ("", 32)}
        if self.path in pages:
            link, number = pages[self.path]
            body = f'<a href="/{link}">on</a><img src="/{number}.jpg" alt="number {number}">'.encode()
            kind = "text/html"
        elif self.path.endswith(".jpg"):
            body, kind = jpeg(drawn(int(self.path.strip("/.jpg")))), "image/jpeg"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of a small web site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("depth", "added"), [(0, 1), (5, 2)])
def test_a_web_site_is_crawled(fetching: Service, pages: str, depth: int, added: int) -> None:
    job = create(fetching, json={"kind": "crawl", "urls": [f"{pages}/"], "depth": depth})
    assert (job["kind"], job["total"]) == ("crawl", None)
    over = ended(fetching, job["id"])
    assert (over["state"], over["added"], over["total"], over["failures"]) == ("done", added, added, [])
    assert over["kind"] == "crawl"
    assert over["pages"]["done"] == added
    (image,) = fetching.get("/api/v1/images", params={"contains": "/31.jpg"}).json()["images"]
    assert (image["attributes"]["alt"], image["attributes"]["page"]) == ("number 31", f"{pages}/")
