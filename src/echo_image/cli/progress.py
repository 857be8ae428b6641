"""A progress bar on standard error, only where a person looks on."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from echo_image.cli.terminal import Terminal, is_terminal
from echo_image.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from echo_image.library import Progress

_NAME_CELLS = 40


@contextmanager
def progress_bar(terminal: Terminal, action: str) -> Iterator[Callable[[Progress], None] | None]:
    """Yield a callback that draws progress, or `None` where nobody would see it.

    Args:
        terminal: Quiet or not.
        action: What is being done, in one word.
    """
    if terminal.quiet or not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[location]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(action, total=None, location="")

    def show(state: Progress) -> None:
        name = printable(state.location)
        short = name if len(name) <= _NAME_CELLS else "…" + name[-_NAME_CELLS + 1 :]
        bar.update(task, completed=state.done, total=state.total, location=short)

    with bar:
        yield show
