"""Lists of URLs as callers send them."""

from __future__ import annotations

from echo_image.server.errors import InvalidRequest
from echo_image.server.requests.body import read_json

__all__ = ["listed_urls"]


def listed_urls(content: bytes | str) -> list[str]:
    """Return the URLs of a list: one a line, where `#` begins a comment line, or a JSON list of texts.

    Raises:
        InvalidRequest: It is neither.
    """
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidRequest("The list is not text in UTF-8.", hint="One URL a line.") from error
    text = content.removeprefix("\ufeff").strip()
    if not text.startswith("["):
        lines = (line.strip() for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]
    try:
        rows = read_json(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The list begins like JSON and is none.", hint='["https://…", "…"]') from error
    assert isinstance(rows, list)  # JSON that begins with a bracket
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, str) or not row.strip():
            message = f"Entry {number} of the list is {str(row)[:80]!r}; expected a URL."
            raise InvalidRequest(message, hint='["https://…", "…"]')
    return [row.strip() for row in rows]
