"""The table of options: the one place that says what there is to set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from echo_image.settings.parsers import flag, listed, number, size, whole, word

__all__ = ["OPTIONS", "PREFIX", "Option"]

PREFIX = "ECHO_IMAGE_"


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table: an option, where its value goes and what it may be.

    Attributes:
        name: The key in a settings file; the variable is `ECHO_IMAGE_` and the name in capitals.
        section: The field of `Settings` that holds it; empty for `Settings` itself.
        attribute: The field of that dataclass.
        parse: Text or TOML value → value; raises ValueError for what is not allowed.
        expected: What is allowed, for a message.
        about: What it is for, for the reference.
    """

    name: str
    section: str
    attribute: str
    parse: Callable[[object], object]
    expected: str
    about: str

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return PREFIX + self.name.upper()

    def value(self, settings: object) -> object:
        """Return the option's value in `settings`."""
        holder = getattr(settings, self.section) if self.section else settings
        return getattr(holder, self.attribute)


_SIZES = "bytes from {} to {}, such as 50000000 or 32MiB"
_ORIGIN = r"https?://[A-Za-z0-9.\-\[\]:]+"
_ADDRESS = r"[A-Za-z0-9.\-:]{1,253}"
_FOLDER = r"(/[^\x00]{0,4095})?"
_HOST = r"\*|[A-Za-z0-9.\-]{1,253}"


def _bytes(name: str, section: str, attribute: str, low: int, high: int, about: str) -> Option:
    return Option(name, section, attribute, size(low, high), _SIZES.format(low, high), about)


def _count(name: str, section: str, attribute: str, low: int, high: int, about: str) -> Option:
    return Option(name, section, attribute, whole(low, high), f"a whole number from {low} to {high}", about)


def _seconds(name: str, section: str, attribute: str, low: float, high: float, about: str) -> Option:
    return Option(name, section, attribute, number(low, high), f"seconds from {low:g} to {high:g}", about)


def _yes_no(name: str, section: str, attribute: str, about: str) -> Option:
    return Option(name, section, attribute, flag, "1 or 0 (true or false, yes or no, on or off)", about)


def _server(name: str, parse: Callable[[object], object], expected: str, about: str) -> Option:
    return Option(name, "server", name, parse, expected, about)


OPTIONS: tuple[Option, ...] = (
    _bytes("max_image_bytes", "decode", "max_bytes", 1, 2**34, "largest image file"),
    _bytes("max_fetch_bytes", "fetch", "max_bytes", 1, 2**34, "largest answer taken from a URL"),
    _bytes("max_upload_bytes", "server", "max_upload_bytes", 1, 2**34, "largest single uploaded file"),
    _bytes("max_request_bytes", "server", "max_request_bytes", 1, 2**36, "largest request in all"),
    _bytes("max_json_bytes", "server", "max_json_bytes", 64, 2**28, "largest body without files"),
    _count("max_pixels", "decode", "max_pixels", 1, 2**31, "most pixels of an image"),
    _count("max_side", "decode", "max_side", 1, 2**31, "longest side of an image, in pixels"),
    _count("max_frames", "decode", "max_frames", 1, 2**31, "most frames or pages of an image"),
    _seconds("fetch_timeout_s", "fetch", "timeout_s", 0.1, 3600, "longest whole fetch"),
    _seconds("connect_timeout_s", "fetch", "connect_timeout_s", 0.1, 600, "longest connecting of a fetch"),
    _count("max_redirects", "fetch", "max_redirects", 0, 50, "most redirects followed by a fetch"),
    _yes_no("allow_private_addresses", "fetch", "allow_private", "whether private addresses may be fetched"),
    _count("workers", "", "workers", 1, 1024, "images taken in at once"),
    _count("search_limit", "search", "limit", 1, 10_000, "matches returned where the caller does not say"),
    _count("max_search_limit", "search", "max_limit", 1, 10_000, "most matches one call may ask for"),
    Option(
        "min_score", "search", "min_score", number(0, 100), "a score from 0 to 100", "lowest score returned"
    ),
    _server("host", word(_ADDRESS), "a host name or address", "address to listen on"),
    _count("port", "server", "port", 0, 65_535, "TCP port; 0 takes a free one"),
    _count("max_files", "server", "max_files", 1, 100_000, "most files in one call"),
    _count("max_urls", "server", "max_urls", 1, 100_000, "most URLs in one call"),
    _count("max_page", "server", "max_page", 1, 100_000, "most images in one page of a listing"),
    _seconds("upload_timeout_s", "server", "upload_timeout_s", 0.1, 86_400, "longest arrival of a body"),
    _count("threads", "server", "threads", 1, 1024, "searches at once"),
    _count("queue", "server", "queue", 0, 100_000, "calls that may wait for a thread"),
    _count("max_fetches", "server", "max_fetches", 1, 10_000, "URLs fetched at once"),
    _count(
        "max_calls_per_client",
        "server",
        "max_calls_per_client",
        0,
        100_000,
        "calls one client may have open; 0: any",
    ),
    _seconds("deadline_s", "server", "deadline_s", 0.01, 86_400, "longest wait and work of one call"),
    _count("retry_after_s", "server", "retry_after_s", 1, 3600, "seconds a refused caller should wait"),
    _seconds("shutdown_s", "server", "shutdown_s", 0, 3600, "time running calls get when stopped"),
    _server("keys_file", word(r"[^\x00]{1,4096}"), "a path", "file of the keys that callers need"),
    _server("log_format", word("text|json"), "text or json", "how log lines are written"),
    _server(
        "log_level", word("debug|info|warning|error"), "debug, info, warning or error", "lowest level logged"
    ),
    _server(
        "cors_origins",
        listed(_ORIGIN),
        "origins such as https://example.org, by commas",
        "web origins that may call",
    ),
    _server(
        "allowed_hosts", listed(_HOST), "host names by commas, or *", "names the service may be addressed by"
    ),
    _yes_no("store_uploads", "server", "store_uploads", "whether /upload/ also adds the image"),
    _yes_no("serve_originals", "server", "serve_originals", "whether files of a library are given in full"),
    Option(
        "state_dir",
        "keeping",
        "state_dir",
        word(_FOLDER),
        "an absolute path",
        "where queries and jobs are kept",
    ),
    _count("max_kept_queries", "keeping", "max_kept_queries", 1, 1_000_000, "most kept queries"),
    _bytes("max_kept_bytes", "keeping", "max_kept_bytes", 1, 2**40, "most bytes of kept queries"),
    _seconds("kept_query_s", "keeping", "kept_query_s", 1, 10 * 365 * 86_400, "how long one is kept unused"),
    _count("max_jobs", "keeping", "max_jobs", 1, 10_000, "jobs that wait or run"),
    _count("max_finished_jobs", "keeping", "max_finished_jobs", 0, 100_000, "finished jobs remembered"),
    _count("max_job_items", "keeping", "max_job_items", 1, 10_000_000, "most URLs and files of one job"),
    _bytes("max_job_bytes", "keeping", "max_job_bytes", 1, 2**42, "most bytes of files that wait for jobs"),
    _count("job_fetches", "keeping", "job_fetches", 1, 1000, "URLs of a job fetched at once"),
    _count("max_listeners", "keeping", "max_listeners", 1, 100_000, "connections that watch jobs"),
    _seconds("heartbeat_s", "keeping", "heartbeat_s", 0.01, 3600, "silence before a watcher gets a sign"),
)
