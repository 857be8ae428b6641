"""Searching over HTTP: the right image, in the promised shape, however it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from echo_image import open_library
from echo_image.server.schemas.answers import SearchAnswer
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle, mirrored, png, serving

EDITS: dict[str, Callable[[Pixels], bytes]] = {
    "jpeg": lambda pixels: jpeg(pixels, 40),
    "crop": lambda pixels: jpeg(middle(pixels)),
    "mirror": lambda pixels: jpeg(mirrored(pixels)),
    "half": lambda pixels: png(pixels[::2, ::2]),
    "turned": lambda pixels: jpeg(np.rot90(pixels)),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_an_edited_image_is_found_first(
    service: Service, originals: dict[str, Pixels], edit: str, name: str
) -> None:
    best = service.matches(EDITS[edit](originals[name]))[0]
    assert best["location"] == f"https://images.example/{name}.png"
    assert best["verdict"] != "similar"
    assert best["transform"]["mirrored"] is (edit == "mirror")


def test_the_same_bytes_are_identical(service: Service, files: dict[str, bytes]) -> None:
    best = service.matches(files["rocket"])[0]
    assert (best["rank"], best["verdict"], best["score"]) == (1, "identical", 100)
    assert best["id"] == hashlib.sha256(files["rocket"]).hexdigest()
    assert best["locations"] == ["https://images.example/rocket.png"]


def test_the_answer_has_the_promised_shape(service: Service, files: dict[str, bytes]) -> None:
    answer = service.post("/api/v1/search", files={"file": ("q.png", files["astronaut"])})
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert {"query", "took_ms", "candidates", "matches"} <= set(found)
    assert (found["query"]["width"], found["query"]["height"]) == (512, 512)
    SearchAnswer.model_validate(found, strict=True)
    match = found["matches"][0]
    assert np.array(match["transform"]["homography"]).shape == (3, 3)
    assert [one["rank"] for one in found["matches"]] == list(range(1, len(found["matches"]) + 1))


def test_fields_of_the_form_and_the_query_string_are_heard(service: Service, files: dict[str, bytes]) -> None:
    assert len(service.matches(files["coffee"], limit="1")) == 1
    answer = service.post("/api/v1/search?limit=1", files={"file": ("q.png", files["coffee"])})
    assert len(answer.json()["matches"]) == 1
    assert all(match["score"] >= 90 for match in service.matches(files["coffee"], min_score="90"))


def test_an_image_of_the_library_can_be_searched_with(service: Service, files: dict[str, bytes]) -> None:
    image_id = hashlib.sha256(files["chelsea"]).hexdigest()
    for asked in ({"json": {"image_id": image_id}}, {"data": {"image_id": image_id.upper()}}):
        answer = service.post("/api/v1/search", **asked)
        assert answer.status_code == 200, answer.text
        assert answer.json()["matches"][0]["id"] == image_id


def test_an_image_of_the_library_is_told_in_its_own_pixels(service: Service, files: dict[str, bytes]) -> None:
    image_id = hashlib.sha256(files["coffee"]).hexdigest()  # 600 x 400, of which the library keeps 320 x 213
    asked = {"image_id": image_id, "region": "300,100,300,300"}
    found = service.post("/api/v1/search", json=asked).json()
    assert found["query"]["width"] == 600
    assert found["query"]["height"] == 400
    assert found["query"]["region"] == [300, 100, 300, 300]
    best = found["matches"][0]
    assert best["id"] == image_id
    corner = np.array(best["transform"]["homography"]) @ [300, 100, 1]
    # The thumbnail has about half the pixels of each side, so a point is known to a pixel or two.
    np.testing.assert_allclose(corner[:2] / corner[2], [300, 100], atol=4)


def test_an_original_that_is_still_there_is_searched_with(tmp_path: Path, files: dict[str, bytes]) -> None:
    image_id = hashlib.sha256(files["coffee"]).hexdigest()
    (tmp_path / "coffee.png").write_bytes(files["coffee"])
    with open_library(tmp_path / "library") as library:
        library.add(tmp_path / "coffee.png", workers=1)
        with serving({"x": library}) as service:
            asked = {"json": {"image_id": image_id}}
            assert service.post("/api/v1/search", **asked).json()["matches"][0]["verdict"] == "identical"
            (tmp_path / "coffee.png").write_bytes(files["rocket"])
            best = service.post("/api/v1/search", **asked).json()["matches"][0]
    # The file shows something else now; what the library keeps of the image stands in for it.
    assert (best["id"], best["verdict"]) == (image_id, "identical")


def test_a_region_searches_with_that_part(service: Service, originals: dict[str, Pixels]) -> None:
    left, right = originals["astronaut"][:300, :400], originals["coffee"][:300, :400]
    both = jpeg(np.hstack([left, right]), 90)
    assert service.matches(both, region="0,0,400,300")[0]["location"].endswith("/astronaut.png")
    assert service.matches(both, region="400,0,400,300")[0]["location"].endswith("/coffee.png")


def test_the_first_applications_score_can_be_asked_for(service: Service, files: dict[str, bytes]) -> None:
    best = service.matches(files["astronaut"], scoring="plain")[0]
    assert best["location"].endswith("/astronaut.png")


def test_a_url_is_fetched_and_searched_with(fetching_service: Service, web: str) -> None:
    url = f"{web}/images/coffee"
    for asked in ({"json": {"url": url}}, {"data": {"url": url}}, {"params": {"url": url}}):
        answer = fetching_service.post("/api/v1/search", **asked)
        assert answer.status_code == 200, answer.text
        assert answer.json()["matches"][0]["location"].endswith("/coffee.png")


def test_several_libraries_are_served_by_name(
    filled: Path, tmp_path: Path, files: dict[str, bytes], originals: dict[str, Pixels]
) -> None:
    with open_library(filled, create=False) as first, open_library(tmp_path / "second") as second:
        second.add_image(jpeg(originals["chelsea"]), "only-here.jpg")
        with serving({"first": first, "second": second}) as service:
            named = service.get("/api/v1/libraries").json()["libraries"]
            assert [library["name"] for library in named] == ["first", "second"]
            found = {
                name: service.matches(files["chelsea"], **({"library": name} if name else {}))[0]["location"]
                for name in ("", "first", "second")
            }
            unknown = service.post("/api/v1/search", json={"image_id": "ab" * 32, "library": "third"})
    assert found[""] == found["first"] == "https://images.example/chelsea.png"
    assert found["second"] == "only-here.jpg"
    assert unknown.status_code == 404
    assert "first, second" in unknown.json()["error"]["hint"]


def test_many_search_at_once_while_images_are_added(
    own_service: Service, originals: dict[str, Pixels], files: dict[str, bytes]
) -> None:
    rng = np.random.default_rng(5)
    extra = [png(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(6)]
    queries = {name: jpeg(middle(pixels)) for name, pixels in originals.items()}

    def search(name: str) -> tuple[str, str]:
        return name, own_service.matches(queries[name])[0]["location"]

    def add(data: bytes) -> int:
        answer = own_service.post("/api/v1/images", files={"file": ("noise.png", data)})
        added: int = answer.json()["added"]
        return added

    with ThreadPoolExecutor(10) as threads:
        searches = [threads.submit(search, name) for name in list(queries) * 4]
        additions = [threads.submit(add, data) for data in extra]
        assert all(
            location == f"https://images.example/{name}.png"
            for name, location in (s.result() for s in searches)
        )
        assert [a.result() for a in additions] == [1] * len(extra)
    listed = own_service.get("/api/v1/images", params={"limit": 100}).json()["images"]
    assert len(listed) == len(files) + len(extra)


def test_more_matches_than_allowed_are_refused_with_the_limit(
    service: Service, files: dict[str, bytes]
) -> None:
    most = SETTINGS.search.max_limit
    fits = service.post("/api/v1/search", files={"file": ("q", files["coffee"])}, data={"limit": str(most)})
    assert fits.status_code == 200
    above = service.post(
        "/api/v1/search", files={"file": ("q", files["coffee"])}, data={"limit": str(most + 1)}
    )
    assert above.status_code == 422
    assert f"1 to {most}" in above.json()["error"]["message"]
