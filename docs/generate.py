"""Write the generated parts of the documentation: `make docs`.

`docs/cli.md` comes from the parsers of the command line, `docs/settings.md` from the table of settings,
`docs/errors.md` from the exceptions and `docs/edits.md` from the edits that `bench` makes, so none can say
anything else than the program does; a test fails when they are not current. `docs/images/evidence.jpg` is
what `search --save-evidence` draws for the first query of the demo. It is not compared, as another version of
a package may draw it a little differently. The translations of README.md are given the figures of its tables.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docs.translations import write_figures
from echo_image import errors
from echo_image.cli.parser import COMMANDS, CommandParser, build_parser
from echo_image.cli.status import MEANINGS
from echo_image.evaluate import EDITS, Family
from echo_image.server.errors import ServiceError
from echo_image.settings import OPTIONS, Settings

DOCS = Path(__file__).resolve().parent
_GENERATED = "<!-- Written by `make docs`; changes made here are lost. -->"


def cli_reference() -> str:
    """Return `docs/cli.md`."""
    parser = build_parser()
    lines = [
        "# Command line",
        "",
        _GENERATED,
        "",
        "Data goes to standard output, progress and talk to standard error. With `--json` standard output",
        'holds one JSON document; an error is one too: `{"error": {"code", "message", "hint"}}`.',
        "",
        "| Exit status | Meaning |",
        "|---|---|",
        *(f"| {status} | {meaning} |" for status, meaning in MEANINGS),
        "",
    ]
    for name in COMMANDS:
        lines += _command(commands_of(parser)[name])
    return "\n".join(lines)


def commands_of(parser: CommandParser) -> dict[str, CommandParser]:
    """Return the parser of each command by its name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the parser has no commands")


def _command(parser: CommandParser) -> list[str]:
    shown = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    required = [action for action in shown if not action.option_strings]
    options = [action for action in shown if action.option_strings]
    usage = " ".join([parser.prog, *(_name(action, plain=True) for action in required), "[options]"])
    return [
        f"## {parser.prog}",
        "",
        *_wrapped(parser.description or ""),
        "",
        "```text",
        usage,
        "```",
        "",
        "| Argument | |",
        "|---|---|",
        *(f"| `{_name(action)}` | {_cell(action.help or '')} |" for action in [*required, *options]),
        "",
        f"Example: `{parser.get_default('example')}`",
        "",
    ]


def _name(action: argparse.Action, *, plain: bool = False) -> str:
    several = "…" if action.nargs == "+" else ""
    if not action.option_strings:
        return f"{action.metavar or action.dest}{several}"
    if action.nargs == 0:
        return action.option_strings[-1]
    value = action.metavar or "|".join(str(choice) for choice in action.choices or ())
    return (
        f"{action.option_strings[-1]} {value}"
        if plain
        else f"{action.option_strings[-1]} {_cell(str(value))}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _wrapped(text: str, width: int = 110) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def settings_reference() -> str:
    """Return `docs/settings.md`."""
    defaults = Settings()
    lines = [
        "# Settings",
        "",
        _GENERATED,
        "",
        "Each setting is an environment variable, or a line in a TOML file that `ECHO_IMAGE_SETTINGS_FILE`",
        "names (there with the name in the second column). The environment wins over the file. A name",
        "that is not in this table is an error.",
        "",
        "| Variable | Name in a file | Default | What it sets | Allowed |",
        "|---|---|---|---|---|",
    ]
    for option in OPTIONS:
        lines.append(
            f"| `{option.variable}` | `{option.name}` | {_default(option.name, option.value(defaults))} "
            f"| {_cell(option.about)} | {_cell(option.expected)} |"
        )
    return "\n".join([*lines, ""])


def _default(name: str, value: object) -> str:
    if name in {"workers", "threads"}:
        return "one for each processor"
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int) and "bytes" in name:
        return f"{value // 2**20} MiB"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 and name != "port" else str(value)


