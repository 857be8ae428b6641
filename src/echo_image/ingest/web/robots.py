"""What a site asks of robots: `robots.txt` (RFC 9309), `X-Robots-Tag` and `<meta name=robots>`.

Read here and not by a package: protego keeps each rule once per user agent that its group names, so that
90 KB of `robots.txt` take it 11 s and 640 MB. Here only rules that concern one robot are kept, each once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urljoin

from echo_image.ingest.web.urls import canonical_url, escaped

#: What we are called in `robots.txt`.
AGENT = "echo-image"
#: RFC 9309, 2.5: at least this much is read; what follows is left out.
MAX_ROBOTS_BYTES = 500 * 1024
_MAX_SITEMAPS = 1_000
_MAX_PATTERN = 2_000

_LINE = re.compile(r"[\r\n]+")
_FIELDS = {"user-agent": "agent", "useragent": "agent", "disallow": "disallow", "allow": "allow"}
_FIELDS |= {"crawl-delay": "delay", "sitemap": "sitemap", "noindex": ""}
_PRODUCT = re.compile(r"[a-z_-]+")


@dataclass(slots=True)
class _Group:
    """The rules for one robot: `plain` are beginnings of paths, by length; `patterns` hold `*` or `$`."""

    plain: dict[int, dict[str, bool]] = field(default_factory=dict)
    patterns: list[tuple[int, bool, str]] = field(default_factory=list)
    delay: float | None = None

    def add(self, pattern: str, *, allowed: bool) -> None:
        """Add a rule; of two with the same pattern, the one that allows counts."""
        if len(pattern) > _MAX_PATTERN:
            return
        if "*" in pattern or pattern.endswith("$"):
            self.patterns.append((len(pattern), allowed, pattern))
        else:
            rules = self.plain.setdefault(len(pattern), {})
            rules[pattern] = allowed or rules.get(pattern, False)

    def sort(self) -> None:
        """Put the longest patterns first, among equal ones those that allow; no pattern twice."""
        self.patterns = sorted(set(self.patterns), reverse=True)
        self.plain = dict(sorted(self.plain.items(), reverse=True))

    def allowed(self, path: str) -> bool:
        """Judge a path with its query by the longest rule that matches (RFC 9309, 2.2.2)."""
        length, verdict = -1, True
        for size, rules in self.plain.items():
            if size <= len(path) and path[:size] in rules:
                length, verdict = size, rules[path[:size]]
                break
        for size, allow, pattern in self.patterns:
            if size < length:
                break
            if _matches(pattern, path):
                return allow if size > length else allow or verdict
        return verdict


def _matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern with `*` and `$` fits, without ever going back to try another place."""
    ends = pattern.endswith("$")
    pieces = (pattern[:-1] if ends else pattern).split("*")
    if not path.startswith(pieces[0]):
        return False
    if len(pieces) == 1:
        return not ends or path == pieces[0]
    position = len(pieces[0])
    for piece in pieces[1:-1] if ends else pieces[1:]:
        # The leftmost place is never worse than a later one.
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return not ends or (len(path) - position >= len(pieces[-1]) and path.endswith(pieces[-1]))


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host for one robot.

    Attributes:
        sitemaps: absolute canonical URLs.
        crawl_delay: s between two requests, None where nothing is said.
    """

    sitemaps: tuple[str, ...] = ()
    crawl_delay: float | None = None
    _group: _Group | None = None
    _nothing: bool = False

    @classmethod
    def parse(cls, data: bytes, *, url: str = "", agent: str = AGENT) -> Robots:
        """Read a `robots.txt`. Whatever is no rule is passed over; never fails.

        Args:
            data: as it came; the first 500 KiB count.
            url: where it came from, for sitemaps without host.
            agent: product token whose rules are kept; groups for `*` count where none names it.
        """
        own, others = _Group(), _Group()
        is_named = False
        sitemaps: dict[str, None] = {}
        current: list[_Group] = []
        in_agents = False
        for name, value in _lines(data):
            if name == "agent":
                if not in_agents:
                    current = []
                in_agents = True
                product = _PRODUCT.match(value.lower())
                if value.startswith("*"):
                    current.append(others)
                elif product is not None and product[0] == agent:
                    current.append(own)
                    is_named = True
                continue
            if name == "sitemap":  # belongs to no group
                found = canonical_url(urljoin(url, value))
                if found and len(sitemaps) < _MAX_SITEMAPS:
                    sitemaps[found] = None
                continue
            in_agents = False
            for group in dict.fromkeys(map(id, current)):
                target = own if group == id(own) else others
                _apply(target, name, value)
        kept = own if is_named else others
        kept.sort()
        return cls(tuple(sitemaps), kept.delay, kept)

    @classmethod
    def of_answer(cls, status: int, data: bytes = b"", *, url: str = "", agent: str = AGENT) -> Robots:
        """Return what an answer means (RFC 9309, 2.3.1).

        Args:
            status: 0: no answer (unreachable, timeout, endless redirects).
            data, url, agent: as `parse`.
        """
        if 200 <= status < 300:
            return cls.parse(data, url=url, agent=agent)
        if 400 <= status < 500 and status != 429:
            return cls()  # there is none: all is allowed
        return cls(_nothing=True)

    def allowed(self, url: str) -> bool:
        """Tell whether a canonical URL of the host may be asked for; `/robots.txt` always may."""
        path = url.partition("://")[2].partition("/")[2].partition("#")[0]
        if path == "robots.txt":
            return True
        return not self._nothing and (self._group is None or self._group.allowed("/" + path))


def _lines(data: bytes) -> Iterator[tuple[str, str]]:
    text = data[:MAX_ROBOTS_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
    for line in _LINE.split(text):
        name, colon, value = line.partition("#")[0].partition(":")
        known = _FIELDS.get(name.strip().lower(), "")
        if colon and known:
            yield known, value.strip()


def _apply(group: _Group, name: str, value: str) -> None:
    if name == "delay":
        if re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", value):
            group.delay = max(group.delay or 0.0, float(value))
    elif value.startswith(("/", "*")):
        group.add(escaped(value), allowed=name == "allow")


class Directives(NamedTuple):
    """What a page asks of robots about itself."""

    noindex: bool = False
    nofollow: bool = False
    noimageindex: bool = False


def directives(text: str, *, agent: str = AGENT) -> Directives:
    """Read the value of an `X-Robots-Tag` header or of a robots meta tag; several, joined by commas, too.

    A value for another robot (`otherbot: noindex`) is passed over. Every value counts up to the next name.

    >>> directives("noimageindex, otherbot: none")
    Directives(noindex=False, nofollow=False, noimageindex=True)
    """
    words: set[str] = set()
    is_ours = True
    for part in text[:10_000].lower().split(","):
        name, colon, value = part.strip().partition(":")
        if colon and name.strip() not in _WITH_VALUE:
            is_ours = name.strip() in (agent, "robots", "*")
            part = value
        if is_ours:
            words.add(part.strip())
    none = "none" in words
    return Directives(none or "noindex" in words, none or "nofollow" in words, "noimageindex" in words)


_WITH_VALUE = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


def header_directives(
    headers: Mapping[str, str] | Iterable[tuple[str, str]], *, agent: str = AGENT
) -> Directives:
    """Return what the `X-Robots-Tag` headers of an answer ask."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return directives(
        ", ".join(value for name, value in pairs if name.lower() == "x-robots-tag"), agent=agent
    )
