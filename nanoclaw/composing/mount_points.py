"""The places in an agent's folder where the host's files are mounted over: there, plain, and not the agent's traps."""

from __future__ import annotations

import os
import stat

from nanoclaw.composing import handles
from nanoclaw.errors import SandboxError
from schema.files import CLAUDE_MD, CONTAINER_JSON, FRAGMENTS

MOUNT_POINTS = {CLAUDE_MD: stat.S_IFREG, CONTAINER_JSON: stat.S_IFREG, FRAGMENTS: stat.S_IFDIR}
_TRIES = 5
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare_mount_points(agent: int) -> tuple[str, ...]:
    """Let there be an empty plain file, or a folder, wherever something of the host's is mounted in an agent's folder.

    What an agent has put there is moved aside to `<name>.displaced` if it has content, and removed if it is a link or
    the like. Blocks.

    Args:
      agent: A descriptor of the agent's folder.

    Returns:
      The names under which what was displaced is found now, or those of what was removed.

    Raises:
      SandboxError: the agent puts something else there faster than it can be taken away.
      OSError: the disk would not.
    """
    return tuple(aside for name, kind in MOUNT_POINTS.items() for aside in _prepare(agent, name, kind))


def _prepare(agent: int, name: str, kind: int) -> list[str]:
    displaced: list[str] = []
    for _ in range(_TRIES):
        try:
            if kind == stat.S_IFDIR:
                os.mkdir(name, 0o755, dir_fd=agent)
            else:
                os.close(os.open(name, _NEW, 0o644, dir_fd=agent))
            return displaced
        except FileExistsError:
            pass
        try:
            there = os.stat(name, dir_fd=agent, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_IFMT(there.st_mode) == kind and (kind == stat.S_IFDIR or there.st_size == 0):
            return displaced
        if (aside := handles.move_aside(agent, name)) is not None:
            displaced.append(aside)
    raise SandboxError(
        engine="mount points", why=f"{name} in the agent's folder is put back as soon as it is taken away"
    )
