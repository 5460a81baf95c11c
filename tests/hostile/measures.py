"""What is measured around an attack: files that must not change, and what the host's process takes of the machine."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field, frozen

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 0.2
MOST_READ = 1 << 28


def fingerprint(*folders: Path, but: Path) -> dict[str, tuple[object, ...]]:
    """Everything there is to see of *folders*, without touching it, except below *but*."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(path for folder in folders for path in (folder, *folder.rglob("*"))):
        if path.is_relative_to(but):
            continue
        status = path.lstat()
        readable = stat.S_ISREG(status.st_mode) and status.st_size < MOST_READ
        content = hashlib.sha256(path.read_bytes()).hexdigest() if readable else ""
        found[str(path)] = (status.st_ino, status.st_mode, status.st_nlink, status.st_uid, status.st_mtime_ns, content)
    return found


@frozen(kw_only=True)
class Use:
    """What a process takes of the machine."""

    memory: int
    """Bytes of RSS."""
    threads: int
    descriptors: int
    cpu: float
    """Seconds, its dead children's with it."""


def use_of(pid: int) -> Use:
    """What process *pid* takes now. Raises `OSError` if there is none."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Use(
        memory=int(words[21]) * PAGE,
        threads=int(words[17]),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        cpu=sum(int(word) for word in words[11:15]) / TICKS,
    )


def children_of(pid: int) -> list[int]:
    """The processes that *pid* has started and that are there."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in found for word in path.read_text().split()]


@define
class Most:
    """The most of each that was seen."""

    memory: int = 0
    threads: int = 0
    descriptors: int = 0
    workers: int = 0
    """Processes of the host's own."""
    worker_memory: int = 0
    _stop: threading.Event = field(factory=threading.Event, init=False)

    def _watch(self, pid: Callable[[], int]) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            with suppress(OSError):
                self._note(pid())

    def _note(self, pid: int) -> None:
        now = use_of(pid)
        self.memory = max(self.memory, now.memory)
        self.threads = max(self.threads, now.threads)
        self.descriptors = max(self.descriptors, now.descriptors)
        # Customs' workers are children of their template's.
        workers = [worker for child in children_of(pid) for worker in (child, *children_of(child))]
        self.workers = max(self.workers, len(workers))
        for worker in workers:
            self.worker_memory = max(self.worker_memory, use_of(worker).memory)


@contextmanager
def watching(pid: Callable[[], int]) -> Iterator[Most]:
    """Watch the process that *pid* says during the block."""
    most = Most()
    thread = threading.Thread(target=most._watch, args=(pid,), daemon=True)
    thread.start()
    try:
        yield most
    finally:
        most._stop.set()
        thread.join()


def canaries(around: Path) -> object:
    """What no sandbox may change: everything of the user's but the projects, and the machine's."""
    return fingerprint(around / "user", around / "elsewhere", but=around / "user" / "projects")
