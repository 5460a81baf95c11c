"""The disk in memory: it serves two files, and no name in them reaches the operating system."""

from __future__ import annotations

import ctypes
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from nanoclaw.link.memory_vfs import DATABASE, JOURNAL, MOST_BYTES, MemoryVfs
from schema.sqlite import Connection
from tests.link.outbox import outbox, saying

numbers = itertools.count()
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


@pytest.fixture
def vfs() -> MemoryVfs:
    return MemoryVfs(f"memory-{next(numbers)}")


def connect(vfs: MemoryVfs) -> Connection:
    return apsw.Connection(DATABASE, flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs.name)


def journal_naming(path: Path, pages: int, *, sector: int = 512, page: int = 4096) -> bytes:
    """A hot journal of no pages, whose end names *path* as the journal that it depends on."""
    header = JOURNAL_MAGIC + struct.pack(">IIIII", 0, 0x1234, pages, sector, page)
    name = str(path).encode()
    check = sum(byte if byte < 128 else byte - 256 for byte in name) & 0xFFFFFFFF
    end = struct.pack(">I", (1 << 30) // page + 1) + name + struct.pack(">II", len(name), check) + JOURNAL_MAGIC
    return header.ljust(sector, b"\0") + end


@pytest.fixture
def system_calls() -> Iterator[list[str]]:
    """The calls that SQLite's own disk makes, each refused; nothing else in this process uses it meanwhile."""
    made: list[str] = []
    apsw.randomness(1)  # SQLite reads its seed from the system, once a process
    unix = apsw.VFS(f"probe-{next(numbers)}", base="unix")
    kept = []
    for name in (
        "open",
        "access",
        "stat",
        "unlink",
        "read",
        "pread",
        "write",
        "pwrite",
        "openDirectory",
        "readlink",
        "lstat",
    ):

        def refuse(*_: int, name: str = name) -> int:
            made.append(name)
            return -1

        function = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_void_p] * 3)(refuse)
        kept.append(function)
        address = ctypes.cast(function, ctypes.c_void_p).value
        assert address is not None
        assert unix.xSetSystemCall(name, address), name
    yield made
    unix.xSetSystemCall(None, 0)


def test_it_serves_the_database_it_was_given(vfs: MemoryVfs) -> None:
    vfs.load(outbox(saying(1, 2)), None)
    conn = connect(vfs)
    assert conn.execute("SELECT id FROM messages_out ORDER BY seq").fetchall() == [("m1",), ("m2",)]
    conn.close()


def test_nothing_can_be_written_because_no_journal_can_be_made(vfs: MemoryVfs) -> None:
    before = outbox()
    vfs.load(before, None)
    conn = connect(vfs)
    with pytest.raises(apsw.CantOpenError):
        conn.execute("CREATE TABLE another (x)")
    conn.close()
    assert vfs.database == before
    assert vfs.strangers == []


def test_reading_never_copies_the_file(vfs: MemoryVfs) -> None:
    image = outbox(saying(1))
    vfs.load(image, None)
    conn = connect(vfs)
    assert conn.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    conn.close()
    assert vfs.database is image


def test_a_journal_that_names_another_file_reaches_no_file(vfs: MemoryVfs, tmp_path: Path) -> None:
    canary = tmp_path / "canary-mjABCDEF9AB"
    canary.write_bytes(f"{DATABASE}-journal\0".encode())
    image = outbox(saying(1))
    vfs.load(image, journal_naming(canary, len(image) // 4096))
    conn = connect(vfs)
    assert conn.execute("SELECT count(*) FROM messages_out").fetchall() == [(1,)]
    conn.close()
    assert vfs.strangers == [str(canary)]
    assert list(tmp_path.iterdir()) == [canary]
    assert canary.read_bytes()


def test_nothing_reaches_the_operating_system(vfs: MemoryVfs, tmp_path: Path, system_calls: list[str]) -> None:
    image = outbox(saying(1))
    for journal in (None, b"", b"x" * 600, journal_naming(tmp_path / "canary", len(image) // 4096)):
        vfs.load(image, journal)
        conn = connect(vfs)
        conn.execute("SELECT * FROM messages_out ORDER BY content").fetchall()
        with pytest.raises(apsw.Error):
            conn.execute("ATTACH '/etc/hostname' AS other; SELECT * FROM other.x").fetchall()
        conn.close()
    assert system_calls == []


def test_the_probe_sees_what_does_reach_the_operating_system(tmp_path: Path, system_calls: list[str]) -> None:
    with pytest.raises(apsw.CantOpenError):
        apsw.Connection(str(tmp_path / "real.db"))
    # Which comes first depends on what the last error of this process was.
    assert {"open", "lstat"} & {*system_calls}


def test_a_file_never_grows_beyond_its_bound(vfs: MemoryVfs) -> None:
    image = outbox()
    pages = 1 << 30
    hot = JOURNAL_MAGIC + struct.pack(">IIIII", 0, 0, pages, 512, 4096)
    vfs.load(image, hot.ljust(512 + 4104, b"\0"))
    conn = connect(vfs)
    with pytest.raises(apsw.FullError):
        conn.execute("SELECT count(*) FROM messages_out").fetchall()
    conn.close()
    assert len(vfs.database) <= MOST_BYTES


def test_a_roll_back_that_cuts_and_grows_the_file_is_done_in_memory(vfs: MemoryVfs) -> None:
    image = outbox()
    for pages in (len(image) // 4096 - 1, len(image) // 4096 + 3):
        hot = JOURNAL_MAGIC + struct.pack(">IIIII", 0, 0, pages, 512, 4096)
        vfs.load(image, hot.ljust(512 + 4104, b"\0"))
        conn = connect(vfs)
        try:
            conn.execute("SELECT count(*) FROM messages_out").fetchall()
        except apsw.CorruptError:
            assert pages < len(image) // 4096
        conn.close()
        assert len(vfs.database) == pages * 4096
        assert vfs.journal is None


def test_deleting_what_is_not_there_is_an_error_and_not_a_deed(vfs: MemoryVfs, tmp_path: Path) -> None:
    vfs.load(b"", None)
    stranger = tmp_path / "stranger"
    stranger.touch()
    for name in (JOURNAL, str(stranger)):
        with pytest.raises(apsw.IOError):
            vfs.xDelete(name, syncdir=False)
    assert stranger.exists()
    assert vfs.strangers == [str(stranger)]


def test_waiting_is_not_done() -> None:
    assert MemoryVfs(f"memory-{next(numbers)}").xSleep(10_000_000) == 10_000_000
