"""The folders of epochs that are on the disk, found without asking for any session: most of them have none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from nanoclaw.link.removal import remove_tree
from nanoclaw.model.ids import EpochNumber, SessionId


@frozen
class EpochFolder:
    """One epoch's folder under `out/`, whether or not there is such an epoch."""

    session: SessionId
    """As the folder above says; nobody has looked whether there is such a session."""
    epoch: EpochNumber
    path: Path

    def remove(self) -> None:
        """Remove it and all in it, if it is still there. Blocks. Raises `OSError`, see `remove_tree`."""
        remove_tree(self.path)


def epoch_folders(sessions: Path) -> list[EpochFolder]:
    """Every epoch's folder below *sessions*, a home's folder of that name; no two agent groups share a session.

    Blocks: it costs a look at each session's folder, some ten microseconds.

    Raises:
      OSError: the disk would not.
    """
    return [
        EpochFolder(SessionId(session), EpochNumber(int(name)), Path(out, name))
        for group in _names(str(sessions))
        for session in _names(f"{sessions}/{group}")
        for out in (f"{sessions}/{group}/{session}/out",)
        for name in _names(out)
        if name.isascii() and name.isdecimal()
    ]


def _names(folder: str) -> Iterator[str]:
    # Ten thousand paths of pathlib take a second of the processor.
    try:
        names = os.listdir(folder)  # noqa: PTH208  # pathlib is what costs that
    except (FileNotFoundError, NotADirectoryError):
        return iter(())
    return iter(sorted(names))
