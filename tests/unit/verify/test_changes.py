"""Every change has words, and everything that is said is a change."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import echo_image
from echo_image.verify.changes import WORDS, Change

VERIFY = Path(echo_image.__file__).parent / "verify"


def test_values_take_their_places_in_the_words() -> None:
    change = Change("shares", (25, 50))
    assert change.words == "shares 25 % of the original, 50 % of the query"
    assert change.to_dict() == {"code": "shares", "values": [25, 50]}
    assert Change("mirrored").to_dict() == {"code": "mirrored", "values": []}


@pytest.mark.parametrize("code", WORDS)
def test_words_are_complete(code: str) -> None:
    assert "{" not in Change(code, tuple(range(WORDS[code].count("{}")))).words


def test_every_code_that_is_used_has_words_and_every_word_is_used() -> None:
    used = set()
    for path in VERIFY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Change":
                used |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)}
    assert {code for code in used if isinstance(code, str)} | {
        "rotated_clockwise",
        "rotated_counter_clockwise",
    } == set(WORDS)
