"""Which URLs belong to a site: hosts, patterns, and what is worth asking for.

A pattern with `*` for any characters, also none, and nothing else that is special: URLs are full of `?`. One
that begins with `/` is tried on the path with its query, any other on the whole URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from echo_image.errors import UsageError
from echo_image.ingest.web import host_of, is_trap, same_site

__all__ = ["Scope", "checked_urls_patterns"]

_MAX_PATTERN_CHARACTERS = 1000
_MAX_STARS = 20
#: Files that are no pages and hold no links, by their names. What is an image is not looked for here.
_NO_PAGES = re.compile(
    r"7z|aac|apk|avi|bin|bz2|css|csv|cur|dmg|docx?|eot|epub|exe|flac|flv|gz|ico|iso|jar|js|json|m4[av]|mjs|mkv"
    r"|mov|mp[34]|mpe?g|msi|od[pst]|og[gv]|otf|pdf|pptx?|ps|rar|rpm|rss|rtf|svgz?|tar|tgz|ttf|txt|wav|webm"
    r"|wm[av]|woff2?|xlsx?|xml|xz|zip|zst",
    re.IGNORECASE,
)


def checked_urls_patterns(patterns: object, *, name: str) -> tuple[str, ...]:
    """Return patterns as a tuple.

    Raises:
        UsageError: it is a single text, or one is empty, too long, or has too many `*`.
    """
    if isinstance(patterns, (str, bytes)) or not isinstance(patterns, Iterable):
        raise UsageError(f"{name} is {patterns!r}; expected several patterns.", hint=f'{name}=("/shop/*",)')
    checked = tuple(patterns)
    for pattern in checked:
        if (
            not isinstance(pattern, str)
            or not 0 < len(pattern) <= _MAX_PATTERN_CHARACTERS
            or pattern.count("*") > _MAX_STARS
        ):
            raise UsageError(
                f"{str(pattern)[:100]!r} is no pattern for {name}; expected 1 to"
                f" {_MAX_PATTERN_CHARACTERS:,} characters with at most {_MAX_STARS} `*`.",
                hint="Patterns look like /shop/* or https://img.example.com/*.jpg.",
            )
    return checked


def _compiled(pattern: str) -> tuple[re.Pattern[str], bool]:
    # Atomic: the leftmost place of a part between two stars is never wrong, so no other one is tried.
    first, *rest = [re.escape(part) for part in pattern.split("*")]
    regex = first + "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    regex += f".*{rest[-1]}" if rest else ""
    return re.compile(regex, re.DOTALL), pattern.startswith("/")


class Scope:
    """What belongs to a site.

    Args:
        url: canonical, where it begins; its host belongs to it, with and without `www.`, http and https.
        hosts: further hosts, `example.com` or `example.com:8080`, or `*.example.com` for all below one.
        include: patterns of pages that are followed; all where there are none.
        exclude: patterns of pages that are not followed and of images that are not taken.

    Attributes:
        first_pages: where it begins, and where that leads.
    """

    def __init__(
        self, url: str, hosts: Iterable[str] = (), include: Iterable[str] = (), exclude: Iterable[str] = ()
    ) -> None:
        self.first_pages = [url]
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("*."))
        self._below = tuple(host[1:].lower() for host in hosts if host.startswith("*."))
        self._include = [_compiled(pattern) for pattern in include]
        self._exclude = [_compiled(pattern) for pattern in exclude]

    def adopt(self, url: str) -> None:
        """Let another host belong to it: where its first page is in truth."""
        if url not in self.first_pages:
            self.first_pages.append(url)

    def has_host(self, url: str) -> bool:
        """Tell whether a canonical URL is on a host of the site."""
        host = host_of(url)
        if host in self._hosts or (self._below and host.endswith(self._below)):
            return True
        return any(same_site(url, site) for site in self.first_pages)

    def follows(self, url: str) -> bool:
        """Tell whether a canonical URL is a page of the site that is worth asking for."""
        if not self.has_host(url) or is_trap(url) or self.leaves_out(url):
            return False
        if self._include and not _matches(self._include, url):
            return False
        name = url.partition("?")[0].rpartition("/")[2]
        return "." not in name or _NO_PAGES.fullmatch(name.rpartition(".")[2]) is None

    def leaves_out(self, url: str) -> bool:
        """Tell whether a page or image is excluded by a pattern."""
        return bool(self._exclude) and _matches(self._exclude, url)


def _matches(patterns: list[tuple[re.Pattern[str], bool]], url: str) -> bool:
    split = urlsplit(url)
    path = split.path + (f"?{split.query}" if split.query else "")
    return any(regex.fullmatch(path if of_path else url) is not None for regex, of_path in patterns)
