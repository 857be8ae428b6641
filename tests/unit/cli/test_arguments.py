"""Values on the command line: what is taken, and what is refused with the expectation named."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from echo_image.cli import arguments


def test_region() -> None:
    assert arguments.region("0,10,200,100") == (0, 10, 200, 100)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,0,3,3", "-1,0,3,3", "0,0,0,3"])
def test_region_refuses(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"x,y,w,h|not a region"):
        arguments.region(text)


def test_score() -> None:
    assert arguments.score("0") == 0.0
    assert arguments.score("99.5") == 99.5


@pytest.mark.parametrize("text", ["-1", "100.1", "nan", "inf", "many", ""])
def test_score_refuses(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        arguments.score(text)


@pytest.mark.parametrize(
    ("read", "smallest", "largest"),
    [(arguments.limit, 1, 1000), (arguments.workers, 1, 256), (arguments.port, 0, 65_535)],
)
def test_whole_numbers(read: Callable[[str], int], smallest: int, largest: int) -> None:
    assert read(str(smallest)) == smallest
    assert read(str(largest)) == largest
    for text in (str(smallest - 1), str(largest + 1), "2.5", "two", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)


def test_attributes() -> None:
    assert arguments.attributes('{"album": "summer", "year": 2024}') == {"album": "summer", "year": 2024}


@pytest.mark.parametrize("text", ["", "[]", '"text"', "{album: 1}", "[" * 100_000])
def test_attributes_refuses_what_is_no_json_object(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="JSON object"):
        arguments.attributes(text)
