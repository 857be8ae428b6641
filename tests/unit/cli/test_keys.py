"""`echo-image keys`: the key on standard output once, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image.server.access.keys import digest_of, load_keys
from tests.unit.cli.conftest import Run


def test_a_key_is_shown_once_listed_and_revoked(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    added = cli("keys", "add", file, "anna", "--write")
    key = added.out.strip()
    assert (added.status, len(key)) == (0, 46)
    assert key not in added.err
    assert load_keys(file)[0].sha256 == digest_of(key)
    listed = cli("keys", "list", file)
    assert listed.status == 0
    assert "anna" in listed.out
    assert "read, write" in listed.out
    assert key not in listed.out + file.read_text()
    assert cli("keys", "revoke", file, "anna").status == 0
    assert load_keys(file) == ()


def test_json(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    added = cli("keys", "add", file, "anna", "--json").document
    assert set(added) == {"name", "key"}
    (row,) = cli("keys", "list", file, "--json").document["keys"]
    assert (row["name"], row["scopes"], "sha256" in row) == ("anna", ["read"], False)
    assert cli("keys", "revoke", file, "anna", "--json").document == {"name": "anna", "revoked": True}


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("add", "FILE"), 2, "usage"),
        (("list", "FILE", "anna"), 2, "usage"),
        (("revoke", "FILE"), 2, "usage"),
        (("revoke", "FILE", "anna"), 2, "not_found"),
        (("list", "FILE"), 2, "not_found"),
        (("add", "FILE", "a b"), 2, "usage"),
        (("make", "FILE", "a"), 2, "usage"),
        (("list", "FILE", "--write"), 2, "usage"),
    ],
)
def test_what_is_wrong(cli: Run, tmp_path: Path, words: tuple[str, ...], status: int, code: str) -> None:
    outcome = cli("keys", *[str(tmp_path / "k.json") if word == "FILE" else word for word in words], "--json")
    assert (outcome.status, outcome.document["error"]["code"]) == (status, code)
