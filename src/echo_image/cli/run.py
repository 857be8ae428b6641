"""One command from its words to its exit status; the edge where every exception ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from echo_image.cli.parser import CommandParser, build_parser
from echo_image.cli.status import DONE, FAILED, INTERRUPTED
from echo_image.cli.terminal import Terminal
from echo_image.errors import EchoImageError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_log = logging.getLogger(__name__)


def run_command(argv: Sequence[str] | None) -> int:
    """Parse, run, and turn whatever was raised into words and an exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal(as_json="--json" in words, quiet="--quiet" in words, progress=_progress(words))
    try:
        status = _run_guarded(build_parser(), words, terminal)
        sys.stdout.flush()
        if terminal.progress == "json":
            terminal.event("end", {"status": status, **terminal.summary})
    except BrokenPipeError:
        # The reader of our output has seen enough (`| head`): no failure, and nobody left to tell.
        _silence_stdout()
        return DONE
    return status


def _progress(words: Sequence[str]) -> str:
    """Return how progress is to be told, before parsing: a wrong option is told that way too."""
    asked = "auto"
    for number, word in enumerate(words):
        if word == "--progress":
            asked = words[number + 1] if number + 1 < len(words) else asked
        elif word.startswith("--progress="):
            asked = word.partition("=")[2]
    return asked


def _run_guarded(parser: CommandParser, words: list[str], terminal: Terminal) -> int:
    try:
        args = parser.parse_args(words)
        if args.command is None:
            raise UsageError("No command was given.", hint="See `echo-image --help`.")
        told = getattr(args, "progress", "auto")
        return _call(args, replace(terminal, as_json=args.json, quiet=args.quiet, progress=told))
    except SystemExit as stop:  # argparse ends --help and --version this way
        return stop.code if isinstance(stop.code, int) else FAILED
    except EchoImageError as error:
        _log.debug("the command failed", exc_info=True)
        terminal.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        terminal.error_fields("interrupted", "The command was interrupted.", "Run it again to go on.")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        _log.debug("the command failed", exc_info=True)
        terminal.error_fields("io_error", _os_error_message(error))
        return FAILED
    except Exception as error:
        _log.debug("the command failed", exc_info=True)
        terminal.error_fields(
            "internal",
            f"{type(error).__name__}: {error}",
            "This is a fault of Echo-Image. Run again with --debug and report what it logs.",
        )
        return FAILED


def _call(args: argparse.Namespace, terminal: Terminal) -> int:
    if args.debug:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO)
        logging.getLogger("echo_image").setLevel(logging.DEBUG)
    status: int = args.run(args, terminal)
    return status


def _os_error_message(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _silence_stdout() -> None:
    # Without this the interpreter would complain about the same broken pipe while it shuts down.
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
