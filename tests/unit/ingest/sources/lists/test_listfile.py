"""Lists of all formats: which images they name, what is kept beside them, and rows that name none."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import os
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.errors import (
    FetchError,
    MissingExtra,
    NotAFile,
    NotFound,
    UnsupportedFormat,
    UsageError,
)
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.sources import Kind, Source, SourceContext
from echo_image.ingest.sources.lists import ListFile
from tests.libraries import LONG_AGO_NS, write
from tests.unit.ingest.sources.lists.conftest import Site
from tests.unit.ingest.sources.lists.reading import items, short

ONE, TWO, THREE = "http://a.example/1.jpg", "http://a.example/2.jpg", "http://a.example/3.jpg"


def read(
    folder: Path, name: str, data: bytes, context: SourceContext, **options: Any
) -> list[tuple[str, Any]]:
    return short(items(ListFile(str(write(folder / name, data)), **options), context), folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("images.json", f'["{ONE}", "{TWO}"]'),
        ("images.json", f'{{"images": ["{ONE}", "{TWO}"]}}'),
        ("images.json", f'{{"count": 2, "tags": ["a"], "data": {{"urls": ["{ONE}", "{TWO}"]}}}}'),
        ("l.json", f'[{{"url": "{ONE}"}}, {{"Image URL": "{TWO}"}}]'),
        ("l.json", f'{{"colors": [{{"name": "red"}}], "rows": [{{"src": "{ONE}"}}, {{"src": "{TWO}"}}]}}'),
        ("l.json", f'{{"url": ["{ONE}", {{"src": "{TWO}"}}]}}'),
        ("l.json", f'{{"url": "{ONE}"}}\n{{"url": "{TWO}"}}\n'),
        ("l.jsonl", f'{{"url": "{ONE}"}}\n\n"{TWO}"\n'),
        ("l.ndjson", f'{{"images": ["{ONE}", "{TWO}"]}}'),
        ("l.txt", f"# mine\n{ONE}\n\n  {TWO}  "),
        ("l.txt", f"{ONE}\r\n{TWO}\r\n"),
        ("l.csv", f"url\n{ONE}\n{TWO}\n"),
        ("l.csv", f"{ONE}\n{TWO}\n"),
        ("l.csv", f"url;x\n{ONE};\n{TWO};\n"),
        ("l.csv", f'\n"Image Link"|n\n"{ONE}"|\n"{TWO}"|\n'),
        ("l.csv", f"id,image\n,{ONE} | {TWO}\n"),
        ("l.csv", f'id,image\n,"{ONE}, {TWO}"\n'),
        ("l.csv", f'id,image\n,"[""{ONE}"", ""{TWO}""]"\n'),
        ("l.tsv", f"path\tn\n{ONE}\t\n{TWO}\t\n"),
        ("list", f'["{ONE}", "{TWO}"]'),
        ("list", f"{ONE}\n{TWO}"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("packed", [False, True])
def test_each_form_names_its_images(
    tmp_path: Path, context: SourceContext, name: str, text: str, encoding: str, packed: bool
) -> None:
    data = text.encode(encoding)
    if packed:
        name, data = name + ".gz", gzip.compress(data)
    got = items(ListFile(str(write(tmp_path / name, data))), context)
    assert [(item.location, item.target, item.kind, item.problem) for item in got] == [
        (ONE, ONE, Kind.URL, ""),
        (TWO, TWO, Kind.URL, ""),
    ]
    assert all(item.expected and item.stamp == UNKNOWN for item in got)


@pytest.mark.parametrize("name", ["l.csv", "l.txt", "l.json"])
def test_utf_16_is_told_by_its_mark(tmp_path: Path, context: SourceContext, name: str) -> None:
    text = f'["{ONE}"]' if name == "l.json" else ONE
    assert read(tmp_path, name, text.encode("utf-16"), context) == [(ONE, {})]


def test_other_columns_are_kept_with_their_types(tmp_path: Path, context: SourceContext) -> None:
    row = {
        "url": ONE,
        "n": 5,
        "f": 1.5,
        "b": True,
        "t": "ä",
        "l": ["x", 1],
        "o": {"k": None},
        "e": "",
        "z": None,
    }
    kept = {"n": 5, "f": 1.5, "b": True, "t": "ä", "l": ["x", 1], "o": {"k": None}}
    assert read(tmp_path, "l.json", json.dumps([row]).encode(), context) == [(ONE, kept)]
    nan = f'[{{"url": "{ONE}", "a": NaN, "b": Infinity, "big": {10**30}}}]'.encode()
    assert read(tmp_path, "l.json", nan, context) == [(ONE, {"big": str(10**30)})]


def test_numbers_of_tables_are_numbers_where_nothing_is_lost(tmp_path: Path, context: SourceContext) -> None:
    data = f"url,a,b,c,d,e,f\n{ONE},12,-9.50,01234,1e5,12345678901234567,\n".encode()
    kept = {"a": 12, "b": -9.5, "c": "01234", "d": "1e5", "e": "12345678901234567"}
    assert read(tmp_path, "l.csv", data, context) == [(ONE, kept)]


def test_what_is_kept_is_bounded(tmp_path: Path, context: SourceContext) -> None:
    row: dict[str, Any] = {"url": ONE, "long": "x" * 100_000, "nested": ["y" * 50_000], "n" * 1_000: 1}
    row |= {f"k{i}": "z" * 3_000 for i in range(100)}
    ((_, kept),) = read(tmp_path, "l.json", json.dumps([row]).encode(), context)
    assert len(json.dumps(kept)) < 64 * 2**10
    assert (len(kept["long"]), "nested" in kept, kept["n" * 200]) == (4_000, False, 1)


def test_paths_belong_to_the_folder_of_the_list(tmp_path: Path, context: SourceContext) -> None:
    for name in ("1.jpg", "sub/2 ü.jpg"):
        write(tmp_path / name, b"x")
    data = f"1.jpg\n./sub/../1.jpg\nsub/2 ü.jpg\n{tmp_path}/1.jpg\nfile://{tmp_path}/sub/2%20%C3%BC.jpg\n".encode()
    got = items(ListFile(str(write(tmp_path / "l.txt", data))), context)
    assert [item.location for item in got] == [
        str(tmp_path / name) for name in ("1.jpg", "1.jpg", "sub/2 ü.jpg", "1.jpg", "sub/2 ü.jpg")
    ]
    assert {item.kind for item in got} == {Kind.FILE}
    assert {item.stamp for item in got} == {FileStamp(1, LONG_AGO_NS)}
    assert got[0].target == str(tmp_path / "1.jpg")


def test_a_base_stands_in_for_the_folder(tmp_path: Path, context: SourceContext) -> None:
    write(tmp_path / "images" / "1.jpg", b"x")
    assert read(tmp_path, "l.txt", b"1.jpg", context, base=str(tmp_path / "images")) == [("images/1.jpg", {})]
    assert read(tmp_path, "l.txt", b"1.jpg\n/2.jpg", context, base="http://a.example/i/") == [
        ("http://a.example/i/1.jpg", {}),
        ("http://a.example/2.jpg", {}),
    ]


def test_rows_without_an_image_are_items_with_a_problem(tmp_path: Path, context: SourceContext) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    write(tmp_path / "photos.zip", b"x")
    write(tmp_path / "library" / "1.jpg", b"x")
    rows = [ONE, 5, "", None, ["x"], {"a": 1}, {"url": None}, "gone.jpg", "folder", "pipe.jpg", "photos.zip"]
    rows += [
        "http://a.example/x.tar.gz?y",
        "s3://bucket/1.jpg",
        "data:image/png;base64,xx",
        "a\0b",
        "x" * 9_000,
    ]
    rows += ["library/1.jpg", TWO]
    assert read(tmp_path, "l.json", json.dumps(rows).encode(), context) == [
        (ONE, {}),
        *((f"l.json#row {number}", "bad_row") for number in (2, 3, 4, 5, 6, 7)),
        ("gone.jpg", "not_found"),
        ("folder", "not_a_file"),
        ("pipe.jpg", "not_a_file"),
        *((f"l.json#row {number}", "bad_row") for number in (11, 12, 13, 14, 15, 16)),
        ("library/1.jpg", "usage"),
        (TWO, {}),
    ]


def test_lines_that_are_broken_do_not_end_the_list(tmp_path: Path, context: SourceContext) -> None:
    data = f'{{"url": "{ONE}"}}\n{{"url": \n{"[" * 100_000}\n{"9" * 5_000}\n"{"x" * 2**21}"\n"{TWO}"'.encode()
    codes = [(ONE, {}), *((f"l.jsonl#row {n}", "bad_row") for n in (2, 3, 4, 5)), (TWO, {})]
    assert read(tmp_path, "l.jsonl", data, context) == codes
    text = f'url,x\n{ONE},1\n{"y" * 2**21}\n"{"z" * 100_000}\n{"z" * 100_000}\n{TWO},2\n'.encode()
    assert read(tmp_path, "l.csv", text, context) == [
        (ONE, {"x": 1}),
        ("l.csv#row 3", "bad_row"),
        ("l.csv#row 4", "bad_row"),
        (TWO, {"x": 2}),
    ]


def test_a_row_is_called_by_its_line(tmp_path: Path, context: SourceContext) -> None:
    data = f'url,text\n{ONE},"two\nlines"\n,none\n'.encode()
    assert read(tmp_path, "l.csv", data, context) == [
        (ONE, {"text": "two\nlines"}),
        ("l.csv#row 4", "bad_row"),
    ]


def test_broken_json_ends_the_list_after_what_was_whole(tmp_path: Path, context: SourceContext) -> None:
    for data in (f'["{ONE}", "http', f'["{ONE}", }}', f'["{ONE}" "{TWO}"]', f'["{ONE}", {"[" * 100_000}'):
        offered = ListFile(str(write(tmp_path / "l.json", data.encode()))).offer(context)
        item = next(offered)
        assert getattr(item, "location", None) == ONE
        with pytest.raises(UnsupportedFormat, match="no complete JSON"):
            next(offered)


def test_json_is_read_right_wherever_its_window_ends(tmp_path: Path, context: SourceContext) -> None:
    rows = [
        {"url": f"http://a.example/{i}.jpg", "n": i, "t": 'a"]},\\' + "ä𝄞" * (i % 40)} for i in range(3_000)
    ]
    for dumped in (json.dumps(rows), json.dumps({"x": 1, "images": rows}, indent=1, ensure_ascii=False)):
        got = read(tmp_path, "l.json", dumped.encode(), context)
        assert got == [(row["url"], {"n": row["n"], "t": row["t"]}) for row in rows]


def test_numbers_are_not_cut_where_the_window_ends(tmp_path: Path, context: SourceContext) -> None:
    for shift in range(8):
        data = "[" + " " * shift + "1234567," * 20_000 + f'"{ONE}"]'
        got = read(tmp_path, "l.json", data.encode(), context)
        assert (len(got), got[-1]) == (20_001, (ONE, {}))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["url", "image_url"], "image_url"),
        (["link", "Image-Link"], "Image-Link"),
        (["name", "href"], "href"),
        (["a", "b"], "b"),
    ],
)
def test_the_column_is_found_by_name_then_by_content(
    tmp_path: Path, context: SourceContext, names: list[str], chosen: str
) -> None:
    other = next(name for name in names if name != chosen)
    row = {chosen: ONE, other: "http://a.example/page" if other in ("url", "link") else "word"}
    data = ",".join(names) + "\n" + ",".join(row[name] for name in names) + "\n"
    assert read(tmp_path, "l.csv", data.encode(), context) == [(ONE, {other: row[other]})]


def test_a_name_that_the_content_belies_is_passed_over(tmp_path: Path, context: SourceContext) -> None:
    data = f"image,src\n17,{ONE}\n18,{TWO}\n".encode()
    assert read(tmp_path, "l.csv", data, context) == [(ONE, {"image": 17}), (TWO, {"image": 18})]


def test_a_chosen_column_counts(tmp_path: Path, context: SourceContext) -> None:
    data = f"image,big\n{ONE},{TWO}\n".encode()
    assert read(tmp_path, "l.csv", data, context, column="BIG") == [(TWO, {"image": ONE})]
    with pytest.raises(UsageError, match="no column 'huge'") as caught:
        read(tmp_path, "l.csv", data, context, column="huge")
    assert "image, big" in caught.value.hint
    rows = json.dumps([{"image": ONE, "big": TWO}, {"image": ONE}]).encode()
    assert read(tmp_path, "l.json", rows, context, column="big") == [
        (TWO, {"image": ONE}),
        ("l.json#row 2", "bad_row"),
    ]


def test_a_table_without_images_says_so(tmp_path: Path, context: SourceContext) -> None:
    with pytest.raises(UsageError, match="no column"):
        read(tmp_path, "l.csv", b"a,b\n1,2\n", context)


def test_latin_1_is_read_and_told(
    tmp_path: Path, context: SourceContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        got = read(tmp_path, "l.csv", "url,name\nhttp://a.example/ü.jpg,grün\n".encode("latin-1"), context)
    assert got == [("http://a.example/ü.jpg", {"name": "grün"})]
    assert "not UTF-8 in row 2" in caplog.text


def test_names_of_files_that_are_no_utf_8_are_found(tmp_path: Path, context: SourceContext) -> None:
    raw = os.fsencode(tmp_path) + b"/gr\xfcn.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    (item,) = items(ListFile(str(write(tmp_path / "l.txt", b"gr\xfcn.jpg"))), context)
    assert (item.problem, os.fsencode(item.target)) == ("", raw)
    item.location.encode()  # as the catalogue needs it


def test_parquet(tmp_path: Path, context: SourceContext) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    urls = [f"http://a.example/{i}.jpg" for i in range(2_500)]
    columns = {"url": [*urls, None], "n": range(2_501), "bytes": [b"x"] * 2_501, "tags": [["a"]] * 2_501}
    parquet.write_table(arrow.table({k: list(v) for k, v in columns.items()}), tmp_path / "l.parquet")
    got = short(items(ListFile(str(tmp_path / "l.parquet")), context), tmp_path)
    assert got[:-1] == [(url, {"n": i, "tags": ["a"]}) for i, url in enumerate(urls)]
    assert got[-1] == ("l.parquet#row 2501", "bad_row")
    with pytest.raises(UnsupportedFormat):
        read(tmp_path, "broken.parquet", b"PAR1" + b"x" * 100, context)


def test_parquet_without_its_package_says_what_to_install(
    tmp_path: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra) as caught:
        read(tmp_path, "l.parquet", b"PAR1", context)
    assert "echo-image[parquet]" in caught.value.hint


def test_a_list_from_a_url_names_urls_only(context: SourceContext, site: Site) -> None:
    rows = [
        ONE,
        "2.jpg",
        "/3.jpg",
        "file:///etc/passwd",
        "C:\\photos\\1.jpg",
        "..\\x.jpg",
        {"url": "//b.example/4.jpg"},
    ]
    site["/lists/l.json?x"] = json.dumps(rows).encode()
    source = ListFile(f"{site.url}/lists/l.json?x")
    got = items(source, context)
    assert [(item.location, item.code) for item in got] == [
        (ONE, ""),
        (f"{site.url}/lists/2.jpg", ""),
        (f"{site.url}/3.jpg", ""),
        *((f"{source.path}#row {number}", "forbidden_path") for number in (4, 5, 6)),
        ("http://b.example/4.jpg", ""),
    ]
    assert [item.kind for item in got if not item.problem] == [Kind.URL] * 4
    assert [item.skipped for item in got] == [False] * 3 + [True] * 3 + [False]
    with pytest.raises(UsageError):
        items(replace(source, base="/etc"), context)
    with pytest.raises(FetchError):
        items(ListFile(f"{site.url}/gone.json"), context)


def test_missing_lists(tmp_path: Path, context: SourceContext) -> None:
    gone = ListFile(str(tmp_path / "gone.csv"))
    assert "there is no file" in gone.missing()
    assert ListFile("http://a.example/l.csv").missing() == ""
    with pytest.raises(NotFound):
        items(gone, context)
    with pytest.raises(NotAFile):
        items(ListFile(str(tmp_path)), context)
    with pytest.raises(UsageError):
        ListFile("l.csv", format="xls")
    assert isinstance(gone, Source)
    assert gone.label == str(tmp_path / "gone.csv")


def test_it_ends_when_told_to(tmp_path: Path, context: SourceContext) -> None:
    answers = iter([False, False, True])
    source = ListFile(str(write(tmp_path / "l.txt", f"{ONE}\n{TWO}\n{THREE}\n".encode())))
    got = items(source, replace(context, stop=lambda: next(answers)))
    assert [item.location for item in got] == [ONE, TWO]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "txt"])
def test_memory_does_not_grow_with_the_list(tmp_path: Path, context: SourceContext, suffix: str) -> None:
    count = 30_000
    urls = (f"http://a.example/{i}/{'x' * 60}.jpg" for i in range(count))
    rows = {
        "csv": lambda: "url,n\n" + "".join(f"{url},1\n" for url in urls),
        "jsonl": lambda: "".join(f'{{"url": "{url}"}}\n' for url in urls),
        "json": lambda: "[" + ",".join(f'{{"url": "{url}"}}' for url in urls) + "]",
        "txt": lambda: "".join(f"{url}\n" for url in urls),
    }
    path = write(tmp_path / f"l.{suffix}", rows[suffix]().encode())
    tracemalloc.start()
    assert sum(1 for _ in ListFile(str(path)).offer(context)) == count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2  # a third of what holding its text alone would take, and more


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 99), CELLS, CELLS), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\r\n", "\n"]),
)
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str, str]],
    delimiter: str,
    encoding: str,
    end: str,
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["url", "a", "b"])
    writer.writerows([f"http://a.example/{n}.jpg", a, b] for n, a, b in rows)
    folder = tmp_path_factory.mktemp("csv")
    context = SourceContext(folder / "library", DecodeLimits(), FetchLimits())
    path = write(folder / "l.csv", stream.getvalue().encode(encoding))
    got = short(items(ListFile(str(path)), context), folder)
    assert [location for location, _ in got] == [f"http://a.example/{n}.jpg" for n, _, _ in rows]
    for (_, kept), (_, a, b) in zip(got, rows, strict=True):
        assert {name: str(value) for name, value in kept.items() if not isinstance(value, float)} == {
            name: text
            for name, text in (("a", a), ("b", b))
            if text and not isinstance(kept.get(name), float)
        }
