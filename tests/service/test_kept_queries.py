"""Kept queries: searched with again, looked at, forgotten; and never found by guessing."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import PIL.Image
import pytest

from echo_image import open_library
from echo_image.errors import UsageError
from echo_image.server import create_app
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle, serving


def keep(service: Service, data: bytes, **fields: str) -> str:
    answer = service.post(
        "/api/v1/search", files={"file": ("cat.jpg", data)}, data={"keep": "true", **fields}
    )
    assert answer.status_code == 200, answer.text
    kept: str = answer.json()["query"]["id"]
    return kept


def error_of(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"]
    return code


@pytest.fixture
def query(originals: dict[str, Pixels]) -> bytes:
    return jpeg(middle(originals["chelsea"]))


def test_a_query_is_kept_only_where_asked(service: Service, query: bytes) -> None:
    answer = service.post("/api/v1/search", files={"file": ("cat.jpg", query)})
    assert "id" not in answer.json()["query"]


def test_a_kept_query_finds_what_it_found(service: Service, query: bytes) -> None:
    matches = service.matches(query)
    kept = keep(service, query)
    again = service.post("/api/v1/search", json={"query_id": kept})
    assert again.json()["matches"] == matches
    # With a part of it, another size and kept once more: it is the same query.
    part = service.post("/api/v1/search", json={"query_id": kept, "region": "0,0,200,150", "keep": True})
    assert part.json()["query"]["id"] == kept
    assert part.json()["query"]["region"] == [0, 0, 200, 150]


def test_a_kept_query_can_be_looked_at(service: Service, query: bytes) -> None:
    kept = keep(service, query, region="10,10,100,100")
    told = service.get(f"/api/v1/queries/{kept}").json()
    width, height = PIL.Image.open(io.BytesIO(query)).size
    assert {**told, "kept_until": ""} == {
        "id": kept,
        "name": "cat.jpg",
        "width": width,
        "height": height,
        "url": None,
        "image_id": None,
        "library": None,
        "kept_until": "",
    }
    assert told["kept_until"].endswith("Z")


def test_the_preview_is_small_upright_and_bare(service: Service, originals: dict[str, Pixels]) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "a camera"
    stream = io.BytesIO()
    large = PIL.Image.fromarray(originals["chelsea"]).resize((2000, 1000))
    large.save(stream, "JPEG", exif=exif)
    kept = keep(service, stream.getvalue())
    answer = service.get(f"/api/v1/queries/{kept}/preview")
    assert answer.headers["content-type"] == "image/jpeg"
    shown = PIL.Image.open(io.BytesIO(answer.content))
    assert (shown.format, shown.size) == ("JPEG", (512, 1024))
    assert not shown.getexif()
    assert b"a camera" not in answer.content
    upright = np.asarray(large.transpose(PIL.Image.Transpose.ROTATE_270).resize((512, 1024)), float)
    assert np.abs(np.asarray(shown, float) - upright).mean() < 8
    again = service.get(f"/api/v1/queries/{kept}/preview", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_image_of_the_library_is_kept_by_its_id(service: Service, query: bytes) -> None:
    image_id = service.matches(query)[0]["id"]
    answer = service.post("/api/v1/search", json={"image_id": image_id, "keep": True})
    kept = answer.json()["query"]["id"]
    told = service.get(f"/api/v1/queries/{kept}").json()
    assert (told["image_id"], told["library"], told["name"]) == (image_id, "filled", "chelsea.png")
    thumbnail = service.get(f"/api/v1/images/{image_id}/thumbnail").content
    assert service.get(f"/api/v1/queries/{kept}/preview").content == thumbnail
    again = service.post("/api/v1/search", json={"query_id": kept}).json()
    assert again["matches"][0]["verdict"] == "identical"


def test_a_url_is_fetched_once(fetching_service: Service, web: str) -> None:
    url = f"{web}/images/coffee"
    kept = fetching_service.post("/api/v1/search", json={"url": url, "keep": True}).json()["query"]["id"]
    assert fetching_service.get(f"/api/v1/queries/{kept}").json()["url"] == url
    found = fetching_service.post("/api/v1/search", json={"query_id": kept}).json()["matches"]
    assert found[0]["location"] == "https://images.example/coffee.png"


def test_a_forgotten_query_is_gone(service: Service, query: bytes) -> None:
    kept = keep(service, query)
    assert service.client.delete(f"/api/v1/queries/{kept}").json() == {"id": kept, "removed": True}
    for answer in (
        service.get(f"/api/v1/queries/{kept}"),
        service.get(f"/api/v1/queries/{kept}/preview"),
        service.client.delete(f"/api/v1/queries/{kept}"),
        service.post("/api/v1/search", json={"query_id": kept}),
    ):
        assert (answer.status_code, error_of(answer)) == (404, "not_found")


@pytest.mark.parametrize("hostile", ["..%2f..%2flock", "0" * 31, "0" * 33, "G" * 32, "%00" + "0" * 31])
def test_an_id_that_is_none_is_refused_by_its_look(service: Service, hostile: str) -> None:
    answer = service.get(f"/api/v1/queries/{hostile}")
    assert answer.status_code in {404, 422}


def test_evidence_of_a_kept_query(service: Service, query: bytes) -> None:
    kept = keep(service, query)
    match = service.matches(query)[0]["id"]
    answer = service.post("/api/v1/evidence", json={"query_id": kept, "match_id": match})
    assert answer.content.startswith(b"\x89PNG")


def test_the_one_used_longest_ago_goes_first(filled: Path, tmp_path: Path, query: bytes) -> None:
    with own(filled, tmp_path / "own", SETTINGS.override(max_kept_queries=2)) as running:
        first, second = keep(running, query), keep(running, query)
        assert running.get(f"/api/v1/queries/{first}").status_code == 200
        third = keep(running, query)
        left = [running.get(f"/api/v1/queries/{kept}").status_code for kept in (first, second, third)]
    assert left == [200, 404, 200]


def test_a_state_folder_outlives_the_service_and_is_private(
    filled: Path, tmp_path: Path, query: bytes
) -> None:
    state = tmp_path / "state"
    settings = SETTINGS.override(state_dir=str(state))
    with own(filled, tmp_path / "one", settings) as running:
        kept = keep(running, query)
        with (
            open_library(filled, create=False) as library,
            pytest.raises(UsageError, match="Another service"),
        ):
            create_app({"filled": library}, settings)
    modes = {path.name: path.stat().st_mode & 0o777 for path in state.rglob("*")}
    assert modes == {"lock": 0o600, "jobs": 0o700, "queries": 0o700, kept: 0o600, f"{kept}.json": 0o600}
    with (
        open_library(filled, create=False) as library,
        serving({"filled": library}, settings) as running,
    ):
        again = running.post("/api/v1/search", json={"query_id": kept}).json()
    assert again["matches"][0]["location"] == "https://images.example/chelsea.png"


def test_about_and_libraries(service: Service) -> None:
    about = service.get("/api/v1/about").json()
    assert about["limits"]["max_upload_bytes"] == SETTINGS.server.max_upload_bytes
    assert (about["originals"], about["keys_required"]) == (False, False)
    libraries = service.get("/api/v1/libraries").json()["libraries"]
    assert libraries == [{"name": "filled", "images": 6, "locations": 6}]
