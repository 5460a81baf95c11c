"""An honest runner whose every step on its two files is written down, to be done again one by one.

The steps are those of SQLite itself, taken from under it by a VFS that does them and keeps a copy.
"""
# ruff: noqa: N802  # the VFS's methods are named by SQLite

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, cast

import apsw
from attrs import define, field, frozen

from schema.files import OUTBOUND, OUTBOUND_JOURNAL
from schema.sqlite import Connection

_names = (f"recorder-{number}" for number in range(1_000_000))


@frozen
class Write:
    """Bytes written, which makes the file if there is none."""

    name: str
    offset: int
    data: bytes = field(repr=lambda data: f"{len(data)} bytes")


@frozen
class Create:
    """An empty file made."""

    name: str


@frozen
class Truncate:
    """A file cut, or grown."""

    name: str
    size: int


@frozen
class Delete:
    """A file gone: of the journal, the commit."""

    name: str


Step: TypeAlias = Write | Create | Truncate | Delete
State: TypeAlias = frozenset[tuple[str, str]]
"""Id and content of every message there is."""


def do(step: Step, folder: int) -> None:
    """Do *step* in the folder that *folder* is a descriptor of."""
    match step:
        case Create(name):
            os.close(os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder))
        case Delete(name):
            os.unlink(name, dir_fd=folder)
        case Write(name, offset, data):
            with _open(name, folder) as fd:
                os.pwrite(fd, data, offset)
        case Truncate(name, size):
            with _open(name, folder) as fd:
                os.ftruncate(fd, size)


@contextmanager
def _open(name: str, folder: int) -> Iterator[int]:
    fd = os.open(name, os.O_RDWR, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)


@define
class Recording:
    """What an honest runner did to an outbox."""

    before: bytes = field(repr=False)
    """The database when it began."""
    steps: list[Step] = field(factory=list)
    committed: list[tuple[int, State]] = field(factory=list)
    """After how many steps which state was committed, in order, beginning with 0 steps."""


def record(folder: Path, before: bytes, *works: Callable[[Connection], None], pragmas: dict[str, object]) -> Recording:
    """Let *works* write to an outbox that is *before*; each is left to commit, or to roll back, by itself."""
    path = folder / OUTBOUND
    path.write_bytes(before)
    recording = Recording(before)
    vfs = _RecorderVfs(next(_names), recording.steps)
    conn = apsw.Connection(str(path), vfs=vfs.name)
    try:
        conn.pragma("journal_mode", "delete")
        for pragma, value in pragmas.items():
            conn.pragma(pragma, value)
        recording.committed.append((0, _state(conn)))
        for work in works:
            work(conn)
            state = _state(conn)
            if state != recording.committed[-1][1]:
                recording.committed.append((_last_commit(recording.steps), state))
    finally:
        conn.close()
    return recording


def _state(conn: Connection) -> State:
    return frozenset(cast("list[tuple[str, str]]", conn.execute("SELECT id, content FROM messages_out").fetchall()))


def _last_commit(steps: list[Step]) -> int:
    return max(number for number, step in enumerate(steps, start=1) if step == Delete(OUTBOUND_JOURNAL))


class _RecorderVfs(apsw.VFS):
    def __init__(self, name: str, steps: list[Step]) -> None:
        super().__init__(name, base="")
        self.name = name
        self._steps = steps

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        text = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        new = not Path(text).exists()
        file = _RecorderFile(name, flags, self._steps)
        if new and text:
            self._steps.append(Create(Path(text).name))
        return file

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._steps.append(Delete(Path(filename).name))


class _RecorderFile(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int], steps: list[Step]) -> None:
        super().__init__("", name, flags)
        text = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._file = Path(text).name
        self._steps = steps

    def xWrite(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        super().xWrite(data, offset)
        if self._file:
            self._steps.append(Write(self._file, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        if self._file:
            self._steps.append(Truncate(self._file, newsize))
