"""Why two images match, as data: the numbers are those of the images, the pictures can be opened."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from echo_image.server.routes.explain import ExplanationAnswer
from echo_image.verify.reasons import WORDS
from tests.service.serving import Pixels, Service, middle, mirrored, png


def explained(service: Service, query: bytes, match: bytes, **fields: str) -> dict[str, Any]:
    match_id = hashlib.sha256(match).hexdigest()
    sent = {"file": ("query.png", query)}
    answer = service.post("/api/v1/explain", files=sent, data={"match_id": match_id, **fields})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    ExplanationAnswer.model_validate(told, strict=True)
    return told


def picture(url: str) -> NDArray[np.uint8]:
    head, _, data = url.partition(";base64,")
    opened = PIL.Image.open(io.BytesIO(base64.b64decode(data)))
    assert opened.format is not None
    assert head == f"data:image/{opened.format.lower()}"
    return np.asarray(opened)


def test_a_mirrored_crop_is_laid_upon_its_original(
    service: Service, originals: dict[str, Pixels], files: dict[str, bytes]
) -> None:
    astronaut = originals["astronaut"]
    query = mirrored(middle(astronaut))
    told = explained(service, png(query), files["astronaut"])
    size = astronaut.shape[0]
    left = (size - query.shape[1]) / 2
    assert [told["query"][side] for side in ("width", "height")] == [query.shape[1], query.shape[0]]
    assert [told["image"][side] for side in ("width", "height")] == [size, size]
    points = np.array(told["points"])
    assert len(points) >= 50
    # A point at x of the mirrored crop lies at left + width - 1 - x of the original.
    expected = np.column_stack([left + query.shape[1] - 1 - points[:, 0], left + points[:, 1]])
    assert np.median(np.abs(points[:, 2:] - expected)) < 1.5
    corners = np.array(told["outline"]["match"])
    assert corners.min(axis=0) == pytest.approx([left, left], abs=3)
    assert corners.max(axis=0) == pytest.approx([size - left, size - left], abs=3)
    assert {change["code"] for change in told["match"]["transform"]["changes"]} == {
        "mirrored",
        "cropped",
    }

    aligned = told["aligned"]
    pair = [picture(aligned[side]).astype(int) for side in ("query", "match")]
    assert pair[0].shape == pair[1].shape == (aligned["height"], aligned["width"], 3)
    assert np.abs(pair[0] - pair[1]).mean() < 8, "one must lie upon the other"
    assert aligned["mean"] > 0.9
    layer = picture(aligned["similarity"])
    assert layer.shape == (aligned["height"], aligned["width"], 4)
    assert layer[..., 3].mean() < 40, "what is alike is clear"
    assert [reason["code"] for reason in told["reasons"]][:2] == ["points_agree", "looks_same"]


def test_why_two_images_do_not_match(service: Service, files: dict[str, bytes]) -> None:
    told = explained(service, files["coffee"], files["rocket"])
    assert told["match"]["verdict"] == "similar"
    assert told["aligned"] is None
    assert told["outline"] == {"query": [], "match": []}
    codes = [reason["code"] for reason in told["reasons"]]
    assert {"hash_far"} < set(codes) <= set(WORDS)
    assert picture(told["image"]["preview"]["src"]).shape[2] == 3


def test_the_same_file_needs_no_points(service: Service, files: dict[str, bytes]) -> None:
    told = explained(service, files["coffee"], files["coffee"])
    assert [reason["code"] for reason in told["reasons"]] == ["same_bytes"]
    assert len(told["points"]) <= 500
    assert told["aligned"]["mean"] > 0.9


def test_a_region_is_the_query(
    service: Service, originals: dict[str, Pixels], files: dict[str, bytes]
) -> None:
    told = explained(service, png(originals["coffee"]), files["coffee"], region="100,50,300,250")
    assert (told["query"]["width"], told["query"]["height"]) == (300, 250)
    corners = np.array(told["outline"]["match"])
    assert corners.min(axis=0) == pytest.approx([100, 50], abs=3)
    assert corners.max(axis=0) == pytest.approx([400, 300], abs=3)


def test_only_the_thumbnail_of_an_image_is_shown(service: Service, files: dict[str, bytes]) -> None:
    told = explained(service, files["astronaut"], files["coffee"])
    assert max(told["image"]["preview"]["width"], told["image"]["preview"]["height"]) <= 320
    assert told["query"]["preview"]["width"] == 512


def test_an_image_that_is_not_there(service: Service, files: dict[str, bytes]) -> None:
    sent = {"file": ("q.png", files["coffee"])}
    answer = service.post("/api/v1/explain", files=sent, data={"match_id": "ab" * 32})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
