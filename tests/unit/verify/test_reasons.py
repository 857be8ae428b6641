"""Reasons follow the decision: what is proven has reasons for it, what is not has reasons against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import echo_image
from echo_image import Match
from echo_image.verify import decide
from echo_image.verify.reasons import WORDS, Reason, reasons_of
from tests.edited import mirrored
from tests.photographs import photograph

FOR = {"same_bytes", "points_agree", "looks_same", "hash_close"}


def codes(match: Match) -> list[str]:
    return [reason.code for reason in reasons_of(match)]


def changed(match: Match, **measured: object) -> Match:
    assert match.proof.evidence is not None
    return replace(match, proof=replace(match.proof, evidence=replace(match.proof.evidence, **measured)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_proven_and_not(name: str) -> None:
    image = photograph(name, 400)
    assert codes(echo_image.compare(image, image)) == ["same_bytes"]
    edited = echo_image.compare(mirrored(image).pixels[:, 40:], image)
    assert codes(edited)[:2] == ["points_agree", "looks_same"]
    other = echo_image.compare(image, photograph("rocket", 400))
    assert not other.is_proven
    assert codes(other)
    assert FOR.isdisjoint(codes(other))


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({"homography": None}, Reason("no_mapping")),
        ({"independent": 3}, Reason("few_points", (3, decide.MIN_INDEPENDENT))),
        ({"independent": 8, "linearity": 0.0}, Reason("on_one_line")),
        ({"independent": 8, "linearity": 1.0, "supported": 30, "plain": False}, Reason("repeats")),
        ({"independent": 8, "detail_ssim": 0.1}, Reason("looks_different", (10, 32))),
        ({"independent": 8, "color_difference": 70.0}, Reason("colours_apart")),
        ({"hash_distance": 100, "quality": 90}, Reason("hash_far", (100, decide.HASH_BITS))),
        ({"quality": 0}, Reason("too_little_detail")),
    ],
)
def test_each_lack_is_named(measured: dict[str, object], expected: Reason) -> None:
    image = photograph("coffee", 400)
    proven = echo_image.compare(np.ascontiguousarray(image[:, 60:]), image)
    match = replace(changed(proven, **measured), verdict=decide.Verdict.SIMILAR, score=40.0)
    assert expected in reasons_of(match)


def test_with_no_single_lack_the_whole_is_weak() -> None:
    image = photograph("coffee", 400)
    proven = echo_image.compare(np.ascontiguousarray(image[:, 60:]), image)
    strong = changed(proven, independent=40, hash_distance=20, quality=90, color_difference=0.0)
    match = replace(strong, verdict=decide.Verdict.SIMILAR, score=40.2)
    assert reasons_of(match) == (Reason("weak", (40, 50)),)


@pytest.mark.parametrize("code", WORDS)
def test_words_are_complete(code: str) -> None:
    reason = Reason(code, tuple(range(WORDS[code].count("{}"))))
    assert "{" not in reason.words
    assert reason.to_dict() == {"code": code, "values": list(reason.values)}
