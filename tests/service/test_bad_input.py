"""Everything a stranger may send: refused with our error body and status, and no trace of the inside."""

from __future__ import annotations

import socket
import struct
import zlib
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from tests.service.serving import SETTINGS, Service, jpeg, png

NOISE = png(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
UNKNOWN = "ab" * 32


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose head promises a size that its few bytes do not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def file(data: bytes, name: str = "photo.jpg") -> dict[str, Any]:
    return {"files": {"file": (name, data)}}


def raw(content: bytes, kind: str) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": kind}}


def form(**fields: str) -> dict[str, Any]:
    return {**file(NOISE), "data": fields}


# name → (what is sent to /api/v1/search, status, code)
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({}, 422, "invalid_request"),
    "no file field": ({"files": {"image": ("a.jpg", NOISE)}}, 422, "invalid_request"),
    "file as text": ({"data": {"file": "a.jpg"}}, 422, "invalid_request"),
    "two files": ({"files": [("file", ("a", NOISE)), ("file", ("b", NOISE))]}, 422, "invalid_request"),
    "file and url": ({**file(NOISE), "data": {"url": "https://a.example/"}}, 422, "invalid_request"),
    "empty file": (file(b""), 400, "empty_file"),
    "text renamed": (file(b"This is no image at all.\n"), 415, "unsupported_format"),
    "svg": (file(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 415, "unsupported_format"),
    "cut short": (file(jpeg(np.zeros((50, 50, 3), np.uint8))[:60]), 400, "corrupt_image"),
    "huge claim": (file(png_claiming(100_000, 100_000)), 413, "limit_exceeded"),
    "too large": (file(bytes(SETTINGS.server.max_upload_bytes + 1)), 413, "limit_exceeded"),
    "far too large": (file(bytes(4 * SETTINGS.server.max_upload_bytes)), 413, "limit_exceeded"),
    "loopback url": ({"json": {"url": "http://127.0.0.1:1/"}}, 403, "forbidden_address"),
    "metadata url": ({"json": {"url": "http://169.254.169.254/latest/"}}, 403, "forbidden_address"),
    "unknown id": ({"json": {"image_id": UNKNOWN}}, 404, "not_found"),
    "bad id": ({"json": {"image_id": "../../etc/passwd"}}, 422, "invalid_request"),
    "unknown library": ({**form(library="other")}, 404, "not_found"),
    "region in words": (form(region="left half"), 400, "invalid_region"),
    "region outside": (form(region="50,50,100,100"), 400, "invalid_region"),
    "region empty": (form(region="0,0,0,10"), 400, "invalid_region"),
    "region negative": (form(region="-5,0,10,10"), 400, "invalid_region"),
    "limit zero": (form(limit="0"), 422, "invalid_request"),
    "limit large": (form(limit="100000"), 422, "invalid_request"),
    "limit in words": (form(limit="all"), 422, "invalid_request"),
    "score above": (form(min_score="101"), 422, "invalid_request"),
    "score nan": (form(min_score="nan"), 422, "invalid_request"),
    "scoring": (form(scoring="best"), 422, "invalid_request"),
    "misspelt": (form(min_scor="5"), 422, "invalid_request"),
    "raw image": (raw(NOISE, "image/png"), 415, "unsupported_body"),
    "bad json": (raw(b"{", "application/json"), 400, "invalid_json"),
    "json list": (raw(b"[]", "application/json"), 400, "invalid_json"),
    "large json": (raw(b'{"url": "' + bytes(20_000) + b'"}', "application/json"), 413, "limit_exceeded"),
    "no boundary": (raw(b"x", "multipart/form-data"), 422, "invalid_request"),
    "form cut short": (raw(b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nab',
                           "multipart/form-data; boundary=B"), 422, "invalid_request"),
}  # fmt: skip


def check_error(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """Check an answer's status and body, and return the error."""
    assert answer.status_code == status, answer.text
    error: dict[str, str] = answer.json()["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    for inside in ("Traceback", ".py", "site-packages", "0x7f"):
        assert inside not in answer.text
    return error


@pytest.mark.parametrize("name", BAD)
def test_a_bad_search_is_refused(service: Service, name: str) -> None:
    asked, status, code = BAD[name]
    check_error(service.post("/api/v1/search", **asked), status, code)


def test_after_all_of_them_the_service_searches(service: Service, files: dict[str, bytes]) -> None:
    for asked, _, _ in BAD.values():
        service.post("/api/v1/search", **asked)
    assert service.matches(files["coffee"])[0]["verdict"] == "identical"


def test_a_tiny_image_is_answered_without_a_proven_match(service: Service) -> None:
    answer = service.post("/api/v1/search", **file(png(np.zeros((1, 1, 3), np.uint8))))
    assert answer.status_code == 200, answer.text
    assert all(match["verdict"] == "similar" for match in answer.json()["matches"])
    assert "detail" in answer.json()["note"]


def test_refusals_name_the_limit(service: Service) -> None:
    named = {
        "too large": "max_upload_bytes",
        "far too large": "max_upload_bytes",
        "large json": "max_json_bytes",
    }
    for name, limit in named.items():
        asked, status, code = BAD[name]
        assert limit in check_error(service.post("/api/v1/search", **asked), status, code)["message"]


def test_an_endless_answer_of_an_address_is_cut_off(fetching_service: Service, web: str) -> None:
    answer = fetching_service.post("/api/v1/search", json={"url": f"{web}/endless"})
    check_error(answer, 413, "fetch_too_large")


@pytest.mark.parametrize(
    ("path", "status", "code"), [("/page", 415, "unsupported_format"), ("/absent", 502, "fetch_failed")]
)
def test_an_address_without_an_image(
    fetching_service: Service, web: str, path: str, status: int, code: str
) -> None:
    check_error(fetching_service.post("/api/v1/search", json={"url": web + path}), status, code)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/", "a.jpg", "http://", "http://[", "javascript:1"]
)
def test_what_is_no_web_address_is_refused(service: Service, url: str) -> None:
    answer = service.post("/api/v1/search", json={"url": url})
    assert 400 <= answer.status_code < 500, answer.text
    check_error(answer, answer.status_code, answer.json()["error"]["code"])


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"json": {"urls": []}}, 422, "invalid_request"),
        ({"json": {"urls": ["https://a.example/"] * 6}}, 422, "invalid_request"),
        ({"json": {"urls": "http://127.0.0.1/"}}, 403, "forbidden_address"),
        ({**file(NOISE), "data": {"attributes": "{"}}, 422, "invalid_request"),
        ({**file(NOISE), "data": {"location": ["a", "b"]}}, 422, "invalid_request"),
        ({"files": [("file", (str(i), b"x")) for i in range(11)]}, 422, "invalid_request"),
        ({"files": [("file", (str(i), bytes(2**20))) for i in range(9)]}, 413, "limit_exceeded"),
        (file(b""), 400, "empty_file"),
    ],
    ids=[
        "nothing", "no urls", "many urls", "private url",
        "attributes", "locations", "many files", "much", "empty",
    ],
)  # fmt: skip
def test_a_bad_addition_is_refused(service: Service, asked: dict[str, Any], status: int, code: str) -> None:
    before = service.get("/api/v1/images").json()
    check_error(service.post("/api/v1/images", **asked), status, code)
    assert service.get("/api/v1/images").json() == before


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=5"])
def test_a_bad_listing_is_refused(service: Service, query: str) -> None:
    check_error(service.get(f"/api/v1/images?{query}"), 422, "invalid_request")


def test_a_listing_of_an_unknown_library_is_refused(service: Service) -> None:
    check_error(service.get("/api/v1/images?library=other"), 404, "not_found")


def test_a_body_without_end_is_refused_while_it_arrives(service: Service) -> None:
    """Send chunks until the service answers; it must not wait for the end, as there is none."""
    address = urlsplit(service.url)
    head = (
        f"POST /api/v1/search HTTP/1.1\r\nHost: {address.netloc}\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    )
    part = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'
    block = bytes(2**16)
    with socket.create_connection((address.hostname, address.port or 0), timeout=60) as connection:
        connection.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(part), part))
        sent = 0
        try:
            while sent < 200 * 2**20:
                connection.sendall(b"%x\r\n%b\r\n" % (len(block), block))
                sent += len(block)
        except OSError:
            pass  # closed by the service, as it should be
        assert sent < 100 * 2**20
