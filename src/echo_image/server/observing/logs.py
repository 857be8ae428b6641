"""The service's log: a line for each call and for each failure, on stderr, as text or JSON.

A line names the route by its template, and never has a query string, a key or a body. Lines are written by a
thread of their own from a bounded queue: whoever reads stderr may be slow or may have stopped reading, and a
write that waits for it would hold every call of the service. Lines that find the queue full are counted and
dropped.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from echo_image.settings import ServerSettings

__all__ = ["ACCESS", "JsonLines", "TextLines", "logging_to"]

# The logger of the lines for each call; `extra={"fields": {...}}` has what JSON shows.
ACCESS = logging.getLogger("echo_image.access")

_LOGGERS = ("echo_image", "uvicorn")
_QUEUED_LINES = 10_000
# How long the last lines may take when the service has stopped and nobody reads them.
_LAST_LINES_S = 2.0


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """A record as a line for people; line breaks and control characters in it are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower()} {_one_line(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = getattr(record, "fields", {})
    return fields if isinstance(fields, Mapping) else {}


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class _Queued(logging.Handler):
    """Hands records to a thread that formats and writes them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(_QUEUED_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="echo-image-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def _write_all(self) -> None:
        while (record := self._queue.get()) is not None:
            try:
                self._stream.write(self.format(record) + "\n")
                if self._queue.empty():
                    self._write_dropped()
                    self._stream.flush()
            except Exception:  # noqa: S112 - the reader of stderr has gone; the service goes on
                continue

    def _write_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            told = logging.LogRecord(
                __name__, logging.WARNING, "", 0, "%d log lines dropped", (dropped,), None
            )
            self._stream.write(self.format(told) + "\n")

    def close(self) -> None:
        try:
            self._queue.put(None, timeout=_LAST_LINES_S)
            self._thread.join(_LAST_LINES_S)
        except queue.Full:
            pass  # nobody reads
        super().close()


@contextmanager
def logging_to(settings: ServerSettings, stream: TextIO | None = None) -> Iterator[None]:
    """Write the service's log to a stream, stderr by default, until the context is left.

    Args:
        settings: `log_format` and `log_level`; a level that was set lower before (`--debug`) stays.
        stream: Where to.
    """
    handler = _Queued(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    level = getattr(logging, settings.log_level.upper())
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        own = min(level, logger.level) if logger.level else level
        # uvicorn tells at length that it starts and stops; what we announce says it.
        logger.setLevel(own if logger.name == "echo_image" else max(own, logging.WARNING))
        logger.propagate = False
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, logger_level, propagate in before:
            logger.removeHandler(handler)
            logger.setLevel(logger_level)
            logger.propagate = propagate
        handler.close()
