"""Hash lists of other programs as a source: the images that they name, with their hashes as attributes.

An image is found by its pixels, not by another program's hash of them, so a list is worth what it names.
Read are

- imagededup: `encode_images` as JSON, `{"1.jpg": "9f1e2c…"}`, and `find_duplicates` with `outfile`,
  `{"1.jpg": ["2.jpg"], "2.jpg": [["1.jpg", 3]]}` (every file of the folder is a key);
- image-match: records `{"path", "signature", "simple_word_0"…, "metadata", "timestamp"}`, alone, in a list,
one a
  line, as answers of Elasticsearch (`hits.hits[]._source`) or as its bulk format;
- PDQ: lines as `pdq-photo-hasher` prints them (`hash,quality,filename`, with details
`hash=…,quality=…,filename=…`,
  with all rotations eight hashes), and CSV with a header that has a hash (`pdq`, `hash`, `signal_str`,
  `indicator` …) and perhaps a URL or file.

Lists of bare hashes, as they are shared between services, name nothing that could be added.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from echo_image.errors import UsageError
from echo_image.ingest.sources.lists.columns import attributes_of, images_of, likely_column, names_an_image
from echo_image.ingest.sources.lists.opening import OpenList, as_text, lines, missing_list, open_list
from echo_image.ingest.sources.lists.peers import HashRow, read_json_hashes, read_json_line_hashes
from echo_image.ingest.sources.lists.resolving import BAD_ROW, Resolver
from echo_image.ingest.sources.lists.tables import read_table
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Offered, SourceContext

#: The code of a row that has a hash and no image.
NO_IMAGE = "no_image"
FORMATS = ("imagededup", "image-match", "pdq")
_HEX_256 = re.compile(r"[0-9a-fA-F]{64}")
_BARE = "the row has a hash but names no image; a hash alone cannot be searched for or shown"


@dataclass(frozen=True)
class HashList:
    """Images named by the hash list of imagededup, image-match or a PDQ tool.

    Args:
        path: of the list, or its http(s) URL. Relative names belong to its folder or URL.
        format: imagededup, image-match or pdq; None: told by what is there.
        base: folder or URL in place of the list's own; imagededup's lists have names without folders.

    Raises:
        UsageError: an unknown format.
    """

    path: str
    _: KW_ONLY
    format: str | None = None
    base: str | None = None

    type: ClassVar[str] = "hashes"

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise UsageError(
                f"{self.format!r} is no format of a hash list", hint=f"one of: {', '.join(FORMATS)}"
            )

    @property
    def label(self) -> str:
        """The list's path or URL."""
        return printable(self.path)

    def missing(self) -> str:
        """Return why there is no such list, else an empty text."""
        return missing_list(self.path)

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield what the rows name; a row with a bare hash is left out, with code `no_image`.

        Raises:
            EchoImageError: no such list, or from here on it is not of its format.
        """
        with open_list(self.path, context, base=self.base) as opened:
            resolver = Resolver(opened, context.library)
            for row in _rows(opened, self.format):
                if context.stop():
                    return
                if row.problem:
                    yield resolver.problem(row.number, BAD_ROW, row.problem)
                elif not row.image:
                    yield resolver.problem(row.number, NO_IMAGE, _BARE, skipped=True)
                else:
                    yield resolver.item(row.image, row.number, row.attributes)


def _rows(opened: OpenList, format_name: str | None) -> Iterator[HashRow]:
    start = opened.stream.peek(4096)[:65_536].removeprefix(b"\xef\xbb\xbf").lstrip()
    if format_name == "pdq" or (format_name is None and start[:1] not in (b"{", b"[")):
        return _pdq(opened, start)
    text = as_text(opened)
    first, _, rest = start.partition(b"\n")
    if first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{"):
        return read_json_line_hashes(lines(text))
    return read_json_hashes(text, opened.label)


def _pdq(opened: OpenList, start: bytes) -> Iterator[HashRow]:
    text = as_text(opened)
    head = [line.strip() for line in start.decode("utf-8", "replace").splitlines()]
    first = next((line for line in head if line and not line.startswith("#")), "")
    if _hash_of(first.partition(",")[0].strip().strip('"')) or not first:
        return _pdq_lines(lines(text))
    return _pdq_table(text)


def _hash_of(text: str) -> str:
    found = _HEX_256.fullmatch(text.removeprefix("hash="))
    return found[0].lower() if found else ""


def _pdq_lines(source: Iterator[str | None]) -> Iterator[HashRow]:
    for number, line in enumerate(source, 1):
        if line is None:
            yield HashRow(number, problem="the line is too long")
            continue
        clean = line.strip().lstrip("\ufeff")
        if not clean or clean.startswith("#"):
            continue
        hashed, _, rest = clean.partition(",")
        pdq = _hash_of(hashed.strip().strip('"'))
        if not pdq:
            yield HashRow(number, problem="the row does not begin with a PDQ hash of 64 hexadecimal digits")
        elif hashed.startswith("hash="):
            yield _detailed(number, pdq, rest)
        else:
            yield _plain(number, pdq, rest)


def _plain(number: int, pdq: str, rest: str) -> HashRow:
    """Read `quality,filename`, after which a name may have commas."""
    cells = rest.split(",") if rest else []
    turned = list(itertools.takewhile(_hash_of, cells))  # the other rotations
    cells = cells[len(turned) :]
    attributes: dict[str, Any] = {"pdq": pdq}
    if cells and cells[0].strip().isdecimal() and len(cells[0].strip()) <= 3 and int(cells[0]) <= 100:
        attributes["pdq_quality"] = int(cells.pop(0))
    name = ",".join(cells).strip()
    if "pdq_quality" not in attributes and not names_an_image(
        name
    ):  # columns of numbers, times, tags: one of them may still be a name
        name = next((cell.strip() for cell in cells if names_an_image(cell)), "")
    return HashRow(number, name, attributes)


def _detailed(number: int, pdq: str, rest: str) -> HashRow:
    """Read `norm=…,delta=…,quality=…,filename=…`; the name comes last and may have commas."""
    before, _, name = rest.partition("filename=")
    pairs = dict(pair.partition("=")[::2] for pair in before.split(",") if "=" in pair)
    attributes: dict[str, Any] = {"pdq": pdq}
    if pairs.get("quality", "").isdecimal():
        attributes["pdq_quality"] = int(pairs["quality"][:6])
    if pairs.get("xform", "orig") != "orig":  # the hash of the same image, turned
        attributes["pdq_of"] = pairs["xform"][:20]
    return HashRow(number, name.strip(), attributes)


#: Columns with a hash, in the exchange formats of the trust-and-safety world.
_HASH_COLUMNS = ("pdq", "pdq_hash", "hash", "hash_value", "signal_str", "indicator", "value", "phash")


def _pdq_table(text: Any) -> Iterator[HashRow]:
    for row in read_table(text, delimiter=None, column=None, must_have=False):
        if row.problem:
            yield HashRow(row.number, problem=row.problem)
            continue
        value: dict[str, Any] = row.value
        by_name = {name.strip().lower(): name for name in value}
        hashes = [by_name[name] for name in _HASH_COLUMNS if name in by_name]
        column = likely_column(value)
        images = images_of(value[column]) if column is not None else []
        attributes = attributes_of(value, column or "")
        for name in hashes[:1]:
            if _hash_of(str(value[name])):
                attributes.pop(name, None)
                attributes = {"pdq": str(value[name]).lower(), **attributes}
        if not images:
            yield HashRow(row.number, "", attributes)
        for image in images:
            yield HashRow(row.number, image, attributes)
