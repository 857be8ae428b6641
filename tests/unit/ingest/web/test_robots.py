"""robots.txt by RFC 9309, and what pages and headers ask."""

from __future__ import annotations

import pytest

from echo_image.ingest.web import Directives, Robots, directives, header_directives

HOST = "http://a.example"


def allowed(text: str, *paths: str) -> list[bool]:
    robots = Robots.parse(text.encode())
    return [robots.allowed(HOST + path) for path in paths]


def test_the_longest_rule_decides_and_allow_wins_a_tie() -> None:
    text = "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nAllow: /x\nDisallow: /x"
    assert allowed(text, "/", "/a", "/a/b", "/a/b/c", "/abc", "/x") == [True, False, True, False, False, True]


def test_a_tie_of_a_plain_rule_and_a_pattern_is_allowed_either_way() -> None:
    assert allowed("User-agent: *\nAllow: /ab\nDisallow: /a*", "/abc", "/ac") == [True, False]
    assert allowed("User-agent: *\nDisallow: /ab\nAllow: /a*", "/abc") == [True]


@pytest.mark.parametrize(
    ("rule", "path", "is_allowed"),
    [
        ("/*.gif$", "/a/b.gif", False),
        ("/*.gif$", "/a/b.gif?x", True),
        ("/*.gif", "/a/b.gif?x", False),
        ("/a*c", "/abbbc/d", False),
        ("/a*c", "/abbb", True),
        ("/a$", "/a", False),
        ("/a$", "/ab", True),
        ("*/private", "/x/private", False),
        ("/*a*b$", "/ab-a", True),
        ("/*a*a$", "/a", True),
        ("/*a*a$", "/aa", False),
        ("/ä", "/%C3%A4", False),
        ("/%7euser", "/~user", False),
        ("/?q=", "/?q=1", False),
        ("", "/a", True),
    ],
)
def test_patterns(rule: str, path: str, is_allowed: bool) -> None:
    assert allowed(f"User-agent: *\nDisallow: {rule}", path) == [is_allowed]


def test_our_own_group_counts_and_groups_of_one_name_are_joined() -> None:
    text = (
        "User-agent: *\nDisallow: /all\n\nUser-agent: otherbot\nDisallow: /other\n\n"
        "USER-AGENT: Echo-Image/2.0 # us\nuser-agent: third\nDISALLOW: /one # no\n\n"
        "User-agent: echo-image\nDisallow: /two\n"
    )
    assert allowed(text, "/all", "/other", "/one", "/two") == [True, True, False, False]
    others = Robots.parse(text.encode(), agent="fourth")
    assert [others.allowed(HOST + path) for path in ("/all", "/one")] == [False, True]


def test_delay_and_sitemaps() -> None:
    text = "Sitemap: /s.xml\nUser-agent: *\nCrawl-delay: 2.5\nDisallow:\n"
    text += "SITEMAP: http://B.example/t.xml\nCrawl-delay: x"
    robots = Robots.parse(text.encode(), url="http://a.example/robots.txt")
    assert robots.crawl_delay == 2.5
    assert robots.sitemaps == ("http://a.example/s.xml", "http://b.example/t.xml")
    assert Robots.parse(b"").crawl_delay is None


@pytest.mark.parametrize(
    ("status", "is_allowed"),
    [
        (200, False),
        (404, True),
        (403, True),
        (401, True),
        (429, False),
        (500, False),
        (503, False),
        (0, False),
        (302, False),
    ],
)
def test_an_answer_means(status: int, is_allowed: bool) -> None:
    robots = Robots.of_answer(status, b"User-agent: *\nDisallow: /")
    assert robots.allowed(HOST + "/x") is is_allowed
    assert robots.allowed(HOST + "/robots.txt")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"<html>Disallow: /", b"Disallow: /\n", b"User-agent *\nDisallow /"]
)
def test_rubbish_forbids_nothing(data: bytes) -> None:
    assert Robots.parse(data).allowed(HOST + "/x")


def test_byte_order_mark_and_old_line_ends() -> None:
    assert not Robots.parse(b"\xef\xbb\xbfUser-agent: *\rDisallow: /a\r").allowed(HOST + "/a")


def test_what_lies_beyond_500_kib_is_left_out() -> None:
    filling = b"# " + b"x" * 98 + b"\n"
    text = b"User-agent: *\nDisallow: /early\n" + filling * 6_000 + b"Disallow: /late\n"
    assert not Robots.parse(text).allowed(HOST + "/early")
    assert Robots.parse(text).allowed(HOST + "/late")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "".join(f"user-agent: a{i}\n" for i in range(15_000))
        + "".join(f"allow: /{i}\n" for i in range(15_000)),
        "user-agent: *\n" + "".join(f"disallow: /{'x' * (i % 900)}{i}\n" for i in range(1_500)),
        "user-agent: *\n" + "disallow: /" + "*a" * 900 + "b\n",
        "user-agent: *\n" + "".join(f"disallow: /{i}*a*a*a*a*b$\n" for i in range(15_000)),
    ],
    ids=["agents", "lengths", "stars", "patterns"],
)
def test_hostile_rules_cost_little(text: str) -> None:
    robots = Robots.parse(text.encode())
    assert [robots.allowed(HOST + "/" + "a" * 2_000) for _ in range(20)] == [True] * 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Directives()),
        ("noindex", Directives(noindex=True)),
        ("NOINDEX, nofollow", Directives(noindex=True, nofollow=True)),
        ("none", Directives(noindex=True, nofollow=True)),
        ("noimageindex", Directives(noimageindex=True)),
        ("otherbot: noindex, nofollow", Directives()),
        ("otherbot: noindex, echo-image: nofollow", Directives(nofollow=True)),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noindex", Directives(noindex=True)),
        ("max-snippet: 5, noindex", Directives(noindex=True)),
        ("index, follow, all", Directives()),
    ],
)
def test_directives(text: str, expected: Directives) -> None:
    assert directives(text) == expected


def test_headers() -> None:
    ours = {"X-ROBOTS-Tag": "noindex", "Content-Type": "nofollow"}
    assert header_directives(ours) == Directives(noindex=True)
    pairs = [("x-robots-tag", "nofollow"), ("X-Robots-Tag", "noimageindex")]
    assert header_directives(pairs) == Directives(nofollow=True, noimageindex=True)
