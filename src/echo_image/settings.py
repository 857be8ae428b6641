"""Everything that can be set from outside: environment and file → frozen dataclasses.

One table, `OPTIONS`, says for each option its name, where its value goes, what it may be and what it is
for. Environment variables, the settings file, `Settings.override` and the generated reference all read
that table, so they cannot differ. Nothing else in the package reads the environment.

Order of precedence: environment, then file, then the default beside the field it rules. A name that is
not in the table is an error and not ignored: a misspelt limit must not leave the service without one.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from echo_image.errors import NotFound, UsageError
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits

__all__ = ["OPTIONS", "PREFIX", "Option", "SearchSettings", "ServerSettings", "Settings"]

PREFIX = "ECHO_IMAGE_"

_FILE_VARIABLE = "ECHO_IMAGE_SETTINGS_FILE"

# The test suite finds its image set by this one; it is not an option of the program.
_NOT_OPTIONS = frozenset({"ECHO_IMAGE_DATA", _FILE_VARIABLE})

_MIB = 2**20


def _processors() -> int:
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
        host: Address to listen on. The default reaches this machine only; there is no log-in.
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
        retry_after_s: Seconds a refused caller is told to wait.
        shutdown_s: Seconds that running calls get to finish when the service is stopped.
        cors_origins: Other web origins whose pages may call the service; none by default.
        allowed_hosts: Names with a dot under which the service may be addressed (see `server.guard`);
            `*` allows all.
        store_uploads: Whether `/upload/` and `/upload_from_url/` also add the image to the library, as the
            first application did. Off: a search should not change what the next search finds.
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
    threads: int = field(default_factory=_processors)
    queue: int = 32
    max_fetches: int = 16
    retry_after_s: int = 2
    shutdown_s: float = 20.0
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    store_uploads: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; `Settings()` has the defaults.

    Attributes:
        decode: Limits on an image before and while it is decoded.
        fetch: Limits on what is fetched from a URL.
        workers: Images taken in at once by `add`; one for each processor, as decoding fills one.
        search: What a search does by default.
        server: The service.
    """

    decode: DecodeLimits = field(default_factory=DecodeLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)
    workers: int = field(default_factory=_processors)
    search: SearchSettings = field(default_factory=SearchSettings)
    server: ServerSettings = field(default_factory=ServerSettings)

    @classmethod
    def load(cls, file: str | Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of the environment, over those of a file, over the defaults.

        Args:
            file: A TOML file with the option names as keys (`max_pixels = 50_000_000`); without it, the
                file that `ECHO_IMAGE_SETTINGS_FILE` names, if any.
            env: The environment; that of the process by default.

        Raises:
            UsageError: A name or value that is not allowed; the message has the name, the value and what
                is expected.
            NotFound: The file is not there.

        Example:
            >>> Settings.load(env={"ECHO_IMAGE_MAX_PIXELS": "1000000"}).decode.max_pixels
            1000000
        """
        env = os.environ if env is None else env
        path = file if file is not None else env.get(_FILE_VARIABLE) or None
        settings = cls() if path is None else _from_file(cls(), Path(path))
        names = sorted(name for name in env if name.startswith(PREFIX) and name not in _NOT_OPTIONS)
        found = [(name, name.removeprefix(PREFIX).lower(), env[name]) for name in names]
        return _apply(settings, found, variables=True)

    def override(self, **values: object) -> Settings:
        """Return these settings with some options replaced, checked like the environment's.

        Args:
            values: Option names (`port`, `max_upload_bytes` …) and values; `None` leaves the option alone.

        Raises:
            UsageError: As for `load`.
        """
        given = [(name, name, value) for name, value in values.items() if value is not None]
        return _apply(self, given, variables=False)


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

    def value(self, settings: Settings) -> object:
        """Return the option's value in `settings`."""
        holder = getattr(settings, self.section) if self.section else settings
        return getattr(holder, self.attribute)


def _from_file(settings: Settings, path: Path) -> Settings:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"The settings file {path} is not there.", hint="Check the path.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"The settings file {path} cannot be read as TOML: {error}."
        raise UsageError(message, hint="One option a line, such as: max_pixels = 50_000_000") from error
    return _apply(
        settings, [(f"{name} in {path}", name, value) for name, value in content.items()], variables=False
    )


def _apply(settings: Settings, given: Iterable[tuple[str, str, object]], *, variables: bool) -> Settings:
    """Return `settings` with the `(shown name, option name, value)` rows put in, then checked as a whole."""
    changes: dict[str, dict[str, object]] = {}
    for shown, name, raw in given:
        option = _BY_NAME.get(name)
        if option is None:
            raise UsageError(f"{shown} is not a setting (value {raw!r}).", hint=_nearest(name, variables))
        try:
            value = option.parse(raw)
        except ValueError as error:
            message = f"{shown} is {raw!r}; expected {option.expected}."
            raise UsageError(message, hint=f"It sets: {option.about}") from error
        changes.setdefault(option.section, {})[option.attribute] = value
    for section, values in changes.items():
        if section:
            values = {section: replace(getattr(settings, section), **values)}
        settings = replace(settings, **values)  # type: ignore[arg-type]  # parsed by the table above
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    server, search = settings.server, settings.search
    for small, small_value, large, large_value in (
        ("max_upload_bytes", server.max_upload_bytes, "max_request_bytes", server.max_request_bytes),
        ("search_limit", search.limit, "max_search_limit", search.max_limit),
    ):
        if small_value > large_value:
            message = f"{small} is {small_value}, more than {large}, which is {large_value}."
            raise UsageError(message, hint=f"Raise {large} ({PREFIX}{large.upper()}) or lower {small}.")


def _nearest(name: str, variables: bool) -> str:
    close = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    names = [_BY_NAME[n].variable if variables else n for n in (close or sorted(_BY_NAME))]
    return f"Did you mean {names[0]}?" if close else f"The settings are: {', '.join(names)}."


def _whole(low: int, high: int) -> Callable[[object], int]:
    def parse(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError(raw)
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(raw)
        return value

    return parse


_SIZE = re.compile(r"\s*(\d{1,15})\s*(B|KiB|MiB|GiB)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def _size(low: int, high: int) -> Callable[[object], int]:
    within = _whole(low, high)

    def parse(raw: object) -> int:
        if not isinstance(raw, str):
            return within(raw)
        found = _SIZE.fullmatch(raw.replace("_", ""))
        if found is None:
            raise ValueError(raw)
        return within(int(found[1]) * _UNITS[(found[2] or "B").lower()])

    return parse


def _number(low: float, high: float) -> Callable[[object], float]:
    def parse(raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise ValueError(raw)
        value = float(raw)
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError(raw)
        return value

    return parse


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    try:
        return _FLAGS[str(raw).strip().lower()]
    except KeyError as error:
        raise ValueError(raw) from error


def _word(pattern: str) -> Callable[[object], str]:
    shape = re.compile(pattern)

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or shape.fullmatch(raw.strip()) is None:
            raise ValueError(raw)
        return raw.strip()

    return parse


def _list(pattern: str) -> Callable[[object], tuple[str, ...]]:
    item = _word(pattern)

    def parse(raw: object) -> tuple[str, ...]:
        parts = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple):
            raise ValueError(raw)
        return tuple(item(part) for part in parts if not (isinstance(part, str) and not part.strip()))

    return parse


_SIZES = "bytes from {} to {}, such as 50000000 or 32MiB"
_ORIGIN = r"https?://[A-Za-z0-9.\-\[\]:]+"
_ADDRESS = r"[A-Za-z0-9.\-:]{1,253}"
_HOST = r"\*|[A-Za-z0-9.\-]{1,253}"


def _bytes(name: str, section: str, attribute: str, low: int, high: int, about: str) -> Option:
    return Option(name, section, attribute, _size(low, high), _SIZES.format(low, high), about)


def _count(name: str, section: str, attribute: str, low: int, high: int, about: str) -> Option:
    return Option(name, section, attribute, _whole(low, high), f"a whole number from {low} to {high}", about)


def _seconds(name: str, section: str, attribute: str, low: float, high: float, about: str) -> Option:
    return Option(name, section, attribute, _number(low, high), f"seconds from {low:g} to {high:g}", about)


def _yes_no(name: str, section: str, attribute: str, about: str) -> Option:
    return Option(name, section, attribute, _flag, "1 or 0 (true or false, yes or no, on or off)", about)


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
        "min_score", "search", "min_score", _number(0, 100), "a score from 0 to 100", "lowest score returned"
    ),
    _server("host", _word(_ADDRESS), "a host name or address", "address to listen on"),
    _count("port", "server", "port", 0, 65_535, "TCP port; 0 takes a free one"),
    _count("max_files", "server", "max_files", 1, 100_000, "most files in one call"),
    _count("max_urls", "server", "max_urls", 1, 100_000, "most URLs in one call"),
    _count("max_page", "server", "max_page", 1, 100_000, "most images in one page of a listing"),
    _seconds("upload_timeout_s", "server", "upload_timeout_s", 0.1, 86_400, "longest arrival of a body"),
    _count("threads", "server", "threads", 1, 1024, "searches at once"),
    _count("queue", "server", "queue", 0, 100_000, "calls that may wait for a thread"),
    _count("max_fetches", "server", "max_fetches", 1, 10_000, "URLs fetched at once"),
    _count("retry_after_s", "server", "retry_after_s", 1, 3600, "seconds a refused caller should wait"),
    _seconds("shutdown_s", "server", "shutdown_s", 0, 3600, "time running calls get when stopped"),
    _server(
        "cors_origins",
        _list(_ORIGIN),
        "origins such as https://example.org, by commas",
        "web origins that may call",
    ),
    _server(
        "allowed_hosts", _list(_HOST), "host names by commas, or *", "names the service may be addressed by"
    ),
    _yes_no("store_uploads", "server", "store_uploads", "whether /upload/ also adds the image"),
)

_BY_NAME = {option.name: option for option in OPTIONS}
