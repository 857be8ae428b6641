"""What runs in the child processes of a `WorkerPool`: the nursery and its workers.

The nursery is one process that imports everything once and forks a worker for each request. It never
starts a thread, so forking it is safe whatever threads the parent runs; a forked worker is ready in a few
milliseconds and shares the imported memory. It does not import the parent's `__main__`, so a script
without an `if __name__ == "__main__"` guard works (multiprocessing's own forkserver would run it again).

Conversation on the control connection, always one reply to one request:

| request | reply |
|---|---|
| `Prepared`, once, first | `""`, or why the task could not be imported |
| `FORK`, then the worker's end of a connection | process id |
| `KILL`, process id | `0`; the process is killed, and reaped later |
| `WAIT`, process id of a worker that closed its connection | its exit status, negative for a signal |

A worker reads pickled items, and answers each with `(kind, value)`: `("ready", None)` once, before all
else, then `("done", value)` or `("failed", (code, reason))` for each item, in the order received.

The parent's death closes the control connection: the nursery kills its workers and ends. The nursery's
own death kills them through `PR_SET_PDEATHSIG` (Linux), or by the end of their connection.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from echo_image.errors import EchoImageError

__all__ = ["EXIT_MEMORY", "EXIT_NOT_STARTED", "FORK", "KILL", "WAIT", "Prepared", "failure_of", "main"]

FORK, KILL, WAIT = "fork", "kill", "wait"

EXIT_NOT_STARTED = 81
"""Exit status of a worker whose initializer failed."""
EXIT_MEMORY = 82
"""Exit status of a worker that could not even hold the item it was given."""

MAX_REASON_CHARS = 500
"""A library's message can quote a whole file; a failure's reason is one line of a report."""

POLL_S = 2.0
"""How often the nursery looks whether its parent is alive.

Only needed when a stranger's fork holds a copy of the parent's end of the control connection."""

NICENESS = 5
"""What the nursery and its workers add to their niceness.

They take every core that is free, for hours: whoever searches meanwhile, in the parent or in another process,
waits for an answer and must not have to share its core with as many workers as there are. With 5 more, a
worker gets a quarter of a core that someone else wants too, and all of one that nobody wants; searches are as
quick as with 10 more, with which a busy machine would leave so little that slow images run out of time."""

AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux keeps the niceness of a whole session, which alone counts between sessions (sched(7))."""

PR_SET_PDEATHSIG = 1
CV2_NO_MEMORY = -4


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every worker of one pool does.

    Attributes:
        functions: Pickle of `(task, initializer, preload)`, by reference.
        memory_bytes: Address space that a worker may take beyond what it has when it is ready.
    """

    functions: bytes
    memory_bytes: int | None


def main(control_fd: int) -> None:
    """Run the nursery until its parent closes the connection or disappears.

    Args:
        control_fd: File descriptor of this side of the control connection, inherited.
    """
    # The terminal's Ctrl-C and Ctrl-\ are the parent's to decide upon.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    parent = os.getppid()
    _give_way()
    control = Connection(control_fd)
    try:
        prepared: Prepared = control.recv()
        task, initializer, problem = _import(prepared.functions)
        control.send(problem)
        if not problem:
            _Nursery(control, parent, task, initializer, prepared.memory_bytes).run()
    except (EOFError, OSError):
        pass  # the parent is gone; there is nobody to tell


def _give_way() -> None:
    """Let everything else go first. Where the system forbids it, or knows no such thing, nothing is lost."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    if sys.platform == "linux" and os.getsid(0) == os.getpid():  # nobody else's session
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(NICENESS), encoding="ascii")


def _import(functions: bytes) -> tuple[Callable[[Any], Any], Callable[[], Any] | None, str]:
    try:
        with contextlib.suppress(ImportError):
            # One thread a process: the pool is the parallelism. Set before the fork, for all workers.
            importlib.import_module("cv2").setNumThreads(1)
        task, initializer, preload = pickle.loads(functions)  # noqa: S301 our own parent's, by reference
        if preload is not None:
            preload()
    except Exception as error:  # any module's import may raise anything; it is reported to the parent
        return _nothing, None, _one_line(error)
    return task, initializer, ""


def _nothing(item: object) -> None:
    """Stand in for a task that could not be imported; never called."""


