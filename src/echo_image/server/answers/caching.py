"""Answers that a browser may keep for a while; `delivery` leaves out what it has already."""

from __future__ import annotations

import hashlib

from fastapi.responses import Response

__all__ = ["cached"]


def cached(data: bytes, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """Return `data` with a strong entity tag."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    # Private: a collection is nobody else's to keep, not even a proxy's. An hour, as an image may be removed.
    told = {"ETag": tag, "Cache-Control": "private, max-age=3600", **(headers or {})}
    return Response(data, media_type=media_type, headers=told)
