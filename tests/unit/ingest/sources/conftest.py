"""What a source is offered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.sources import SourceContext


@pytest.fixture
def context(tmp_path: Path) -> SourceContext:
    """A library beside everything else that a test makes, and the limits that are set when nobody asks."""
    return SourceContext(tmp_path / "library", DecodeLimits(), FetchLimits())
