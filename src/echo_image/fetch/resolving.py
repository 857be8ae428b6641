"""Host names to addresses, each one judged before a connection is made to it.

The judgement is made on the very answer that the connection then uses. A check made earlier would be worth
nothing: a name server may give a public address to the check and a private one to the connection a moment
later.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult

from echo_image.errors import ForbiddenAddress
from echo_image.fetch import addresses
from echo_image.fetch.urls import PRIVATE_HINT

__all__ = ["CheckedResolver", "Lookup", "system_lookup"]

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""A host name to its addresses; raises OSError if there are none."""


async def system_lookup(host: str) -> Sequence[str]:
    """Return the addresses of a host as the system knows them, in its order of preference.

    In a daemon thread of its own: a lookup cannot be interrupted, and those of the event loop's pool are
    waited for when the loop ends, which would stretch a fetch beyond its time limit.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            outcome: list[str] | OSError = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        except OSError as error:
            outcome = error
        except UnicodeError as error:  # a label that is empty or too long
            outcome = OSError(str(error))
        with suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(_settle, answer, outcome)

    threading.Thread(target=look_up, name="echo-image-lookup", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[list[str]], outcome: list[str] | OSError) -> None:
    if answer.done():  # given up by its waiter
        return
    if isinstance(outcome, OSError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


class CheckedResolver(AbstractResolver):
    """The resolver of a connector; lets no connection be made to an address that is not public."""

    def __init__(self, *, allow_private: bool, lookup: Lookup = system_lookup) -> None:
        self._allow_private = allow_private
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            ForbiddenAddress: Any of them is not public. The message does not name the address, as it would
                tell a stranger about the network behind.
            OSError: There are none.
        """
        found = await self._lookup(host)
        if not self._allow_private:
            for address in found:
                # Looked up in its module, so that tests can stand in another judge.
                reason = addresses.forbidden_reason(address)
                if reason:
                    raise ForbiddenAddress(
                        f"The host {host!r} leads to {reason}; only public addresses are fetched.",
                        hint=PRIVATE_HINT,
                    )
        if not found:
            raise OSError(f"no address for {host!r}")
        return [_entry(host, address, port) for address in found if _fits(address, family)]

    async def close(self) -> None:
        """Do nothing: no resources are held."""


def _is_v6(address: str) -> bool:
    return ":" in address


def _fits(address: str, family: socket.AddressFamily) -> bool:
    return family in (socket.AF_UNSPEC, socket.AF_INET6 if _is_v6(address) else socket.AF_INET)


def _entry(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if _is_v6(address) else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
