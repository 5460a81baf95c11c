"""A disk in memory that forgets what was not synced, tears what it was writing, and fails when told to.

Every touch of the disk is an operation with a number, so that a test can let any one of them fail, or be the last.

What it promises is what a POSIX file system on a disk with 512-byte sectors promises, and no more:
- A sync makes a file's content and length durable. Until then each dirty sector may be on the platter or not,
  in any combination, and one that was being written may hold the new beginning and the old end.
- A file's name is durable once its folder is synced: a new file may vanish, a deleted one may come back.
- A failed sync leaves the dirty sectors out: they read as written, count as clean, and no later sync writes them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from attrs import define, field, frozen

SECTOR = 512


class Touch(Enum):
    """What is done to the disk."""

    OPEN = "open"
    CREATE = "create"
    READ = "read"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    SYNC_FOLDER = "sync folder"
    SIZE = "size"
    DELETE = "delete"


CHANGES = frozenset({Touch.CREATE, Touch.WRITE, Touch.TRUNCATE, Touch.SYNC, Touch.SYNC_FOLDER, Touch.DELETE})
"""A power cut just before one of these finds another disk than one before the last of them."""


class Fault(Enum):
    """How an operation fails."""

    IO_ERROR = "EIO"
    NO_SPACE = "ENOSPC"


class DiskFaultError(Exception):
    """An operation failed as the test asked."""

    def __init__(self, fault: Fault, touch: Touch) -> None:
        self.fault = fault
        self.touch = touch
        super().__init__(f"{fault.value} at {touch.value}")


@define(eq=False)
class Inode:
    """A file: what a program reads, and what the platter has."""

    content: bytearray = field(factory=bytearray)
    platter: bytearray = field(factory=bytearray)
    dirty: set[int] = field(factory=set)
    length_is_dirty: bool = False

    def write(self, data: bytes, offset: int) -> None:
        """Change *content*; what it grows over is zeros."""
        end = offset + len(data)
        first = min(offset, len(self.content))
        if len(self.content) < end:
            self.content.extend(bytes(end - len(self.content)))
            self.length_is_dirty = True
        self.content[offset:end] = data
        self.dirty.update(range(first // SECTOR, -(-end // SECTOR)))

    def truncate(self, length: int) -> None:
        """Cut *content* down. What lay behind may stay on the platter until the next sync."""
        self.dirty.update(range(length // SECTOR, -(-len(self.content) // SECTOR)))
        del self.content[length:]
        self.length_is_dirty = True

    def sync(self) -> None:
        """Bring the dirty sectors, and the length, to the platter."""
        _resize(self.platter, len(self.content))
        for first, end in _runs(self.dirty):
            _copy(self.content, self.platter, first * SECTOR, end * SECTOR)
        self.forget_dirt()

    def forget_dirt(self) -> None:
        """Count everything as clean, wherever it is."""
        self.dirty.clear()
        self.length_is_dirty = False

    def after_power_cut(self, chance: random.Random) -> Inode:
        """What is found when the power is back."""
        found = bytearray(self.platter)
        if self.length_is_dirty and chance.random() < 0.5:
            _resize(found, len(self.content))
        for sector in sorted(self.dirty):
            start, end = sector * SECTOR, min((sector + 1) * SECTOR, len(self.content))
            match chance.randrange(8):
                case 0 | 1 | 2 | 3:
                    continue
                case 4:
                    end = chance.randint(start, max(start, end))
                case _:
                    pass
            if start < end:
                _resize(found, max(len(found), end))
                _copy(self.content, found, start, end)
        return Inode(content=bytearray(found), platter=found)


@frozen
class Step:
    """One operation, for tests that pick which shall fail."""

    touch: Touch
    name: str


def _nothing() -> None:
    pass


@define(eq=False)
class SimulatedDisk:
    """One folder of files."""

    faults: dict[int, Fault] = field(factory=dict)
    """Operation number (from 1) to what shall happen there."""
    fail_next: dict[Touch, Fault] = field(factory=dict)
    """What shall happen at the next operation of a kind; then it is forgotten."""
    full_from: int | None = None
    """From this operation on, nothing can grow, until it is None again."""
    before_change: Callable[[], None] = _nothing
    """Called when the disk is about to change: the moment to look at what a power cut would leave."""
    steps: list[Step] = field(factory=list)
    _files: dict[str, Inode] = field(factory=dict)
    _platter_files: dict[str, Inode] = field(factory=dict)

    def open(self, name: str, *, create: bool) -> Inode | None:
        """The file of that name; a new one if there is none and *create*, else None."""
        self._step(Touch.OPEN, name)
        found = self._files.get(name)
        if found is None and create:
            self._step(Touch.CREATE, name)
            found = self._files[name] = Inode()
        return found

    def exists(self, name: str) -> bool:
        """Is there a file of that name?"""
        return name in self._files

    def delete(self, name: str, *, durably: bool) -> bool:
        """Remove the name; False if it was not there."""
        self._step(Touch.DELETE, name)
        gone = self._files.pop(name, None) is not None
        if durably:
            self.sync_folder(name)
        return gone

    def read(self, name: str, inode: Inode, amount: int, offset: int) -> bytes:
        """At most *amount* bytes."""
        self._step(Touch.READ, name)
        return bytes(inode.content[offset : offset + amount])

    def write(self, name: str, inode: Inode, data: bytes, offset: int) -> None:
        """Write into the file; nothing of it is durable."""
        self._step(Touch.WRITE, name, grows=offset + len(data) > len(inode.content))
        inode.write(data, offset)

    def truncate(self, name: str, inode: Inode, length: int) -> None:
        """Shorten the file; not durable either."""
        self._step(Touch.TRUNCATE, name)
        inode.truncate(length)

    def sync(self, name: str, inode: Inode) -> None:
        """Make the file's content durable. If it fails, what was dirty never will be."""
        try:
            self._step(Touch.SYNC, name)
        except DiskFaultError:
            inode.forget_dirt()
            raise
        inode.sync()

    def sync_folder(self, name: str) -> None:
        """Make all names, and all removals of names, durable."""
        self._step(Touch.SYNC_FOLDER, name)
        self._platter_files = dict(self._files)

    def size(self, name: str, inode: Inode) -> int:
        """Bytes in the file."""
        self._step(Touch.SIZE, name)
        return len(inode.content)

    def after_power_cut(self, seed: int) -> SimulatedDisk:
        """The disk as the next boot finds it, without faults to come. This one goes on as if nothing was."""
        chance = random.Random(seed)
        files = {
            name: inode.after_power_cut(chance)
            for name in sorted(self._files.keys() | self._platter_files.keys())
            if (inode := self._name_found(name, chance)) is not None
        }
        return SimulatedDisk(files=files, platter_files=dict(files))

    def after_process_death(self) -> SimulatedDisk:
        """The disk as the next process finds it: the system still has everything in its cache. Not a copy."""
        return SimulatedDisk(files=self._files, platter_files=self._platter_files)

    def _name_found(self, name: str, chance: random.Random) -> Inode | None:
        now, durable = self._files.get(name), self._platter_files.get(name)
        return now if now is durable or chance.random() < 0.5 else durable

    def _step(self, touch: Touch, name: str, *, grows: bool = False) -> None:
        if touch in CHANGES:
            self.before_change()
        self.steps.append(Step(touch, name))
        number = len(self.steps)
        is_full = self.full_from is not None and number >= self.full_from
        fault = self.faults.get(number)
        if fault is None and self.fail_next:
            fault = self.fail_next.pop(touch, None)
        if fault is None and is_full and (grows or touch is Touch.CREATE):
            fault = Fault.NO_SPACE
        if fault is not None:
            raise DiskFaultError(fault, touch)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Stretches of successive numbers, each as its first and the one after its last."""
    first = end = None
    for number in sorted(numbers):
        if number != end:
            if first is not None and end is not None:
                yield first, end
            first = number
        end = number + 1
    if first is not None and end is not None:
        yield first, end


def _resize(content: bytearray, length: int) -> None:
    if len(content) < length:
        content.extend(bytes(length - len(content)))
    del content[length:]


def _copy(source: bytearray, target: bytearray, start: int, end: int) -> None:
    """Copy a stretch, as far as both reach."""
    end = min(end, len(source), len(target))
    if start < end:
        target[start:end] = source[start:end]
