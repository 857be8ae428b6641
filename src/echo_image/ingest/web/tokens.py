"""Bytes of a page → its text → its tags, one after the other, without building a tree.

What is wanted of a page stands in the attributes of single tags, so no tree is needed, and building one is
what a hostile page attacks: tree construction as the HTML standard has it asks about all open elements at
each tag, so that a 0.5 MB page of nested `<div>` costs lexbor 20 s, and formatting elements multiply in
memory. Here each character is looked at a fixed number of times: every repetition of the expressions below
is possessive, and whatever is not closed ends with the page, as the standard's tokeniser has it (13.2.5).
lexbor parses ordinary pages ten times as fast; some 200 pages/s are still more than a site is asked for.

Not followed: `<!--<script>` within a script, and CDATA in SVG.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

_MAX_ATTRIBUTES = 500
_CHARSET_LOOKED_AT_BYTES = 4_096
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,500}?charset\s{0,20}=\s{0,20}[\"']?\s{0,20}([A-Za-z0-9._:-]{1,40})", re.I
)
#: Browsers take these by the names of their subsets (WHATWG Encoding).
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-9": "cp1254",
}
_WIDER |= {"shift_jis": "cp932", "euc_kr": "cp949", "iso8859-11": "cp874", "tis-620": "cp874"}

# `=` opens a value, and only there do quotes count: <a title=it's>, <a x="">">.
_TOKEN = re.compile(
    r"<(?:(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)"
    r"(?P<rest>(?:[^>=]++|=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+)?+)*+)(?:>|\Z)"
    r"|(?P<comment>!--)|[!?/])"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s/>=]++)"
    r"(?P<is>\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"?|'(?P<single>[^']*+)'?|(?P<bare>[^\s>]*+)))?+"
)
_COMMENT_END = re.compile(r"--!?>")
#: Elements whose content is text and not markup, and where it ends.
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_REFERENCE = re.compile(r"&(?:#(?:[0-9]{1,8}+|[xX][0-9A-Fa-f]{1,8}+);?|[A-Za-z][A-Za-z0-9]{1,31}+[;=]?)")


class Tag(NamedTuple):
    """A start tag.

    Attributes:
        name: lower case.
        rest: what stands between name and `>`, as written; see `attributes`.
        text: content of an element that holds only text (script, title …); else empty.
        is_end: it is an end tag.
    """

    name: str
    rest: str
    text: str
    is_end: bool


def decode(data: bytes, content_type: str) -> str:
    """Return the text of a page: charset by byte order mark, header, `<meta>`, else UTF-8, else Windows-1252.

    Never fails: what does not fit becomes U+FFFD.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    found = _CHARSET.search(content_type)
    named = found[1] if found else ""
    if not _known(named):
        meta = _META_CHARSET.search(data, 0, _CHARSET_LOOKED_AT_BYTES)
        named = meta[1].decode("ascii") if meta else ""
        if named.lower().startswith("utf-16"):  # it was read as ASCII, so it is no such thing
            named = "utf-8"
    encoding = _known(named)
    if encoding:
        return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Cut in the middle of a character, or a single slip: still UTF-8.
        return data.decode("utf-8" if _is_mostly_utf8(data, error.start) else "cp1252", "replace")


def _is_mostly_utf8(data: bytes, good: int) -> bool:
    return not data[:good].isascii() or len(data) - good < 4


def _known(name: str) -> str:
    """The codec that browsers use for a name; empty for none, and for codecs that are no charsets."""
    try:
        found = codecs.lookup(name) if name else None
    except (LookupError, ValueError):
        return ""
    if found is None or not getattr(found, "_is_text_encoding", False) or found.name in _NOT_OF_THE_WEB:
        return ""
    return _WIDER.get(found.name, found.name)


#: Slow with hostile text, or a way to smuggle markup past whoever checked it.
_NOT_OF_THE_WEB = frozenset(
    ("idna", "punycode", "utf-7", "unicode-escape", "raw-unicode-escape", "undefined")
)


def tags(text: str, *, most: int) -> Iterator[Tag]:
    """Yield the tags of a page in their order, the first `most` of them. Content of `noscript` is markup."""
    position = 0
    for _ in range(most):
        found = _TOKEN.search(text, position)
        if found is None:
            return
        position = found.end()
        if found["name"] is None:
            if found["comment"]:  # <!--> and <!---> are whole ones
                closing = _COMMENT_END.search(text, position - 2)
                position = closing.end() if closing else len(text)
            else:
                position = text.find(">", position) + 1 or len(text)
            continue
        name, is_end, content = found["name"].lower(), bool(found["end"]), ""
        closes = None if is_end else _RAW_TEXT.get(name)
        if closes is not None:
            end = closes.search(text, position)
            content = text[position : end.start()] if end else text[position:]
            position = end.start() if end else len(text)
        elif name == "plaintext":
            position = len(text)
        yield Tag(name, found["rest"], content, is_end)


def attributes(rest: str) -> dict[str, str]:
    """Return the attributes of a tag: lower-case names, references resolved; of two of one name the first."""
    found: dict[str, str] = {}
    for count, match in enumerate(_ATTRIBUTE.finditer(rest)):
        if count == _MAX_ATTRIBUTES:
            break
        name = match["name"].lower()
        if name not in found:
            found[name] = unescape(match["double"] or match["single"] or match["bare"] or "")
    return found


def unescape(value: str) -> str:
    """Resolve character references as in attributes, where `?a=1&copy=2` is no ©."""
    return _REFERENCE.sub(_resolved, value) if "&" in value else value


def _resolved(found: re.Match[str]) -> str:
    text = found[0]
    if text[1] == "#":
        return html.unescape(text)
    return html5.get(text[1:], text)
