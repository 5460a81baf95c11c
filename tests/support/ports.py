"""Ports for servers that have to be told theirs, and keep it while they are down."""

from __future__ import annotations

import secrets
from socket import create_server
from typing import Final

FIRST: Final = 15_000
AFTER_LAST: Final = 32_000
"""Below those that the kernel gives to whoever asks for any, which would take one while its server is down."""
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback at which nobody listens, and another one each time.

    Drawn by the kernel's luck, not by `random`: its seed is the same in all of a run's processes.
    """
    while True:
        port = FIRST + secrets.randbelow(AFTER_LAST - FIRST)
        if port in _given:
            continue
        try:
            create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
