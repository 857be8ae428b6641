"""What a caller may give as the name and the attributes of an image. Much of it comes from strangers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from echo_image.errors import UsageError
from echo_image.ingest.jobs.recording import MAX_ATTRIBUTES_BYTES as MAX_ATTRIBUTES_BYTES
from echo_image.verify.decide import Verdict

#: The longest path of Linux is 4,096 bytes, a sensible URL is shorter.
MAX_LOCATION_BYTES = 8192


def checked_location(location: str) -> str:
    """Return a location that the catalogue can hold and give back unchanged.

    Raises:
        UsageError: it is empty, too long, or holds what is no text (NUL, half a surrogate pair).
    """
    if not isinstance(location, str):
        raise UsageError(f"a location is text, not {type(location).__name__}")
    try:
        size = len(location.encode())
    except UnicodeEncodeError as error:
        raise UsageError("the location holds half a surrogate pair, which is no text") from error
    if not size or "\0" in location:
        raise UsageError(
            "the location is empty" if not size else "the location holds a NUL character",
            hint="name where the image comes from: a path, a URL, a name of your own",
        )
    if size > MAX_LOCATION_BYTES:
        raise UsageError(f"the location has {size} bytes; at most {MAX_LOCATION_BYTES} are allowed")
    return location


def checked_attributes(attributes: dict[str, Any] | None) -> dict[str, Any]:
    """Return attributes as they will be read back: as JSON does, with names that are text.

    Raises:
        UsageError: they are no JSON object, or larger than 64 KiB as JSON.
    """
    if attributes is None:
        return {}
    hint = 'attributes are a JSON object such as {"owner": "me"}'
    if not isinstance(attributes, dict):
        raise UsageError(f"attributes are a dict, not {type(attributes).__name__}", hint=hint)
    try:
        text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the attributes cannot be written as JSON: {error}", hint=hint) from error
    if size > MAX_ATTRIBUTES_BYTES:
        raise UsageError(
            f"the attributes have {size} bytes as JSON; at most {MAX_ATTRIBUTES_BYTES} are allowed", hint=hint
        )
    read_back: dict[str, Any] = json.loads(text)
    return read_back


def checked_verdicts(verdicts: Iterable[str] | None) -> frozenset[Verdict] | None:
    """Return verdicts by their names.

    Raises:
        UsageError: there is no such verdict, or none was named.
    """
    if verdicts is None:
        return None
    known = ", ".join(Verdict)
    try:
        chosen = frozenset(
            Verdict(verdict) for verdict in ([verdicts] if isinstance(verdicts, str) else verdicts)
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"verdicts has what is none: {error}", hint=f"the verdicts are {known}") from error
    if not chosen:
        raise UsageError("verdicts is empty", hint=f"the verdicts are {known}")
    return chosen
