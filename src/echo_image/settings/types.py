"""What a search and the service go by; each default stands beside the field, with its unit and reason."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

__all__ = ["SearchSettings", "ServerSettings", "processors"]

_MIB = 2**20


def processors() -> int:
    """Return how many processors this process may use; in a container fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What a search does where the caller does not say.

    Attributes:
        limit: Matches returned; five fit on a page and in a look.
        max_limit: Most matches one call may ask for; each costs a verification of about a millisecond.
        min_score: Score (0–100) below which nothing is returned; `None` leaves it to the library.
    """

    limit: int = 5
    max_limit: int = 100
    min_score: float | None = None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the service listens and how much one stranger may ask of it.

    Attributes:
        host: Address to listen on. The default reaches this machine only.
        port: TCP port; 0 takes a free one.
        max_upload_bytes: Largest single uploaded file. 32 MiB holds a 100-megapixel JPEG.
        max_request_bytes: Largest request with several files; bounds the temporary disk space of one call.
        max_json_bytes: Largest JSON or form body without files; 1 MiB holds about 10,000 URLs.
        max_files: Most files in one call; a folder belongs to the command line.
        max_urls: Most URLs in one call; each may take as long as the fetch limit.
        max_page: Most images in one page of a listing.
        upload_timeout_s: Longest time, in seconds, a body may take to arrive; 32 MiB at 1 Mbit/s take 270 s.
        threads: Searches at once; more than there are processors only makes each slower.
        queue: Calls that may wait for a thread before the service answers 503; at about 50 ms a search,
            32 of them on one thread wait under two seconds.
        max_fetches: URLs fetched at once on behalf of callers, over all calls.
        max_calls_per_client: Calls that one client (its key, else its address) may have open at once before
            it is answered 429; a browser has six. 0 for no limit.
        deadline_s: Longest time, in seconds, from a call's body to its answer, waiting included. A search
            takes a tenth of a second; who waits for half a minute has gone.
        retry_after_s: Seconds a refused caller is told to wait.
        shutdown_s: Seconds that running calls get to finish when the service is stopped.
        keys_file: File of the keys that callers need (`echo-image keys`); None: no key is needed.
        log_format: `text` or `json`, one object a line.
        log_level: Lowest level that is logged; `info` has a line for each call.
        cors_origins: Other web origins whose pages may call the service; none by default.
        allowed_hosts: Names with a dot under which the service may be addressed (see `server.guard`);
            `*` allows all.
        store_uploads: Whether `/upload/` and `/upload_from_url/` also add the image to the library, as the
            first application did. Off: a search should not change what the next search finds.
        serve_originals: Whether the files of a library can be fetched in full. Off: whoever may search need
            not be meant to have them.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    max_upload_bytes: int = 32 * _MIB
    max_request_bytes: int = 256 * _MIB
    max_json_bytes: int = 1 * _MIB
    max_files: int = 100
    max_urls: int = 100
    max_page: int = 500
    upload_timeout_s: float = 300.0
    threads: int = field(default_factory=processors)
    queue: int = 32
    max_fetches: int = 16
    max_calls_per_client: int = 64
    deadline_s: float = 30.0
    retry_after_s: int = 2
    shutdown_s: float = 20.0
    keys_file: str | None = None
    log_format: str = "text"
    log_level: str = "info"
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    store_uploads: bool = False
    serve_originals: bool = False
