"""The pattern language against a slow twin, and what is refused."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import UsageError
from echo_image.ingest.sources.patterns import checked_patterns, select


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("*.png", ["a.png", "b/c/A.PNG", ".png"], ["a.jpg", "a.png.txt"]),
        ("thumbs", ["thumbs", "thumbs/a.png", "x/thumbs/y/a.png"], ["thumbs.png", "x/thumbsy/a"]),
        ("thumbs/", ["thumbs/a.png", "x/thumbs/a"], ["thumbs", "x/thumbs"]),
        ("2020/*.png", ["2020/a.png"], ["2020/b/a.png", "x/2020/a.png", "a.png"]),
        ("/a.png", ["a.png"], ["b/a.png"]),
        ("**/raw/*.tif", ["raw/a.tif", "x/y/raw/a.tif"], ["raw/x/a.tif", "xraw/a.tif"]),
        ("2020/**", ["2020/a", "2020/b/c/d"], ["2021/a", "2020"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/z/in"], ["z", "b/a/z", "az"]),
        ("img_[0-9][!x].jpg", ["img_1a.jpg", "d/IMG_2B.JPG"], ["img_1x.jpg", "img_aa.jpg", "img_1/.jpg"]),
        ("a[]!]b", ["a]b", "a!b"], ["axb", "a]!b"]),
        ("[[]1].png", ["[1].png"], ["1.png"]),
        ("[", ["["], ["a"]),
        ("a?b", ["a\nb", "a.b"], ["a/b", "ab"]),
        ("(a|b)+.png", ["(a|b)+.png"], ["a.png"]),
        ("a\\*", ["a\\", "a\\b"], ["a*"]),
        ("gr*ß.png", ["größ.png", "GRÜß.PNG"], ["gr.png"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, taken: list[str], left: list[str]) -> None:
    included, excluded = select(include=[pattern]), select(exclude=[pattern])
    for path in taken:
        assert included.takes(path)
        assert not excluded.takes(path)
    for path in left:
        assert not included.takes(path)
        assert excluded.takes(path)


def test_excluded_wins_and_several_are_any_of_them() -> None:
    selection = select(include=["*.png", "*.jpg"], exclude=["bad*", "2020/"])
    assert [
        path for path in ("a.png", "b.jpg", "c.gif", "bad.png", "2020/a.png") if selection.takes(path)
    ] == [
        "a.png",
        "b.jpg",
    ]
    assert [path for path in ("x", "2020", "badly", "x/2020") if selection.enters(path)] == ["x"]


def _twin(pattern: str, path: str) -> bool:
    """The language as the documentation tells it, by trying everything."""
    names = tuple(pattern.strip("/").lower().split("/"))
    if "/" not in pattern.rstrip("/"):
        names = ("**", *names)
    parts = tuple(path.lower().split("/"))
    ends = range(1, len(parts)) if pattern.endswith("/") else range(1, len(parts) + 1)
    return any(_parts(names, parts[:end]) for end in ends)


def _parts(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not names:
        return not parts
    if names[0] == "**":
        return _parts(names[1:], parts) or (bool(parts) and _parts(names, parts[1:]))
    return bool(parts) and _one(names[0], parts[0]) and _parts(names[1:], parts[1:])


@cache
def _one(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return _one(pattern[1:], name) or (bool(name) and _one(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and _one(pattern[1:], name[1:])


_name = st.text("ab.", min_size=1, max_size=5).filter(lambda name: name not in (".", ".."))
_glob = st.text("ab.?*", min_size=1, max_size=6).filter(lambda name: name not in (".", "..", "**"))
_pattern = st.builds(
    lambda head, names, tail: head + "/".join(names) + tail,
    st.sampled_from(["", "", "/"]),
    st.lists(st.one_of(_glob, st.just("**")), min_size=1, max_size=4).filter(lambda names: names[-1] != "**"),
    st.sampled_from(["", "", "/"]),
)


@given(_pattern, st.lists(_name, min_size=1, max_size=5).map("/".join))
def test_the_expression_matches_what_the_twin_matches(pattern: str, path: str) -> None:
    assert select(include=[pattern]).takes(path) == _twin(pattern, path)


@given(_pattern, st.lists(_name, min_size=2, max_size=5))
def test_a_folder_that_is_not_entered_has_nothing_to_be_taken(pattern: str, names: list[str]) -> None:
    selection = select(exclude=[pattern])
    folders = ["/".join(names[:depth]) for depth in range(1, len(names))]
    if not all(selection.enters(folder) for folder in folders):
        assert not selection.takes("/".join(names))


def test_many_stars_take_no_time_beyond_measure() -> None:
    """Tried in all ways, 30 stars over 255 letters would take longer than the universe is old."""
    assert not select(include=["*a" * 30 + "b"]).takes("a" * 255)


@pytest.mark.parametrize(
    "wrong", ["*.png", b"*.png", 7, [""], ["/"], [7], ["a//b"], ["../a"], ["a/./b"], ["x" * 1001], ["[z-a]"]]
)
def test_what_is_no_pattern(wrong: object) -> None:
    with pytest.raises(UsageError) as caught:
        checked_patterns(wrong, name="include")
    assert caught.value.hint


def test_patterns_become_a_tuple() -> None:
    assert checked_patterns(["*.png", "a/b"], name="include") == ("*.png", "a/b")
