"""Images in full: only where allowed, only the very bytes, and never anything that is not in the library."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from echo_image import open_library
from tests.libraries import drawn, jpeg, png
from tests.service.serving import SETTINGS, Service, serving

ALLOWED = SETTINGS.override(serve_originals=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / 'café ".png').write_bytes(jpeg(drawn(1)))  # its name lies about its format
    (folder / "changed.png").write_bytes(png(drawn(2)))
    return folder


@pytest.fixture
def service(photos: Path, tmp_path: Path) -> Iterator[Service]:
    with open_library(tmp_path / "library") as library:
        assert library.add(photos, workers=1).added == 2
        with serving({"library": library}, ALLOWED) as running:
            yield running


def original(service: Service, data: bytes, **headers: str) -> httpx.Response:
    image_id = hashlib.sha256(data).hexdigest()
    return service.get(f"/api/v1/images/{image_id}/original", headers=headers)


def test_the_very_bytes_come_back_as_what_they_are(service: Service) -> None:
    data = jpeg(drawn(1))
    answer = original(service, data)
    assert (answer.status_code, answer.content) == (200, data)
    headers = answer.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-disposition"] == (
        "inline; filename=\"caf_ _.png\"; filename*=UTF-8''caf%C3%A9%20%22.png"
    )
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    again = original(service, data, **{"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_that_changed_is_not_given(service: Service, photos: Path) -> None:
    data = png(drawn(2))
    assert original(service, data).status_code == 200
    secret = bytes(len(data))
    (photos / "changed.png").write_bytes(secret)
    answer = original(service, data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    (photos / "changed.png").unlink()
    assert original(service, data).status_code == 404
    os.mkfifo(photos / "changed.png")  # reading it would wait for ever
    assert original(service, data).status_code == 404


@pytest.mark.parametrize("location", ["/etc/passwd", "../photos/changed.png", "/photos\u0001/x", "https://a"])
def test_a_made_up_location_opens_nothing(service: Service, location: str) -> None:
    data = png(drawn(3))
    added = service.post("/api/v1/images", files={"file": ("x.png", data)}, data={"location": location})
    assert added.json()["added"] == 1
    answer = original(service, data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_without_the_setting_nothing_is_given(photos: Path, tmp_path: Path) -> None:
    with open_library(tmp_path / "library") as library:
        library.add(photos, workers=1)
        with serving({"library": library}) as running:
            answer = original(running, jpeg(drawn(1)))
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "originals_not_served")
            assert running.get("/api/v1/about").json()["originals"] is False


def test_about_says_that_they_are_served(service: Service) -> None:
    assert service.get("/api/v1/about").json()["originals"] is True


def test_a_proof_shows_the_file_where_it_may(photos: Path, tmp_path: Path) -> None:
    data = jpeg(drawn(3, (900, 600)))
    (photos / "large.jpg").write_bytes(data)
    asked = {"match_id": hashlib.sha256(data).hexdigest()}
    with open_library(tmp_path / "library") as library:
        library.add(photos, workers=1)
        for settings, width in ((ALLOWED, 900), (SETTINGS, 320)):
            with serving({"library": library}, settings) as running:
                answer = running.post("/api/v1/explain", files={"file": ("q.jpg", data)}, data=asked)
                assert answer.json()["image"]["preview"]["width"] == width
