"""Where an upload is kept, and how rows add up."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import CorruptImage, EmptyImage
from echo_image.server.requests.sources import url_name
from echo_image.server.requests.uploads import Tally, upload_location

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("beach.jpg", "beach.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.png", "photo.png"),
        ("a\x00b\n.jpg", "ab.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("", "image"),
        ("..", "image"),
        ("folder/", "image"),
        ("x" * 500, "x" * 200),
        ("写真.jpg", "写真.jpg"),
    ],
)
def test_an_upload_is_kept_under_its_own_name_and_content(name: str, kept: str) -> None:
    assert upload_location(name, DIGEST) == f"upload:0123456789ab/{kept}"


@given(st.text())
def test_no_name_brings_a_folder_or_an_unseen_character(name: str) -> None:
    last = upload_location(name, DIGEST).removeprefix("upload:0123456789ab/")
    assert last
    assert not set(last) & set("/\\")
    assert all(unicodedata.category(char)[0] != "C" for char in last)


def test_two_files_of_one_name_have_two_places() -> None:
    assert upload_location("image.png", DIGEST) != upload_location("image.png", DIGEST[::-1])


def test_failures_are_rows_and_the_first_is_kept() -> None:
    tally = Tally()
    assert not tally.nothing_went_in
    first = EmptyImage("The file has no bytes.")
    tally.fail("a.jpg", first)
    tally.fail("b.jpg", CorruptImage("The file ends early."))
    told = tally.to_dict()
    assert tally.nothing_went_in
    assert tally.first_error is first
    assert told["failed"] == 2
    assert told["failures"] == [
        {"location": "a.jpg", "code": "empty_file", "reason": "The file has no bytes."},
        {"location": "b.jpg", "code": "corrupt_image", "reason": "The file ends early."},
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.example/b/photo%20one.jpg?x=1#y", "photo one.jpg"),
        ("https://a.example/b/", "b"),
        ("https://a.example", "a.example"),
        ("http://[", ""),
    ],
)
def test_a_url_gives_a_name(url: str, name: str) -> None:
    assert url_name(url) == name
