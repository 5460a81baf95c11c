"""The inotify reader, on real files and on event streams written by hypothesis."""

from __future__ import annotations

import errno
import os
import select
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema import commit_watch
from schema.commit_watch import IN_DELETE, IN_Q_OVERFLOW, OVERFLOW, CommitWatch, Overflow

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def watch() -> Iterator[CommitWatch]:
    with closing(CommitWatch()) as opened:
        yield opened


def readable(watch: CommitWatch) -> bool:
    return bool(select.select([watch.fd], [], [], 0)[0])


def make_and_delete(file: Path) -> None:
    file.touch()
    file.unlink()


def test_a_deletion_shows_under_the_descriptor_of_its_directory(watch: CommitWatch, tmp_path: Path) -> None:
    directories = [tmp_path / name for name in "ab"]
    for directory in directories:
        directory.mkdir()
    a, b = (watch.add(directory) for directory in directories)
    make_and_delete(directories[1] / "x")
    assert readable(watch)
    assert watch.drain() == frozenset({b})
    make_and_delete(directories[0] / "x")
    make_and_delete(directories[1] / "x")
    assert watch.drain() == frozenset({a, b})
    assert watch.drain() == frozenset()


def test_nothing_but_a_deletion_shows(watch: CommitWatch, tmp_path: Path) -> None:
    watch.add(str(tmp_path))
    file = tmp_path / "x"
    file.write_text("made, opened, written, closed")
    file.read_text()
    file.rename(tmp_path / "y")
    os.utime(tmp_path / "y")
    list(tmp_path.iterdir())
    assert not readable(watch)


def test_each_commit_of_a_delete_mode_database_shows_once(watch: CommitWatch, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "in.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE t (x)")
        wd = watch.add(tmp_path)
        for _ in range(3):
            db.execute("INSERT INTO t VALUES (1)")
            assert len(os.read(watch.fd, 4096)) == 16 + 16  # one event: its header and the name
        db.execute("INSERT INTO t VALUES (2)")
        assert watch.drain() == frozenset({wd})
        db.execute("SELECT * FROM t").fetchall()
        assert watch.drain() == frozenset()


def test_a_directory_watched_twice_keeps_its_descriptor(watch: CommitWatch, tmp_path: Path) -> None:
    assert watch.add(tmp_path) == watch.add(tmp_path / "." / "")


def test_only_directories_can_be_watched(watch: CommitWatch, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        watch.add(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        watch.add(tmp_path / "file")


def test_a_removed_directory_is_seen_no_more(watch: CommitWatch, tmp_path: Path) -> None:
    wd = watch.add(tmp_path)
    watch.remove(wd)
    make_and_delete(tmp_path / "x")
    assert watch.drain() == frozenset()
    watch.remove(wd)


def test_a_directory_that_is_gone_needs_no_removal(watch: CommitWatch, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    wd = watch.add(tmp_path / "d")
    (tmp_path / "d").rmdir()
    assert watch.drain() == frozenset()
    watch.remove(wd)


def test_a_closed_watch_stays_closed(tmp_path: Path) -> None:
    watch = CommitWatch()
    fd = watch.fd
    watch.close()
    watch.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    for call in (lambda: watch.add(tmp_path), watch.drain, lambda: watch.remove(1)):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()


def test_the_kernel_dropping_events_shows_as_overflow(watch: CommitWatch, tmp_path: Path) -> None:
    longest = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if longest > 20_000:
        pytest.skip("the queue is too long to fill")
    watch.add(tmp_path)
    for number in range(longest + 1):
        make_and_delete(tmp_path / str(number))  # equal events in a row would be merged
    assert watch.drain() is OVERFLOW
    assert repr(OVERFLOW) == "OVERFLOW"
    make_and_delete(tmp_path / "x")
    assert isinstance(watch.drain(), frozenset)


events = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from([IN_DELETE, IN_DELETE | 0x4000_0000, 0x8000, 0x2, IN_Q_OVERFLOW]),
        st.sampled_from([0, 16, 32, 256]),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(events)
def test_any_stream_of_events_is_read_for_deletions(events: list[tuple[int, int, int]]) -> None:
    with closing(CommitWatch()) as watch:
        read_end, write_end = os.pipe2(os.O_NONBLOCK)
        os.dup2(read_end, watch.fd)
        for wd, mask, length in events:
            header = struct.pack("iIII", wd, mask, 0, length)
            os.write(write_end, header + b"\xff" * length)  # a name that would pass for any event
        if any(mask & IN_Q_OVERFLOW for _, mask, _ in events):
            assert isinstance(watch.drain(), Overflow)
        else:
            assert watch.drain() == frozenset(wd for wd, mask, _ in events if mask & IN_DELETE)
        os.close(read_end)
        os.close(write_end)


def test_a_drain_ends_though_events_never_do(
    watch: CommitWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wd = watch.add(tmp_path)
    monkeypatch.setattr(commit_watch, "READ_SIZE", 32)
    for number in range(20):
        make_and_delete(tmp_path / str(number))
    assert watch.drain() == frozenset({wd})
    assert readable(watch)
    assert watch.drain() == frozenset({wd})
    assert not readable(watch)


def test_a_system_without_inotify_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoInotify:
        """A C library of another system."""

        def __init__(self, name: None, use_errno: bool) -> None: ...

    monkeypatch.setattr("ctypes.CDLL", NoInotify)
    with pytest.raises(OSError, match="no inotify") as refused:
        CommitWatch()
    assert refused.value.errno == errno.ENOSYS


def test_importing_it_costs_the_runner_next_to_nothing() -> None:
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import schema.commit_watch; "
    run = [sys.executable, "-I", "-S", "-c", code + "print(*sys.modules)"]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    loaded = set(printed.split())
    assert "schema.commit_watch" in loaded
    assert not loaded & {"ctypes", "enum", "pathlib", "typing", "trio", "attr"}
