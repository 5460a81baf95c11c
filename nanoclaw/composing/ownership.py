"""Gives an agent's folder to the user that its sandbox runs as: the folder itself, and once all that is in it.

The folder itself comes last, so that a change of hands that was cut short begins anew.
"""

from __future__ import annotations

import contextlib
import os
from itertools import chain

import structlog

from nanoclaw.composing.handles import give
from nanoclaw.model.sandbox import Owner

log = structlog.get_logger()

MOST_DEPTH = 64
"""Levels of folders that change hands: a descriptor is held for each."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def hand_over(top: int, owner: Owner) -> None:
    """Let the folder behind *top* and all below it belong to *owner*, if it does not itself already.

    Follows no link and changes the links themselves. What lies deeper than `MOST_DEPTH` stays whose it was, and the log
    says so. Blocks for as long as there are names; may be repeated, also by several at once.

    Raises:
      OSError: this process may not give files away.
    """
    status = os.fstat(top)
    if (status.st_uid, status.st_gid) == (owner.uid, owner.gid):
        return
    too_deep = _below(top, owner, MOST_DEPTH)
    give(top, owner)
    log.info("agent_folder_handed_over", uid=owner.uid, gid=owner.gid)
    if too_deep:
        log.warning("agent_folder_too_deep", folders=too_deep, most_depth=MOST_DEPTH)


def _below(parent: int, owner: Owner, depth: int) -> int:
    """Hand over what is in a folder; returns how many folders were too deep."""
    # The names first: a folder must not be read while what is in it changes.
    folders: list[str] = []
    files: list[str] = []
    with os.scandir(parent) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    too_deep = 0
    for name in folders:
        if depth == 0:
            too_deep += 1
            continue
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            child = os.open(name, _FOLDER, dir_fd=parent)
            try:
                too_deep += _below(child, owner, depth - 1)
            finally:
                os.close(child)
    for name in chain(folders, files):
        with contextlib.suppress(FileNotFoundError):
            os.chown(name, owner.uid, owner.gid, dir_fd=parent, follow_symlinks=False)
    return too_deep
