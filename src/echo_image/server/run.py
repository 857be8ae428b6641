"""`serve`: open libraries, listen, answer until stopped.

The socket is bound here and not by uvicorn: a port that is taken is an error with a hint instead of an
exit, port 0 can be announced as the port it became, and a connection made between the announcement and the
first answer waits instead of failing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from echo_image import Library, open_library, warm_up
from echo_image.errors import UsageError
from echo_image.server.access.keys import load_keys
from echo_image.server.app import create_app
from echo_image.server.context import Context
from echo_image.server.observing.logs import logging_to
from echo_image.settings import ServerSettings, Settings

__all__ = ["library_names", "reachable_by_others", "serve"]

_log = logging.getLogger(__name__)

_SWITCH_S = 0.001
# Connections that may wait to be accepted; the number that servers commonly use.
_BACKLOG = 2048


def serve(
    library_paths: Sequence[str | Path],
    settings: Settings,
    *,
    open_browser: bool = False,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve libraries until SIGINT or SIGTERM; running calls then get `shutdown_s` to finish.

    Args:
        library_paths: Folders of libraries, at least one; each is served under its folder's name.
        settings: All settings.
        open_browser: Whether to open the search page.
        announce: Called with the page's URL once a connection would be answered; by default a line on stderr.

    Raises:
        LibraryError: A folder is no library, or cannot be opened.
        NotFound: There is no keys file where the settings name one.
        UsageError: The address cannot be listened on, or no library was named.
    """
    if not library_paths:
        raise UsageError("No library was named.", hint="echo-image serve my-library")
    with ExitStack() as opened:
        opened.enter_context(logging_to(settings.server))
        if settings.server.keys_file is not None:
            load_keys(Path(settings.server.keys_file))  # what is wrong with it is told before anything else
        listener = opened.enter_context(_listen(settings.server))
        libraries = {
            name: opened.enter_context(open_library(path, create=False, settings=settings))
            for name, path in library_names(library_paths).items()
        }
        url = _url(listener)
        (announce or (_log_address if settings.server.log_format == "json" else _say))(url)
        if settings.server.keys_file is None and reachable_by_others(listener.getsockname()[0]):
            _log.warning(
                "Whoever can reach this address may search, add and remove images: no keys are asked for."
            )
        if open_browser:
            # Some browsers keep their caller waiting until they are closed.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        _run(libraries, settings, listener)


def library_names(paths: Sequence[str | Path]) -> dict[str, Path]:
    """Return name → path; the name is the folder's, with a number where two have the same.

    Example:
        >>> list(library_names(["a/photos", "b/photos"]))
        ['photos', 'photos-2']
    """
    names: dict[str, Path] = {}
    for path in map(Path, paths):
        own = path.resolve().name or "library"
        name, number = own, 1
        while name in names:
            number += 1
            name = f"{own}-{number}"
        names[name] = path
    return names


def reachable_by_others(address: str) -> bool:
    """Return whether other machines may reach what listens on an address.

    Example:
        >>> reachable_by_others("127.0.0.1"), reachable_by_others("0.0.0.0")
        (False, True)
    """
    return not ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _run(libraries: dict[str, Library], settings: Settings, listener: socket.socket) -> None:
    app = create_app(libraries, settings)
    config = uvicorn.Config(
        app,
        log_config=None,  # logging belongs to the caller, and stdout to data
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.server.shutdown_s),
        lifespan="on",
    )
    # The event loop gets the interpreter back from a thread that computes after this long; five threads of
    # Python's 5 ms would make it 20 ms late.
    sys.setswitchinterval(_SWITCH_S)
    # Beside the first visitors, who can look at the page meanwhile.
    here: Context = app.state.context
    here.warm.clear()
    warming = threading.Thread(target=_warm, args=(here.warm,), name="warm-up")
    warming.start()
    try:
        with _signals_survived(), contextlib.suppress(KeyboardInterrupt):
            _Server(config, here).run(sockets=[listener])
    finally:
        # A daemon thread inside compiled code when the interpreter ends would abort the process.
        warming.join()


def _warm(warm: threading.Event) -> None:
    try:
        warm_up()
    finally:  # a search that finds something not compiled compiles it
        warm.set()
    # What the packages and compiled loops are made of stays until the end. Looked through by the collector it
    # takes 35 to 50 ms each time, which the event loop would be late; frozen, it is passed over.
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """uvicorn that tells the application at once that it stops: a stream without an end may end then."""

    def __init__(self, config: uvicorn.Config, here: Context) -> None:
        super().__init__(config)
        self._here = here
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        # In a signal handler, so the event cannot be set here.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._here.stopping.set)


@contextmanager
def _signals_survived() -> Iterator[None]:
    """Keep SIGTERM from ending the process before the libraries are closed.

    uvicorn raises the signal that stopped it once more when it is done, for whoever was there before it; by
    default that ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ignore(number: int, frame: FrameType | None) -> None:
        return

    before = signal.signal(signal.SIGTERM, ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listen(server: ServerSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server((address[0], server.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        message = f"The service cannot listen on {server.host} port {server.port}: {error.strerror or error}."
        raise UsageError(message, hint="Choose another with --port, or 0 for any free one.") from error
    # Connections inherit it. asyncio sets it only where the socket names its protocol, which this one does
    # not; without it every answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    # "All addresses" is nowhere one can go; this machine's own is one of them.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _log_address(url: str) -> None:
    _log.info("serving at %s", url, extra={"fields": {"url": url}})


def _say(url: str) -> None:
    print(f"Serving at {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)
