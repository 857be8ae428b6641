"""What a fetch may cost, and what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from echo_image.errors import UsageError

__all__ = ["DEFAULT_LIMITS", "FetchLimits", "Fetched"]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits of one fetch.

    Attributes:
        max_bytes: Largest body, counted after unpacking. 32 MiB holds any image that web pages show.
        timeout_s: Seconds for the whole fetch with all its redirects. 20 s let a slow server send a few MB.
        connect_timeout_s: Seconds to find and reach one server. Whoever needs longer does not answer at all.
        max_redirects: Most redirects followed; image hosts use one to three.
        allow_private: Also fetch from addresses that are not public: this machine, the local network, cloud
            metadata. Only for callers who are all trusted.

    Raises:
        UsageError: A number is not positive (`max_redirects`: negative).
    """

    max_bytes: int = 32 * 2**20
    timeout_s: float = 20.0
    connect_timeout_s: float = 5.0
    max_redirects: int = 5
    allow_private: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (
            ("max_bytes", self.max_bytes, 1),
            ("timeout_s", self.timeout_s, 0.001),
            ("connect_timeout_s", self.connect_timeout_s, 0.001),
            ("max_redirects", self.max_redirects, 0),
        ):
            if not (value >= least and math.isfinite(value)):
                raise UsageError(
                    f"{name} is {value}; expected a number of at least {least}.",
                    hint="Leave the limit out to use its default.",
                )


DEFAULT_LIMITS = FetchLimits()


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a fetch.

    Attributes:
        data: The body, unpacked.
        url: Where it came from in the end, after redirects.
        content_type: As the server says, in lower case without parameters; empty if it says nothing. Not to
            be trusted: what the bytes are is told from the bytes.
        status: 200; 203; 304 without data where nothing has changed; 301 to 308 without data where a redirect
            was not to be followed.
        etag, last_modified: What the server gives to ask later whether it has changed; empty if nothing.
        headers: Of the answer, by name in lower case, at most 1,000 characters each: `content-type` with its
            parameters, `link`, `x-robots-tag`; `location` (an absolute URL) of a redirect.
    """

    data: bytes
    url: str
    content_type: str
    status: int = 200
    etag: str = ""
    last_modified: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
