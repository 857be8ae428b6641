"""Settings: every option from the environment, a file and the call, and every refusal named."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from echo_image.errors import NotFound, UsageError
from echo_image.settings import OPTIONS, Option, Settings


def load(**variables: str) -> Settings:
    return Settings.load(env={f"ECHO_IMAGE_{name.upper()}": value for name, value in variables.items()})


def text_of(value: object) -> str:
    """A value as the environment would have it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return "1" if value is True else "0" if value is False else str(value)


# One value of each option that is allowed and not its default.
OTHER: dict[str, object] = {
    "host": "0.0.0.0",
    "cors_origins": ("https://a.example", "http://b.example:8080"),
    "allowed_hosts": ("images.example", "*"),
    "allow_private_addresses": True,
    "store_uploads": True,
    "serve_originals": True,
    "state_dir": "/var/lib/echo-image",
    "min_score": 12.5,
    "search_limit": 7,
    "max_redirects": 2,
    "keys_file": "keys.json",
    "log_format": "json",
    "log_level": "error",
}


def other(option: Option) -> object:
    if option.name in OTHER:
        return OTHER[option.name]
    default = option.value(Settings())
    assert isinstance(default, int | float)
    return default + 1


def test_empty_environment_gives_the_defaults() -> None:
    assert Settings.load(env={}) == Settings()


def test_variables_of_other_programs_and_of_the_tests_are_left_alone() -> None:
    assert Settings.load(env={"PATH": "/bin", "ECHO": "1", "ECHO_IMAGE_DATA": "/d"}) == Settings()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_arrives_from_the_environment(option: Option) -> None:
    value = other(option)
    changed = Settings.load(env={option.variable: text_of(value)})
    assert option.value(changed) == value
    assert option.value(changed) != option.value(Settings())


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_refuses_nonsense_with_its_name_the_value_and_what_is_expected(option: Option) -> None:
    # Any text is a path, so only none at all is wrong.
    nonsense = "" if option.name == "keys_file" else "no such thing!"
    with pytest.raises(UsageError) as caught:
        Settings.load(env={option.variable: nonsense})
    assert option.variable in caught.value.message
    assert nonsense in caught.value.message
    assert option.expected in caught.value.message
    assert option.about in caught.value.hint


def test_every_field_has_an_option() -> None:
    settings = Settings()
    held = {
        (section.name if is_dataclass(holder) else "", attribute)
        for section in fields(settings)
        for holder in [getattr(settings, section.name)]
        for attribute in ([f.name for f in fields(holder)] if is_dataclass(holder) else [section.name])
    }
    assert held == {(option.section, option.attribute) for option in OPTIONS}
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "80.5"),
        ("threads", "0"),
        ("min_score", "nan"),
        ("min_score", "101"),
        ("fetch_timeout_s", "inf"),
        ("max_pixels", ""),
        ("max_upload_bytes", "32 MB"),
        ("max_upload_bytes", "-5"),
        ("cors_origins", "*"),
        ("cors_origins", "https://a.example/path"),
        ("host", "two words"),
        ("store_uploads", "2"),
    ],
)
def test_values_outside_the_range_are_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"ECHO_IMAGE_{name.upper()}"):
        load(**{name: value})


@pytest.mark.parametrize(
    ("text", "size"), [("1000", 1000), ("1_000", 1000), ("3MiB", 3 * 2**20), ("2 kib", 2048), ("1GiB", 2**30)]
)
def test_sizes_may_have_a_unit(text: str, size: int) -> None:
    assert load(max_image_bytes=text).decode.max_bytes == size


def test_a_misspelt_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load(max_pixel="5")
    assert "ECHO_IMAGE_MAX_PIXEL " in caught.value.message
    assert "ECHO_IMAGE_MAX_PIXELS" in caught.value.hint


def test_an_unlike_name_is_answered_with_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        load(zzz="5")
    assert all(option.variable in caught.value.hint for option in OPTIONS)


def test_one_upload_may_not_be_larger_than_a_request() -> None:
    with pytest.raises(UsageError, match=r"max_upload_bytes is 2097152, more than max_request_bytes"):
        load(max_upload_bytes="2MiB", max_request_bytes="1MiB")


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'port = 9000\nmax_files = 3\nmax_upload_bytes = "1MiB"\ncors_origins = ["https://a.example"]\n'
    )
    settings = Settings.load(file, env={"ECHO_IMAGE_PORT": "9001"})
    assert settings.server.port == 9001
    assert settings.server.max_files == 3
    assert settings.server.max_upload_bytes == 2**20
    assert settings.server.cors_origins == ("https://a.example",)
    assert settings.server.max_urls == Settings().server.max_urls


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("workers = 3\n")
    assert Settings.load(env={"ECHO_IMAGE_SETTINGS_FILE": str(file)}).workers == 3


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"prot = 80", b"port = true", b"[port]\nx = 1"])
def test_a_bad_file_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"settings\.toml"):
        Settings.load(file, env={})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"absent\.toml"):
        Settings.load(tmp_path / "absent.toml", env={})


def test_override_checks_like_the_environment_and_leaves_out_none() -> None:
    assert Settings().override(port=0, host=None).server.port == 0
    with pytest.raises(UsageError, match="port is 70000"):
        Settings().override(port=70000)
    with pytest.raises(UsageError, match="prot is not a setting"):
        Settings().override(prot=1)
