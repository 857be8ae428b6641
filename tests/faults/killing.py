"""A process that adds images and kills itself at a given step.

Forked from a server that has imported and compiled everything once: a process from scratch takes a second.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from echo_image import open_library
from echo_image.ingest.jobs import settling
from tests.libraries import small_segments

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.warmed"])


def killed_at(library: Path, folder: Path, owner: str, name: str, number: int, when: str) -> int | None:
    """Add a folder to a library in a process that kills itself; return how the process ended.

    Args:
        library, folder: paths.
        owner: module, or module:class, of the function at which it does so.
        name: of the function.
        number: of the call, from 1.
        when: `before` or `after` that call.
    """
    arguments = (library, folder, owner, name, number, when)
    process = _FORKS.Process(target=_add_and_die, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


def _add_and_die(library: Path, folder: Path, owner: str, name: str, number: int, when: str) -> None:
    small_segments(pytest.MonkeyPatch(), images=2, segments=2)
    settling.BATCH_ITEMS = 2
    module, _, kind = owner.partition(":")
    holder: Any = importlib.import_module(module)
    if kind:
        holder = getattr(holder, kind)
    real, calls = getattr(holder, name), 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*arguments, **options)
        if calls == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(holder, name, call)
    with open_library(library) as opened:
        opened.add(folder)
