"""What a library needs to know from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Protocol

from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits


class LibrarySettings(Protocol):
    """`settings.Settings` has it; so has `Limits`."""

    @property
    def decode(self) -> DecodeLimits:
        """Limits on an image before and while it is decoded."""

    @property
    def fetch(self) -> FetchLimits:
        """Limits on what is fetched from a URL."""

    @property
    def workers(self) -> int:
        """Processes that decode and extract."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of whoever gives none."""

    decode: DecodeLimits = field(default_factory=DecodeLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
