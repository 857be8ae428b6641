"""An offered item as a text in its row, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from echo_image.catalogue import UNKNOWN, FileStamp
from echo_image.catalogue.items import PendingItem
from echo_image.ingest.sources import Kind, Offered

#: Attributes of one location, as JSON: they are read with every record, so they are to be small.
MAX_ATTRIBUTES_BYTES = 64 * 2**10


def together(whole: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a job and those of one item, which go before.

    What is no text (half surrogate pairs) becomes `?`. Of the item's own, those that do not fit into 64 KiB
    any more are left out: they are a stranger's, and none is a reason to lose the image.

    >>> together({"owner": "me"}, {"page": "http://example.com/"})
    {'owner': 'me', 'page': 'http://example.com/'}
    """
    merged = {**whole, **own}
    text = json.dumps(merged, ensure_ascii=False)
    if len(text) <= MAX_ATTRIBUTES_BYTES // 4 and text.isascii():
        return merged
    data = text.encode("utf-8", "replace")
    merged = dict(json.loads(data))
    if len(data) <= MAX_ATTRIBUTES_BYTES:
        return merged
    kept = dict(whole)
    left = MAX_ATTRIBUTES_BYTES - _size(kept)
    for name in own:
        size = _size({name: merged[name]}) if name in merged else left + 1
        if size <= left:
            kept[name] = merged[name]
            left -= size
    return kept


def _size(attributes: dict[str, Any]) -> int:
    return len(json.dumps(attributes, ensure_ascii=False).encode())


def packed(offered: Offered) -> str:
    """Return what a row must hold besides location and kind, as JSON; most of it is left out as usual."""
    values: dict[str, Any] = {}
    if offered.target != offered.location:
        values["target"] = offered.target
    if offered.stamp != UNKNOWN:
        values["stamp"] = [offered.stamp.num_bytes, offered.stamp.mtime_ns]
    if not offered.expected:
        values["expected"] = False
    if offered.attributes:
        values["attributes"] = dict(offered.attributes)
    if offered.min_side:
        values["min_side"] = offered.min_side
    # ASCII: a path may hold bytes that are no text, which Python reads as half surrogate pairs.
    return json.dumps(values) if values else ""


def unpacked(item: PendingItem) -> Offered:
    """Return the item of a row; the `read` of a stream is not in it."""
    values = json.loads(item.offered) if item.offered else {}
    stamp = values.get("stamp")
    return Offered(
        item.location,
        values.get("target", item.location),
        UNKNOWN if stamp is None else FileStamp(*stamp),
        values.get("expected", True),
        kind=Kind(item.kind),
        attributes=values.get("attributes", {}),
        min_side=values.get("min_side", 0),
    )
