"""What every answer has, who may ask, and what happens when the inside fails or is busy."""

from __future__ import annotations

import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from echo_image import Library, open_library
from echo_image.server import create_app
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Service, running, serving
from tests.service.test_bad_input import NOISE, check_error

ROUTES = [
    "/", "/docs", "/openapi.json", "/static/search/page.js",
    "/healthz", "/readyz", "/metrics", "/api/v1/images", "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_has_the_security_headers_and_an_id(service: Service, path: str) -> None:
    headers = service.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe", policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])


def test_a_callers_id_is_kept_if_it_is_harmless(service: Service) -> None:
    def answered(request_id: str) -> str:
        return service.get("/healthz", headers={"X-Request-ID": request_id}).headers["x-request-id"]

    assert answered("trace-1.a_B") == "trace-1.a_B"
    for bad in ("a b", "<script>", "x" * 65, ""):
        assert answered(bad) != bad


def test_what_is_not_there_has_our_body(service: Service) -> None:
    for path in (
        "/nowhere",
        "/static/nowhere.js",
        "/static/%2e%2e/static/%2e%2e/app",
        "/{0}/{path.__class__}",
    ):
        check_error(service.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET, HEAD"),
        ("/static/search/page.js", "GET, HEAD"),
        ("/api/v1/search", "POST"),
        ("/api/v1/images", "GET, POST"),
        (f"/api/v1/images/{'0' * 64}", "DELETE, GET"),
        (f"/api/v1/jobs/{'0' * 32}", "DELETE, GET"),
        ("/api/v1/session", "DELETE, GET, POST"),
        ("/rest/count/", "GET, POST"),
        ("/rest/count", "GET, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(service: Service, path: str, allowed: str) -> None:
    answer = service.client.request("PUT", path)
    check_error(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_sites_page_may_change_nothing(service: Service, headers: dict[str, str]) -> None:
    sent = {"file": ("x.png", NOISE)}
    for path in ("/api/v1/images", "/api/v1/search", "/upload/"):
        check_error(service.post(path, files=sent, headers=headers), 403, "forbidden_origin")
    answer = service.client.delete(f"/api/v1/images/{'ab' * 32}", headers=headers)
    check_error(answer, 403, "forbidden_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_may(service: Service) -> None:
    headers = {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}
    answer = service.post("/api/v1/search", files={"file": ("x.png", NOISE)}, headers=headers)
    assert answer.status_code == 200


def test_a_name_that_a_stranger_may_own_is_not_answered(service: Service) -> None:
    for path in ("/", "/api/v1/images"):
        check_error(service.get(path, headers={"Host": "evil.example"}), 421, "forbidden_host")


def test_origins_and_hosts_of_the_settings_are_let_in(filled: Path, tmp_path: Path) -> None:
    settings = SETTINGS.override(cors_origins="https://friend.example", allowed_hosts="images.example")
    with own(filled, tmp_path / "own", settings) as service:
        friend = {"Origin": "https://friend.example"}
        answer = service.post("/api/v1/search", files={"file": ("x.png", NOISE)}, headers=friend)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://friend.example"
        asked = {**friend, "Access-Control-Request-Method": "DELETE"}
        assert service.client.options("/api/v1/images", headers=asked).status_code == 200
        stranger = {"Origin": "https://evil.example"}
        check_error(service.post("/api/v1/search", headers=stranger), 403, "forbidden_origin")
        assert service.get("/healthz", headers={"Host": "images.example"}).status_code == 200


class Failing:
    """A library in which something unforeseen happens."""

    def search(self, *_: object, **__: object) -> None:
        raise RuntimeError("secret of /home/someone/catalogue.sqlite")


def test_an_unforeseen_failure_tells_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), serving({"x": cast(Library, Failing())}) as service:
        answer = service.post("/api/v1/search", files={"file": ("x.png", NOISE)})
    error = check_error(answer, 500, "internal_error")
    assert "secret" not in answer.text
    record = next(record for record in caplog.records if error["request_id"] in record.getMessage())
    assert record.exc_info is not None
    assert "secret" in str(record.exc_info[1])


class Busy:
    """A library whose search lasts until it is told to end."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.end = threading.Event()

    def search(self, *_: object, **__: object) -> Any:
        self.started.release()
        self.end.wait()
        raise RuntimeError("ended")


def test_a_busy_service_refuses_with_a_time_and_stays_alive() -> None:
    library = Busy()
    settings = SETTINGS.override(threads=1, queue=0, retry_after_s=9)
    with serving({"x": cast(Library, library)}, settings) as service, ThreadPoolExecutor(1) as threads:
        sent = {"file": ("x.png", NOISE)}
        first = threads.submit(service.post, "/api/v1/search", files=sent)
        library.started.acquire()
        answer = service.post("/api/v1/search", files=sent)
        check_error(answer, 503, "overloaded")
        assert answer.headers["retry-after"] == "9"
        assert service.get("/healthz").status_code == 200
        check_error(service.get("/readyz"), 503, "overloaded")
        text = service.get("/metrics").text
        assert 'echo_image_work_running{pool="searches"} 1\n' in text
        library.end.set()
        assert first.result().status_code == 500


def test_health_and_metrics(service: Service) -> None:
    assert service.get("/healthz").json()["status"] == "ok"
    assert service.get("/readyz").json() == {"status": "ok", "libraries": ["filled"], "warm": True}
    service.get(f"/api/v1/images/{'ab' * 32}")
    answer = service.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = re.search(
        r'requests_total\{method="GET",route="/api/v1/images/\{image_id\}",status="404"\} (\d+)', answer.text
    )
    assert counted is not None
    assert int(counted[1]) >= 1


def test_a_service_that_warms_up_says_so(filled: Path) -> None:
    with open_library(filled, create=False) as library:
        app = create_app({"filled": library}, SETTINGS)
        warm = app.state.context.warm
        warm.clear()
        with running(app) as service:
            assert service.get("/readyz").json() == {"status": "ok", "libraries": ["filled"], "warm": False}
            warm.set()
            assert service.get("/readyz").json()["warm"] is True


def test_paths_of_strangers_do_not_become_labels(service: Service) -> None:
    service.get("/a-path-nobody-has")
    assert "a-path-nobody-has" not in service.get("/metrics").text


def test_the_document_has_every_call_and_its_fields(service: Service) -> None:
    document = service.get("/openapi.json").json()
    paths = set(document["paths"])
    assert {"/api/v1/search", "/api/v1/images", "/api/v1/compare", "/api/v1/evidence", "/upload/"} <= paths
    bodies = document["paths"]["/api/v1/search"]["post"]["requestBody"]["content"]
    assert {"file", "url", "image_id", "limit", "min_score", "region"} <= set(
        bodies["multipart/form-data"]["schema"]["properties"]
    )
    assert "file" not in bodies["application/json"]["schema"]["properties"]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_name_no_other_host(service: Service, path: str) -> None:
    page = service.get(path).text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert "//" not in source
        assert service.get(f"/{source}").status_code == 200


def test_static_files_name_no_other_host_and_read_nothing_as_html(service: Service) -> None:
    folder = Path(__file__).parents[2] / "src" / "echo_image" / "server" / "static"
    for file in filter(Path.is_file, folder.rglob("*")):
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "@import"):
            assert word not in text, f"{word} in {file.name}"
        assert set(re.findall(r"https?://([\w.]+)", text, re.ASCII)) <= {"example.org", "127.0.0.1"}
        assert service.get(f"/static/{file.relative_to(folder).as_posix()}").status_code == 200


def test_errors_are_json_whatever_is_accepted(service: Service) -> None:
    answer = service.get("/nowhere", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text)["error"]["code"] == "not_found"


def test_a_forwarded_address_adds_no_words_to_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="echo_image.access"):
        service.get("/nowhere", headers={"X-Forwarded-For": "9.9.9.9 admin - forged"})
        service.get("/healthz")  # the line of the one before has been written
    told = [record.getMessage() for record in caplog.records if record.name == "echo_image.access"]
    assert any("bytes 9.9.9.9_admin_-_forged - not_found" in line for line in told)
