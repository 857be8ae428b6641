"""`echo-image keys add|list|revoke FILE`: the keys that callers of the service need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from echo_image.cli.parser import add_command
from echo_image.cli.status import DONE
from echo_image.cli.terminal import Column
from echo_image.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from echo_image.cli.parser import Subparsers
    from echo_image.cli.terminal import Terminal


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "keys",
        run,
        summary="make, list and revoke the keys of a service",
        description="Make, list or revoke the API keys of a service that runs with"
        " ECHO_IMAGE_KEYS_FILE=FILE. A new key is shown once; the file has only its hash. A key may read,"
        " which searching is, and with --write also add and remove images. A running service heeds a change"
        " at once.",
        example="echo-image keys add keys.json anna --write",
    )
    parser.add_argument(
        "action", metavar="ACTION", choices=("add", "list", "revoke"), help="add, list or revoke"
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="file of the keys; add makes it")
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="name of the key: whose it is")
    parser.add_argument("--write", action="store_true", help="the new key may also add and remove images")


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Do what is asked; print the new key, or the list."""
    if (args.action == "list") == bool(args.name):
        message = f"keys {args.action} {'takes no name' if args.name else 'needs the name of the key'}."
        raise UsageError(message, hint="echo-image keys add FILE NAME, list FILE, or revoke FILE NAME.")
    if args.write and args.action != "add":
        raise UsageError("--write belongs to `keys add`.")
    {"add": _add, "list": _list, "revoke": _revoke}[args.action](args, terminal)
    return DONE


def _add(args: argparse.Namespace, terminal: Terminal) -> None:
    from echo_image.server.access.keys import add_key

    key = add_key(args.file, args.name, write=args.write)
    if terminal.as_json:
        terminal.data({"name": args.name, "key": key})
    else:
        terminal.line(key)
        terminal.say("This is the only time that the key is shown.")


def _list(args: argparse.Namespace, terminal: Terminal) -> None:
    from echo_image.server.access.keys import load_keys

    keys = load_keys(args.file)
    if terminal.as_json:
        shown = [{"name": k.name, "scopes": list(k.scopes), "created_at": k.created_at} for k in keys]
        terminal.data({"keys": shown})
    else:
        columns = (Column("name"), Column("scopes"), Column("made"))
        terminal.table(columns, [[(key.name, ", ".join(key.scopes), key.created_at) for key in keys]])


def _revoke(args: argparse.Namespace, terminal: Terminal) -> None:
    from echo_image.server.access.keys import revoke_key

    revoke_key(args.file, args.name)
    if terminal.as_json:
        terminal.data({"name": args.name, "revoked": True})
    else:
        terminal.line(f"{args.name} revoked")
