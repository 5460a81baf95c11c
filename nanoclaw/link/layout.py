"""Where one session's link lies on disk, and the only handles the host has on what a sandbox may write.

```
<home>/sessions/<agent group>/<session>/
  in/            the host writes, the sandbox sees it read-only: inbound.db, inbox/, doorbell
  gateway/       the host's socket to the model, which the sandbox sees read-only: it can speak with it, no more
  out/<epoch>/   the runner writes, the host only looks: outbound.db, outbox/, heartbeat, answer
```

Nothing below `out/<epoch>/` is ever reached by a path: `OutDirectory` is a descriptor of the folder, taken before the
sandbox starts, and every look goes through it without following links.
"""

from __future__ import annotations

import os
import stat
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, frozen

from nanoclaw.link.removal import remove_tree
from nanoclaw.model.sandbox import Owner
from schema import sqlite
from schema.files import HEARTBEAT, INBOUND, INBOX, OUTBOUND, OUTBOUND_JOURNAL, outbound_ddl

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@frozen
class SessionLayout:
    """The paths of one session's folder. Every method that touches the disk blocks."""

    root: Path

    @property
    def in_dir(self) -> Path:
        """What the host writes; the sandbox has it read-only."""
        return self.root / "in"

    @property
    def inbound(self) -> Path:
        """The messages to the agent."""
        return self.in_dir / INBOUND

    @property
    def inbox(self) -> Path:
        """The files that came with them, by message."""
        return self.in_dir / INBOX

    @property
    def gateway(self) -> Path:
        """The folder of the session's socket; the sandbox has it read-only."""
        return self.root / "gateway"

    def out_dir(self, epoch: int) -> Path:
        """What the runner of *epoch* writes. For the sandbox's mount, not for the host's own reading."""
        return self.root / "out" / str(epoch)

    def outbound(self, epoch: int) -> Path:
        """The agent's messages in *epoch*."""
        return self.out_dir(epoch) / OUTBOUND

    def heartbeat(self, epoch: int) -> Path:
        """The file whose change is the runner's sign of life in *epoch*."""
        return self.out_dir(epoch) / HEARTBEAT

    def make_epoch(self, epoch: int, owner: Owner | None = None) -> None:
        """Make the folders of a new epoch: `in/` and `gateway/` if missing, `out/<epoch>/` with an empty outbox.

        Args:
          epoch: Its number.
          owner: Whose the out folder and all in it shall be; None: this process's own user's.

        Raises:
          FileExistsError: there is a folder of that epoch; nothing in it was touched.
          OSError: the disk would not. There is no half-made folder then.
        """
        for folder in (self.in_dir, self.gateway):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A sandbox may run as somebody else. Who may not enter the home does not come this far.
            folder.chmod(0o755)
        out = self.out_dir(epoch)
        out.parent.mkdir(mode=0o700, exist_ok=True)
        out.mkdir(mode=0o700)
        try:
            _write_new(self.outbound(epoch), empty_outbound())
            _write_new(self.heartbeat(epoch), b"")
            if owner is not None:
                for path in (self.outbound(epoch), self.heartbeat(epoch), out):
                    os.chown(path, owner.uid, owner.gid)
        except BaseException:
            remove_tree(out)
            raise

    def open_out(self, epoch: int) -> OutDirectory:
        """Take hold of an epoch's folder. Raises `OSError` when there is none, or something else in its place."""
        fd = os.open(self.out_dir(epoch), _FOLDER)
        status = os.fstat(fd)
        return OutDirectory(fd, status.st_dev, status.st_ino)

    def remove_epoch(self, epoch: int) -> None:
        """Remove a dead epoch's folder and all in it, if it is still there. Nothing outside can be touched."""
        remove_tree(self.out_dir(epoch))


@define(eq=False)
class OutDirectory:
    """A folder that a sandbox writes in, held by descriptor. Closed by `close` or at the end of a `with`."""

    fd: int
    device: int
    inode: int

    def close(self) -> None:
        """Let go of the folder. May be repeated."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def heartbeat_mtime_ns(out: OutDirectory) -> int | None:
    """When the heartbeat says it was last touched, in nanoseconds; None unless it is a plain file.

    The value is the sandbox's to choose: only that it changed says something.
    """
    return mtime_ns(out, HEARTBEAT)


def mtime_ns(out: OutDirectory, name: str) -> int | None:
    """The time of the file *name* in *out*, in nanoseconds; None unless it is a plain file."""
    try:
        status = os.stat(name, dir_fd=out.fd, follow_symlinks=False)
    except OSError:
        return None
    return status.st_mtime_ns if stat.S_ISREG(status.st_mode) else None


def is_being_written(out: OutDirectory) -> bool:
    """Does the outbox look as if its writer were in the middle of a commit? Blocks shortly."""
    try:
        os.stat(OUTBOUND_JOURNAL, dir_fd=out.fd, follow_symlinks=False)
    except OSError:
        return False
    return True


@cache
def empty_outbound() -> bytes:
    """The bytes of an outbox in which nothing was said yet."""

    def build(conn: sqlite.Connection) -> None:
        sqlite.execute(conn, outbound_ddl())

    return sqlite.serialize(build)


def _write_new(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
