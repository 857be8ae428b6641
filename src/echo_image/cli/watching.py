"""`add --watch`: keep a library in step with a folder until Ctrl-C.

What is new or changed is added as by `add`: the folder is walked again, and what is known is passed over
without being opened. What is gone is looked at again, which marks it as missing and removes nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from echo_image.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from echo_image import AddReport, Library
    from echo_image.ingest.sources import Source
    from echo_image.ingest.sources.folders import Folder
    from echo_image.ingest.sources.watching import Changes

#: So many vanished files are looked at one by one; more of them by looking at the whole folder.
_FEW = 50


def watched_folder(sources: Sequence[Source]) -> Folder:
    """Return the folder to watch.

    Raises:
        UsageError: There is no folder among the sources, or several.
    """
    from echo_image.ingest.sources.folders import Folder

    folders = [source for source in sources if isinstance(source, Folder)]
    if len(folders) != 1:
        message = f"--watch needs one folder; {len(folders)} of the sources are folders."
        raise UsageError(message, hint="Run one command for each: echo-image add LIBRARY FOLDER --watch")
    return folders[0]


def keep_in_step(
    library: Library,
    folder: Folder,
    add: Callable[[], AddReport],
    tell: Callable[[AddReport], None],
    batches: Iterable[Changes],
) -> None:
    """Add whatever changes and look again at what vanishes, as long as there are changes.

    Args:
        library: The library.
        folder: What is watched.
        add: Adds it.
        tell: Called with each report.
        batches: What changed; `watching.watch` gives it.
    """
    whole = os.path.join(folder.path, "")  # noqa: PTH118 - the end with a separator
    for number, batch in enumerate(batches):
        if batch.rescan or batch.changed:
            tell(add())
        gone: Sequence[str] = batch.deleted
        # The first batch only says that the watch has begun, right after the folder was added.
        if len(gone) > _FEW or (batch.rescan and number):
            gone = [whole]
        for start in gone:
            tell(library.recheck(start))
