"""JSON of imagededup and image-match → rows with a name and what is known of the image."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from echo_image.errors import UnsupportedFormat
from echo_image.ingest.sources.lists.columns import attributes_of, images_of, json_value, likely_column
from echo_image.ingest.sources.lists.streaming import JsonReader

#: Members under which a list of records lies: answers of Elasticsearch, exports.
_HOLDERS = ("hits", "docs", "documents", "records", "rows", "images", "items", "data", "results")
_SIMPLE_WORD = re.compile(r"simple_words?(?:_[0-9]+)?")
#: What a line of Elasticsearch's bulk format says about the next one.
_ACTIONS = ("index", "create", "update", "delete")
_MAX_DUPLICATES = 100
_MAX_HOLDERS = 8


@dataclass(frozen=True, slots=True)
class HashRow:
    """A row of a hash list.

    Attributes:
        number: from 1.
        image: name, path or URL; empty for a bare hash.
        attributes: hash and metadata.
        problem: why the row cannot be read; else empty.
    """

    number: int
    image: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def read_json_hashes(text: io.TextIOWrapper, label: str) -> Iterator[HashRow]:
    """Yield the rows of one JSON document: a list of records, or an object from names to hashes or
    duplicates.

    Raises:
        UnsupportedFormat: no JSON, or neither of these.
    """
    reader = JsonReader(text, label)
    for number, (name, value) in enumerate(_members(reader), 1):
        if name is None:
            yield _record(number, value)
        else:
            yield _named(number, name, value)


def read_json_line_hashes(source: Iterator[str | None]) -> Iterator[HashRow]:
    """Yield the rows of records that stand one a line; lines of a bulk format without one are left out."""
    for number, line in enumerate(source, 1):
        clean = line.strip().lstrip("\ufeff") if line is not None else "{"
        if not clean:
            continue
        try:
            value = json.loads(clean, strict=False)
        except (ValueError, RecursionError):
            reason = "the line is too long" if line is None else "the line is no JSON"
            yield HashRow(number, problem=reason)
            continue
        if isinstance(value, dict) and len(value) == 1:
            (only,) = value
            if only in _ACTIONS and isinstance(value[only], dict):
                continue
            if only == "doc" and isinstance(value["doc"], dict):  # of an update
                value = value["doc"]
        yield _record(number, value)


def _members(reader: JsonReader) -> Iterator[tuple[str | None, Any]]:
    """Yield records, without name, and members of an object that stand for an image, by their names."""
    if reader.peek() == "[":
        for value in reader.elements():
            yield None, value
        return
    reader.take("{")
    depth = 1
    while depth:
        if reader.took("}"):
            depth -= 1
            reader.took(",")
            continue
        name = reader.value()
        reader.take(":")
        following = reader.peek()
        if name in _HOLDERS and following == "[":
            for value in reader.elements():
                yield None, value
        elif name in _HOLDERS and following == "{":
            if depth == _MAX_HOLDERS:
                raise UnsupportedFormat("The records lie too deep.")
            reader.take("{")
            depth += 1
            continue
        else:
            value = reader.value()
            if depth == 1 and isinstance(value, (str, list, dict)):
                yield str(name), value
        reader.took(",")


def _named(number: int, name: str, value: Any) -> HashRow:
    """Read a member of imagededup's objects: name → hash, encoding, or duplicates with or without scores."""
    if isinstance(value, str):
        return HashRow(number, name, {"hash": value[:1_000]})
    if isinstance(value, dict):
        return HashRow(number, name, attributes_of(value, ""))
    names = [entry[0] if isinstance(entry, list) and entry else entry for entry in value[:_MAX_DUPLICATES]]
    duplicates = [entry for entry in names if isinstance(entry, str)]
    # An encoding of numbers is of no use here.
    return HashRow(number, name, {"duplicates": json_value(duplicates)} if duplicates else {})


def _record(number: int, value: Any) -> HashRow:
    """Read a record of image-match, as it is or as Elasticsearch gives it."""
    if isinstance(value, dict) and isinstance(value.get("_source"), dict):
        value = value["_source"]
    if isinstance(value, str):
        return HashRow(number, "", {"hash": value[:1_000]})
    if not isinstance(value, dict):
        return HashRow(number, problem="the row is neither a text nor an object")
    column = likely_column(value)
    images = images_of(value[column]) if column is not None else []
    rest = {name: entry for name, entry in value.items() if _SIMPLE_WORD.fullmatch(str(name)) is None}
    return HashRow(number, images[0] if images else "", attributes_of(rest, column or ""))
