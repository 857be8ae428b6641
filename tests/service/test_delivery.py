"""Packing, tags and caching as a browser sees them."""

from __future__ import annotations

import hashlib

import pytest

from tests.service.serving import Service


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/static/search/page.js", "/static/shared/style.css", "/openapi.json"]
)
def test_text_is_packed_and_the_same(service: Service, path: str) -> None:
    packed = service.get(path)
    whole = service.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in whole.headers
    assert packed.content == whole.content
    assert int(packed.headers["content-length"]) < int(whole.headers["content-length"])
    assert packed.headers["vary"] == whole.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/docs", "/static/search/page.js"])
def test_what_a_browser_has_is_not_sent_again(service: Service, path: str) -> None:
    first = service.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = service.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    assert service.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


def test_thumbnails_are_kept_an_hour_and_by_their_bytes(service: Service) -> None:
    image = service.get("/api/v1/images?limit=1").json()["images"][0]["id"]
    path = f"/api/v1/images/{image}/thumbnail"
    first = service.get(path)
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()[:32]}"'
    assert first.headers["cache-control"] == "private, max-age=3600"
    assert "content-encoding" not in first.headers
    again = service.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]


def test_what_somebody_asked_is_kept_nowhere(service: Service) -> None:
    assert service.get("/api/v1/images").headers["cache-control"] == "no-store"
    assert service.get("/nowhere").headers["cache-control"] == "no-store"


def test_the_metrics_tell_of_searches_refusals_the_loop_and_libraries(
    service: Service, files: dict[str, bytes]
) -> None:
    service.matches(files["coffee"])
    text = service.get("/metrics").text
    assert 'echo_image_search_stage_seconds_count{stage="verify"}' in text
    assert "echo_image_search_candidates_count" in text
    assert 'echo_image_refused_total{cause="overloaded"}' in text
    assert "echo_image_event_loop_lag_seconds_count" in text
    assert 'echo_image_library_images{library="filled"} 6\n' in text
    assert 'echo_image_library_bytes{library="filled",part="index"}' in text


def test_the_metrics_tell_of_copies_that_stood_for_answers(own_service: Service) -> None:
    first = own_service.get("/static/search/page.js", headers={"Accept-Encoding": "gzip"})
    own_service.get("/static/search/page.js", headers={"Accept-Encoding": "gzip"})
    own_service.get("/static/search/page.js", headers={"If-None-Match": first.headers["etag"]})
    text = own_service.get("/metrics").text
    assert 'echo_image_cache_lookups_total{cache="browser",outcome="hit"} 1\n' in text
    assert 'echo_image_cache_lookups_total{cache="browser",outcome="miss"} 2\n' in text
    assert 'echo_image_cache_lookups_total{cache="packed",outcome="hit"} 1\n' in text
    assert 'echo_image_cache_lookups_total{cache="packed",outcome="miss"} 1\n' in text
