"""The calls of the first application answer its clients as it did."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.service.conftest import own
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle


def test_an_upload_gives_the_name_the_hash_and_the_similar_images(
    service: Service, originals: dict[str, Pixels]
) -> None:
    data = jpeg(middle(originals["coffee"]))
    answer = service.post("/upload/", files={"file": ("cup.jpg", data)})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"message", "filename", "hash", "similar_images"}
    assert told["message"] == "File uploaded successfully"
    assert told["filename"] == "cup.jpg"
    assert told["hash"] == hashlib.sha256(data).hexdigest()
    assert told["similar_images"][0] == "https://images.example/coffee.png"
    assert len(told["similar_images"]) == len(set(told["similar_images"])) <= 5


def test_a_url_does_the_same(fetching_service: Service, web: str, files: dict[str, bytes]) -> None:
    answer = fetching_service.post("/upload_from_url/", data={"image_url": f"{web}/images/coffee"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["message"] == "File uploaded successfully from URL"
    assert told["filename"] == "coffee"
    assert told["hash"] == hashlib.sha256(files["coffee"]).hexdigest()
    assert told["similar_images"][0] == "https://images.example/coffee.png"


def test_an_image_in_many_places_fills_the_five(own_service: Service, files: dict[str, bytes]) -> None:
    for number in range(6):
        sent = {"file": ("x.png", files["rocket"])}
        own_service.post("/api/v1/images", files=sent, data={"location": f"https://copy.example/{number}"})
    similar = own_service.post("/upload/", files={"file": ("x.png", files["rocket"])}).json()[
        "similar_images"
    ]
    assert len(similar) == len(set(similar)) == 5


@pytest.mark.parametrize("stored", [False, True])
def test_an_upload_is_kept_only_where_the_setting_says_so(
    filled: Path, tmp_path: Path, originals: dict[str, Pixels], stored: bool
) -> None:
    data = jpeg(originals["astronaut"], 30)
    with own(filled, tmp_path / "own", SETTINGS.override(store_uploads=stored)) as service:
        first = service.post("/upload/", files={"file": ("me.jpg", data)}).json()
        kept = service.get(f"/api/v1/images/{first['hash']}")
    assert kept.status_code == (200 if stored else 404)
    assert not any("me.jpg" in location for location in first["similar_images"])


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/upload/", {}), ("/upload/", {"data": {"file": "text"}}), ("/upload_from_url/", {}),
     ("/upload_from_url/", {"data": {"image_url": ""}}), ("/upload_from_url/", {"data": {"url": "http://a.example/"}})],
)  # fmt: skip
def test_a_call_without_an_image_is_refused(
    service: Service, path: str, asked: dict[str, dict[str, str]]
) -> None:
    answer = service.post(path, **asked)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"
