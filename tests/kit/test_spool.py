"""The spool: a file is there whole or not at all, and what nobody needs goes."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nanoclaw.kit.spool import UNFINISHED, FileTooLargeError, Spool, Writing
from nanoclaw.model.files import Spooled

BYTES = b"some bytes"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Spool(folder)


def names(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.folder.iterdir())


def kept(spool: Spool, data: bytes = BYTES) -> Spooled:
    with spool.begin() as file:
        file.write(data)
        return file.finish()


def test_a_finished_file_has_its_bytes_its_size_and_its_digest(spool: Spool) -> None:
    with spool.begin() as file:
        for byte in BYTES:
            file.write(bytes([byte]))
        found = file.finish()
    assert found == Spooled(id=found.id, size=len(BYTES), digest=hashlib.sha256(BYTES).hexdigest())
    assert spool.path(found.id).read_bytes() == BYTES
    assert names(spool) == [found.id]
    assert stat.S_IMODE(spool.path(found.id).stat().st_mode) == 0o444


def test_until_then_it_is_called_unfinished_and_left_it_is_gone(spool: Spool) -> None:
    with spool.begin() as file:
        file.write(BYTES)
        (name,) = names(spool)
        assert name.endswith(UNFINISHED)
    assert names(spool) == []
    file.discard()


def test_what_is_too_large_is_refused_before_it_is_written(spool: Spool) -> None:
    with spool.begin(most=10) as file:
        file.write(b"x" * 10)
        with pytest.raises(FileTooLargeError, match="10 bytes"):
            file.write(b"x")
        assert (spool.folder / names(spool)[0]).stat().st_size == 10
        assert file.size == 10


def test_a_sync_that_fails_leaves_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with spool.begin() as file:
        file.write(BYTES)
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            file.finish()
    assert names(spool) == []


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_finish_returns(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(fd: int) -> None:
        sync(fd)
        done.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "bytes")

    def note_rename(path: Path, target: Path) -> Path:
        done.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    kept(spool)
    assert done == ["bytes", "name", "folder"]


DYING = """
import os, sys
from pathlib import Path
from nanoclaw.kit.spool import Spool

steps = 0
def trace(frame, event, argument):
    global steps
    if frame.f_code.co_filename.endswith("spool.py"):
        if event == "line":
            steps += 1
            if steps == int(sys.argv[2]):
                os._exit(137)
        return trace

sys.settrace(trace)
with Spool(Path(sys.argv[1])).begin() as file:
    file.write(b"some bytes")
    file.finish()
sys.settrace(None)
print(steps)
"""


def test_killed_at_every_line_it_leaves_a_whole_file_or_one_that_says_it_is_none(spool: Spool) -> None:
    steps = int(write_dying_at(spool, 0).stdout)
    assert steps > 20
    for step in range(1, steps + 1, 3):
        for path in spool.folder.iterdir():
            path.unlink()
        assert write_dying_at(spool, step).returncode == 137
        for path in spool.folder.iterdir():
            assert path.name.endswith(UNFINISHED) or path.read_bytes() == BYTES
        spool.sweep([])
        assert names(spool) == []


def write_dying_at(spool: Spool, step: int) -> subprocess.CompletedProcess[str]:
    """Write a file in a process that dies at line *step* of the spool's own."""
    command = [sys.executable, "-c", DYING, str(spool.folder), str(step)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_sweep_leaves_what_is_known_and_what_may_be_in_flight(spool: Spool) -> None:
    known, stray, fresh = kept(spool), kept(spool), kept(spool)
    unfinished: Writing = spool.begin()
    left = spool.folder / f"file-left{UNFINISHED}"
    left.touch()
    long_ago = time.time() - 100
    for path in (spool.path(known.id), spool.path(stray.id), left):
        os.utime(path, (long_ago, long_ago))
    assert sorted(spool.sweep({known.id}, unchanged_for=50)) == sorted([stray.id, left.name])
    assert set(names(spool)) == {known.id, fresh.id, f"{unfinished._id}{UNFINISHED}"}
    assert len(spool.sweep({known.id})) == 2
    assert names(spool) == [known.id]
    unfinished.discard()


def test_removing_what_is_gone_is_no_trouble(spool: Spool) -> None:
    one, two = kept(spool), kept(spool)
    spool.remove([one.id, one.id])
    assert names(spool) == [two.id]
