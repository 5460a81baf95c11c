"""Unix sockets for programs of the same user on the same machine."""

from __future__ import annotations

import contextlib
import socket
import stat
from pathlib import Path

import trio

from nanoclaw.errors import UsageError

LONGEST_PATH = 107
"""Bytes of a unix socket's path that Linux takes (unix(7)); macOS takes three less."""


def listen(path: Path) -> trio.SocketListener:
    """Listen at *path*, in a folder that only this user can enter. What a dead host left there is replaced.

    Raises:
      UsageError: the path is longer than a socket's may be.
      OSError: something that is no socket is in the way.
    """
    if len(bytes(path)) > LONGEST_PATH:
        raise UsageError(f"{path} is too long for a socket ({LONGEST_PATH} bytes): choose a shorter NANOCLAW_HOME")
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        plain.bind(str(path))
        # The folder (0700) keeps others out until this is done.
        path.chmod(0o600)
        plain.listen(64)
    except BaseException:
        plain.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(plain))
