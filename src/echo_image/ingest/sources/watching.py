"""What changes in a folder while somebody looks: batches of paths, by the rules of the folder's walk.

The system tells of changes (watchfiles: inotify on Linux, FSEvents on macOS; where the variable
WATCHFILES_FORCE_POLLING is set, as for network disks that tell nothing, it is looked for them). Four things
are not told, and are made up for here:

* what changed before the watch was set up: the first batch says `rescan`;
* what lies in a folder that was made or moved in: it is walked, and once more a moment later, as files may
  come before the system watches the new folder;
* changes beyond the kernel's queue (16,384 events), which are lost without a word: a batch of so many paths
  that the queue may have run over says `rescan` instead of naming them;
* a folder that goes away and comes back (a disk that is mounted anew): `rescan`, and a new watch.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echo_image.errors import MissingExtra, NotFound, QueryError
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.ingest.sources.archives import is_archive_name
from echo_image.ingest.sources.files import identity
from echo_image.ingest.sources.folders import Folder
from echo_image.ingest.sources.offered import Offered, SourceContext

__all__ = ["Changes", "watch"]

#: A batch ends when nothing has come for this long: a copied folder of photographs is one batch.
_QUIET_MS = 500
#: A batch is not held back longer than this.
_LONGEST_MS = 5000
#: `stop` is asked so often.
_STEP_MS = 200
#: A file that is written makes up to four events, and the kernel's queue holds 16,384 of them.
_MOST_PATHS = 4000


@dataclass(frozen=True, slots=True)
class Changes:
    """One batch.

    Attributes:
        changed: files that are new or changed, sorted; each is there, or was a moment ago.
        deleted: what is gone, sorted: files, or whole folders of which single files are not named.
        rescan: more may have changed than is named: the folder should be walked as a whole.
    """

    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rescan: bool = False


def watch(
    folder: Folder,
    *,
    library: Path,
    stop: Callable[[], bool],
    quiet_ms: int = _QUIET_MS,
    longest_ms: int = _LONGEST_MS,
) -> Iterator[Changes]:
    """Yield what changes in a folder until told to stop; the first batch says `rescan`, once all is watched.

    Left out is what the folder's own walk leaves out. Changes behind links are not seen, as the files that
    links lead to lie elsewhere.

    Args:
        folder: its path and its rules.
        library: the library's own folder, never told of.
        stop: asked several times a second.
        quiet_ms: a batch ends when nothing has come for so long.
        longest_ms: a batch ends after so long anyway.

    Raises:
        MissingExtra: watchfiles is not installed.
        NotFound: there is no such folder.
        QueryError: the system cannot watch it, for example as it has too many folders.
        KeyboardInterrupt: Ctrl-C, where it is called by the main thread.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise MissingExtra(
            "Watching folders needs an optional package that is not installed.",
            hint="pip install 'echo-image[watch]'",
        ) from error
    if folder.missing():
        raise NotFound(folder.missing(), hint="Check the spelling.")
    rules = _Rules(folder, library, stop)
    pause = threading.Event()
    while not stop():
        if identity(folder.path) is None:
            pause.wait(_STEP_MS / 1000)  # until it is there again
            continue
        told = watchfiles.watch(
            folder.path,
            watch_filter=None,
            debounce=longest_ms,
            step=quiet_ms,
            rust_timeout=_STEP_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        yield from _watched(told, rules)


def _watched(told: Any, rules: _Rules) -> Iterator[Changes]:
    """Yield the batches of one watch, until it is told to stop or the folder is another one."""
    root = rules.folder.path
    itself = identity(root)
    first = True
    try:
        for batch in told:
            if first:
                yield Changes(rescan=True)
                first = False
            if rules.stop():
                return
            if identity(root) != itself:
                yield Changes(rescan=True)
                return
            changes = rules.judge({path for _, path in batch})
            if changes is not None:
                yield changes
    except OSError as error:
        if identity(root) != itself:  # gone while the watch was set up
            return
        raise QueryError(
            f"The folder {rules.folder.label} cannot be watched: {error}.",
            hint="Raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1.",
        ) from error
    finally:
        told.close()


class _Rules:
    """What of the told paths is taken."""

    def __init__(self, folder: Folder, library: Path, stop: Callable[[], bool]) -> None:
        self.folder = folder
        self.stop = stop
        self._selection = folder.selection
        self._start = os.path.join(folder.path, "")  # noqa: PTH118 - the end with a separator
        self._own = os.path.realpath(library)
        self._context = SourceContext(library, DecodeLimits(), FetchLimits(), stop)
        # New folders that are walked once more, with what was found in them.
        self._fresh: dict[str, set[str]] = {}

    def judge(self, paths: set[str]) -> Changes | None:
        """Return what is to be told of a batch; None for nothing."""
        if len(paths) > _MOST_PATHS:
            self._fresh.clear()
            return Changes(rescan=True)
        changed, deleted = self._late(), set()
        linked: dict[str, bool] = {}
        for path in paths:
            if not path.startswith(self._start) or not self._is_seen(path, linked):
                continue
            relative = path[len(self._start) :]
            if not os.path.lexists(path):
                # What it was is not known: a folder's name matches no pattern of files.
                if self._selection.enters(relative):
                    deleted.add(path)
            elif not os.path.isdir(path):  # noqa: PTH112
                if self._takes(relative):
                    changed.add(path)
            elif not os.path.islink(path) and self._selection.enters(relative):  # noqa: PTH114
                found = self._walked(path)
                self._fresh[path] = found
                changed |= found
        if not changed and not deleted:
            return None
        return Changes(tuple(sorted(changed)), tuple(sorted(deleted)))

    def _is_seen(self, path: str, linked: dict[str, bool]) -> bool:
        """Tell whether the walk would come to a path: by no hidden folder, no link and not the library."""
        parts = path[len(self._start) :].split("/")
        if not self.folder.hidden and any(part.startswith(".") for part in parts):
            return False
        at = self.folder.path
        for part in parts[:-1]:
            at = os.path.join(at, part)  # noqa: PTH118
            if at not in linked:
                linked[at] = os.path.islink(at) or os.path.realpath(at) == self._own  # noqa: PTH114
            if linked[at]:
                return False
        return os.path.realpath(path) != self._own

    def _takes(self, relative: str) -> bool:
        if self.folder.archives and is_archive_name(relative):
            return self._selection.enters(relative)  # patterns of files are compared with its members
        return self._selection.takes(relative)

    def _walked(self, path: str) -> set[str]:
        """Return the files in a folder within, by the rules of the whole."""
        inner = Folder(path, hidden=self.folder.hidden)
        items = (item for item in inner.offer(self._context) if isinstance(item, Offered))
        start = len(self._start)
        try:
            return {item.target for item in items if self._takes(item.target[start:])}
        except NotFound:  # gone again
            return set()

    def _late(self) -> set[str]:
        """Return what came into new folders after they were walked first."""
        late: set[str] = set()
        for path, found in self._fresh.items():
            late |= self._walked(path) - found
        self._fresh.clear()
        return late