RAISED_WHEN = {
    errors.UsageError: "the call itself is wrong",
    errors.InvalidRegion: "the region is empty or lies outside the image",
    errors.QueryError: "the query cannot be used",
    errors.NotFound: "a file, image or location is not there",
    errors.NotAFile: "a folder or device stands where a file is wanted",
    errors.ImageError: "the bytes are no usable image",
    errors.EmptyImage: "there are no bytes",
    errors.UnsupportedFormat: "the format is not read, or it is no image at all",
    errors.CorruptImage: "the image is damaged or cut short",
    errors.LimitExceeded: "a limit is crossed; the message names it",
    errors.CorruptArchive: "an archive is damaged, cut short, or none",
    errors.FetchError: "an address gives no image",
    errors.ForbiddenAddress: "the address is private, or not allowed for another reason",
    errors.FetchTimeout: "the address takes too long",
    errors.FetchTooLarge: "the address gives too many bytes",
    errors.LibraryError: "the library cannot be used",
    errors.LibraryNotFound: "there is no library at the path",
    errors.LibraryBusy: "another process is writing to it",
    errors.LibraryReadOnly: "it was opened, or lies, where nothing can be written",
    errors.StorageFull: "there is no space left",
    errors.LibraryCorrupt: "stored files are damaged; `echo-image check --repair`",
    errors.SpecMismatch: "it was built by another version of an extractor",
    errors.MissingExtra: "an optional package is not installed",
}


def errors_reference() -> str:
    """Return `docs/errors.md`."""
    rows = [
        f"| `{kind.code}` | `{kind.__name__}` | {kind.exit_status} | {kind.http_status} | {meaning} |"
        for kind, meaning in RAISED_WHEN.items()
    ]
    service = [
        f"| `{kind.code}` | {kind.http_status} |"
        for kind in sorted(ServiceError.__subclasses__(), key=lambda kind: kind.code)
    ]
    lines = [
        "# Errors",
        "",
        _GENERATED,
        "",
        "Every error has a code that programs test, a message that says what was given and expected, and a",
        "hint. In Python all are subclasses of `EchoImageError`.",
        "",
        "| Code | Class | Exit status | HTTP status | Raised when |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "The service has these besides:",
        "",
        "| Code | HTTP status |",
        "|---|---|",
        *service,
        "",
    ]
    return "\n".join(lines)


def edits_reference() -> str:
    """Return `docs/edits.md`."""
    lines = [
        "# Edits",
        "",
        _GENERATED,
        "",
        f"The {len(EDITS)} edits that [`echo-image bench`](bench.md) makes of an image, by name and family;",
        "`--edits` takes both. What is left open, such as places and angles, is drawn from the seed. The",
        "last column has the verdicts that say rightly what was done.",
    ]
    for family in Family:
        lines += ["", f"## {family.value}", "", "| Edit | | Called |", "|---|---|---|"]
        lines += [
            f"| `{edit.name}` | {_cell(edit.about)} | {' or '.join(sorted(edit.verdicts))} |"
            for edit in EDITS.values()
            if edit.family is family
        ]
    return "\n".join([*lines, ""])


TEXTS = {
    "cli.md": cli_reference,
    "settings.md": settings_reference,
    "errors.md": errors_reference,
    "edits.md": edits_reference,
}


def write_evidence(path: Path) -> None:
    """Write the evidence image of the demo's first query, whose photograph is in the public domain (NASA)."""
    from io import BytesIO
    from tempfile import TemporaryDirectory

    from PIL import Image

    from echo_image import open_library
    from echo_image.demo import build

    with TemporaryDirectory() as folder:
        demo = build(Path(folder))
        query = demo.queries[0]
        with open_library(Path(folder) / "library") as library:
            library.add_image((demo.images / query.original).read_bytes(), f"photos/{query.original}")
            match = library.search(str(query.path)).matches[0]
            png = library.evidence(str(query.path), match.id)
    path.parent.mkdir(exist_ok=True)
    with Image.open(BytesIO(png)) as image:
        image.thumbnail((1000, 1000))
        image.convert("RGB").save(path, quality=85)  # a page should not wait for a megabyte of PNG


def main() -> int:
    """Write everything."""
    for name, text in TEXTS.items():
        (DOCS / name).write_text(text(), encoding="utf-8")
    write_evidence(DOCS / "images" / "evidence.jpg")
    write_figures()
    return 0


if __name__ == "__main__":
    sys.exit(main())
