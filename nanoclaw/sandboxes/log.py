"""The log of one sandbox: a file that keeps what its program said, up to a bound, and the last of it for people."""

from __future__ import annotations

import os
from pathlib import Path

import trio
from attrs import define, field

MOST_LOG_BYTES = 1 << 20
TAIL_BYTES = 400
LAST_LINES = 3


@define(eq=False)
class SandboxLog:
    """What the program of one epoch said on standard error. A sandbox must not fill the disk by talking."""

    path: Path
    most_bytes: int = MOST_LOG_BYTES
    _tail: bytes = field(default=b"", init=False)
    _unwritten: bytes = field(default=b"", init=False)
    """What a cancelled call did not get to write."""
    _full: bool = field(default=False, init=False)

    async def add(self, chunk: bytes) -> None:
        """Append *chunk*, or what there is room for. Cancelled, the next call writes it."""
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]
        if self._full:
            await trio.lowlevel.checkpoint()
            return
        self._unwritten += chunk
        await trio.to_thread.run_sync(self._write)

    @property
    def last_lines(self) -> str:
        """The last that was said, its lines joined by ` / `; empty if nothing was."""
        said = self._tail.decode(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in said[-LAST_LINES:])

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "ab", buffering=0) as file:
            room = self.most_bytes - os.fstat(fd).st_size
            file.write(self._unwritten[: max(0, room)])
        self._full = len(self._unwritten) >= room
        self._unwritten = b""
