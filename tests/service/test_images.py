"""Adding, listing, looking at and removing images over HTTP."""

from __future__ import annotations

import hashlib
import io
from typing import cast

import numpy as np
import PIL.Image
import pytest

from echo_image import AddReport, Library
from echo_image.errors import LibraryBusy
from echo_image.server.schemas.answers import AddAnswer, ImageAnswer
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, mirrored, png, serving
from tests.service.test_bad_input import check_error

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


class InUse:
    """A library that another process writes to."""

    def add_image(self, *_: object, **__: object) -> AddReport:
        raise LibraryBusy("another process writes to it")


def test_urls_for_a_library_in_use_are_told_so(web: str) -> None:
    settings = SETTINGS.override(allow_private_addresses=True)
    urls = [f"{web}/images/{name}" for name in ("coffee", "rocket", "chelsea")]
    with serving({"x": cast(Library, InUse())}, settings) as service:
        answer = service.post("/api/v1/images", json={"urls": urls})
    check_error(answer, 503, "library_busy")


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


def test_a_listing_and_a_search_can_be_narrowed(own_service: Service, originals: dict[str, Pixels]) -> None:
    for name, brand in (("coffee", "Acme"), ("rocket", "Ajax")):
        sent = {"file": (f"{name}.jpg", jpeg(originals[name], 45))}
        added = own_service.post("/api/v1/images", files=sent, data={"attributes": f'{{"brand": "{brand}"}}'})
        assert added.json()["added"] == 1
    listed = own_service.get("/api/v1/images", params={"where": '{"brand": "Acme"}'}).json()
    assert [image["attributes"] for image in listed["images"]] == [{"brand": "Acme"}]
    newest = own_service.get("/api/v1/images", params={"order": "newest", "limit": 1}).json()
    assert newest["images"][0]["attributes"] == {"brand": "Ajax"}
    hosted = own_service.get("/api/v1/images", params={"location": "images.example", "format": "png"}).json()
    assert len(hosted["images"]) == len(originals)

    query = {"file": ("query.jpg", jpeg(originals["coffee"], 60))}
    for fields in ({"where": '{"brand": "Acme"}'}, {"location": "upload:"}, {"format": "JPEG"}):
        found = own_service.post("/api/v1/search", files=query, data={"min_score": "50", **fields}).json()
        assert [match["image"]["attributes"] for match in found["matches"]] == [{"brand": "Acme"}]
    verdicts = own_service.post("/api/v1/search", files=query, data={"verdicts": "edited,part"}).json()
    assert verdicts["matches"] == []


@pytest.mark.parametrize(
    "fields", [{"where": "[1]"}, {"where": "{"}, {"where": '{"a": {"b": 1}}'}, {"added_after": "soon"}]
)
def test_a_filter_that_cannot_be_read(
    service: Service, files: dict[str, bytes], fields: dict[str, str]
) -> None:
    sent = {"file": ("query.png", files["coffee"])}
    for answer in (
        service.get("/api/v1/images", params=fields),
        service.post("/api/v1/search", files=sent, data=fields),
    ):
        assert answer.status_code in {400, 422}, answer.text
        assert answer.json()["error"]["code"] in {"invalid_request", "usage"}
        assert next(iter(fields)) in answer.json()["error"]["message"] or "condition" in answer.text
