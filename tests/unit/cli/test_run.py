"""The edge where every exception ends: words, an exit status, and no stack trace."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

import echo_image.cli.cmd_info
from echo_image._version import __version__
from echo_image.cli.parser import COMMANDS

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Run


def test_version(cli: Run) -> None:
    outcome = cli("--version")
    assert (outcome.status, outcome.out) == (0, f"echo-image {__version__}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_names_what_it_does_and_an_example(cli: Run, command: str) -> None:
    outcome = cli(*([command] if command else []), "--help")
    assert outcome.status == 0
    assert "example:" in outcome.out or "Start with:" in outcome.out
    assert not outcome.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("find",),
        ("search",),
        ("search", "library"),
        ("search", "library", "a.jpg", "--limit", "0"),
        ("search", "library", "a.jpg", "--lim", "3"),
        ("search", "library", "a.jpg", "--min-score", "101"),
        ("search", "library", "a.jpg", "--region", "1,2,3"),
        ("search", "library", "a.jpg", "--region", "-1,2,3,4"),
        ("search", "library", "a.jpg", "--scoring", "guess"),
        ("add", "library"),
        ("add", "library", "photos", "--workers", "none"),
        ("add", "library", "photos", "--attributes", "[]"),
        ("compare", "a.jpg"),
        ("compare", "-", "-"),
        ("remove", "library"),
        ("export", "library", "--format", "xml"),
        ("serve",),
        ("serve", "library", "--port", "70000"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_use_is_status_2_with_a_hint(cli: Run, words: tuple[str, ...], as_json: bool) -> None:
    outcome = cli(*words, *(["--json"] if as_json else []))
    assert outcome.status == 2
    assert outcome.err.startswith("error[usage]: ")
    assert "\nhint: " in outcome.err
    if as_json:
        assert outcome.document["error"]["code"] == "usage"
    else:
        assert not outcome.out


def test_a_setting_that_is_not_known_is_wrong_use(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_IMAGE_MAX_PIXEL", "3")
    outcome = cli("info", "library")
    assert outcome.status == 2
    assert "ECHO_IMAGE_MAX_PIXELS" in outcome.err


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (ZeroDivisionError("by zero"), 1, "internal"),
        (MemoryError(), 1, "internal"),
        (PermissionError(13, "Permission denied", "photos"), 1, "io_error"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_is_not_ours_is_told_without_a_stack_trace(
    cli: Run, monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int, code: str
) -> None:
    def fail(args: object, terminal: object) -> NoReturn:
        raise raised

    monkeypatch.setattr(echo_image.cli.cmd_info, "run", fail)
    outcome = cli("info", "library", "--json")
    assert outcome.status == status
    assert outcome.document["error"]["code"] == code
    assert "Traceback" not in outcome.err


def test_a_reader_that_leaves_is_no_failure(demo_library: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "echo_image", "export", str(demo_library)],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert ended.returncode == 0
    assert ended.stderr == b""


def test_help_answers_without_loading_the_library() -> None:
    code = (
        "import sys\n"
        "from echo_image.cli import main\n"
        "main(['add', '--help'])\n"
        "heavy = {'numpy', 'cv2', 'numba', 'PIL', 'skimage', 'aiohttp', 'fastapi', 'rich', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_words_of_the_process_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from echo_image.cli import main

    monkeypatch.setattr(sys, "argv", ["echo-image", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"echo-image {__version__}\n"


class _Broken(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> NoReturn:
        raise BrokenPipeError


def test_a_stream_without_a_file_behind_it_can_break(monkeypatch: pytest.MonkeyPatch) -> None:
    from echo_image.cli import main

    monkeypatch.setattr(sys, "stdout", _Broken())
    monkeypatch.setattr(sys, "stderr", _Broken())
    assert main(["search", "--json"]) == 0
