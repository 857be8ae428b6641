"""Log lines: one for each record, whatever is in it, and never in the way."""

from __future__ import annotations

import io
import json
import logging
import os

import pytest

from echo_image.server.observing.logs import ACCESS, logging_to
from echo_image.settings import Settings


def lines(
    *records: tuple[logging.Logger, int, str], log_format: str = "json", level: str = "info"
) -> list[str]:
    stream = io.StringIO()
    with logging_to(Settings().override(log_format=log_format, log_level=level).server, stream):
        for logger, number, text in records:
            logger.log(number, text, extra={"fields": {"status": 200}})
    return stream.getvalue().splitlines()


def test_json_has_the_fields() -> None:
    (line,) = lines((ACCESS, logging.INFO, "told\nin two lines"))
    found = json.loads(line)
    assert (found["message"], found["status"], found["level"]) == ("told\nin two lines", 200, "info")
    assert found["logger"] == "echo_image.access"


def test_text_is_one_line_without_control_characters() -> None:
    (line,) = lines((ACCESS, logging.INFO, "a\nb\x1b[2J\u202e"), log_format="text")
    assert line.isprintable()
    assert "a\\nb\\x1b[2J\\u202e" in line


def test_the_level_decides() -> None:
    own, uvicorn = logging.getLogger("echo_image.x"), logging.getLogger("uvicorn.error")
    records = [(own, logging.DEBUG, "a"), (own, logging.INFO, "b"), (own, logging.WARNING, "c")]
    told = [json.loads(line)["message"] for line in lines(*records, (uvicorn, logging.INFO, "d"))]
    assert told == ["b", "c"]
    assert len(lines(*records, level="debug")) == 3
    assert len(lines(*records, level="warning")) == 1


def test_an_exception_is_in_the_line() -> None:
    stream = io.StringIO()
    with logging_to(Settings().override(log_format="json").server, stream):
        try:
            raise ValueError("why")
        except ValueError as error:
            ACCESS.error("failed", exc_info=error)
    assert "ValueError: why" in json.loads(stream.getvalue())["exception"]


def test_everything_is_as_before_afterwards() -> None:
    logger = logging.getLogger("echo_image")
    before = (logger.level, logger.propagate, list(logger.handlers))
    lines((ACCESS, logging.INFO, "a"))
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_a_reader_that_does_not_read_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_image.server.observing.logs._LAST_LINES_S", 0.01)
    monkeypatch.setattr("echo_image.server.observing.logs._QUEUED_LINES", 10)
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    with logging_to(Settings().server, stream):
        for _ in range(20_000):  # many times what a pipe holds
            ACCESS.info("a line of some length that nobody takes out of the pipe")
    os.close(reader)
