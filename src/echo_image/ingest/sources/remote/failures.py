"""What the libraries of remote file systems raise → errors of ours; the one place that knows their names."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from echo_image.errors import EchoImageError, FetchError, FetchTimeout, NotFound
from echo_image.fetch.urls import shown_url

__all__ = ["translated"]

#: Errors that another attempt may not meet, by the names of their classes: no library need be loaded.
_TRANSIENT = frozenset(
    [
        "ChannelOpenError",
        "ClientConnectionError",
        "ClientConnectorError",
        "ClientPayloadError",
        "ConnectionClosedError",
        "ConnectionLost",
        "DisconnectError",
        "EndpointConnectionError",
        "HTTPClientError",
        "IncompleteRead",
        "IncompleteReadError",
        "ResponseStreamingError",
        "SFTPConnectionLost",
        "SFTPNoConnection",
        "ServerDisconnectedError",
        "ServiceRequestError",
        "ServiceResponseError",
        "error_temp",
    ]
)
_TIMEOUT = frozenset(["ConnectTimeoutError", "FSTimeoutError", "ReadTimeoutError", "ServerTimeoutError"])
_NO_ACCESS = frozenset(
    [
        "ClientAuthenticationError",
        "DefaultCredentialsError",
        "HostKeyNotVerifiable",
        "NoCredentialsError",
        "PartialCredentialsError",
        "PermissionDenied",
        "ProfileNotFound",
        "RefreshError",
    ]
)
_TRANSIENT_NUMBERS = frozenset(
    [
        errno.EAGAIN,
        errno.EBUSY,
        errno.EIO,
        errno.EREMOTEIO,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
    ]
)
_MAX_CHARACTERS = 200


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn everything that is raised inside into an error of ours about a URL."""
    try:
        yield
    except EchoImageError:
        raise
    except Exception as error:  # of six libraries, whose errors share no class
        raise _translate(error, shown_url(url)) from error


def _translate(error: Exception, shown: str) -> EchoImageError:
    names = {kind.__name__ for kind in type(error).__mro__}
    words = _words(error)
    if isinstance(error, FileNotFoundError) or (type(error).__name__ == "error_perm" and words[:3] == "550"):
        return NotFound(f"There is nothing at {shown}.", hint="Check the spelling of the URL.")
    if (
        isinstance(error, PermissionError)
        or names & _NO_ACCESS
        or (words[:3] == "530" and "error_perm" in names)
    ):
        return FetchError(
            f"{shown} may not be read: {words}.",
            hint="Set the credentials that the library of this file system takes from the environment.",
            status=403,
        )
    if isinstance(error, TimeoutError) or names & _TIMEOUT:
        return FetchTimeout(f"{shown} did not answer in time.", hint="Try again later.", is_transient=True)
    transient = (
        isinstance(error, (ConnectionError, EOFError))
        or bool(names & _TRANSIENT)
        or (isinstance(error, OSError) and error.errno in _TRANSIENT_NUMBERS)
    )
    hint = "Try again later." if transient else "Check the URL and the options."
    return FetchError(f"{shown} cannot be read: {words}.", hint=hint, is_transient=transient)


def _words(error: Exception) -> str:
    """Return a foreign message as one short line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split()).rstrip(".")
    return (text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 3] + "...") or type(
        error
    ).__name__
