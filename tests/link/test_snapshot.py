"""Looks at a folder in which a sandbox may have put anything."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import apsw
import pytest
from attrs import define

from nanoclaw.link.layout import OutDirectory, SessionLayout
from nanoclaw.link.snapshot import MOST_BYTES, Next, Refused, Snapshot, Stamp, Taken, Unchanged, Unstable, look, take
from schema.sqlite import Connection
from tests.link.outbox import ids, report, say


def rest_of(steps: Generator[Next, None, Taken]) -> Taken:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            taken: Taken = end.value
            return taken


@define
class Outbox:
    """An outbox on disk, and the descriptor through which the host sees it."""

    path: Path
    out: OutDirectory

    @property
    def journal(self) -> Path:
        return self.path.with_name("outbound.db-journal")

    def open(self) -> Connection:
        conn = apsw.Connection(str(self.path))
        conn.pragma("journal_mode", "delete")
        return conn

    def say(self, *numbers: int) -> None:
        conn = self.open()
        for number in numbers:
            say(conn, number)
        conn.close()

    def stamp(self) -> Stamp:
        taken = take(self.out, None)
        assert isinstance(taken, Snapshot)
        return taken.stamp

    def reason(self) -> str:
        start = time.monotonic()
        taken = take(self.out, None)
        # Whoever waited would wait for ever, or for the 45 s of a lease; a machine may stand still for some.
        assert time.monotonic() - start < 20.0
        assert isinstance(taken, Refused), taken
        return taken.reason


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    layout = SessionLayout(tmp_path / "session")
    layout.make_epoch(1)
    with layout.open_out(1) as out:
        used = len(list(Path("/proc/self/fd").iterdir()))
        yield Outbox(layout.outbound(1), out)
        assert len(list(Path("/proc/self/fd").iterdir())) == used


def test_a_picture_is_the_bytes_there_are(outbox: Outbox) -> None:
    outbox.say(1, 2)
    taken = take(outbox.out, None)
    assert isinstance(taken, Snapshot)
    assert taken.db == outbox.path.read_bytes()
    assert taken.journal is None
    assert ids(report(taken.db)) == ["m1", "m2"]
    assert "SQLite" not in repr(taken)


def test_nothing_new_is_not_read_again(outbox: Outbox) -> None:
    outbox.say(1)
    stamp = outbox.stamp()
    assert take(outbox.out, stamp) == Unchanged()
    outbox.say(2)
    taken = take(outbox.out, stamp)
    assert isinstance(taken, Snapshot)
    assert taken.stamp != stamp


def test_a_commit_that_leaves_size_and_times_is_new(outbox: Outbox) -> None:
    outbox.say(1)
    stamp, status = outbox.stamp(), outbox.path.stat()
    outbox.say(2)
    os.utime(outbox.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert outbox.path.stat().st_size == status.st_size
    assert isinstance(take(outbox.out, stamp), Snapshot)


def test_a_transaction_under_way_is_no_commit(outbox: Outbox) -> None:
    outbox.say(1)
    before = outbox.path.read_bytes()
    conn = outbox.open()
    conn.pragma("cache_size", 2)
    conn.execute("BEGIN IMMEDIATE")
    conn.execute("UPDATE messages_out SET content = '{\"text\": \"' || hex(zeroblob(9000)) || '\"}'")
    for number in range(2, 90):
        say(conn, number)
    taken = take(outbox.out, None)
    assert isinstance(taken, Snapshot)
    assert taken.journal
    assert taken.db != before
    assert report(taken.db, taken.journal) == report(before)
    assert take(outbox.out, taken.stamp) == Unchanged()
    conn.execute("ROLLBACK")
    conn.close()
    assert isinstance(take(outbox.out, taken.stamp), Snapshot)


def test_a_journal_that_comes_or_goes_makes_it_new(outbox: Outbox) -> None:
    plain = outbox.stamp()
    outbox.journal.write_bytes(b"")
    empty = outbox.stamp()
    assert empty.journal == (0, b"")
    assert isinstance(take(outbox.out, plain), Snapshot)
    outbox.journal.write_bytes(b"\xd9" * 28)
    assert isinstance(take(outbox.out, empty), Snapshot)
    armed = outbox.stamp()
    assert take(outbox.out, armed) == Unchanged()
    outbox.journal.unlink()
    assert isinstance(take(outbox.out, armed), Snapshot)
    assert take(outbox.out, plain) == Unchanged()


def test_a_file_that_never_stands_still_is_left_for_later(outbox: Outbox) -> None:
    steps = look(outbox.out, None)
    while (step := next(steps)) != "again":
        assert step in {"database", "journal"}
    outbox.say(1)
    assert rest_of(steps) == Unstable()


@pytest.mark.parametrize("change", [-4096, 4096])
def test_a_file_that_is_cut_or_grows_meanwhile_is_left_for_later(outbox: Outbox, change: int) -> None:
    steps = look(outbox.out, None)
    while next(steps) != "again":
        pass
    os.truncate(outbox.path, outbox.path.stat().st_size + change)
    assert rest_of(steps) == Unstable()


def test_a_picture_of_a_file_that_was_just_cut_is_not_taken_for_the_one_before(outbox: Outbox) -> None:
    steps = look(outbox.out, None)
    next(steps)
    os.truncate(outbox.path, outbox.path.stat().st_size - 4096)
    taken = rest_of(steps)
    assert isinstance(taken, Snapshot)
    assert taken.db == outbox.path.read_bytes()
    assert isinstance(take(outbox.out, taken.stamp), Snapshot)


def test_a_commit_between_opening_the_journal_and_reading_it_is_waited_out(outbox: Outbox) -> None:
    outbox.journal.write_bytes(b"x" * 512)
    steps = look(outbox.out, None)
    while next(steps) != "journal":
        pass
    assert next(steps) == "journal"
    outbox.journal.unlink()
    assert rest_of(steps) == Unstable()


def test_take_gives_up_on_a_busy_runner_after_some_tries(outbox: Outbox) -> None:
    program = (
        "import os, sys\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "print(flush=True)\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    os.pwrite(fd, n.to_bytes(4, 'big'), 24)\n"
    )
    os.truncate(outbox.path, 16 << 20)
    with subprocess.Popen([sys.executable, "-c", program, outbox.path], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        # On a machine that has more to do, it may stand still for as long as one picture takes.
        assert any(take(outbox.out, None) == Unstable() for _ in range(20))
        busy.kill()


def test_no_outbox_is_refused(outbox: Outbox) -> None:
    outbox.path.unlink()
    assert outbox.reason() == "missing"
    outbox.path.parent.rename(outbox.path.parent.with_name("elsewhere"))
    assert outbox.reason() == "missing"


@pytest.mark.parametrize("name", ["outbound.db", "outbound.db-journal"])
@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../secret", "outbound.db", "/proc/self/environ", "/dev/zero", ""]
)
def test_links_are_refused(outbox: Outbox, name: str, target: str) -> None:
    place = outbox.path.with_name(name)
    place.unlink(missing_ok=True)
    place.symlink_to(target or place)
    assert outbox.reason() == "link"


def make_socket(path: Path) -> None:
    # Not by binding, which takes only short paths.
    os.mknod(path, stat.S_IFSOCK | 0o600)


def make_device(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


# Only root makes devices.
MAKERS = [os.mkfifo, make_socket, Path.mkdir, *([make_device] if os.geteuid() == 0 else [])]


@pytest.mark.parametrize("name", ["outbound.db", "outbound.db-journal"])
@pytest.mark.parametrize("make", MAKERS)
def test_what_is_no_file_is_refused_without_waiting(outbox: Outbox, name: str, make: Callable[[Path], None]) -> None:
    place = outbox.path.with_name(name)
    place.unlink(missing_ok=True)
    make(place)
    assert outbox.reason() == "not-a-file"


@pytest.mark.parametrize("name", ["outbound.db", "outbound.db-journal"])
def test_a_file_with_two_names_is_refused(outbox: Outbox, name: str) -> None:
    place = outbox.path.with_name(name)
    place.touch()
    os.link(place, place.with_name("second"))
    assert outbox.reason() == "link"


@pytest.mark.parametrize("name", ["outbound.db", "outbound.db-journal"])
def test_a_terabyte_of_nothing_is_refused_unread(outbox: Outbox, name: str) -> None:
    place = outbox.path.with_name(name)
    place.touch()
    os.truncate(place, MOST_BYTES)
    assert isinstance(take(outbox.out, None), Snapshot)
    for size in (MOST_BYTES + 1, 1 << 40):
        os.truncate(place, size)
        assert outbox.reason() == "too-large"


def test_a_lease_is_not_waited_for(outbox: Outbox) -> None:
    holder = os.open(outbox.path, os.O_RDWR)
    # Whoever holds one is told so by a signal, here this process itself.
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        assert outbox.reason() == "leased"
    finally:
        os.close(holder)
        signal.signal(signal.SIGIO, before)


def test_locks_are_not_waited_for(outbox: Outbox) -> None:
    conn = outbox.open()
    conn.execute("BEGIN EXCLUSIVE")
    assert isinstance(take(outbox.out, None), Snapshot)
    conn.execute("ROLLBACK")
    conn.close()


def test_the_hosts_own_trouble_is_not_the_sandboxs_doing(outbox: Outbox) -> None:
    gone = OutDirectory(-1, 0, 0)
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        take(gone, None)
    assert caught.value.errno == errno.EBADF
