"""Hash lists of other programs: what they name is offered, bare hashes are left out and say why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from echo_image.errors import UnsupportedFormat, UsageError
from echo_image.ingest.sources import Source, SourceContext
from echo_image.ingest.sources.lists import HashList
from tests.libraries import write
from tests.unit.ingest.sources.lists.conftest import Site
from tests.unit.ingest.sources.lists.reading import items, short

PDQ = "d8f8f0cec0f4a84f0637022a278f67f0b36e2ed596621e1d33e6b39c4e9c9b22"
URL = "http://a.example/1.jpg"


def read(folder: Path, text: str, context: SourceContext, **options: Any) -> list[tuple[str, Any]]:
    for name in ("1.jpg", "a, b.jpg", "plain"):
        write(folder / name, b"x")
    path = write(folder / "list", text.encode())
    return short(items(HashList(str(path), **options), context), folder)


def test_encodings_of_imagededup(tmp_path: Path, context: SourceContext) -> None:
    got = read(tmp_path, '{"1.jpg": "9f1e2c3d4e5f6071", "gone.jpg": "0000000000000000"}', context)
    assert got == [("1.jpg", {"hash": "9f1e2c3d4e5f6071"}), ("gone.jpg", "not_found")]
    assert read(tmp_path, '{"1.jpg": [0.5, 0.25]}', context) == [("1.jpg", {})]


def test_duplicates_of_imagededup(tmp_path: Path, context: SourceContext) -> None:
    text = json.dumps({"1.jpg": ["a, b.jpg"], "a, b.jpg": [["1.jpg", 3]], "plain": []}, indent=4)
    assert read(tmp_path, text, context, format="imagededup") == [
        ("1.jpg", {"duplicates": ["a, b.jpg"]}),
        ("a, b.jpg", {"duplicates": ["1.jpg"]}),
        ("plain", {}),
    ]
    images = tmp_path / "images"
    write(images / "2.jpg", b"x")
    assert read(tmp_path, '{"2.jpg": []}', context, base=str(images)) == [("images/2.jpg", {})]


RECORD = {
    "path": URL,
    "signature": [0, -2, 1],
    "simple_word_0": 42,
    "simple_word_11": 7,
    "metadata": {"shop": "x"},
}
KEPT = {"signature": [0, -2, 1], "metadata": {"shop": "x"}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([RECORD]),
        json.dumps(RECORD) + "\n" + json.dumps(RECORD),
        json.dumps(
            {"took": 1, "hits": {"total": 1, "max_score": None, "hits": [{"_id": "i", "_source": RECORD}]}}
        ),
        json.dumps({"index": {"_id": 1}}) + "\n" + json.dumps(RECORD) + "\n",
        json.dumps({"update": {"_id": 1}}) + "\n" + json.dumps({"doc": RECORD}) + "\n",
        json.dumps({"_index": "images", "_source": RECORD}) + "\n" + json.dumps({"_source": RECORD}),
    ],
    ids=["list", "lines", "answer", "bulk", "update", "dump"],
)
def test_records_of_image_match(tmp_path: Path, context: SourceContext, text: str) -> None:
    got = read(tmp_path, text, context)
    assert got == [(URL, KEPT)] * len(got)
    assert 1 <= len(got) <= 2


def test_lines_of_pdq_tools(tmp_path: Path, context: SourceContext) -> None:
    text = "\n".join(
        [
            "# hash,quality,filename",
            f"{PDQ},93,1.jpg",
            f"{PDQ.upper()},100,a, b.jpg",
            f"{PDQ},50,plain",
            f"{PDQ},{URL}",
            f"{','.join([PDQ] * 8)},77,1.jpg",
            f"hash={PDQ},norm=128,delta=0,quality=99,filename=a, b.jpg",
            f"hash={PDQ},xform=rot90,filename=1.jpg",
        ]
    )
    assert read(tmp_path, text, context, format="pdq") == [
        ("1.jpg", {"pdq": PDQ, "pdq_quality": 93}),
        ("a, b.jpg", {"pdq": PDQ, "pdq_quality": 100}),
        ("plain", {"pdq": PDQ, "pdq_quality": 50}),
        (URL, {"pdq": PDQ}),
        ("1.jpg", {"pdq": PDQ, "pdq_quality": 77}),
        ("a, b.jpg", {"pdq": PDQ, "pdq_quality": 99}),
        ("1.jpg", {"pdq": PDQ, "pdq_of": "rot90"}),
    ]


def test_bare_hashes_are_left_out(tmp_path: Path, context: SourceContext) -> None:
    text = f"{PDQ}\n{PDQ},99244958314735,2021-05-07T18:07:52+0000,tag another\n{PDQ},40\nno hash\n"
    path = write(tmp_path / "l.csv", text.encode())
    got = items(HashList(str(path)), context)
    assert [(item.code, item.skipped) for item in got] == [*[("no_image", True)] * 3, ("bad_row", False)]
    assert got[0].location == f"{path}#row 1"
    assert "names no image" in got[0].problem
    record = json.dumps([{"signature": [1]}, "9f1e2c3d4e5f6071", 5])
    assert [code for _, code in read(tmp_path, record, context)] == ["no_image", "no_image", "bad_row"]


def test_tables_of_signals(tmp_path: Path, context: SourceContext) -> None:
    bare = f"collab,signal_type,signal_str,category,tags\nSample,pdq,{PDQ},WORTH_INVESTIGATING,\n"
    assert read(tmp_path, bare, context) == [("list#row 2", "no_image")]
    named = f"indicator,url,tags\n{PDQ.upper()},{URL},a b\n"
    assert read(tmp_path, named, context) == [(URL, {"pdq": PDQ, "tags": "a b"})]


def test_broken_lists(tmp_path: Path, context: SourceContext) -> None:
    with pytest.raises(UnsupportedFormat):
        read(tmp_path, '{"1.jpg": ', context)
    with pytest.raises(UnsupportedFormat):
        read(tmp_path, '{"hits":' * 100, context)
    with pytest.raises(UsageError):
        HashList("x", format="md5")
    assert read(tmp_path, '{"path": "1.jpg"}\n{"path"\n{"path": "plain"}', context) == [
        ("1.jpg", {}),
        ("list#row 2", "bad_row"),
        ("plain", {}),
    ]
    assert isinstance(HashList("x"), Source)


def test_a_list_from_elsewhere_names_no_files(context: SourceContext, site: Site) -> None:
    site["/l"] = f"{PDQ},93,file:///etc/passwd\n{PDQ},93,1.jpg\n".encode()
    got = items(HashList(f"{site.url}/l"), context)
    assert [(item.location, item.code) for item in got] == [
        (f"{site.url}/l#row 1", "forbidden_path"),
        (f"{site.url}/1.jpg", ""),
    ]
