"""Where a sandbox finds what its host has for it: unix sockets in a folder of its own, or ports that stand in for them.

Whoever connects to a port has to say a secret first. It is made anew with each opening, lies in that folder alone, and
is known here by its digest only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from nanoclaw.kit.known_secrets import forget, remember
from nanoclaw.kit.sockets import bind_in
from nanoclaw.kit.whole_file import put
from schema.way_file import SECRET_BYTES, WAY_FILE, WayFile, write


@frozen(kw_only=True)
class Opening:
    """What listens."""

    sockets: Sequence[socket.socket]
    """In the order of their names."""
    seal: str | None
    """The SHA-256, in hexadecimal digits, of the secret that has to be said first; None: none has."""
    _secret: str = field(default="", repr=False)
    """What the log has to strike out as long as it opens something."""

    def close(self) -> None:
        """Listen no longer."""
        for one in self.sockets:
            one.close()
        if self._secret:
            forget(self._secret)


def open_in(folder: Path, names: Sequence[str], owner: tuple[int, int] | None, at: str | None) -> Opening:
    """Listen in *folder* at sockets called *names*; or at ports of the address *at*, and say so there. Blocks.

    Args:
      folder: Which nobody but this user can write in.
      names: Of the sockets.
      owner: User and group who may connect, besides this one; None: nobody.
      at: An address of this machine; None: sockets it is.

    Raises:
      OSError: the disk would not, or this machine has no such address.
    """
    found: list[socket.socket] = []
    secret = secrets.token_hex(SECRET_BYTES)
    try:
        if at is None:
            with contextlib.suppress(FileNotFoundError):
                (folder / WAY_FILE).unlink()
            found += (bind_in(folder, name, owner) for name in names)
            return Opening(sockets=found, seal=None)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
            found.append(_listen(at))
        ports = {name: one.getsockname()[1] for name, one in zip(names, found, strict=True)}
        way = WayFile(address=at, ports=ports, secret=secret)
        remember(way.secret)
        _publish(folder, write(way), owner)
        return Opening(sockets=found, seal=digest(way.secret.encode()), secret=way.secret)
    except BaseException:
        forget(secret)
        for one in found:
            one.close()
        raise


def remove_from(folder: Path, names: Sequence[str]) -> None:
    """Remove what `open_in` made there, as far as the disk lets it. Blocks."""
    for name in (*names, WAY_FILE):
        with contextlib.suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def digest(secret: bytes) -> str:
    """What is known of a secret where it is compared."""
    return hashlib.sha256(secret).hexdigest()


def _listen(address: str) -> socket.socket:
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        plain.bind((address, 0))
        plain.listen(64)
    except BaseException:
        plain.close()
        raise
    return plain


def _publish(folder: Path, content: bytes, owner: tuple[int, int] | None) -> None:
    """Nobody sees half of it, and nobody else sees it."""
    there = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        put(there, WAY_FILE, content, mode=0o600, owner=owner)
    finally:
        os.close(there)
