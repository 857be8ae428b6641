"""Items of the web: asked politely, asked again where that may help, and looked at again later."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from echo_image import Library
from tests.libraries import counts, fill, image_file, write
from tests.unit.ingest.jobs.conftest import Shop

#: No pause between attempts.
AT_ONCE = {"first_wait_s": 0.0}


@pytest.fixture
def urls(shop: Shop) -> list[str]:
    shop.images.update({f"/{number}.png": image_file(number) for number in range(12)})
    return [f"{shop.url}/{number}.png" for number in range(12)]


def test_what_may_heal_is_asked_again_and_what_will_not_is_not(
    library: Library, shop: Shop, urls: list[str]
) -> None:
    shop.answers = {"/0.png": [500, 503], "/1.png": [500] * 9, "/2.png": [410], "/3.png": [403]}
    del shop.images["/4.png"]
    report = library.add(urls, politeness=AT_ONCE)
    assert counts(report) == (8, 0, 0, 0, 4)
    assert [len(shop.asked_for(f"/{number}.png")) for number in range(5)] == [3, 4, 1, 1, 1]
    items = {item.location.rpartition("/")[2]: item for item in library.jobs.items(report.job)}
    assert (items["0.png"].status, items["0.png"].attempts) == ("added", 3)
    assert (items["1.png"].http_status, items["1.png"].attempts) == (500, 4)
    causes = {(cause.code, cause.http_status): cause.count for cause in library.jobs.causes(report.job)}
    assert causes == {("fetch_failed", status): 1 for status in (500, 410, 403, 404)}


def test_a_url_named_twice_is_fetched_once(library: Library, shop: Shop, urls: list[str]) -> None:
    assert counts(library.add([*urls, *urls[:3]])) == (12, 0, 0, 3, 0)
    assert len(shop.asked) == 12


def test_what_has_not_changed_is_not_sent_again(library: Library, shop: Shop, urls: list[str]) -> None:
    library.add(urls)
    shop.images["/5.png"] = image_file(50)
    assert counts(library.add(urls)) == (0, 1, 11, 0, 0)
    assert sorted(status for _, status in shop.asked[12:]) == [200] + [304] * 11


def test_a_recheck_updates_what_changed_and_marks_what_is_gone(
    library: Library, shop: Shop, urls: list[str], tmp_path: Path
) -> None:
    folder = fill(tmp_path / "images", 3, first=20)
    library.add([*urls, folder])
    library.add_image(image_file(30), "upload:1/x.png")
    del shop.images["/0.png"]
    shop.images["/1.png"] = image_file(40)
    (folder / "020.png").unlink()
    write(folder / "021.png", image_file(41), mtime_ns=10**18)
    report = library.recheck(politeness=AT_ONCE)
    assert counts(report) == (0, 2, 11, 1, 2)
    assert library.jobs.get(report.job).kind == "recheck"
    missing = {check.location: check.code for check in library.missing()}
    assert missing == {urls[0]: "fetch_failed", str(folder / "020.png"): "not_found"}
    assert library.info().locations == 16  # nothing is dropped

    shop.images["/0.png"] = image_file(0)
    write(folder / "020.png", image_file(20))
    assert counts(library.recheck()) == (0, 0, 15, 1, 0)
    assert list(library.missing()) == []
    assert counts(library.recheck(str(folder))) == (0, 0, 3, 0, 0)


def test_what_is_gone_is_also_marked_when_it_is_added_again(
    library: Library, shop: Shop, urls: list[str]
) -> None:
    library.add(urls)
    del shop.images["/0.png"]
    assert counts(library.add(urls)) == (0, 0, 11, 0, 1)
    assert [check.location for check in library.missing()] == [urls[0]]
    library.remove(urls[0])
    assert list(library.missing()) == []


def test_few_large_downloads_make_room_for_each_other(library: Library, shop: Shop) -> None:
    """So few are read in this process; each is let go of once it is read, or the last never begin."""
    for number in range(6):
        shop.images[f"/{number}.png"] = image_file(number) + bytes(2**20)
    urls = [f"{shop.url}/{number}.png" for number in range(6)]
    one_by_one = {"max_held_bytes": 2**21, "max_connections": 1}
    left = iter(range(2000))
    report = library.add(urls, politeness=one_by_one, stop=lambda: next(left, None) is None)
    assert counts(report) == (6, 0, 0, 0, 0)


def test_a_recheck_goes_on_behind_an_archive_that_is_broken_now(
    library: Library, shop: Shop, tmp_path: Path
) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("x.png", image_file(1))
    folder = fill(tmp_path / "hello!", 2, first=2)
    shop.images["/map=!1m2!/4.png"] = image_file(4)
    library.add([str(archive), str(folder), f"{shop.url}/map=!1m2!/4.png"])
    archive.write_bytes(b"PK\3\4 broken now")
    (folder / "002.png").unlink()
    report = library.recheck(politeness=AT_ONCE)
    assert counts(report) == (0, 0, 2, 0, 2)
    failed = {Path(failure.location).name: failure.code for failure in report.failures}
    assert failed == {"x.png": "corrupt_archive", "002.png": "not_found"}
    assert [check.location for check in library.missing()] == [str(folder / "002.png")]
