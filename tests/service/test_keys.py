"""A service that asks for keys: what each may do, sessions of browsers, and what stays open."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echo_image.server.access.keys import add_key, revoke_key
from echo_image.server.access.session import COOKIE
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Service
from tests.service.test_bad_input import NOISE, UNKNOWN, check_error

SENT = {"file": ("x.png", NOISE)}


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def reader(keys_file: Path) -> str:
    return add_key(keys_file, "reader")


@pytest.fixture
def writer(keys_file: Path) -> str:
    return add_key(keys_file, "writer", write=True)


@pytest.fixture
def guarded(filled: Path, tmp_path: Path, keys_file: Path, reader: str, writer: str) -> Iterator[Service]:
    settings = SETTINGS.override(keys_file=str(keys_file), cors_origins="https://friend.example")
    with own(filled, tmp_path / "own", settings) as service:
        yield service


def bearer(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


OPEN = [
    "/",
    "/docs",
    "/openapi.json",
    "/static/search/page.js",
    "/favicon.ico",
    "/healthz",
    "/readyz",
    "/api/v1/session",
]


def test_what_needs_no_key(guarded: Service) -> None:
    for path in OPEN:
        assert guarded.get(path).status_code == 200, path


def test_everything_else_needs_one(guarded: Service) -> None:
    document = guarded.get("/openapi.json").json()
    closed = 0
    for path, calls in document["paths"].items():
        if path in OPEN or path == "/api/v1/about":
            continue
        for method in calls:
            answer = guarded.client.request(method, path.replace("{image_id}", UNKNOWN))
            check_error(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
            closed += 1
    assert closed > 10
    for path in (
        "/nowhere",
        "/metrics",
        "/api/v1/images/",
        "/static",
        "/healthz/x",
        "/api/v1/session/x",
    ):
        assert guarded.get(path).status_code == 401, path


def test_a_reader_reads_and_a_writer_writes(guarded: Service, reader: str, writer: str) -> None:
    assert guarded.post("/api/v1/search", files=SENT, **bearer(reader)).status_code == 200
    assert guarded.get("/api/v1/images", headers={"X-API-Key": reader}).status_code == 200
    check_error(guarded.post("/api/v1/images", files=SENT, **bearer(reader)), 403, "forbidden_scope")
    gone = f"/api/v1/images/{UNKNOWN}"
    check_error(guarded.client.delete(gone, **bearer(reader)), 403, "forbidden_scope")
    for path in ("/rest/add/", "/rest/delete", "/api/v1/jobs", "/a/route/of/tomorrow"):
        check_error(guarded.post(path, **bearer(reader)), 403, "forbidden_scope")
    check_error(guarded.get("/rest/add/", **bearer(reader)), 403, "forbidden_scope")
    assert guarded.post("/api/v1/images", files=SENT, **bearer(writer)).json()["added"] == 1
    check_error(guarded.client.delete(gone, **bearer(writer)), 404, "not_found")


def test_wrong_keys_and_hostile_headers(guarded: Service, reader: str) -> None:
    for value in ("x", "ei_" + "A" * 43, reader[:-1], reader + "x", "x" * 30_000, "\x01"):
        check_error(guarded.get("/api/v1/images", **bearer(value)), 401, "unauthorized")
    check_error(guarded.get(f"/api/v1/images?key={reader}"), 401, "unauthorized")


def test_a_revoked_key_ends_at_once(guarded: Service, keys_file: Path, reader: str) -> None:
    assert guarded.get("/api/v1/images", **bearer(reader)).status_code == 200
    revoke_key(keys_file, "reader")
    check_error(guarded.get("/api/v1/images", **bearer(reader)), 401, "unauthorized")


def test_a_session(guarded: Service, keys_file: Path, reader: str) -> None:
    assert guarded.get("/api/v1/session").json() == {"required": True, "name": None, "scopes": []}
    check_error(guarded.post("/api/v1/session", json={"key": "wrong"}), 401, "unauthorized")
    answer = guarded.post("/api/v1/session", json={"key": reader})
    assert answer.json() == {"required": True, "name": "reader", "scopes": ["read"]}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert reader not in cookie
    assert guarded.get("/api/v1/session").json()["name"] == "reader"
    assert guarded.get("/api/v1/images").status_code == 200
    check_error(guarded.post("/api/v1/images", files=SENT), 403, "forbidden_scope")
    assert guarded.client.delete("/api/v1/session").json()["name"] is None
    check_error(guarded.get("/api/v1/images"), 401, "unauthorized")
    guarded.post("/api/v1/session", data={"key": reader})
    assert guarded.get("/api/v1/images").status_code == 200
    revoke_key(keys_file, "reader")
    check_error(guarded.get("/api/v1/images"), 401, "unauthorized")


def test_another_site_can_neither_begin_nor_use_a_session(guarded: Service, reader: str) -> None:
    evil = {"Origin": "https://evil.example"}
    check_error(guarded.post("/api/v1/session", json={"key": reader}, headers=evil), 403, "forbidden_origin")


def test_a_friends_page_is_told_that_it_needs_a_key(guarded: Service) -> None:
    answer = guarded.get("/api/v1/images", headers={"Origin": "https://friend.example"})
    check_error(answer, 401, "unauthorized")
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    asked = {"Origin": "https://friend.example", "Access-Control-Request-Method": "GET"}
    asked["Access-Control-Request-Headers"] = "authorization"
    assert guarded.client.options("/api/v1/images", headers=asked).status_code == 200


def test_a_service_without_keys_says_so(service: Service) -> None:
    state = {"required": False, "name": None, "scopes": ["read", "write"]}
    assert service.get("/api/v1/session").json() == state
    answer = service.post("/api/v1/session", json={"key": "anything"})
    assert (answer.json(), "set-cookie" in answer.headers) == (state, False)


def test_the_log_has_a_line_for_each_call_and_no_secret(
    guarded: Service, reader: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="echo_image"):
        guarded.get(f"/api/v1/images/{UNKNOWN}?library=own&secret=word", **bearer(reader))
        guarded.post("/api/v1/session", json={"key": reader})
        guarded.get("/no/such/path/with/words")
        guarded.get("/healthz")  # the lines before this one's answer have been written
    lines = [record for record in caplog.records if record.name == "echo_image.access"]
    fields = getattr(lines[0], "fields")  # noqa: B009 - not a field of every record
    assert fields["route"] == "/api/v1/images/{image_id}"
    assert (fields["status"], fields["method"], fields["key"], fields["error"]) == (
        404,
        "GET",
        "reader",
        "not_found",
    )
    assert (fields["client"], fields["bytes"] > 50, fields["ms"] > 0) == ("127.0.0.1", True, True)
    told = json.dumps([[line.getMessage(), getattr(line, "fields", None)] for line in lines])
    for secret in (reader, reader[3:], "secret", "word", UNKNOWN):
        assert secret not in told
