"""What the workers of the pool's tests do: functions that workers can import by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echo_image.errors import CorruptImage
from echo_image.ingest.workers.nursery import BLAS_THREADS


def obey(item: Any) -> Any:
    """Do to this worker what the item says; return something that tells the item."""
    order, value = item
    if order == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "exit":
        os._exit(value)
    if order == "leave":
        raise SystemExit(value)
    if order == "hang":
        signal.pause()
    if order == "report_and_hang":
        with Path(value).open("w", encoding="ascii") as fifo:
            fifo.write(f"{os.getpid()} {os.getppid()}\n")
        signal.pause()
    if order == "raise":
        raise CorruptImage(f"bytes {value} are broken", hint="none")
    if order == "fault":
        raise ZeroDivisionError(f"by {value}")
    if order == "take":
        return len(bytearray(value))
    if order == "take_in_opencv":
        return cv2.resize(np.zeros((8, 8), np.uint8), (value, value)).nbytes
    if order == "lambda":
        return lambda: value
    if order == "burn":
        while time.process_time() < value:
            pass
        return value
    if order == "pids":
        return os.getpid(), os.getppid()
    if order == "sigint":
        os.kill(os.getpid(), signal.SIGINT)
        return os.getpid()
    if order == "threads":
        return cv2.getNumThreads(), [os.environ.get(name) for name in BLAS_THREADS]
    if order == "reverse":
        return value[::-1]
    return order, value


_ready = False


def get_ready() -> None:
    global _ready
    _ready = True


def fail_to_start() -> None:
    raise OSError("no such model")


def crash_at_start() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def tell_ready(item: int) -> bool:
    return _ready


_preloaded_by = 0


def load_much() -> None:
    global _preloaded_by
    _preloaded_by = os.getpid()


def tell_loader(order: str) -> tuple[int, int]:
    if order == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    return _preloaded_by, os.getppid()
