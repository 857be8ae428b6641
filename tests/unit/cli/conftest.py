"""Run a command in this process and look at its two streams."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from echo_image.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from echo_image.demo import DemoFolder


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and its two streams."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output, which must be the only thing there."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `echo-image` with the given words."""

    def run(*words: str | Path, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        status = main([str(word) for word in words])
        streams = capsys.readouterr()
        return Outcome(status, streams.out, streams.err)

    return run


@pytest.fixture
def good(demo_folder: DemoFolder) -> Path:
    """Return the path of an image that every command takes."""
    return demo_folder.images / "coffee.png"
