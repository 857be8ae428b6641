"""Progress on standard error: a bar for a person, a line of JSON for a program, or nothing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from echo_image.cli.terminal import Terminal, is_terminal
from echo_image.cli.text import duration, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from echo_image.library import Progress

CHOICES = ("auto", "bar", "json", "none")
_NAME_CELLS = 40


def add_progress(parser: argparse.ArgumentParser) -> None:
    """Add the choice of how a long command tells how far it is."""
    parser.add_argument(
        "--progress",
        choices=CHOICES,
        default="auto",
        help="bar; json: each line of standard error is a JSON object with an event, the last one end; none;"
        " auto: a bar on a terminal, else none (default)",
    )


@contextmanager
def progress_bar(terminal: Terminal, action: str) -> Iterator[Callable[[Progress], None] | None]:
    """Yield a callback that tells progress, or `None` where nobody would see it.

    Args:
        terminal: Says how to tell it.
        action: What is being done, in one word.
    """
    if terminal.progress == "json":
        yield lambda state: terminal.event("progress", {"action": action, **_fields(state)})
        return
    looked_at = terminal.progress == "bar" or (terminal.progress == "auto" and is_terminal(sys.stderr))
    if terminal.quiet or not looked_at:
        yield None
        return
    with _drawn(action) as show:
        yield show


@contextmanager
def _drawn(action: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        TextColumn("{task.fields[location]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(action, total=None, location="", pace="")

    def show(state: Progress) -> None:
        name = printable(state.location)
        short = name if len(name) <= _NAME_CELLS else "…" + name[-_NAME_CELLS + 1 :]
        bar.update(task, completed=state.done, total=state.total, location=short, pace=pace(state))

    with bar:
        yield show


def pace(state: Progress) -> str:
    """Return how fast it goes and how long it will take, as far as that is known."""
    told = []
    if state.rate > 0:
        told.append(f"{state.rate:,.0f}/s" if state.rate >= 10 else f"{state.rate:.1f}/s")
    if state.eta_s is not None:
        told.append(f"{duration(state.eta_s)} left")
    if state.pages:
        told.append(f"{state.pages:,} pages")
    return ", ".join(told)


def _fields(state: Progress) -> dict[str, object]:
    return {
        "done": state.done,
        "total": state.total,
        "pending": state.pending,
        "added": state.added,
        "failed": state.failed,
        "pages": state.pages,
        "rate": round(state.rate, 3),
        "eta_s": None if state.eta_s is None else round(state.eta_s, 1),
        "seconds": round(state.seconds, 3),
        "location": state.location,
    }
