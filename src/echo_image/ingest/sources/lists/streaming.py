"""JSON of any length, one element of its list after the other, in memory that does not grow with it.

Elements are decoded by the standard library's decoder from a window of the text; where one is cut off by the
window's end, twice as much is read, so each character is looked at a few times at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from echo_image.errors import UnsupportedFormat

_WINDOW = 2**16
#: Longest element, in characters.
_MAX_ELEMENT = 2**22
_MAX_DEPTH = 32
_SPACE = " \t\r\n\ufeff"
_DECODER = json.JSONDecoder(strict=False)


class JsonReader:
    """Reads JSON from a text stream.

    Args:
        text: to be read from where it is.
        label: what the list is called in messages.
    """

    def __init__(self, text: TextIO, label: str) -> None:
        self._text = text
        self._label = label
        self._window = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is no blank, without taking it; empty at the end."""
        while True:
            while self._at < len(self._window):
                character = self._window[self._at]
                if character not in _SPACE:
                    return character
                self._at += 1
            if self._ended:
                return ""
            self._read(_WINDOW)

    def take(self, wanted: str) -> None:
        """Go past a character that must come next.

        Raises:
            UnsupportedFormat: something else comes.
        """
        found = self.peek()
        if found != wanted:
            raise self._broken(f"{wanted!r} is missing")
        self._at += 1

    def took(self, wanted: str) -> bool:
        """Go past a character if it comes next; says whether it did."""
        if self.peek() != wanted:
            return False
        self._at += 1
        return True

    def value(self) -> Any:
        """Return the value that comes next.

        Raises:
            UnsupportedFormat: it is broken, cut off, nested too deep or too long.
        """
        if not self.peek():
            raise self._broken("it ends too early")
        while True:
            try:
                found, end = _DECODER.raw_decode(self._window, self._at)
            except (ValueError, RecursionError) as error:
                left = len(self._window) - self._at
                if self._ended or left > _MAX_ELEMENT or isinstance(error, RecursionError):
                    raise self._broken(_words(error)) from error
                self._read(max(_WINDOW, left))
                continue
            if end == len(self._window) and not self._ended:  # 12 may be the beginning of 123
                self._read(_WINDOW)
                continue
            self._at = end
            return found

    def elements(self) -> Iterator[Any]:
        """Yield the elements of the list that comes next."""
        self.take("[")
        while not self.took("]"):
            yield self.value()
            if not self.took(","):
                self.take("]")
                return

    def _read(self, characters: int) -> None:
        more = self._text.read(characters)
        self._ended = not more
        self._window = self._window[self._at :] + more
        self._at = 0

    def _broken(self, why: str) -> UnsupportedFormat:
        return UnsupportedFormat(f"{self._label} is no complete JSON: {why}.", hint="Check the list.")


def _words(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg[:1].lower() + error.msg[1:]
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number is too long"


def list_within(reader: JsonReader, is_wanted: Callable[[str, Any], bool]) -> Iterator[Any]:
    """Yield the elements of a document: of its list, or of the first wanted list inside its object.

    An object without a wanted list is itself the only element, without its lists and objects. Several
    documents one after the other are read one after the other.

    Args:
        reader: at the beginning of a document.
        is_wanted: asked with the name of a list and its first element.
    """
    while character := reader.peek():
        if character == "[":
            yield from reader.elements()
        elif character == "{":
            yield from _of_object(reader, is_wanted)
        else:
            yield reader.value()
        reader.took(",")


def _of_object(reader: JsonReader, is_wanted: Callable[[str, Any], bool]) -> Iterator[Any]:
    own: dict[str, Any] = {}
    has_list = False
    depth = 0
    while True:
        if reader.took("}"):
            depth -= 1
            if depth == 0:
                break
            reader.took(",")
            continue
        if reader.took("{"):
            depth += 1
            if depth > _MAX_DEPTH:
                raise UnsupportedFormat(f"The list lies deeper than {_MAX_DEPTH} objects.")
            continue
        name = reader.value()
        reader.take(":")
        following = reader.peek()
        if following == "{":
            continue
        if following == "[" and not has_list:
            first = True
            for element in reader.elements():
                has_list = has_list or (first and is_wanted(str(name), element))
                first = False
                if has_list:
                    yield element
        elif following == "[":
            for _ in reader.elements():
                pass
        elif depth == 1:
            own[str(name)] = reader.value()
        else:
            reader.value()
        reader.took(",")
    if not has_list and own:
        yield own
