"""The file by which a sandbox finds its gateway on a network of its own, where a unix socket does not reach it.

It lies where the sockets would, and only that sandbox and the host can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from schema import strict_json

WAY_FILE = "network.json"
SECRET_BYTES = 32
MOST_BYTES = 4096


@frozen(kw_only=True)
class WayFile:
    """Where the gateway listens, and what it has to be told first."""

    address: str
    ports: Mapping[str, int]
    """By the name that the socket would have."""
    secret: str = field(repr=False)
    """In hexadecimal digits."""

    @property
    def greeting(self) -> bytes:
        """The first bytes of each connection."""
        return f"{self.secret}\n".encode()


GREETING_BYTES = 2 * SECRET_BYTES + 1


def write(way: WayFile) -> bytes:
    """The content of the file."""
    return json.dumps({"address": way.address, "ports": dict(way.ports), "secret": way.secret}).encode()


def load(folder: Path) -> WayFile | None:
    """What the file in *folder* says; None: there is none, as where sockets reach.

    Raises:
      OSError: it cannot be read, or is none of the host's.
    """
    try:
        with (folder / WAY_FILE).open(encoding="ascii") as file:
            said = strict_json.read(file.read(MOST_BYTES))
    except FileNotFoundError:
        return None
    except ValueError as exc:
        raise OSError(f"{WAY_FILE} says nothing: {exc}") from None
    match said:
        case {"address": str(address), "ports": dict(ports), "secret": str(secret)}:
            return WayFile(
                address=address,
                ports={name: port for name, port in ports.items() if isinstance(port, int)},
                secret=secret,
            )
        case _:
            raise OSError(f"{WAY_FILE} does not say where the gateway is")
