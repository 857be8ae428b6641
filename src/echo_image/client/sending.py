"""What both clients share about a connection: its settings, its headers, and what an answer means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import httpx

from echo_image._version import __version__
from echo_image.client.calls import Call
from echo_image.client.failures import Unreachable, failure
from echo_image.client.retrying import Retries
from echo_image.errors import EchoImageError, UsageError

__all__ = ["DEFAULT_URL", "Connection", "answer_of", "failed", "refused", "unreachable"]

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"
_CONNECT_S = 5.0
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the service is and how patiently it is asked.

    Attributes:
        url: Its address, with the path below which it lies, if it does.
        key: API key, where it needs one.
        timeout_s: Longest silence within a call, in seconds.
        retries: Times a call is sent again.
        max_wait_s: Longest sum of the waits between, in seconds.
    """

    url: str
    key: str | None
    timeout_s: float
    retries: int
    max_wait_s: float

    def __post_init__(self) -> None:
        if not self.url.lower().startswith(("http://", "https://")):
            message = f"{self.url[:100]!r} is no address of a service."
            raise UsageError(message, hint=f"Such as {DEFAULT_URL}")

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of httpx's clients."""
        headers = {"User-Agent": f"echo-image-client/{__version__}"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        timeout = httpx.Timeout(self.timeout_s, connect=_CONNECT_S)
        return {"base_url": self.url, "headers": headers, "timeout": timeout}

    def tries(self) -> Retries:
        """Return the tries of one call."""
        return Retries(self.retries, self.max_wait_s)


def refused(response: httpx.Response) -> bool:
    """Return whether the service says that it has not begun and when to come again."""
    return response.status_code in _BUSY and "retry-after" in response.headers


def answer_of(call: Call[T], response: httpx.Response) -> T:
    """Return what an answer says.

    Raises:
        EchoImageError: The error that it tells of.
    """
    if not response.is_success:
        raise failed(response)
    if call.read is None:
        return cast(T, response.content)  # such a call is a Call[bytes]
    content = _json(response)
    if content is None:
        raise Unreachable("The answer is no JSON.", hint="Is it an Echo-Image service?")
    return call.read(content)


def failed(response: httpx.Response) -> EchoImageError:
    """Return the error that an answer tells of."""
    return failure(response.status_code, _json(response), response.headers.get("x-request-id", ""))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):  # no JSON, or a megabyte of brackets
        return None


def unreachable(url: str, error: httpx.TransportError) -> Unreachable:
    """Return the error for a call that got no answer."""
    reason = str(error) or type(error).__name__
    return Unreachable(f"There is no answer from {url}: {reason:.200}.", hint="Is the service running?")
