"""A library folder: catalogue, packs and index segments kept in step.

```
LIBRARY/
  catalogue.sqlite      the truth (see `catalogue`)
  packs/000001.pack     features and thumbnails
  index/*.segment       caches of the catalogue, memory-mapped
  writer.lock           held by the one process that writes
```

`Store` opens the folder and gives readers a `Snapshot`; `Writer` holds the lock and changes it.
"""

from __future__ import annotations

from echo_image.store.checking import find_problems
from echo_image.store.extraction import Extracted, extract
from echo_image.store.folder import Store
from echo_image.store.snapshot import Snapshot
from echo_image.store.writer import Entry, Outcome, Writer

__all__ = ["Entry", "Extracted", "Outcome", "Snapshot", "Store", "Writer", "extract", "find_problems"]
