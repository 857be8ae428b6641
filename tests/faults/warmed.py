"""Imported by the server that `killing` forks processes from: compiles once what each of them needs."""

from __future__ import annotations

from echo_image.ingest.workers.reading import warm_up
from tests.faults import killing

__all__ = ["killing"]

warm_up()
