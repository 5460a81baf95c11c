"""A hundred thousand damaged outboxes, each read by the real worker program: read, or quarantined, and nothing else.

A file on which SQLite itself should crash or hang costs a worker, which is counted, and neither this process nor
another file. The seeds are fixed: every run sees an eighth of them, a soak all.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from attrs import define, field

from nanoclaw.link import wire
from nanoclaw.link.answer import decode
from nanoclaw.link.report import Report
from nanoclaw.link.workers import COMMAND
from schema.sqlite import Connection
from tests.conftest import Figures
from tests.link.mutations import Files, mutate
from tests.link.outbox import STORED_NOON, long_text, outbox, saying
from tests.link.recorded import record
from tests.support.sampling import offset, stride

CHUNKS = 40
EVERY = 8
FILES_A_CHUNK = 2_500
PATIENCE = 20.0
"""Seconds until a worker counts as hanging. The kernel ends it long before, when it has used up its time."""


def busy_life(conn: Connection) -> None:
    """Rows deleted again, a value longer than a page, something in every table."""
    saying(*range(1, 30), content=long_text("y", 80))(conn)
    conn.execute("DELETE FROM messages_out WHERE seq BETWEEN 11 AND 58")
    for number in range(4):
        conn.execute("INSERT INTO processing_ack VALUES (?, 'processing', ?, NULL)", (f"in-{number}", STORED_NOON))
    conn.execute("INSERT INTO session_state VALUES ('continuation:demo', ?, ?)", ("c" * 4_500, STORED_NOON))
    conn.execute("INSERT INTO container_state VALUES (1, 'Bash', 60000, ?, 'turn', '')", (STORED_NOON,))


@cache
def bases(folder: Path) -> tuple[Files, ...]:
    """Valid files to begin with; the last is one half-way through a commit, with its hot journal."""
    halves: list[Files] = []

    def killed(conn: Connection) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("UPDATE messages_out SET content = ?", (long_text("z", 250),))
        halves.append(Files((folder / "outbound.db").read_bytes(), (folder / "outbound.db-journal").read_bytes()))
        conn.execute("ROLLBACK")

    small = outbox(saying(*range(1, 9), content=long_text("x", 200)), page_size=1024)
    record(folder, small, killed, pragmas={"cache_size": 4, "synchronous": "full"})
    return Files(outbox(busy_life), None), Files(outbox(busy_life, page_size=1024), None), *halves


@define
class Worker:
    """The worker program, fed one file ahead of its answers so that it never waits."""

    lost: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _waiting: list[int] = field(factory=list, init=False)

    def ask(self, files: Files) -> bytes | None:
        """Send *files*; the answer to those before, if there were any and the worker lives."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(b"".join(wire.request(files.db, files.journal, 0)))
            process.stdin.flush()
        except BrokenPipeError:
            self.stop(lost=True)
            return None
        self._waiting.append(1)
        return self.answer() if len(self._waiting) > 1 else None

    def answer(self) -> bytes | None:
        """The answer to the oldest file that has none."""
        if not self._waiting:
            return None
        self._waiting.pop()
        try:
            assert self._read(1) == wire.TAKEN
            (size,) = wire.LENGTH.unpack(self._read(wire.LENGTH.size))
            return self._read(size)
        except EOFError:
            self.stop(lost=True)
            return None

    def stop(self, *, lost: bool = False) -> None:
        """End the program."""
        self.lost += lost
        self._waiting.clear()
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, cwd="/")
        (size,) = wire.LENGTH.unpack(self._read(wire.LENGTH.size))
        self._read(size)
        return self._process

    def _read(self, size: int) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        found = b""
        while len(found) < size:
            ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            part = os.read(self._process.stdout.fileno(), size - len(found)) if ready else b""
            if not part:
                raise EOFError
            found += part
        return found


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(offset(EVERY), CHUNKS, stride(EVERY)))
def test_a_damaged_file_is_read_or_quarantined(chunk: int, worker: Worker, tmp_path: Path, figures: Figures) -> None:
    choose = random.Random(chunk)
    valid = bases(tmp_path)
    answers = (worker.ask(mutate(choose, choose.choice(valid))) for _ in range(FILES_A_CHUNK))
    found: Counter[str] = Counter()
    # Most damage shows in nothing that is read: there are far fewer answers than files.
    understand = cache(partial(decode, after=0))
    for answer in (*answers, worker.answer()):
        if answer is None:
            continue
        report = understand(answer)
        if isinstance(report, Report):
            found["read"] += 1
            found["good rows"] += len(report.rows)
            found["bad rows"] += len(report.bad)
        else:
            found["quarantined"] += 1
            found[f"({report.reason})"] += 1
    figures(files=FILES_A_CHUNK, workers_lost=worker.lost, **found)
    assert found["read"] + found["quarantined"] >= FILES_A_CHUNK - 2 * worker.lost
    assert found["read"] > 250
    assert found["quarantined"] > 250
    assert found["bad rows"] > 25
    assert worker.lost < FILES_A_CHUNK // 1_000


def test_the_files_that_are_damaged_were_valid(tmp_path: Path, worker: Worker) -> None:
    for files in bases(tmp_path):
        worker.ask(files)
        answer = worker.answer()
        assert answer is not None
        report = decode(answer, 0)
        assert isinstance(report, Report)
        assert report.rows
        assert not report.bad
    assert worker.lost == 0


def test_a_lost_worker_costs_its_files_and_no_others(tmp_path: Path, worker: Worker) -> None:
    first, *_ = bases(tmp_path)
    assert worker.ask(first) is None
    assert worker._process is not None
    worker._process.kill()
    worker._process.wait()
    assert worker.ask(first) is None
    worker.ask(first)
    assert worker.answer() is not None
    assert worker.lost == 1
