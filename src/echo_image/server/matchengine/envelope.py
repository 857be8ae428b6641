"""The shape in which MatchEngine speaks: indexed parameters in, one envelope out.

What its clients send and expect is known from their published documentation: parameters such as `image` or
`images[0]`, `url` or `urls[0]`, `filepath` or `filepaths[0]`; an answer of `status` (ok, warn, fail), `error`
(a list of sentences), `method` and `result` (a list), as JSON or, with `format=xml`, as XML.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from fastapi.responses import JSONResponse, Response

from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import Body, Upload

__all__ = ["Reply", "flag", "indexed_texts", "indexed_uploads", "number", "whole"]

_MAX_INDEX = 100_000
# What XML 1.0 cannot say, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(slots=True)
class Reply:
    """One answer in the making.

    Attributes:
        method: The call's name.
        result: What was found.
        errors: What went wrong, one sentence each.
        done: Items that went well.
        http_status: Of the answer; stays 200 unless nothing went well.
        headers: More headers.
    """

    method: str
    result: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    done: int = 0
    http_status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    _started: float = field(default_factory=time.perf_counter)

    @property
    def status(self) -> str:
        """ok: all went well; warn: some of it; fail: nothing."""
        if not self.errors:
            return "ok"
        return "warn" if self.done else "fail"

    def fail(self, what: str, reason: str, http_status: int) -> None:
        """Say what went wrong; the first such status is the answer's where nothing goes well."""
        if not self.errors:
            self.http_status = http_status
        self.errors.append(f"{what}: {reason}" if what else reason)

    def response(self, form: object) -> Response:
        """Return the answer in the format that was asked for."""
        content: dict[str, object] = {
            "status": self.status,
            "error": self.errors,
            "method": self.method,
            "result": self.result,
            "stats": {"time_total": round((time.perf_counter() - self._started) * 1000, 2)},
        }
        http_status = self.http_status if self.status == "fail" else 200
        if form == "xml":
            text = f'<?xml version="1.0" encoding="utf-8"?>\n<data>{_xml(content)}</data>\n'
            return Response(text, http_status, self.headers, "application/xml")
        return JSONResponse(content, http_status, self.headers)


def _xml(value: object) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{_xml(inner)}</item>" for inner in value)
    return escape(_NOT_XML.sub("\ufffd", str(value)))


def indexed_uploads(body: Body, one: str, several: str) -> dict[int, Upload]:
    """Return index → file of `one` (index 0) and `several[0]`, `several[1]` …"""
    found: dict[int, Upload] = {}
    for name, uploads in body.files.items():
        index = _index(name, one, several)
        if index is not None:
            if len(uploads) > 1 or index in found:
                raise InvalidRequest(f"{name} was sent more than once.")
            found[index] = uploads[0]
    return found


def indexed_texts(body: Body, one: str, several: str) -> dict[int, str]:
    """Return index → text of `one` (index 0) and `several[0]`, `several[1]` …"""
    found: dict[int, str] = {}
    for name, value in body.fields.items():
        index = _index(name, one, several)
        if index is not None:
            if not isinstance(value, str) or index in found:
                raise InvalidRequest(f"{name} was sent more than once, or is no text.")
            if value:
                found[index] = value
    return found


def _index(name: str, one: str, several: str) -> int | None:
    if name == one:
        return 0
    if not (name.startswith(f"{several}[") and name.endswith("]")):
        return None
    digits = name[len(several) + 1 : -1]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6 and int(digits) <= _MAX_INDEX):
        raise InvalidRequest(f"{name[:60]} is no parameter; expected {several}[0], {several}[1] …")
    return int(digits)


def number(body: Body, name: str, default: float, *, low: float, high: float) -> float:
    """Return a number that a call gives, or the default.

    Raises:
        InvalidRequest: It is none, or out of range.
    """
    value = body.fields.get(name, default)
    try:
        found = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        found = float("nan")
    if not low <= found <= high:
        shown = repr(value)[:60]
        raise InvalidRequest(f"{name} is {shown}; expected a number from {low:g} to {high:g}.")
    return found


def whole(body: Body, name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number that a call gives, or the default; raises InvalidRequest."""
    found = number(body, name, default, low=low, high=high)
    if found != int(found):
        raise InvalidRequest(f"{name} is {found:g}; expected a whole number.")
    return int(found)


def flag(body: Body, name: str, default: bool) -> bool:
    """Return a yes or no that a call gives, or the default; raises InvalidRequest."""
    text = str(body.fields.get(name, default)).strip().lower()
    if text not in _TRUE | _FALSE:
        raise InvalidRequest(f"{name} is {text[:60]!r}; expected true or false.")
    return text in _TRUE
