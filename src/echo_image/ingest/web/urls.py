"""One form for every URL, and what can be told from a URL without asking for it.

The canonical form is what RFC 3986 (section 6.2.2) calls syntax-based normalisation, plus three habits of web
pages: what browsers forgive (blanks around and line ends within a URL, backslashes) is forgiven, and
parameters that only count visitors or carry a session are dropped. Their order is kept: it may matter.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from yarl import URL

#: Longer ones are refused by servers.
MAX_URL_CHARACTERS = 8_000
_MAX_SEGMENTS = 40
_MAX_PARAMETERS = 40
#: A row of segments that comes this often in a row was made by a wrong relative link: `/a/b/a/b/a/b/`.
_MAX_REPEATS = 3

#: A colon before the name: `/wiki/File:Cat.jpg` is a page about an image.
_IMAGE_NAME = re.compile(
    r"[^:/?&=#]\.(?:jpe?g|jpe|jfif|a?png|webp|gif|tiff?|bmp|dib|avif|hei[cf]|hif)\Z", re.IGNORECASE
)
_PAGE_ABOUT_A_FILE = re.compile(r"[^\W\d_]+(?::|%3A)", re.IGNORECASE)

#: Parameters that count visitors or carry their session; the content is the same without them.
_TRACKING_PARAMETERS = frozenset(
    (
        *("fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "twclid"),
        *(
            "ttclid",
            "igshid",
            "igsh",
            "mc_cid",
            "mc_eid",
            "_ga",
            "_gl",
            "_hsenc",
            "_hsmi",
            "mkt_tok",
            "vero_id",
        ),
        *("wickedid", "oly_anon_id", "oly_enc_id", "s_kwcid", "phpsessid", "jsessionid", "cfid", "cftoken"),
    )
)
_TRACKING_PREFIXES = ("utm_", "aspsessionid")
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/?#;]*", re.IGNORECASE)

_BLANKS = "".join(map(chr, range(33)))
_LINE_ENDS = str.maketrans("", "", "\t\r\n")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
#: Whatever may not stand in a path or query as it is: neither unreserved nor a delimiter nor an escape.
_TO_BE_ESCAPED = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]]+")
_PLAIN_HOST = re.compile(r"[a-z0-9._-]+")
#: What is canonical as it stands.
_PLAIN = re.compile(r"https?://[a-z0-9._-]++/[A-Za-z0-9\-._~/]*+")
_ORIGIN = re.compile(r"https?://[a-z0-9._-]++(?=/)")
_HOSTLESS = re.compile(r"https?:(?!//[^/])", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_url(text: str, base: str = "") -> str:
    """Return the canonical form of an http(s) URL; an empty text for everything else.

    Lower-case scheme and host (IDNA), no default port, no user name, no fragment, no dot segments, escapes in
    upper case and only where needed, no tracking parameters. Idempotent.

    Args:
        text: as a page or list has it: absolute, relative, or without scheme (`//host/path`).
        base: absolute URL that a relative one belongs to.

    >>> canonical_url(" ../B%7e.jpg?utm_source=x&w=3#top ", "HTTP://Example.com:80/a/b/")
    'http://example.com/a/B~.jpg?w=3'
    >>> canonical_url("javascript:alert(1)", "http://example.com/")
    ''
    """
    if not text or len(text) > MAX_URL_CHARACTERS:
        return ""
    clean = text.strip(_BLANKS).translate(_LINE_ENDS)
    if clean[:1] == "/" and clean[1:2] not in ("/", "\\"):
        origin = _ORIGIN.match(base)
        clean = origin[0] + clean if origin else clean
    if _PLAIN.fullmatch(clean) and "/." not in clean:  # nine of ten, told in a twentieth of the time
        return clean
    if "\\" in clean:
        path, mark, query = clean.partition("?")
        clean = path.replace("\\", "/") + mark + query
    if _HOSTLESS.match(clean):
        return ""
    try:
        # "?x" and "" are relative to the page, which urljoin knows; "//" without a host is not.
        split = urlsplit(urljoin(base, clean) if base else clean)
        scheme = split.scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            return ""
        host = _host(split)
        port = split.port
    except ValueError:  # half a bracket, a port out of range, a host that IDNA does not allow
        return ""
    if not host:
        return ""
    where = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    # Escapes first: they may hide a dot segment or the name of a parameter.
    path = _without_dots(_SESSION_IN_PATH.sub("", escaped(split.path))) or "/"
    query = _without_tracking(escaped(split.query))
    whole = f"{scheme}://{where}{path}" + (f"?{query}" if query else "")
    return whole if len(whole) <= MAX_URL_CHARACTERS else ""


def _host(split: SplitResult) -> str:
    host = split.hostname or ""
    if _PLAIN_HOST.fullmatch(host):
        return host
    if ":" in host:
        return f"[{host}]" if re.fullmatch(r"[0-9a-f:.]+", host) else ""
    encoded = URL.build(scheme="http", host=host).raw_host or ""
    return encoded if _PLAIN_HOST.fullmatch(encoded) else ""


def escaped(text: str) -> str:
    """Return a path or query with the escapes that it needs and no others."""
    if "%" in text:
        text = _ESCAPED.sub(_one_escape, text)
    return _TO_BE_ESCAPED.sub(_escape, text)


def _one_escape(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"
    octet = int(found[1], 16)
    return chr(octet) if octet in _UNRESERVED else f"%{octet:02X}"


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in found[0].encode("utf-8", "replace"))


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _without_tracking(query: str) -> str:
    if not query:
        return ""
    kept = []
    for pair in query.split("&"):
        name = pair.partition("=")[0].lower()
        if pair and name not in _TRACKING_PARAMETERS and not name.startswith(_TRACKING_PREFIXES):
            kept.append(pair)
    return "&".join(kept)


def host_of(url: str) -> str:
    """Return host and, where it is not the default one, port of a canonical URL: `example.com:8080`.

    >>> host_of("https://example.com:8443/a?b")
    'example.com:8443'
    """
    return url.partition("://")[2].partition("/")[0].partition("?")[0]


def same_site(url: str, site: str, *, subdomains: bool = False) -> bool:
    """Tell whether a canonical URL belongs to the site of another one.

    Same host and port, whatever the scheme and with or without a leading `www.`.

    Args:
        url, site: canonical URLs.
        subdomains: hosts below that of `site` belong to it, too.

    >>> same_site("http://www.example.com/x", "https://example.com/")
    True
    >>> same_site("https://shop.example.com/", "https://example.com/")
    False
    """
    host, own = (host_of(text).removeprefix("www.") for text in (url, site))
    return bool(own) and (host == own or (subdomains and host.endswith("." + own)))


def looks_like_image(url: str, *, in_query: bool = False) -> bool:
    """Tell whether a URL, absolute or relative, ends in the name of an image file; it may still be none.

    Args:
        url: to be judged.
        in_query: the name of a file may also be the value of a parameter: `/thumbnail?of=cat.jpg`.

    >>> looks_like_image("/media/cat.JPG?w=200"), looks_like_image("/wiki/File:Cat.jpg")
    (True, False)
    """
    if "." not in url:
        return False
    path, _, query = url.strip().partition("#")[0].partition("?")
    name = path.rpartition("/")[2]
    if _IMAGE_NAME.search(name) is not None:
        return _PAGE_ABOUT_A_FILE.match(name) is None
    return in_query and any(_IMAGE_NAME.search(pair) is not None for pair in query.split("&", 20)[:20])


def is_trap(url: str) -> bool:
    """Tell whether a canonical URL looks like one of endlessly many: wrong relative links, heaped-up filters.

    >>> is_trap("http://example.com/a/b/a/b/a/b/"), is_trap("http://example.com/2011/11/11/")
    (True, False)
    """
    path, _, query = url.partition("?")
    segments = [segment for segment in path.split("/")[3:] if segment]
    if len(segments) > _MAX_SEGMENTS or len(url) > MAX_URL_CHARACTERS // 4:
        return True
    names = [pair.partition("=")[0] for pair in query.split("&")] if query else []
    if len(names) > _MAX_PARAMETERS or any(
        names.count(name) > _MAX_REPEATS for name in set(names) if not name.endswith(("[]", "%5B%5D"))
    ):
        return True
    for period in range(1, len(segments) // _MAX_REPEATS + 1):
        # Dates repeat a number three times: /2011/11/11/11.
        repeats = _MAX_REPEATS + (period == 1)
        in_a_row = 0
        for one, other in zip(segments, segments[period:], strict=False):
            in_a_row = in_a_row + 1 if one == other else 0
            if in_a_row >= period * (repeats - 1):
                return True
    return False
