"""Text for people: nothing a stranger chose steers the terminal, and numbers read well."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.cli.text import byte_size, plural, printable, score_bar


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photos/a b.png", "photos/a b.png"),
        ("Ölbild 絵.png", "Ölbild 絵.png"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("two\nlines\r\t", "two\\x0alines\\x0d\\x09"),
        ("c1\x9b31m", "c1\\x9b31m"),
        ("bell\x07 delete\x7f", "bell\\x07 delete\\x7f"),
        ("turned\u202egnp.exe", "turned\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028end", "line\\u2028end"),
        ("byte\udcff", "byte\\udcff"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_printable_escapes_what_steers_a_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(st.characters()))
def test_printable_leaves_one_line_that_any_terminal_can_show(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown.splitlines() in ([shown], [])
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1_234_567, "1.23 MB"),
        (99_949, "99.9 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (12_000_000_000, "12.0 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_byte_size(size: int, expected: str) -> None:
    assert byte_size(size) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, "........"), (49.9, "####...."), (100, "########"), (-3, "........"), (250, "########")],
)
def test_score_bar_has_eight_cells(score: float, expected: str) -> None:
    assert score_bar(score, ascii_only=True) == expected


def test_score_bar_has_smooth_cells_where_they_can_be_shown() -> None:
    assert score_bar(50) == "████░░░░"


def test_plural() -> None:
    assert plural(1, "match", "matches") == "1 match"
    assert plural(1200, "match", "matches") == "1,200 matches"
    assert plural(0, "image") == "0 images"
