"""One writer for all threads of a process: opened by the first that writes, closed by the last.

A job keeps it open for hours and takes its turn for each batch only, so a single upload to the same library
waits for a batch and not for the job. Other processes wait, or are told that the library is busy, as long as
it is open.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from echo_image.store.folder import Store
from echo_image.store.writer import Writer


class SharedWriter:
    """The writer of one opened library.

    Args:
        store: the library.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._opening = threading.Lock()
        self._writer: Writer | None = None
        self._holders = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it open inside.

        Raises:
            LibraryBusy: another process is writing.
            LibraryReadOnly, StorageFull: as their names say.
        """
        with self._opening:
            if self._writer is None:
                self._writer = Writer(self._store)
            self._holders += 1
        try:
            yield
        finally:
            with self._opening:
                self._holders -= 1
                if not self._holders:
                    writer, self._writer = self._writer, None
                    writer.close()

    @contextmanager
    def turn(self) -> Iterator[Writer]:
        """Return the writer for nobody else's use meanwhile; raises as `held`."""
        with self.held(), self._turn:
            assert self._writer is not None
            yield self._writer
