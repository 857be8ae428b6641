"""The two streams: JSON alone on one, talk on the other, tables that fit where they go."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest

from echo_image.cli.terminal import Column, Terminal, render_table
from echo_image.errors import NotFound

COLUMNS = (Column("n", right=True), Column("location", fold=True))
STYLE = re.compile(r"\x1b\[[0-9;]*m")
ROWS = [[("1", "a" * 300), ("2", "[red]b\x1b[0m")], [("3", "c")]]


class _Screen(io.StringIO):
    """A stream that says a person looks at it."""

    def isatty(self) -> bool:
        return True


def test_a_table_for_a_pipe_is_neither_cut_nor_coloured() -> None:
    lines = render_table(COLUMNS, ROWS, stream=io.StringIO()).splitlines()
    assert [line.split() for line in lines] == [
        ["n", "location"],
        ["1", "a" * 300],
        ["2", "[red]b\\x1b[0m"],
        ["3", "c"],
    ]


def test_a_table_for_a_terminal_is_folded_and_parts_its_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    lines = [STYLE.sub("", line) for line in render_table(COLUMNS, ROWS, stream=_Screen()).splitlines()]
    assert max(len(line) for line in lines) <= 60
    assert "".join(lines[1:]).count("a") == 300
    assert "\x1b" not in "".join(lines)
    assert sum(set(line.strip()) == {"─"} for line in lines) == 2  # under the head, between the sections


def test_json_is_ascii_and_one_line_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(as_json=True).data({"location": "Öl\x9b\udcff"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"location": "Öl\x9b\udcff"}


def test_talk_is_escaped_and_quiet_silences_it(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().say("found \x1b]0;owned\x07")
    Terminal(quiet=True).say("nothing")
    streams = capsys.readouterr()
    assert streams.err == "found \\x1b]0;owned\\x07\n"
    assert streams.out == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_an_error_is_told_on_standard_error(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    Terminal(quiet=quiet).error(NotFound("No file at a\nb.", hint="Check the path."))
    streams = capsys.readouterr()
    assert streams.err == "error[not_found]: No file at a\\x0ab.\nhint: Check the path.\n"
    assert streams.out == ""


def test_an_error_is_a_json_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(as_json=True).error(NotFound("No file."))
    streams = capsys.readouterr()
    assert json.loads(streams.out) == {"error": {"code": "not_found", "message": "No file.", "hint": ""}}
    assert streams.err == "error[not_found]: No file.\n"


def test_what_an_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    terminal = Terminal()
    assert terminal.ascii_only
    terminal.line("Öl")
    assert raw.getvalue() == b"\\xd6l\n"
