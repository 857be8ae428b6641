"""Where an image stands among the candidates, before any of them is compared with the query.

The public search does not tell: it returns what verification left. This asks the stage before it, so that a
miss can be put down to the one or the other, and asks for longer lists than a search does, whose beginning is
the list of a search. Cost: as much again as half a search.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from echo_image.evaluate.edits.drawing import Rgb
from echo_image.image import from_array
from echo_image.retrieval.candidates import Shortlists, propose
from echo_image.retrieval.query import prepare
from echo_image.store import Store

__all__ = ["DEPTH", "Proposals"]

#: So many candidates are asked for at least, where the library has them.
DEPTH = 200


class Proposals:
    """The candidates of a library; a context manager.

    Args:
        library: path of its folder.
    """

    def __init__(self, library: Path) -> None:
        self._store = Store(library, create=False, read_only=True)
        self._lists = Shortlists().for_limit(DEPTH)  # the longest of them is longer than that
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="proposals")

    def __enter__(self) -> Proposals:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._store.close()

    def rank(self, pixels: Rgb, image_id: str, neutral: frozenset[str]) -> int | None:
        """Return the rank of an image among the candidates for a query, from 1; None where it is not there.

        The order is that in which the engine proposes; what it takes for equal stands as it was added.

        Args:
            pixels: (H, W, 3) uint8, the query.
            image_id: of the image.
            neutral: locations that do not count.
        """
        found = propose(self._store.snapshot(), prepare(from_array(pixels)), self._lists, self._pool)
        records = self._store.catalogue.records([candidate.key for candidate in found])
        rank = 1
        for candidate in found:
            record = records.get(candidate.key)
            if record is None:
                continue
            if record.id == image_id:
                return rank
            rank += not neutral.intersection(record.locations)
        return None
