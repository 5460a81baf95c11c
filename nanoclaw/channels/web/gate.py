"""Who may speak to the page's server at all: by which name it was called, and which page asks. Pure.

The server listens on this machine, where every browser tab and every program can reach it. A name that somebody else
controls and that leads here (DNS rebinding) is not one of its names; a page from elsewhere has another origin.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable

from attrs import frozen

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@frozen(kw_only=True)
class Gate:
    """The names by which a server may be called."""

    hosts: frozenset[str]
    """As `Host` says them, with the port where it is not the usual one."""
    origins: frozenset[str]
    """Of the pages that may ask."""

    def knows(self, host: str | None) -> bool:
        """Is this one of the server's names?"""
        return host is not None and host.casefold() in self.hosts

    def trusts(self, origin: str | None, host: str | None) -> bool:
        """Is *origin*, as a browser says it with whatever may change something, our own page under this name?"""
        return origin is not None and self.knows(host) and origin in self.origins and origin.partition("://")[2] == host


def gate_for(port: int, address: str, names: Iterable[str]) -> Gate:
    """The gate of a server at *port* of *address* that a proxy shows under *names*, with https.

    Where *address* is one machine's own, it is a name as well; one that means all of them is none.
    """
    plain = {f"{name}:{port}" for name in LOOPBACK_NAMES}
    own = ipaddress.ip_address(address)
    if not own.is_unspecified:
        plain.add(f"[{own}]:{port}" if own.version == 6 else f"{own}:{port}")
    shown = {name.casefold() for name in names}
    return Gate(
        hosts=frozenset(plain | shown),
        origins=frozenset({f"http://{host}" for host in plain} | {f"https://{name}" for name in shown}),
    )


def digest_of(secret: str) -> str:
    """How a secret is stored and looked up. It has 256 bits of luck, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def cookie_name(port: int) -> str:
    """Browsers send a cookie to every port of a machine: each server's has a name of its own."""
    return f"nanoclaw_{port}"
