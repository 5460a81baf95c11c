"""`in/inbox/`: the files that came with messages, where a session's agent can read them.

```
in/inbox/<event id>/<safe name>
```

Like the rest of `in/` it is a projection: made anew for every epoch, and lost without loss. A file is there before the
row that names it is shown. It is a second name of the spool's own copy, where that is possible, else another copy; it
can be read by all, because a sandbox may run as somebody else, and nobody else gets as far as the home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import structlog
from attrs import frozen

from nanoclaw.kit.spool import MODE, UNFINISHED, Spool
from nanoclaw.link.removal import remove_tree
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import EventId

log = structlog.get_logger()

FOLDER_MODE = 0o755


@frozen
class Inbox:
    """The files of one session's link. Every method blocks, for as long as the disk likes."""

    folder: Path
    spool: Spool

    def rebuild(self, files: Iterable[Attachment]) -> None:
        """Have just *files* there. Only while no sandbox runs. Raises `OSError`."""
        remove_tree(self.folder)
        self.place(files)

    def place(self, files: Iterable[Attachment]) -> None:
        """Have *files* there as well; those that are stay as they are. Raises `OSError`."""
        for file in files:
            folder = self.folder / file.event_id
            _make_folder(self.folder)
            _make_folder(folder)
            self._place(file, folder / file.name)

    def remove(self, events: Iterable[EventId]) -> None:
        """Have nothing there that came with *events*. Raises `OSError`."""
        for event in events:
            remove_tree(self.folder / event)

    def _place(self, file: Attachment, target: Path) -> None:
        source = self.spool.path(file.spool_id)
        try:
            os.link(source, target)
        except FileExistsError:
            return
        except FileNotFoundError:
            # The agent will find that out as well; `nanoclaw verify` says so to people.
            log.warning("attachment_missing", of=file.event_id, file=file.spool_id)
        except OSError:
            # On another file system, or on one that has no second names.
            unfinished = target.with_name(f".{file.spool_id}{UNFINISHED}")
            shutil.copyfile(source, unfinished)
            unfinished.chmod(MODE)
            unfinished.rename(target)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        return
    # What `mkdir` is told is less what the process's mask takes away.
    folder.chmod(FOLDER_MODE)
