"""Every example that is published runs, and prints what is published.

The blocks of a document run one after the other in one folder, which holds `photos/` (the demo's
images) and `meme.jpg` (an edit of one of them), as the documents say. A block that cannot run here
carries its reason in the document: `<!-- not run: reason -->`. Translations hold the very blocks of the
document that they translate, which run once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echo_image.demo import DemoFolder
from tests.docs.markdown import DOCUMENTS, ROOT, TRANSLATIONS, Block, blocks, examples, output_pattern

PUBLISHED_ADDRESS = "http://127.0.0.1:8000"
RUN_LANGUAGES = {"console", "python"}
_TIMEOUT_S = 240


def _runnable(document: Path) -> list[Block]:
    return [block for block in blocks(document) if block.language in RUN_LANGUAGES and not block.not_run]


@pytest.fixture
def folder(demo_folder: DemoFolder, tmp_path: Path) -> Path:
    """Return a folder as the documents describe it."""
    shutil.copytree(demo_folder.images, tmp_path / "photos")
    shutil.copy(demo_folder.queries[0].path, tmp_path / "meme.jpg")
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a reader who has installed the package."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "200",
    }


@contextmanager
def _served(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve `my-library` of the folder and yield the address."""
    started = subprocess.Popen(
        [sys.executable, "-m", "echo_image", "serve", "my-library", "--port", "0"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        told = started.stderr.readline()
        assert "http://" in told, told + started.stderr.read()
        yield next(word for word in told.split() if word.startswith("http://")).rstrip("/")
    finally:
        started.terminate()
        started.communicate(timeout=_TIMEOUT_S)


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def _run_console(block: Block, folder: Path, environment: dict[str, str], address: str) -> None:
    for example in examples(block):
        command = example.command.replace(PUBLISHED_ADDRESS, address)
        ended = _run(["bash", "-c", command], folder, environment)
        where = f"{block}: {command}\n{ended.stdout}\n{ended.stderr}"
        assert ended.returncode == 0, where
        if example.output:
            shown = ended.stdout.replace(address, PUBLISHED_ADDRESS)
            assert output_pattern(example.output).fullmatch(shown), where


def _run_python(block: Block, folder: Path, environment: dict[str, str], address: str) -> None:
    ended = _run([sys.executable, "-c", block.text.replace(PUBLISHED_ADDRESS, address)], folder, environment)
    assert ended.returncode == 0, f"{block}\n{ended.stderr}"


@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if document not in TRANSLATIONS and _runnable(document)],
    ids=lambda document: str(document.relative_to(ROOT)),
)
def test_the_examples_run(document: Path, folder: Path, environment: dict[str, str]) -> None:
    runnable = _runnable(document)
    needs_service = any(PUBLISHED_ADDRESS in block.text for block in runnable)
    if needs_service and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    if not needs_service:
        _run_all(runnable, folder, environment, PUBLISHED_ADDRESS)
        return
    added = _run([sys.executable, "-m", "echo_image", "add", "my-library", "photos"], folder, environment)
    assert added.returncode == 0, added.stderr
    with _served(folder, environment) as address:
        _run_all(runnable, folder, environment, address)


def _run_all(runnable: list[Block], folder: Path, environment: dict[str, str], address: str) -> None:
    for block in runnable:
        run = _run_console if block.language == "console" else _run_python
        run(block, folder, environment, address)


def test_what_is_not_run_says_why() -> None:
    """Shell blocks are either console blocks, which run, or carry a reason."""
    for document in DOCUMENTS:
        for block in blocks(document):
            assert block.language, f"{block}: a block without a language"
            if block.language in {"sh", "bash", "shell"}:
                assert block.not_run, f"{block}: neither run nor excused"


def test_there_are_examples() -> None:
    documents = {document.name for document in DOCUMENTS if _runnable(document)}
    assert {"README.md", "http.md", "python.md"} <= documents


@pytest.mark.parametrize(
    ("published", "printed", "matches"),
    [
        ("a … c", "a b c\n", True),
        ("a\n…\nc", "a\nb\nb\nc\n", True),
        ("a.c", "abc", False),
        ("a", "a b", False),
    ],
)
def test_published_output_is_compared(published: str, printed: str, matches: bool) -> None:
    assert bool(output_pattern(published).fullmatch(printed)) is matches
