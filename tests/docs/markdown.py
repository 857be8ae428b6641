"""The published documents, and the code blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Their code blocks are those of README.md, which test_readmes.py holds them to; so they need not run again.
TRANSLATIONS = sorted((ROOT / "docs" / "readme").glob("*.md"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        document: The file it stands in.
        line: Line of its opening fence, from 1.
        language: The word after the fence.
        text: What is inside.
        not_run: Why it is not run; empty where it is.
    """

    document: Path
    line: int
    language: str
    text: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Example:
    """One command of a console block and the output published below it."""

    command: str
    output: str


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a document in their order."""
    text = document.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        reason = _NOT_RUN.search(text[: match.start()])
        found.append(
            Block(
                document,
                text[: match.start()].count("\n") + 1,
                match[1],
                match[2],
                reason["reason"].strip() if reason else "",
            )
        )
    return found


def examples(block: Block) -> list[Example]:
    """Return the commands of a console block: each starts with `$ ` and may go on after a backslash."""
    found: list[tuple[list[str], list[str]]] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif goes_on:
            found[-1][0].append(line)
        else:
            assert found, f"{block}: output before the first command"
            found[-1][1].append(line)
            continue
        goes_on = line.endswith("\\")
    return [Example("\n".join(command), "\n".join(output)) for command, output in found]


def output_pattern(published: str) -> re.Pattern[str]:
    """Return a pattern of the published output, in which `…` stands for anything."""
    parts = (re.escape(part) for part in published.split("…"))
    return re.compile(r"\s*" + ".*".join(parts) + r"\s*", re.DOTALL)


def without_code(text: str) -> str:
    """Return a document's text without its blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
