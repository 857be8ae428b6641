"""The calls of MatchEngine, as its clients send them and what they expect."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from echo_image import open_library
from echo_image.server.access.keys import add_key
from tests.service.conftest import own
from tests.service.serving import SETTINGS, Pixels, Service, jpeg, middle, mirrored, serving

Files = dict[str, tuple[str, bytes]]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Service]:
    settings = SETTINGS.override(allow_private_addresses=True)
    with open_library(tmp_path / "library") as library, serving({"library": library}, settings) as running:
        yield running


def call(service: Service, method: str, status: int = 200, **asked: Any) -> dict[str, Any]:
    """POST where there are files and GET elsewhere, as the clients do."""
    verb = "POST" if "files" in asked else "GET"
    answer = service.client.request(verb, f"/rest/{method}/", **asked)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    assert told["method"] == method
    assert isinstance(told["error"], list)
    assert isinstance(told["result"], list)
    assert (told["status"] == "ok") == (told["error"] == [])
    return told


@pytest.fixture
def filled_rest(empty: Service, files: dict[str, bytes]) -> Service:
    images = {
        "images[0]": ("folder/coffee.png", files["coffee"]),
        "images[1]": ("chelsea.png", files["chelsea"]),
    }
    told = call(empty, "add", files=images)
    assert (told["status"], told["result"]) == ("ok", [])
    return empty


def test_ping_and_an_empty_collection(empty: Service) -> None:
    assert call(empty, "ping")["status"] == "ok"
    assert call(empty, "count")["result"] == [0]
    assert call(empty, "list")["result"] == []


def test_added_files_are_called_what_they_were_sent_as(filled_rest: Service) -> None:
    assert call(filled_rest, "list")["result"] == ["folder/coffee.png", "chelsea.png"]
    assert call(filled_rest, "count")["result"] == [2]
    assert call(filled_rest, "list", params={"offset": 1, "limit": 5})["result"] == ["chelsea.png"]
    assert call(filled_rest, "list", params={"limit": 1})["result"] == ["folder/coffee.png"]
    assert call(filled_rest, "list", params={"offset": 2})["result"] == []


def test_file_paths_and_urls(empty: Service, files: dict[str, bytes], web: str) -> None:
    call(empty, "add", files={"image": ("x.png", files["rocket"])}, data={"filepath": "a/rocket"})
    call(empty, "add", params={"url": f"{web}/images/coffee", "filepath": "b/coffee"})
    call(empty, "add", params={"urls[0]": f"{web}/images/chelsea"})
    assert call(empty, "list")["result"] == ["a/rocket", "b/coffee", f"{web}/images/chelsea"]
    # The same path overwrites.
    call(empty, "add", files={"image": ("x.png", files["astronaut"])}, data={"filepath": "a/rocket"})
    assert call(empty, "count")["result"] == [3]


def test_what_fails_is_named_and_the_rest_goes_in(empty: Service, files: dict[str, bytes], web: str) -> None:
    urls = {"urls[0]": f"{web}/images/coffee", "urls[7]": f"{web}/nothing", "filepaths[7]": "gone"}
    told = call(empty, "add", params=urls)
    assert told["status"] == "warn"
    assert len(told["error"]) == 1
    assert told["error"][0].startswith("gone: ")
    told = call(empty, "add", status=502, params={"url": f"{web}/nothing"})
    assert told["status"] == "fail"
    told = call(empty, "add", status=415, files={"image": ("a.txt", b"no image at all")})
    assert told["error"][0].startswith("a.txt: ")


def test_search(filled_rest: Service, originals: dict[str, Pixels], web: str) -> None:
    query = jpeg(middle(originals["coffee"]))
    found = call(filled_rest, "search", files={"image": ("q.jpg", query)})["result"]
    assert [row["filepath"] for row in found] == ["folder/coffee.png"]
    row = found[0]
    assert 50 <= row["score"] <= 100
    assert row["query_overlap_percent"] > 95 > 60 > row["target_overlap_percent"] > 40
    assert set(row) == {
        "score",
        "filepath",
        "match_percent",
        "query_overlap_percent",
        "target_overlap_percent",
    }
    by_url = call(filled_rest, "search", params={"url": f"{web}/images/coffee"})["result"]
    assert by_url[0]["score"] == 100
    by_path = call(filled_rest, "search", params={"filepath": "chelsea.png", "limit": 1})["result"]
    assert [row["filepath"] for row in by_path] == ["chelsea.png"]
    past = call(filled_rest, "search", params={"filepath": "chelsea.png", "offset": 1})
    assert past["result"] == []


def test_an_image_at_two_paths_is_found_twice(filled_rest: Service, files: dict[str, bytes]) -> None:
    call(filled_rest, "add", files={"image": ("again.png", files["coffee"])})
    found = call(filled_rest, "search", files={"image": ("q.png", files["coffee"])})["result"]
    assert {row["filepath"] for row in found} == {"again.png", "folder/coffee.png"}
    assert call(filled_rest, "count")["result"] == [3]


def test_mirrored_images_can_be_left_out(filled_rest: Service, originals: dict[str, Pixels]) -> None:
    query: Files = {"image": ("q.jpg", jpeg(mirrored(originals["chelsea"])))}
    assert len(call(filled_rest, "search", files=query)["result"]) == 1
    without = {"check_horizontal_flip": "False"}
    assert call(filled_rest, "search", files=query, data=without)["result"] == []
    # The parameters may also stand in the address.
    assert call(filled_rest, "search", files=query, params=without)["result"] == []


def test_compare(
    filled_rest: Service, originals: dict[str, Pixels], files: dict[str, bytes], web: str
) -> None:
    part = jpeg(middle(originals["coffee"]))
    both: Files = {"image1": ("part.jpg", part), "image2": ("whole.png", files["coffee"])}
    row = call(filled_rest, "compare", files=both)["result"][0]
    assert (row["filepath"], row["query_overlap_percent"] > 95) == ("whole.png", True)
    assert call(filled_rest, "compare", files=both, data={"min_score": "100"})["result"] == []
    other: Files = {"image1": ("part.jpg", part), "image2": ("other.png", files["rocket"])}
    assert call(filled_rest, "compare", files=other)["result"] == []
    urls = {"url1": f"{web}/images/coffee", "url2": f"{web}/images/coffee", "min_score": 100}
    assert len(call(filled_rest, "compare", params=urls)["result"]) == 1
    stored = {"image1": ("part.jpg", part)}
    row = call(filled_rest, "compare", files=stored, data={"filepath2": "folder/coffee.png"})["result"][0]
    assert row["target_overlap_percent"] < 60
    stored = {"image2": ("part.jpg", part)}
    row = call(filled_rest, "compare", files=stored, data={"filepath1": "folder/coffee.png"})["result"][0]
    assert (row["filepath"], row["query_overlap_percent"] < 60) == ("part.jpg", True)


def test_delete(filled_rest: Service) -> None:
    told = call(filled_rest, "delete", params={"filepaths[0]": "chelsea.png", "filepaths[1]": "nowhere"})
    assert told["status"] == "warn"
    assert told["error"][0].startswith("nowhere: ")
    assert call(filled_rest, "list")["result"] == ["folder/coffee.png"]
    assert call(filled_rest, "delete", status=404, params={"filepath": "nowhere"})["status"] == "fail"
    answer = filled_rest.client.request("DELETE", "/rest/delete/", params={"filepath": "folder/coffee.png"})
    assert answer.json()["status"] == "ok"
    assert call(filled_rest, "count")["result"] == [0]


def test_the_slash_may_be_left_out(filled_rest: Service) -> None:
    answer = filled_rest.client.post("/rest/delete", data={"filepath": "chelsea.png"})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("method", "asked", "status"),
    [
        ("add", {}, 422),
        ("add", {"urls[x]": "https://a.example"}, 422),
        ("add", {"url": "http://127.0.0.1:1/a.jpg"}, 403),
        ("search", {}, 422),
        ("search", {"filepath": "nowhere"}, 404),
        ("search", {"filepath": "a", "url": "https://a.example"}, 422),
        ("search", {"filepath": "a", "limit": "many"}, 422),
        ("search", {"filepath": "a", "min_score": "nan"}, 422),
        ("search", {"filepath": "a", "check_horizontal_flip": "perhaps"}, 422),
        ("compare", {"url1": "https://a.example"}, 422),
        ("delete", {}, 422),
        ("list", {"offset": -1}, 422),
        ("list", {"offset": 0.5}, 422),
        ("list", {"format": "yaml"}, 422),
        ("list", {"format": ["xml", "xml"]}, 422),
        ("count", {"library": "none"}, 404),
        ("ping", {"callback": "steal"}, 422),
    ],
)
def test_errors_have_the_same_shape(
    service: Service, method: str, asked: dict[str, Any], status: int
) -> None:
    told = call(service, method, status=status, params=asked)
    assert told["status"] == "fail"
    assert told["result"] == []
    assert told["error"][0]


def test_xml(filled_rest: Service) -> None:
    answer = filled_rest.get("/rest/list/", params={"format": "xml"})
    assert answer.headers["content-type"].startswith("application/xml")
    root = ET.fromstring(answer.content)
    assert [item.text for item in root.findall("result/item")] == ["folder/coffee.png", "chelsea.png"]
    failed = filled_rest.get("/rest/search/", params={"format": "xml", "filepath": "<&>\x01"})
    root = ET.fromstring(failed.content)
    assert (failed.status_code, root.findtext("status")) == (404, "fail")


def test_what_a_client_of_another_service_sends_more_is_ignored(service: Service) -> None:
    assert call(service, "ping", params={"timeout": 100, "anything": "x"})["status"] == "ok"


@pytest.mark.parametrize("method", ["add", "delete", "search"])
def test_another_sites_page_can_not_use_get_either(service: Service, method: str) -> None:
    asked = {"filepath": "https://images.example/coffee.png", "url": "https://a.example"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        told = call(service, method, status=403, params=asked, headers=headers)
        assert told["status"] == "fail"


def test_a_flat_picture_finds_nothing(filled_rest: Service) -> None:
    flat = io.BytesIO()
    PIL.Image.new("RGB", (200, 200), (9, 9, 9)).save(flat, "PNG")
    assert call(filled_rest, "search", files={"image": ("flat.png", flat.getvalue())})["result"] == []


def test_a_clients_password_is_a_key(filled: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    reading, writing = add_key(keys, "r", write=False), add_key(keys, "w", write=True)
    settings = SETTINGS.override(keys_file=str(keys))
    with own(filled, tmp_path / "own", settings) as service:

        def status(method: str, key: str, path: str = "/rest/{}/") -> int:
            asked = {"filepath": "https://images.example/coffee.png"}
            return service.get(path.format(method), params=asked, auth=("anybody", key)).status_code

        assert [status("search", key) for key in (reading, writing, "wrong", "")] == [200, 200, 401, 401]
        assert [status("delete", key) for key in (reading, writing)] == [403, 200]
        assert status("about", writing, "/api/v1/images") == 401
        broken = service.get("/rest/ping/", headers={"Authorization": "Basic %%%"})
        assert broken.status_code == 401


def test_half_a_surrogate_pair_is_a_mistake_of_the_caller(service: Service) -> None:
    head = {"Content-Type": "application/json"}
    for content in ('{"filepaths[\\ud800]": "a"}', '{"url": "http://\\ud800/"}', '{"filepath": "\\udfff"}'):
        answer = service.post("/rest/add/", content=content, headers=head)
        assert answer.status_code == 400
        assert answer.json()["status"] == "fail"


@pytest.mark.parametrize("method", ["add", "delete"])
def test_a_picture_in_a_strangers_page_changes_nothing(empty: Service, method: str) -> None:
    # A browser's GET for <img src="http://192.168.1.7:8000/rest/delete/?…">: no Origin, no Sec-Fetch-Site.
    asked = {"filepath": "a.png", "url": "http://127.0.0.1:1/a.png"}
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    address = f"/rest/{method}/"
    answer = empty.get(address, params=asked, headers=browser)
    assert (answer.status_code, answer.json()["error"]) == (403, ["A browser may not send this by GET."])
    assert empty.get(address, params=asked, headers={**browser, "Sec-Fetch-Site": "none"}).status_code != 403
    assert empty.get(address, params=asked, headers={"User-Agent": "Wget/1.24"}).status_code != 403
    assert empty.get("/rest/ping/", headers=browser).status_code == 200
