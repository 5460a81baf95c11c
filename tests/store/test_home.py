"""The home folder: one host at a time, and nobody else's to look into."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from nanoclaw.errors import HomeInUseError
from nanoclaw.store.home import FOLDERS, held, make_folders
from tests.support.central import NOW

HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from nanoclaw.store.home import held
with held(Path(sys.argv[1]), now=datetime(2026, 1, 1, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_home_is_made_for_its_user_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with held(home, now=NOW):
        assert home.stat().st_mode & 0o777 == 0o700
        assert (home / "lock").stat().st_mode & 0o777 == 0o600


def test_a_second_host_is_refused_told_who_holds_the_home_and_writes_nothing(tmp_path: Path) -> None:
    with held(tmp_path, now=NOW):
        lock = tmp_path / "lock"
        before = lock.read_bytes(), lock.stat().st_mtime_ns, sorted(tmp_path.iterdir())
        with pytest.raises(HomeInUseError) as refused, held(tmp_path, now=NOW + timedelta(days=1)):
            pytest.fail("two hosts hold one home")
        assert (lock.read_bytes(), lock.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before
    assert refused.value.home == str(tmp_path)
    assert refused.value.holder == f"process {os.getpid()}, started 2026-04-16T14:37:00.000Z"
    assert str(os.getpid()) in str(refused.value)


def test_a_home_can_be_held_again_once_it_is_free(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stopped"), held(tmp_path, now=NOW):
        raise RuntimeError("stopped")
    with held(tmp_path, now=NOW):
        pass


def test_a_long_line_of_an_earlier_holder_does_not_shine_through(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("process 1234567890123, started in another century by somebody else\n" * 3)
    with held(tmp_path, now=NOW):
        text = (tmp_path / "lock").read_text()
    assert text == f"process {os.getpid()}, started 2026-04-16T14:37:00.000Z\n"


def test_a_holder_that_has_not_said_who_it_is_yet_is_another_host(tmp_path: Path) -> None:
    with held(tmp_path, now=NOW):
        os.truncate(tmp_path / "lock", 0)
        with pytest.raises(HomeInUseError, match="in use by another host"), held(tmp_path, now=NOW):
            pytest.fail("two hosts hold one home")


def test_a_host_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            with pytest.raises(HomeInUseError, match=f"process {other.pid}, "), held(tmp_path, now=NOW):
                pytest.fail("two hosts hold one home")
        finally:
            other.kill()
            other.wait()
        with held(tmp_path, now=NOW):
            pass


def test_folders_are_made_once_for_their_user_alone_and_kept(tmp_path: Path) -> None:
    make_folders(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == set(FOLDERS)
    modes = {folder.name: folder.stat().st_mode & 0o777 for folder in tmp_path.iterdir()}
    assert modes == dict.fromkeys(FOLDERS, 0o700) | {"skills": 0o755}
    kept = tmp_path / "groups" / "kept"
    kept.touch()
    (tmp_path / "spool").rmdir()
    make_folders(tmp_path)
    assert kept.exists()
    assert (tmp_path / "spool").is_dir()