class _Nursery:
    """Forks, kills and reaps workers at its parent's request."""

    def __init__(
        self,
        control: Connection,
        parent: int,
        task: Callable[[Any], Any],
        initializer: Callable[[], Any] | None,
        memory_bytes: int | None,
    ) -> None:
        self._control = control
        self._parent = parent
        self._task = task
        self._initializer = initializer
        self._memory_bytes = memory_bytes
        self._living: set[int] = set()
        self._doomed: set[int] = set()

    def run(self) -> None:
        gc.collect()
        gc.freeze()  # a collection in a worker would otherwise copy every shared page
        try:
            while os.getppid() == self._parent:
                self._reap()
                if self._control.poll(POLL_S):
                    self._answer()
        except (EOFError, OSError):
            pass  # the parent closed the connection
        finally:
            for pid in self._living:
                os.kill(pid, signal.SIGKILL)
            # Waited for, so that when this process is gone they are, and their times are in its parent's.
            for pid in self._living | self._doomed:
                os.waitpid(pid, 0)

    def _answer(self) -> None:
        request, pid = self._control.recv()
        if request == FORK:
            self._control.send(self._fork(reduction.recv_handle(self._control)))
        elif request == KILL and pid in self._living:
            # Not waited for: a process in the middle of a read from a dead network disk dies late.
            os.kill(pid, signal.SIGKILL)
            self._living.discard(pid)
            self._doomed.add(pid)
            self._control.send(0)
        elif request == WAIT and pid in self._living:
            self._living.discard(pid)
            # It is ending already and its status is fixed; killing it only makes the wait certain to end.
            os.kill(pid, signal.SIGKILL)
            self._control.send(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        else:
            self._control.send(0)

    def _reap(self) -> None:
        for pid in tuple(self._doomed):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                self._doomed.discard(pid)

    def _fork(self, worker_fd: int) -> int:
        nursery = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._control.close()
            _work(Connection(worker_fd), nursery, self._task, self._initializer, self._memory_bytes)
        os.close(worker_fd)
        self._living.add(pid)
        return pid


def _work(
    parent: Connection,
    nursery: int,
    task: Callable[[Any], Any],
    initializer: Callable[[], Any] | None,
    memory_bytes: int | None,
) -> NoReturn:
    """Run a worker; never returns into the nursery's code, whatever happens."""
    status = EXIT_NOT_STARTED
    try:
        _die_with(nursery)
        if _get_ready(parent, initializer, memory_bytes):
            status = _serve(parent, task)
    except (EOFError, OSError):
        status = 0  # the parent closed the connection or is gone
    finally:
        os._exit(status)


def _get_ready(parent: Connection, initializer: Callable[[], Any] | None, memory_bytes: int | None) -> bool:
    try:
        if initializer is not None:
            initializer()
        _silence()
        _limit_memory(memory_bytes)
    except BaseException as error:  # anyone's code: the parent is told, and gives up
        parent.send(("failed", ("internal_error", _one_line(error))))
        return False
    parent.send(("ready", None))
    return True


def _serve(parent: Connection, task: Callable[[Any], Any]) -> int:
    while True:
        try:
            data = parent.recv_bytes()
        except MemoryError:
            return EXIT_MEMORY  # part of the item was read: the conversation cannot go on
        parent.send_bytes(_attempt(task, data))


def _attempt(task: Callable[[Any], Any], data: bytes) -> bytes:
    """Return the pickled answer for one pickled item. Never raises: an item's failure is an answer."""
    try:
        value = task(pickle.loads(data))  # noqa: S301 written by our own parent
        return pickle.dumps(("done", value), protocol=pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # SystemExit too: a task must not be able to end its worker quietly
        return pickle.dumps(("failed", failure_of(error)))


def failure_of(error: BaseException) -> tuple[str, str]:
    """Return `(code, reason)` for an exception that a task raised.

    `EchoImageError` keeps its code and message; `MemoryError`, and OpenCV's own for the same, become
    `memory_limit`; anything else is `internal_error` with the exception's name.
    """
    if isinstance(error, EchoImageError):
        return error.code, error.message
    if isinstance(error, MemoryError) or getattr(error, "code", None) == CV2_NO_MEMORY:
        return "memory_limit", "needed more memory than a worker may take"
    return "internal_error", _one_line(error)


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # __str__ is anyone's code
        text = ""
    name = type(error).__name__
    return f"{name}: {text}"[:MAX_REASON_CHARS] if text else name


def _die_with(nursery: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != nursery:
        os._exit(0)  # it died before it could be watched


def _silence() -> None:
    # C libraries print a line for each defect of a file; a hostile file has millions of them.
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        os.dup2(null, fd)
    os.close(null)


def _limit_memory(memory_bytes: int | None) -> None:
    # A crash of a hostile file must not fill the disk with core dumps.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    taken = _address_space_bytes()
    if memory_bytes is None or taken is None:
        return
    limit = taken + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _address_space_bytes() -> int | None:
    """Return the address space this process has mapped; None where the system does not tell (not Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()
