"""The parent's side of the process that forks the workers of a `WorkerPool`.

Its other side, and the conversation between the two, is `worker.py`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import reduction
from multiprocessing.connection import Connection, Pipe
from typing import Any

from echo_image.errors import EchoImageError
from echo_image.ingest.workers.worker import FORK, Prepared

__all__ = ["Nursery", "NurseryLostError", "by_reference"]

END_S = 5.0
"""Time for the nursery to end after its connection was closed, before it is killed."""

BLAS_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Environment variables that keep numerical libraries from starting threads: the pool is the parallelism."""


class NurseryLostError(Exception):
    """The nursery died, or the conversation with it broke off."""


class Nursery:
    """A running nursery.

    Args:
        prepared: What its workers do.

    Raises:
        EchoImageError: It cannot be started, or cannot import what its workers are to run.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._control, theirs = Pipe(duplex=True)
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from echo_image.ingest.workers.worker import main; main({theirs.fileno()})"
        )
        try:
            # Its own session: a terminal's signals go to the parent, which decides, and Linux shares out the
            # cores between sessions first, so only with one of its own can it stand back behind all others.
            self._process = subprocess.Popen(  # noqa: S603 our own interpreter and code
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **dict.fromkeys(BLAS_THREADS, "1")},
                start_new_session=True,
            )
        except OSError as error:
            self._control.close()
            raise EchoImageError(f"The process that starts workers cannot be started: {error}.") from error
        finally:
            theirs.close()
        try:
            self._control.send(prepared)
            problem = str(self._control.recv())
        except (EOFError, OSError) as error:
            self.close()
            raise EchoImageError("The process that starts workers ended while starting.") from error
        except BaseException:
            self.close()
            raise
        if problem:
            self.close()
            raise EchoImageError(f"Workers cannot import what they are to run: {problem}.")

    def fork(self, worker_end: Connection) -> int:
        """Return the process id of a new worker that talks over `worker_end`.

        Raises:
            NurseryLostError: There is no nursery any more; neither are its workers.
        """
        with self._unbroken():
            self._control.send((FORK, 0))
            reduction.send_handle(self._control, worker_end.fileno(), self._process.pid)
            return int(self._control.recv())

    def ask(self, request: str, pid: int) -> int:
        """Return the reply to `KILL` or `WAIT`; raises as `fork`."""
        with self._unbroken():
            self._control.send((request, pid))
            return int(self._control.recv())

    @contextlib.contextmanager
    def _unbroken(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            self.close()
            raise NurseryLostError from error
        except BaseException:  # Ctrl-C between question and answer: the next answer would be the wrong one
            self.close()
            raise

    def close(self) -> None:
        """Let it kill its workers and end. May be called twice."""
        # A process that someone forked may hold a copy of our end: closing ours would not be seen.
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._control.fileno())) as channel:
            channel.shutdown(socket.SHUT_RDWR)
        self._control.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def by_reference(task: Callable[..., Any], *others: Callable[..., Any] | None) -> bytes:
    """Return the pickle of a tuple of module-level functions.

    Raises:
        ValueError: One of them cannot be imported by name.
    """
    for function in (task, *others):
        if function is not None and getattr(function, "__module__", None) == "__main__":
            raise ValueError(f"{function!r} is defined in __main__; workers can only import it from a module")
    try:
        return pickle.dumps((task, *others))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(f"workers cannot import {task!r} by name: {error}") from error
