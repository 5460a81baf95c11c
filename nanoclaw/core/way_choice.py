"""By which way does a container reach its gateway: a unix socket, or a network of its own? Pure."""

from __future__ import annotations

from enum import Enum


class WayOut(Enum):
    """How the gateway is reached from inside."""

    SOCKET = "socket"
    NETWORK = "network"


AUTO = "auto"
SETTINGS = (AUTO, *(way.value for way in WayOut))
"""What the operator may say."""


def ways_to_try(setting: str) -> tuple[WayOut, ...]:
    """What the probe tries, in this order: the first that works is taken, and no other.

    A socket comes first: it carries nothing but the gateway, and its owner needs no secret.
    """
    return (WayOut.SOCKET, WayOut.NETWORK) if setting == AUTO else (WayOut(setting),)
