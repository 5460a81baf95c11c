"""Removing a folder that a stranger filled: whatever is in it, nothing outside is touched and nothing runs out.

`shutil.rmtree` follows no link either, but in Python 3.11 and 3.12 it descends by recursion with a descriptor a level:
a folder nested a thousand deep raises out of it, and one without permissions stays. Here a folder is emptied by moving
the folders in it up to the top, each under a fresh name, so no path grows and three descriptors do.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from itertools import count
from pathlib import Path

_HANDLE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove *path* and all below it, if it is there. Something else in its place, such as a link, goes as it is.

    Blocks for as long as there are names to remove. Nobody may be writing in the folder any more.

    Raises:
      OSError: the disk would not, or something belongs to somebody else. Trying again goes on where this ended.
    """
    try:
        top = _open(path, None)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        path.unlink(missing_ok=True)
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    path.rmdir()


def _empty(top: int) -> None:
    prefix = secrets.token_hex(8)
    fresh = (f"{prefix}-{number}" for number in count())
    # Folders moved up while the names are read may or may not turn up in the same pass.
    while _pass(top, fresh):
        pass


def _pass(top: int, fresh: Iterator[str]) -> bool:
    """Remove everything that is listed in *top*; what is in its folders is moved up. Was there anything?"""
    found = False
    with os.scandir(top) as entries:
        for entry in entries:
            found = True
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=top)
                continue
            folder = _open(entry.name, top)
            try:
                _flatten(folder, top, fresh)
            finally:
                os.close(folder)
            os.rmdir(entry.name, dir_fd=top)
    return found


def _flatten(folder: int, top: int, fresh: Iterator[str]) -> None:
    for name in os.listdir(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            # Moving a folder elsewhere changes its `..`, for which it has to be writable.
            os.close(_open(name, folder))
            os.rename(name, next(fresh), src_dir_fd=folder, dst_dir_fd=top)


def _open(name: str | Path, parent: int | None) -> int:
    """Open a folder, with the rights to empty it: its owner may have taken them away from himself."""
    handle = os.open(name, _HANDLE, dir_fd=parent)
    try:
        # By its descriptor: a name could by now be a link to somewhere else.
        folder = Path(f"/proc/self/fd/{handle}")
        with contextlib.suppress(PermissionError):
            folder.chmod(0o700)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(handle)
