"""Names and attributes as strangers give them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import UsageError
from echo_image.library.arguments import (
    MAX_ATTRIBUTES_BYTES,
    MAX_LOCATION_BYTES,
    checked_attributes,
    checked_location,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_a_json_object_comes_back_as_it_is(attributes: dict[str, Any]) -> None:
    try:
        checked = checked_attributes(attributes)
    except UsageError:
        assert "\\ud" in json.dumps(attributes)  # half a surrogate pair is no text
    else:
        assert checked == attributes


def test_none_are_none() -> None:
    assert checked_attributes(None) == {}
    assert checked_attributes({}) == {}


def test_what_json_changes_is_changed_at_once() -> None:
    assert checked_attributes({"a": (1, 2), 7: "x"}) == {"a": [1, 2], "7": "x"}  # type: ignore[dict-item]


def deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


class Own:
    pass


@pytest.mark.parametrize(
    "attributes",
    [
        [],
        "{}",
        7,
        {"a": Own()},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": math.nan},
        {"a": [math.inf]},
        {"a": "\ud83e"},
        {"\ud83e": 1},
        {("a", "b"): 1},
        {"a": 10**5000},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_object(attributes: Any) -> None:
    with pytest.raises(UsageError) as caught:
        checked_attributes(attributes)
    assert caught.value.hint
    caught.value.message.encode()


def test_what_goes_round_in_circles_or_too_deep() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    for attributes in (circle, deep()):
        with pytest.raises(UsageError, match="JSON"):
            checked_attributes(attributes)


def test_the_size_of_attributes() -> None:
    room = MAX_ATTRIBUTES_BYTES - len('{"a": ""}')
    assert checked_attributes({"a": "x" * room}) == {"a": "x" * room}
    with pytest.raises(UsageError, match="65537 bytes as JSON; at most 65536"):
        checked_attributes({"a": "x" * (room + 1)})
    with pytest.raises(UsageError, match="at most"):
        checked_attributes({"a": "ü" * room})


@given(st.text(min_size=1, max_size=50))
def test_any_text_without_nul_is_a_location(text: str) -> None:
    try:
        assert checked_location(text) == text
    except UsageError:
        assert "\0" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text)


@pytest.mark.parametrize("location", ["", "a\0b", "\ud800", None, 7, b"a"], ids=ascii)
def test_what_is_no_location(location: Any) -> None:
    with pytest.raises(UsageError):
        checked_location(location)


def test_the_size_of_a_location() -> None:
    assert checked_location("x" * MAX_LOCATION_BYTES)
    for text in ("x" * (MAX_LOCATION_BYTES + 1), "ü" * MAX_LOCATION_BYTES):
        with pytest.raises(UsageError, match=str(MAX_LOCATION_BYTES)):
            checked_location(text)
