"""A file of JSON that nobody but its owner can read: read if it can be trusted, written whole or not at all.

What is in one is struck out of the log from then on. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from nanoclaw.errors import UsageError
from nanoclaw.kit.known_secrets import remember
from schema.strict_json import JsonError, read

MOST_BYTES = 1 << 20
_learned: dict[Path, tuple[int, int, int]] = {}
"""Which files of `learn` were read, and as what."""


def read_private(path: Path) -> Mapping[str, object]:
    """The object in the file at *path*; an empty one if there is no file.

    Raises:
      UsageError: it cannot be read or trusted, or is no JSON object; nothing in it is to be used.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}") from exc
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise UsageError(f"{path} is not a file of yours: nothing in it is used")
        if status.st_mode & 0o077:
            raise UsageError(f"{path} can be read by others: chmod 600 {path}")
        content = file.read(MOST_BYTES)
    try:
        found = read(content.decode())
    except (JsonError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path}: {exc}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: not a JSON object")
    remember(found)
    return found


def learn(folder: Path) -> None:
    """Know all secrets in the files of *folder*, whoever has written them: only those that changed are read again.

    From any thread. What cannot be trusted is for whoever uses it to say.
    """
    for path in folder.glob("*.json"):
        try:
            status = path.lstat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
            if _learned.get(path) != seen:
                read_private(path)
                _learned[path] = seen
        except (OSError, UsageError):
            continue


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Have *content* in the file at *path*, and nothing else; its folder is made if need be. Raises `OSError`."""
    remember(content)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
