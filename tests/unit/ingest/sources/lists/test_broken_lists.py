"""Lists that are damaged, or hold what no database can keep."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from echo_image.errors import UnsupportedFormat
from echo_image.ingest.sources import SourceContext
from echo_image.ingest.sources.lists import ListFile
from tests.libraries import write
from tests.unit.ingest.sources.lists.reading import items


@pytest.mark.parametrize("name", ["cut.csv", "cut.jsonl", "cut.txt"])
def test_a_list_that_is_cut_off_within_its_packing(tmp_path: Path, context: SourceContext, name: str) -> None:
    rows = b"url\n" + b"".join(b"http://example.com/%d.png\n" % number for number in range(5000))
    whole = gzip.compress(rows)
    for data in (whole[: len(whole) // 2], whole[:11], whole[:40] + b"\xff" * 40 + whole[80:]):
        path = write(tmp_path / name, data)
        with pytest.raises(UnsupportedFormat, match="gzip and damaged"):
            items(ListFile(str(path)), context)


def test_nested_attributes_hold_text_only(tmp_path: Path, context: SourceContext) -> None:
    row = r'{"url": "http://example.com/1.png", "more": {"\ud800": ["\udfff", "é"]}, "\udc00": "\ud800"}'
    (item,) = items(ListFile(str(write(tmp_path / "list.jsonl", row.encode()))), context)
    assert json.dumps(item.attributes, ensure_ascii=False).encode()
    assert item.attributes["more"] == {"?": ["?", "é"]}
