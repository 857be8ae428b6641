"""JSON → the values of `answers`, by their type hints."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from echo_image.client.failures import Unreachable

__all__ = ["read"]

T = TypeVar("T")


def read(kind: type[T], value: object) -> T:
    """Return JSON as a value of a kind.

    Raises:
        Unreachable: It is not of that shape, so this is no service of ours.
    """
    try:
        return cast(T, _read(kind, value))
    except (KeyError, TypeError, ValueError) as error:
        message = f"The answer is not what this client knows: {error!s:.200}."
        raise Unreachable(message, hint="Is it an Echo-Image service of about this version?") from error


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        kinds = [one for one in get_args(kind) if one is not type(None)]
        return None if value is None else _read(kinds[0], value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{type(value).__name__} where a list is expected")
        return tuple(_read(get_args(kind)[0], one) for one in value)
    if origin is not None or kind is Any:  # a mapping
        return value
    if is_dataclass(kind):
        return _object(kind, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} is expected")
    return value


def _object(kind: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} where an object is expected")
    wanted = (one for one in _hints(kind) if one[0] in value or not one[2])
    return kind(**{name: _read(hint, value[name]) for name, hint, _ in wanted})


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, type and whether there is a default, of each field."""
    hints = get_type_hints(kind)
    return tuple(
        (one.name, hints[one.name], one.default is not MISSING or one.default_factory is not MISSING)
        for one in fields(kind)
    )
