"""Bytes that are not in files of this machine, on their way to the workers; never too many at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Pipe
from queue import SimpleQueue

from echo_image.catalogue.checks import LocationCheck
from echo_image.errors import EchoImageError, FetchError
from echo_image.fetch.downloads import Downloads
from echo_image.fetch.politeness import Outcome, Request
from echo_image.ingest.sources import Offered

#: Bytes of streams and remote files that may wait for workers; downloads keep to a limit of their own.
MAX_WAITING_BYTES = 64 * 2**20
#: Remote files read at once; each costs a round trip or two.
REMOTE_THREADS = 8


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Loaded:
    """An item whose bytes are there, or never will be.

    Attributes:
        id: of its row.
        offered: the item.
        data: the bytes; None where there are none.
        error: why there are none.
        not_modified: its server says that it is as it was.
        attempts, seconds: how often it was tried, and how long it took.
        etag, last_modified: what the server said of it.
        release: to be called once the bytes are no longer held here.
    """

    id: int
    offered: Offered
    data: bytes | None = None
    error: EchoImageError | None = None
    not_modified: bool = False
    attempts: int = 1
    seconds: float = 0.0
    etag: str = ""
    last_modified: str = ""
    release: Callable[[], None] = field(default=_nothing)

    @property
    def http_status(self) -> int:
        """Of the last answer, 0 where there was none."""
        return self.error.status if isinstance(self.error, FetchError) else 0


class Loads:
    """A queue of loaded items, filled by several threads and emptied by the one that runs the job.

    Attributes:
        wake: readable when there is something in it.
    """

    def __init__(self) -> None:
        self._queue: deque[Loaded] = deque()
        self._changed = threading.Condition()
        self._bytes = 0
        self._closed = False
        self.wake, self._alarm = Pipe(duplex=False)
        self._alarmed = False

    def put(self, loaded: Loaded, *, wait: bool = False) -> None:
        """Add an item.

        Args:
            loaded: the item.
            wait: until so few bytes wait that there is room, and count its own among them.
        """
        with self._changed:
            if wait:
                size = len(loaded.data or b"")
                self._changed.wait_for(
                    lambda: self._closed or not self._bytes or self._bytes + size <= MAX_WAITING_BYTES
                )
                self._bytes += size
                loaded.release = lambda: self._release(size)
            if not self._closed:
                self._queue.append(loaded)
            self._sound()

    def notice(self) -> None:
        """Wake whoever waits, though nothing is in it."""
        with self._changed:
            self._sound()

    def _sound(self) -> None:
        if not self._alarmed and not self._closed:
            self._alarmed = True
            self._alarm.send_bytes(b"!")

    def _release(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()

    def take(self) -> Loaded | None:
        """Return the next item, None when there is none now."""
        with self._changed:
            if self._alarmed:
                self._alarmed = False
                self.wake.recv_bytes()
            return self._queue.popleft() if self._queue else None

    def __len__(self) -> int:
        return len(self._queue)

    def close(self) -> None:
        """Let nobody wait any more; what is in it is dropped. May be called twice."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        self.wake.close()
        self._alarm.close()


class Loaders:
    """Downloads and reads of remote files that are under way.

    Args:
        loads: where their outcomes go.
        downloads: for URLs.
        read_remote: gives the bytes of an item; called by several threads.
    """

    def __init__(
        self,
        loads: Loads,
        downloads: Downloads,
        read_remote: Callable[[Offered], bytes],
    ) -> None:
        self._loads = loads
        self._downloads = downloads
        self._read_remote = read_remote
        self._lock = threading.Lock()
        self._under_way = 0
        self._remote = 0
        # No pool of the standard library: its threads are waited for when the program ends, and one that
        # waits for a server that says nothing would keep a program that was told to stop.
        self._wanted: SimpleQueue[tuple[int, Offered] | None] = SimpleQueue()
        self._num_threads = 0
        self._closed = False

    @property
    def under_way(self) -> int:
        """How many are not done yet."""
        return self._under_way

    def room(self) -> int:
        """How many more URLs are wanted."""
        return self._downloads.room()

    def remote_room(self) -> int:
        """How many more remote files are wanted."""
        return max(0, 2 * REMOTE_THREADS - self._remote)

    def download(self, item: int, offered: Offered, check: LocationCheck | None) -> None:
        """Begin to download a URL.

        Args:
            item: id of its row.
            offered: the item.
            check: what its server said last, where the library has it: unless it has changed, it is not sent.
        """
        with self._lock:
            self._under_way += 1
        request = Request(
            offered.target,
            etag="" if check is None else check.etag,
            last_modified="" if check is None else check.last_modified,
        )

        def done(outcome: Outcome) -> None:
            fetched = outcome.fetched
            self._end(
                Loaded(
                    item,
                    offered,
                    None if fetched is None else fetched.data,
                    outcome.error,
                    outcome.not_modified,
                    outcome.attempts,
                    outcome.seconds,
                    "" if fetched is None else fetched.etag,
                    "" if fetched is None else fetched.last_modified,
                    lambda: self._downloads.release(outcome),
                )
            )

        self._downloads.submit(request, done)

    def read(self, item: int, offered: Offered) -> None:
        """Begin to read a remote file."""
        with self._lock:
            self._under_way += 1
            self._remote += 1

        self._wanted.put((item, offered))
        if self._num_threads < min(REMOTE_THREADS, self._remote):
            self._num_threads += 1
            threading.Thread(target=self._reader, name="echo-image-remote", daemon=True).start()

    def _reader(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            if self._closed:
                continue
            item, offered = wanted
            loaded = Loaded(item, offered, release=self._remote_is_gone)
            try:
                loaded.data = self._read_remote(offered)
            except EchoImageError as error:
                loaded.error = error
            except Exception as error:  # whatever the library of a file system raises
                loaded.error = FetchError(f"{type(error).__name__}: {error}")
            self._end(loaded)

    def _remote_is_gone(self) -> None:
        with self._lock:
            self._remote -= 1

    def _end(self, loaded: Loaded) -> None:
        self._loads.put(loaded)
        with self._lock:
            self._under_way -= 1

    def close(self) -> None:
        """Give up what is under way."""
        self._closed = True
        for _ in range(self._num_threads):
            self._wanted.put(None)
