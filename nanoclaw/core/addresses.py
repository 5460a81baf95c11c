"""Where an address leads: to the world, or to this machine and what is around it. Pure.

What counts is the address that is connected to and never a name, which may mean another one a moment later. An address
that carries another one inside, as those of transition mechanisms do, leads where that one does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from enum import Enum

from attrs import frozen

from nanoclaw.core.host_names import Address


class Ground(Enum):
    """What kind of address it is."""

    WORLD = "the world"
    OWN = "this machine's own"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    CARRIER = "a carrier's own"  # RFC 6598, and what cloud networks and overlays use it for
    LINK_LOCAL = "link-local"  # also where clouds answer with credentials
    MULTICAST = "multicast"
    NONE = "no machine's"  # unspecified, reserved, for documents


NEVER = frozenset({Ground.LINK_LOCAL, Ground.MULTICAST, Ground.NONE})
"""Not even an operator's rule leads there."""


@frozen
class Judged:
    """The worst of what an address says, and which address inside of it says so."""

    ground: Ground
    address: Address


_CARRIER = ipaddress.IPv4Network("100.64.0.0/10")
_NOBODYS_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "240.0.0.0/4"),
    )
)
_PRIVATE_4 = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_PRIVATE_6 = tuple(ipaddress.IPv6Network(text) for text in ("fc00::/7", "fec0::/10"))
_NOBODYS_6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_CLOUDS = frozenset(
    ipaddress.ip_address(text) for text in ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254")
)
"""Where clouds answer with credentials although it is not link-local: Azure, Alibaba, Amazon, Google."""
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48"))
_MAPPED, _COMPATIBLE, _TRANSLATED = (
    ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96")
)
_WITH_LAST = (_MAPPED, _COMPATIBLE, _TRANSLATED, *_NAT64)
"""Whose last four bytes are an address of the other kind."""
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_ORDER = (
    *(Ground.NONE, Ground.MULTICAST, Ground.LINK_LOCAL, Ground.LOOPBACK, Ground.OWN, Ground.PRIVATE, Ground.CARRIER),
    Ground.WORLD,
)
"""The worst first."""


def judge_address(address: Address, own: frozenset[Address] = frozenset()) -> Judged:
    """Where *address* leads.

    Args:
      address: What would be connected to.
      own: The machine's own addresses, as far as they are known; loopback is known in any case.
    """
    found = [Judged(Ground.OWN if one in own else _plainly(one), one) for one in (address, *inner(address))]
    return min(found, key=lambda judged: _ORDER.index(judged.ground))


def inner(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The addresses that *address* carries inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    number = int(address)
    last = ipaddress.IPv4Address(number & 0xFFFF_FFFF)
    if any(address in network for network in _WITH_LAST) and number > 1:
        yield last
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if (number >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield last


def _plainly(address: Address) -> Ground:
    """What *address* is by itself."""
    if address.is_loopback:
        return Ground.LOOPBACK
    if address.is_multicast:
        return Ground.MULTICAST
    if address.is_link_local or address in _CLOUDS:
        return Ground.LINK_LOCAL
    return _fourth(address) if isinstance(address, ipaddress.IPv4Address) else _sixth(address)


def _fourth(address: ipaddress.IPv4Address) -> Ground:
    if address in _CARRIER:
        return Ground.CARRIER
    if any(address in network for network in _PRIVATE_4):
        return Ground.PRIVATE
    return Ground.NONE if any(address in network for network in _NOBODYS_4) else Ground.WORLD


def _sixth(address: ipaddress.IPv6Address) -> Ground:
    if any(address in network for network in _PRIVATE_6):
        return Ground.PRIVATE
    # An address that only wraps another one is what that one is.
    if address in _MAPPED or address in _NAT64[0]:
        return Ground.WORLD
    if address not in _UNICAST_6 or any(address in network for network in _NOBODYS_6):
        return Ground.NONE
    return Ground.WORLD
