"""Adding images on the library page: files, folders, addresses and lists, as jobs that tell of themselves."""

from __future__ import annotations

import csv
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.service.axe import audit
from tests.service.browsing import DEVICES, Tabs, too_wide
from tests.service.serving import Pixels, Service, jpeg, web_server

CALM: dict[str, Any] = {"reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def pictures(originals: dict[str, Pixels]) -> list[FilePayload]:
    """Twelve small images that no library has."""
    rocket = originals["rocket"]
    pieces = [jpeg(rocket[10 * number : 10 * number + 130, :180]) for number in range(12)]
    return [payload(f"mine {number:02}.jpg", data) for number, data in enumerate(pieces)]


@pytest.fixture
def page(own_service: Service, tabs: Tabs) -> Page:
    """The library page of a library of its own, open for additions."""
    return opened(tabs, own_service)


@pytest.fixture
def pieces_web(pictures: list[FilePayload]) -> Iterator[str]:
    """The address of a web server that has those images."""
    with web_server({one["name"].replace(" ", "-"): one["buffer"] for one in pictures}) as url:
        yield url


@pytest.fixture
def silent_web() -> Iterator[str]:
    """The address of a web server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def payload(name: str, data: bytes, kind: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


def opened(tabs: Tabs, service: Service, **options: Any) -> Page:
    page = tabs.open(service, "library", **options)
    expect(page.locator(".image-card:not(.ghost)")).to_have_count(6)
    page.get_by_role("button", name="Add images").press("Enter")
    expect(page.locator("#add-files")).to_be_focused()
    return page


def jobs(page: Page, state: str) -> Locator:
    return page.locator(f".job[data-state='{state}']")


def number_in(service: Service) -> int:
    return len(service.get("/api/v1/images?limit=500").json()["images"])


def test_many_files_go_in_several_requests_and_are_seen(
    page: Page, own_service: Service, pictures: list[FilePayload]
) -> None:
    page.set_input_files("#add-files", pictures)
    # max_files is 10.
    expect(jobs(page, "done")).to_have_count(2)
    assert sorted(jobs(page, "done").locator(".job-counts").all_inner_texts()) == [
        "10 of 10 images · 10 added",
        "2 of 2 images · 2 added",
    ]
    expect(page.locator("#library-count")).to_have_text("18 images")
    expect(page.locator(".image-card")).to_have_count(18)
    assert number_in(own_service) == 18
    page.get_by_role("button", name="Clear finished jobs").click()
    expect(page.locator("#jobs")).to_be_hidden()
    assert own_service.get("/api/v1/jobs").json()["jobs"] == []


def test_what_cannot_be_sent_is_named_first(
    page: Page, own_service: Service, pictures: list[FilePayload]
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    large = payload("a large one.jpg", bytes(2 * 2**20 + 1))
    page.set_input_files("#add-files", [pictures[0], large, payload("notes.docx", b"x", "application/x")])
    question = page.locator(".add-question")
    expect(question).to_contain_text("1 file is larger than 2.1 MB and cannot be sent:")
    expect(question).to_contain_text("a large one.jpg")
    expect(question).to_contain_text("1 file is no image:")
    expect(question).to_contain_text("notes.docx")
    assert sent == []
    button = question.get_by_role("button", name="Add the other one")
    expect(button).to_be_focused()
    button.press("Enter")
    expect(jobs(page, "done")).to_have_count(1)
    assert number_in(own_service) == 7


def test_failures_are_listed_with_reasons_and_saved(page: Page) -> None:
    page.set_input_files("#add-files", [payload("=broken.jpg", b"\xff\xd8\xff no image")])
    job = jobs(page, "done")
    expect(job).to_contain_text("1 failed")
    job.locator("summary").press("Enter")
    row = job.locator("tbody tr")
    expect(row).to_contain_text("=broken.jpg")
    expect(row).not_to_contain_text("error.")
    reason = row.locator("td").last.inner_text()
    with page.expect_download() as saving:
        job.get_by_role("button", name="Save as CSV").click()
    text = Path(saving.value.path()).read_text(encoding="utf-8-sig")
    head, line = csv.reader(io.StringIO(text))
    assert head == ["Image", "Code", "Reason"]
    assert line[0].lstrip("'").endswith("=broken.jpg")
    assert not line[0].startswith("=")
    assert line[2] == reason
    page.select_option("#language", "de")
    expect(jobs(page, "done")).to_contain_text("1 Bild wurde nicht hinzugefügt")
    jobs(page, "done").locator("summary").click()
    expect(jobs(page, "done").locator("tbody tr")).not_to_contain_text(reason)
    assert audit(page) == []


def test_addresses_typed_and_from_lists(
    fetching_service: Service, tabs: Tabs, pieces_web: str, pictures: list[FilePayload]
) -> None:
    page = opened(tabs, fetching_service)
    urls = [f"{pieces_web}/images/{one['name'].replace(' ', '-')}" for one in pictures]
    page.locator("#add-urls").fill(f"{urls[0]}\nno address\n{urls[1]}")
    expect(page.locator("#add-urls-count")).to_have_text("2 addresses")
    table = f'name,url\r\n"one","{urls[2]}"\r\ntwo,{urls[3]},more\r\n'
    page.set_input_files("#add-list", [payload("list.csv", table.encode(), "text/csv")])
    expect(page.locator("#add-urls-count")).to_have_text("4 addresses")
    listed = json.dumps({"images": [{"src": urls[4]}, urls[5]]}).replace("/", "\\/")
    page.set_input_files("#add-list", [payload("list.json", listed.encode(), "application/json")])
    expect(page.locator("#add-urls-count")).to_have_text("6 addresses")
    page.get_by_role("button", name="Add these").press("Enter")
    expect(jobs(page, "done")).to_contain_text("6 of 6 images · 6 added")
    expect(page.locator("#add-urls")).to_have_value("")
    expect(page.locator("#library-count")).to_have_text("12 images")


def test_a_drop_of_files_and_one_of_nothing(page: Page, pictures: list[FilePayload]) -> None:
    drop = """([files, text]) => {
        const data = new DataTransfer();
        for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name));
        if (text) data.setData("text/plain", text);
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable:
        true}));
    }"""
    page.evaluate(drop, [[], "nothing of use"])
    expect(page.locator(".add-problem")).to_have_text(
        "What was dropped has neither images nor web addresses."
    )
    page.evaluate(drop, [[[one["name"], list(one["buffer"])] for one in pictures[:2]], ""])
    expect(jobs(page, "done")).to_contain_text("2 added")
    page.evaluate(drop, [[], "https://images.example/a.jpg"])
    expect(page.locator("#add-urls")).to_have_value("https://images.example/a.jpg")


def test_a_folder_is_read_to_its_end(page: Page, tmp_path: Path, pictures: list[FilePayload]) -> None:
    inner = tmp_path / "holiday" / "day one"
    inner.mkdir(parents=True)
    (inner / "a.jpg").write_bytes(pictures[0]["buffer"])
    (inner.parent / "b.jpg").write_bytes(pictures[1]["buffer"])
    (inner.parent / ".hidden").write_bytes(b"x")
    page.set_input_files("#add-folder", inner.parent)
    expect(jobs(page, "done")).to_contain_text("2 added")
    # A dropped folder hands out its entries in pieces; an empty piece is the end.
    names: list[str] = page.evaluate(
        """async () => {
            const { droppedFiles } = await import("/static/library/files.js");
            const file = (name) => ({isFile: true, file: (done) => done(new File(["x"], name))});
            const folder = (pieces) => ({isFile: false, isDirectory: true, createReader: () => {
                const left = [...pieces, []];
                return {readEntries: (done) => done(left.shift())};
            }});
            const tree = folder([[file("1.jpg"), folder([[file("2.jpg")]])], [file("3.jpg")]]);
            const items = [tree, file("4.jpg")].map((entry) => ({webkitGetAsEntry: () => entry}));
            return (await droppedFiles({items, files: []})).map(({name}) => name);
        }"""
    )
    assert names == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]


@DEVICES
def test_a_job_tells_how_far_it_is_and_is_cancelled(
    fetching_service: Service, tabs: Tabs, pieces_web: str, silent_web: str, device: dict[str, Any]
) -> None:
    page = opened(tabs, fetching_service, device=device, **CALM)
    dropped: list[str] = []

    def once(route: Route) -> None:
        # The first connection is lost; the browser makes another.
        if dropped:
            route.continue_()
        else:
            dropped.append(route.request.url)
            route.abort()

    tabs.expected = "ERR_FAILED"
    page.route("**/events", once)
    slow = "\n".join(f"{silent_web}/{number}.jpg" for number in range(40))
    page.locator("#add-urls").fill(f"{pieces_web}/images/mine-00.jpg\n{slow}")
    page.get_by_role("button", name="Add these").click()
    job = jobs(page, "running")
    expect(job.locator(".job-counts")).to_contain_text("1 added")
    expect(job.locator("progress")).to_have_attribute("max", "41")
    expect(job.locator(".job-pace")).to_contain_text("left")
    assert dropped
    assert not too_wide(page)
    assert audit(page) == []
    job.get_by_role("button", name="Cancel").click()
    expect(jobs(page, "cancelled")).to_contain_text("1 added")
    expect(page.locator("#library-count")).to_have_text("7 images")
    jobs(page, "cancelled").get_by_role("button", name="Clear").click()
    expect(page.locator(".job")).to_have_count(0)


def test_lines_that_were_meant_as_addresses_stay_to_be_mended(
    fetching_service: Service, tabs: Tabs, pieces_web: str
) -> None:
    page = opened(tabs, fetching_service)
    page.locator("#add-urls").fill(f"images.example/a.png\n{pieces_web}/images/mine-00.jpg\nand some words")
    page.get_by_role("button", name="Add these").click()
    expect(jobs(page, "done")).to_contain_text("1 of 1 image")
    expect(page.locator("#add-urls")).to_have_value("images.example/a.png")
    expect(page.locator("#add-urls-count")).to_contain_text("1 line is no web address")


def test_a_busy_service_is_waited_for(page: Page, tabs: Tabs, pictures: list[FilePayload]) -> None:
    tabs.expected = "503"
    body = {"error": {"code": "overloaded", "message": "Busy.", "hint": "", "request_id": "r"}}
    refused: list[str] = []

    def busy(route: Route) -> None:
        if route.request.method != "POST" or len(refused) == 1:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, json=body, headers={"Retry-After": "1"})

    page.route("**/api/v1/jobs", busy)
    page.set_input_files("#add-files", pictures[:1])
    expect(page.locator(".add-sent")).to_have_text(
        "The service is still busy with earlier jobs; this goes on by itself."
    )
    expect(jobs(page, "done")).to_contain_text("1 added")
    assert len(refused) == 1


def test_a_job_of_another_page_is_seen(own_service: Service, tabs: Tabs, pictures: list[FilePayload]) -> None:
    files = [("file", (one["name"], one["buffer"])) for one in pictures[:3]]
    assert own_service.post("/api/v1/jobs", files=files).status_code == 202
    page = tabs.open(own_service, "library")
    expect(jobs(page, "done")).to_contain_text("3 of 3 images · 3 added")


def test_addresses_are_found_in_whatever_a_list_is(page: Page) -> None:
    told: list[list[str]] = page.evaluate(
        """async (texts) => {
            const { addressesIn } = await import("/static/library/files.js");
            return texts.map(addressesIn);
        }""",
        [
            "https://a.example/1.jpg\r\nhttps://a.example/1.jpg\n\n# a note\n  http://a.example/2,3.jpg  ",
            "https://a.example/1.jpg;https://a.example/2.jpg",
            'id,"https://a.example/1.jpg",5\n7,https://a.example/2.jpg?x=1&y=2,6',
            '["https://a.example/a b.jpg", 5, {"url": "https:\\/\\/a.example\\/2.jpg"}]',
            "ftp://a.example/1.jpg javascript:alert(1)",
            "[not json https://a.example/1.jpg",
        ],
    )
    assert told == [
        ["https://a.example/1.jpg", "http://a.example/2,3.jpg"],
        ["https://a.example/1.jpg", "https://a.example/2.jpg"],
        ["https://a.example/1.jpg", "https://a.example/2.jpg?x=1&y=2"],
        ["https://a.example/a b.jpg", "https://a.example/2.jpg"],
        [],
        ["https://a.example/1.jpg"],
    ]


def test_requests_stay_within_the_limits(page: Page) -> None:
    told: dict[str, Any] = page.evaluate(
        """async () => {
            const { sorted } = await import("/static/library/files.js");
            const sizes = [40, 50, 30, 101, 5, 5, 5, 5];
            const files = sizes.map((size, index) => new File([new Uint8Array(size)], `${index}.jpg`));
            const limits = {max_upload_bytes: 100, max_request_bytes: 100, max_files: 3, max_urls: 1};
            const found = sorted(files, limits);
            const names = (list) => list.map(({name}) => name);
            const wider = sorted(files, {...limits, max_request_bytes: 125}).batches.map(names);
            return {batches: found.batches.map(names), tooLarge: names(found.tooLarge), wider};
        }"""
    )
    assert told == {
        "batches": [["0.jpg", "1.jpg"], ["2.jpg", "4.jpg", "5.jpg"], ["6.jpg", "7.jpg"]],
        "tooLarge": ["3.jpg"],
        "wider": [["0.jpg", "1.jpg", "2.jpg"], ["4.jpg", "5.jpg", "6.jpg"], ["7.jpg"]],
    }


def test_what_failed_is_told_by_cause_reported_and_tried_again(page: Page) -> None:
    page.set_input_files("#add-files", [payload("broken.jpg", b"\xff\xd8\xff no image")])
    job = jobs(page, "done")
    job.locator("summary").press("Enter")
    expect(job.locator(".job-causes li")).to_contain_text("1 × This file is damaged")
    with page.expect_popup() as opening:
        job.get_by_role("link", name="Report").click()
    expect(opening.value.locator("h1")).to_have_text("Adding images")
    opening.value.close()
    page.reload()
    job = jobs(page, "done")
    expect(job.get_by_role("button", name="Resume")).to_be_hidden()
    with page.expect_response("**/retry") as answered:
        job.get_by_role("button", name="Try failed ones again").press("Enter")
    assert answered.value.status == 202
    expect(jobs(page, "done")).to_contain_text("1 failed")


def test_a_web_site_is_read_from_the_page(page: Page, tabs: Tabs) -> None:
    tabs.expected = "422"
    page.locator(".add-crawl summary").press("Enter")
    address = page.get_by_label("Address of a page to begin with")
    asked: dict[str, Any] = {}

    def told(route: Route) -> None:
        if route.request.method == "POST":
            asked["body"] = route.request.post_data_buffer
            body = {"error": {"code": "overloaded", "message": "", "hint": "", "request_id": "r"}}
            route.fulfill(status=422, json=body)
        else:
            route.continue_()

    page.route("**/api/v1/jobs", told)
    page.get_by_role("button", name="Start reading").click()
    assert not asked  # the browser asks for the address first
    address.fill("https://images.example/")
    page.get_by_label("Pages at most").fill("7")
    page.select_option("#language", "de")
    expect(page.locator("#crawl-address")).to_have_value("https://images.example/")
    page.locator("#crawl-address").press("Enter")
    expect(page.locator(".crawl-form .problem")).not_to_be_empty()
    body = asked["body"].decode()
    for name, value in (("kind", "crawl"), ("urls", "https://images.example/"), ("max_pages", "7")):
        assert f'name="{name}"\r\n\r\n{value}\r\n' in body
