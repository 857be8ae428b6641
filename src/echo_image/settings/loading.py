"""`Settings`: the environment over a file over the defaults, checked against the table and as a whole."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from echo_image.errors import NotFound, UsageError
from echo_image.fetch import FetchLimits
from echo_image.image import DecodeLimits
from echo_image.settings.keeping import KeepingSettings
from echo_image.settings.table import OPTIONS, PREFIX
from echo_image.settings.types import SearchSettings, ServerSettings, processors

__all__ = ["Settings"]

_FILE_VARIABLE = "ECHO_IMAGE_SETTINGS_FILE"

# The test suite finds its image set by this one; it is not an option of the program.
_NOT_OPTIONS = frozenset({"ECHO_IMAGE_DATA", _FILE_VARIABLE})

_BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; `Settings()` has the defaults.

    Attributes:
        decode: Limits on an image before and while it is decoded.
        fetch: Limits on what is fetched from a URL.
        workers: Images taken in at once by `add`; one for each processor, as decoding fills one.
        search: What a search does by default.
        server: The service.
        keeping: What the service keeps between calls.
    """

    decode: DecodeLimits = field(default_factory=DecodeLimits)
    fetch: FetchLimits = field(default_factory=FetchLimits)
    workers: int = field(default_factory=processors)
    search: SearchSettings = field(default_factory=SearchSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    keeping: KeepingSettings = field(default_factory=KeepingSettings)

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
