"""The way to a place that was allowed: its name is looked up once, the addresses are judged, one is connected to.

Nobody looks the name up again: a name that has another address a moment later leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

import trio
from attrs import frozen

from nanoclaw.core.addresses import inner
from nanoclaw.core.egress import Denied, Permitted, judge_addresses
from nanoclaw.core.host_names import Address, HostAddress
from nanoclaw.gateway.dial import UnreachableError

RESOLVE_SECONDS = 10.0
ADDRESS_SECONDS = 5.0
"""For one address, while there are others."""
CONNECT_SECONDS = 15.0

_LOOKUPS = trio.CapacityLimiter(16)
"""Threads of their own: names that nobody answers for keep them, and the host's other threads are free."""

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[Address]]]
"""The addresses that a name has now. Raises `UnreachableError`."""


async def resolve(name: str) -> Sequence[Address]:
    """The addresses that this machine finds for *name*. Raises `UnreachableError`."""
    with trio.move_on_after(RESOLVE_SECONDS):
        ask = partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        try:
            found = await trio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=_LOOKUPS)
        except (socket.gaierror, UnicodeError) as exc:
            raise UnreachableError(f"the name {name} is not known here") from exc
        # An address with a scope, such as fe80::1%eth0, is judged without: it leads nowhere in any case.
        return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
    raise UnreachableError(f"the name {name} could not be looked up within {RESOLVE_SECONDS:g} s")


def own_of(addresses: Iterable[Address]) -> frozenset[Address]:
    """Those of *addresses*, and of what they carry inside, that are this machine's own: as of now."""
    every = {one for address in addresses for one in (address, *inner(address))}
    return frozenset(one for one in every if _is_own(one))


@frozen
class Reach:
    """Connects for sandboxes."""

    _resolve: Resolve = resolve
    _own_of: Callable[[Iterable[Address]], frozenset[Address]] = own_of

    async def connect(self, permitted: Permitted) -> trio.SocketStream | Denied:
        """A connection to the place, or why there is none to such an address.

        Raises:
          UnreachableError: nobody answers there.

        Cancellation: nothing is left behind.
        """
        place = permitted.asked.place
        if isinstance(place.host, HostAddress):
            addresses: Sequence[Address] = [place.host.address]
        else:
            addresses = await self._resolve(place.host.text)
        judged = judge_addresses(permitted, addresses, self._own_of(addresses))
        return judged if isinstance(judged, Denied) else await _connect(judged, place.port)


async def _connect(addresses: Sequence[Address], port: int) -> trio.SocketStream:
    """A connection to the first of *addresses* that takes it. Raises `UnreachableError`."""
    with trio.move_on_after(CONNECT_SECONDS):
        for address in addresses:
            with trio.move_on_after(ADDRESS_SECONDS if len(addresses) > 1 else CONNECT_SECONDS):
                try:
                    # An address and no name: nothing is looked up.
                    return await trio.open_tcp_stream(str(address), port)
                except OSError:
                    continue
    raise UnreachableError("nobody takes the connection")


def _is_own(address: Address) -> bool:
    """Is it this machine's? Nothing can be bound to another one's, and nothing blocks."""
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
