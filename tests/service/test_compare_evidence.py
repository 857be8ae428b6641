"""Comparing two images and showing why they match, over HTTP."""

from __future__ import annotations

import hashlib
import io

import PIL.Image

from echo_image.server.schemas.answers import MatchAnswer
from tests.service.serving import Pixels, Service, jpeg, middle, mirrored


def test_two_files_are_compared(service: Service, originals: dict[str, Pixels]) -> None:
    one, two = jpeg(originals["astronaut"]), jpeg(mirrored(middle(originals["astronaut"])))
    answer = service.post("/api/v1/compare", files={"a": ("a.jpg", one), "b": ("b.jpg", two)})
    assert answer.status_code == 200, answer.text
    match = answer.json()
    MatchAnswer.model_validate(match, strict=True)
    assert match["verdict"] != "similar"
    assert match["transform"]["mirrored"] is True


def test_different_images_are_not_proven(service: Service, files: dict[str, bytes]) -> None:
    sent = {"a": ("a.png", files["coffee"]), "b": ("b.png", files["rocket"])}
    assert service.post("/api/v1/compare", files=sent).json()["verdict"] == "similar"


def test_a_file_is_compared_with_a_url(fetching_service: Service, web: str, files: dict[str, bytes]) -> None:
    sent = {"a": ("a.png", files["coffee"])}
    answer = fetching_service.post("/api/v1/compare", files=sent, data={"b": f"{web}/images/coffee"})
    assert answer.json()["verdict"] == "identical"
    both = {"a": f"{web}/images/coffee", "b": f"{web}/images/rocket"}
    assert fetching_service.post("/api/v1/compare", json=both).json()["verdict"] == "similar"


def test_one_image_is_not_enough(service: Service, files: dict[str, bytes]) -> None:
    answer = service.post("/api/v1/compare", files={"a": ("a.png", files["coffee"])})
    assert answer.status_code == 422
    assert "no b" in answer.json()["error"]["message"]


def test_evidence_is_a_png(service: Service, originals: dict[str, Pixels], files: dict[str, bytes]) -> None:
    match_id = hashlib.sha256(files["astronaut"]).hexdigest()
    query = jpeg(middle(originals["astronaut"]))
    answer = service.post("/api/v1/evidence", files={"file": ("q.jpg", query)}, data={"match_id": match_id})
    assert answer.headers["content-type"] == "image/png"
    drawn = PIL.Image.open(io.BytesIO(answer.content))
    assert drawn.format == "PNG"
    assert min(drawn.size) > 50


def test_evidence_needs_an_image_of_the_library(service: Service, files: dict[str, bytes]) -> None:
    sent = {"file": ("q.png", files["coffee"])}
    missing = service.post("/api/v1/evidence", files=sent)
    assert (missing.status_code, missing.json()["error"]["code"]) == (422, "invalid_request")
    unknown = service.post("/api/v1/evidence", files=sent, data={"match_id": "ab" * 32})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
