"""Adding, listing, looking at and removing images over HTTP."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import PIL.Image
import pytest

from echo_image.server.schemas import AddAnswer, ImageAnswer
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, mirrored, png

COUNTS = ("added", "updated", "unchanged", "skipped", "failed")


def content_id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_uploaded_image_is_found_and_removed_again(
    own_service: Service, originals: dict[str, Pixels]
) -> None:
    data = jpeg(mirrored(originals["rocket"])[:, :300])
    answer = own_service.post("/api/v1/images", files={"file": ("my rocket.jpg", data)})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    AddAnswer.model_validate(report, strict=True)
    assert (report["added"], sum(report[name] for name in COUNTS)) == (1, 1)

    best = own_service.matches(data)[0]
    assert best["id"] == content_id(data)
    assert best["location"] == f"upload:{content_id(data)[:12]}/my rocket.jpg"

    removed = own_service.client.delete(f"/api/v1/images/{best['id']}")
    assert removed.json() == {"id": best["id"], "removed": True}
    assert all(match["id"] != best["id"] for match in own_service.matches(data))
    assert own_service.client.delete(f"/api/v1/images/{best['id']}").status_code == 404


def test_the_same_bytes_again_change_nothing(own_service: Service) -> None:
    data = png(np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8))
    assert own_service.post("/api/v1/images", files={"file": ("a.png", data)}).json()["added"] == 1
    again = own_service.post("/api/v1/images", files={"file": ("a.png", data)}).json()
    assert (again["added"], again["unchanged"]) == (0, 1)


def test_two_images_of_one_name_are_both_kept(own_service: Service, originals: dict[str, Pixels]) -> None:
    both = [jpeg(originals["coffee"], 50), jpeg(originals["chelsea"], 50)]
    sent = [("file", ("image.jpg", data)) for data in both]
    assert own_service.post("/api/v1/images", files=sent).json()["added"] == 2
    for data in both:
        assert own_service.get(f"/api/v1/images/{content_id(data)}").status_code == 200


def test_a_good_image_goes_in_beside_bad_ones_and_each_is_a_row(
    own_service: Service, originals: dict[str, Pixels]
) -> None:
    good = jpeg(originals["coffee"], 50)
    sent = [
        ("file", ("good.jpg", good)),
        ("file", ("empty.jpg", b"")),
        ("file", ("text.jpg", b"not an image")),
        ("files", ("large.jpg", bytes(SETTINGS.server.max_upload_bytes + 1))),
    ]
    answer = own_service.post("/api/v1/images", files=sent)
    assert answer.status_code == 200
    report = answer.json()
    assert (report["added"], report["failed"], sum(report[name] for name in COUNTS)) == (1, 3, 4)
    rows = {row["location"].rpartition("/")[2]: row["code"] for row in report["failures"]}
    assert rows["empty.jpg"] == "empty_file"
    assert rows["text.jpg"] == "unsupported_format"
    assert rows["large.jpg"] == "limit_exceeded"
    assert all(row["reason"] for row in report["failures"])


def test_if_nothing_goes_in_the_status_says_so_and_the_report_is_there(own_service: Service) -> None:
    answer = own_service.post("/api/v1/images", files={"file": ("text.jpg", b"not an image")})
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_format"
    assert (answer.json()["failed"], answer.json()["added"]) == (1, 0)


def test_places_and_attributes_can_be_given(own_service: Service, originals: dict[str, Pixels]) -> None:
    data = jpeg(originals["coffee"], 55)
    answer = own_service.post(
        "/api/v1/images",
        files={"file": ("x.jpg", data)},
        data={"location": "shelf/7", "attributes": '{"album": "kitchen"}'},
    )
    assert answer.json()["added"] == 1
    image = own_service.get(f"/api/v1/images/{content_id(data)}").json()
    assert image["locations"] == ["shelf/7"]
    assert image["attributes"] == {"album": "kitchen"}


def test_urls_are_fetched_and_added(fetching_service: Service, web: str, files: dict[str, bytes]) -> None:
    urls = [f"{web}/images/astronaut", f"{web}/images/coffee", f"{web}/absent", f"{web}/page"]
    report = fetching_service.post("/api/v1/images", json={"urls": urls}).json()
    assert sum(report[name] for name in COUNTS) == 4
    assert {row["location"] for row in report["failures"]} == {f"{web}/absent", f"{web}/page"}
    image = fetching_service.get(f"/api/v1/images/{content_id(files['coffee'])}").json()
    assert set(image["locations"]) == {"https://images.example/coffee.png", f"{web}/images/coffee"}


def test_pages_go_through_all_images_once(service: Service, files: dict[str, bytes]) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = service.get(
            "/api/v1/images", params={"limit": 4, **({"after": after} if after else {})}
        ).json()
        seen += [image["id"] for image in page["images"]]
        after = page["next"]
        if after is None:
            break
        assert len(page["images"]) == 4
    assert sorted(seen) == sorted(content_id(data) for data in files.values())
    assert len(set(seen)) == len(seen)


def test_the_last_full_page_has_no_next(service: Service, files: dict[str, bytes]) -> None:
    page = service.get("/api/v1/images", params={"limit": len(files)}).json()
    assert len(page["images"]) == len(files)
    assert page["next"] is None


def test_one_image_is_described(service: Service, files: dict[str, bytes]) -> None:
    image = service.get(f"/api/v1/images/{content_id(files['astronaut'])}").json()
    ImageAnswer.model_validate(image, strict=True)
    assert (image["width"], image["height"], image["format"]) == (512, 512, "PNG")
    assert image["bytes"] == len(files["astronaut"])


def test_a_thumbnail_is_small_and_asked_for_once(service: Service, files: dict[str, bytes]) -> None:
    path = f"/api/v1/images/{content_id(files['coffee'])}/thumbnail"
    first = service.get(path)
    assert first.headers["content-type"] == "image/jpeg"
    assert "private" in first.headers["cache-control"]
    assert max(PIL.Image.open(io.BytesIO(first.content)).size) <= 320
    tag = first.headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = service.get(path, headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert service.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["", "/thumbnail"])
@pytest.mark.parametrize(("image_id", "status"), [("ab" * 32, 404), ("short", 422), ("zz" * 32, 422)])
def test_an_image_that_is_not_there(service: Service, path: str, image_id: str, status: int) -> None:
    answer = service.get(f"/api/v1/images/{image_id}{path}")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == ("not_found" if status == 404 else "invalid_request")
