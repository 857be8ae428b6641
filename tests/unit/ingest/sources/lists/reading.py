"""What a source offers, in short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from echo_image.ingest.sources import Offered, Source, SourceContext


def items(source: Source, context: SourceContext) -> list[Offered]:
    """Return what a source offers."""
    got = list(source.offer(context))
    assert all(isinstance(item, Offered) for item in got)
    return [item for item in got if isinstance(item, Offered)]


def short(offered: list[Offered], folder: Path) -> list[tuple[str, Any]]:
    """Return locations, those of a folder without it, each with its attributes or the code of its problem."""
    return [(item.location.replace(f"{folder}/", ""), item.code or dict(item.attributes)) for item in offered]
