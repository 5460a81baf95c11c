"""Unix sockets for programs of the same user on the same machine."""

from __future__ import annotations

import contextlib
import os
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


def bind_in(folder: Path, name: str, owner: tuple[int, int] | None = None) -> socket.socket:
    """A socket that listens at *name* in *folder*, however long the path to it is. What is there is replaced. Blocks.

    Args:
      folder: Which nobody but this user can write in.
      name: Of the socket.
      owner: User and group who may connect, besides this one; None: nobody.

    Raises:
      OSError: the disk would not, or there is no such folder.
    """
    there = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=there)
        plain.bind(f"/proc/self/fd/{there}/{name}")
        # Nobody gets through before it listens.
        os.chmod(name, 0o600, dir_fd=there)
        if owner is not None:
            os.chown(name, *owner, dir_fd=there, follow_symlinks=False)
        plain.listen(64)
    except BaseException:
        plain.close()
        raise
    finally:
        os.close(there)
    return plain
