"""The log of one sandbox: a file that keeps what its program said, up to a bound, and the last of it for people.

No secret that this host knows stands in it, nor what looks like one: it is struck before it is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.kit.known_secrets import known_forms
from nanoclaw.kit.private_file import learn
from nanoclaw.kit.striking import ready, strike

MOST_LOG_BYTES = 1 << 20
TAIL_BYTES = 400
LAST_BYTES = 1 << 14
"""Kept of what was said last, so that a secret in the tail of it is whole and can be told."""
LAST_LINES = 3
_ANY_BYTES = "surrogateescape"


@define(eq=False)
class SandboxLog:
    """What the program of one epoch said on standard error. A sandbox must not fill the disk by talking."""

    path: Path
    most_bytes: int = MOST_LOG_BYTES
    secrets: Path | None = None
    """The folder with files of secrets: what another process has put there counts as well."""
    _known: Callable[[], Collection[str]] = known_forms
    """Every form of each secret that must not be in it."""
    _last: bytes = field(default=b"", init=False)
    _unwritten: bytes = field(default=b"", init=False)
    """What a cancelled call did not get to write, and a line without its end: a secret may go on in what follows."""
    _full: bool = field(default=False, init=False)

    async def add(self, chunk: bytes) -> None:
        """Append the lines that *chunk* ends, or what there is room for. Cancelled, the next call writes them."""
        self._last = (self._last + chunk)[-LAST_BYTES:]
        if self._full:
            await trio.lowlevel.checkpoint()
            return
        self._unwritten += chunk
        await trio.to_thread.run_sync(self._write, False)

    async def end(self) -> None:
        """Nothing follows for now: append what is there of the last line. Cancelled, the next call does."""
        await trio.to_thread.run_sync(self._write, True)

    @property
    def last_lines(self) -> str:
        """The last that was said, its lines joined by ` / `; empty if nothing was."""
        struck = strike(self._last.decode(errors=_ANY_BYTES), self._known()).encode(errors=_ANY_BYTES)
        said = struck[-TAIL_BYTES:].decode(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in said[-LAST_LINES:])

    def _write(self, ended: bool) -> None:
        if self.secrets is not None:
            learn(self.secrets)
        known = self._known()
        text = self._unwritten.decode(errors=_ANY_BYTES)
        taken = len(text) if ended else ready(text, known)
        if not taken or self._full:
            return
        struck = strike(text[:taken], known).encode(errors=_ANY_BYTES)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "ab", buffering=0) as file:
            room = self.most_bytes - os.fstat(fd).st_size
            file.write(struck[: max(0, room)])
        self._full = len(struck) >= room
        self._unwritten = b"" if self._full else text[taken:].encode(errors=_ANY_BYTES)
