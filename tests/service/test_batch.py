"""Several searches in one call: each as if alone, and none lost with another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle

PATH = "/api/v1/search/batch"


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in {"took_ms", "stages_ms"}}


def test_each_is_searched_as_if_alone(service: Service, originals: dict[str, Pixels]) -> None:
    queries = {name: jpeg(middle(originals[name])) for name in ("rocket", "coffee", "chelsea")}
    files = [("file", (f"{name}.jpg", data)) for name, data in queries.items()]
    image_id = service.matches(queries["coffee"])[0]["id"]
    fields = {"limit": "2", "min_score": "10", "image_ids": image_id}
    rows = service.post(PATH, files=files, data=fields).json()["results"]
    assert [row["name"] for row in rows] == ["rocket.jpg", "coffee.jpg", "chelsea.jpg", image_id]
    assert [row["error"] for row in rows] == [None] * 4
    for row, data in zip(rows, queries.values(), strict=False):
        alone = service.post(
            "/api/v1/search", files={"file": ("a.jpg", data)}, data={"limit": "2", "min_score": "10"}
        )
        assert without_times(row["answer"]) == without_times(alone.json())
    assert rows[3]["answer"]["matches"][0]["verdict"] == "identical"


def test_one_that_fails_has_its_own_error(service: Service, files: dict[str, bytes]) -> None:
    sent = [("file", ("a.png", files["coffee"])), ("file", ("b.png", b"no image")), ("file", ("c.png", b""))]
    fields = {"urls": ["http://127.0.0.1:1/x"], "image_ids": ["0" * 64]}
    answer = service.post(PATH, files=sent, data=fields)
    assert answer.status_code == 200
    rows = answer.json()["results"]
    codes = [row["error"] and row["error"]["code"] for row in rows]
    assert codes == [None, "unsupported_format", "empty_file", "forbidden_address", "not_found"]
    assert {row["error"]["request_id"] for row in rows[1:]} == {answer.headers["x-request-id"]}
    assert rows[0]["answer"]["matches"][0]["score"] == 100


def test_queries_are_kept_each_by_itself(service: Service, files: dict[str, bytes]) -> None:
    sent = [("file", ("a.png", files["coffee"])), ("file", ("b.png", files["rocket"]))]
    rows = service.post(PATH, files=sent, data={"keep": "1"}).json()["results"]
    names = [service.get(f"/api/v1/queries/{row['answer']['query']['id']}").json()["name"] for row in rows]
    assert names == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "no image"),
        ({"urls": ["https://a.example"] * 6}, "max_urls is 5"),
        ({"urls": "https://a.example", "limit": 1000}, "max_search_limit"),
        ({"urls": "https://a.example", "file": "x"}, "file"),
        ({"url": "https://a.example"}, "url"),
    ],
)
def test_what_no_batch_may_ask(service: Service, asked: dict[str, Any], words: str) -> None:
    answer = service.post(PATH, json=asked)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]


def test_files_are_bounded(service: Service) -> None:
    sent = [("file", ("a.png", b"x"))] * (SETTINGS.server.max_files + 1)
    assert service.post(PATH, files=sent).status_code == 422
