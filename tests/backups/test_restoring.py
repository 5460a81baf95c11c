"""A restore gives back the home of then, or leaves the one of now: whatever is wrong, and whenever it is killed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from nanoclaw.backups import making, restoring
from nanoclaw.errors import BackupError
from nanoclaw.store import audit, swapping
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.verify import verify
from schema import sqlite
from tests.backups.dying_process import DyingProcess
from tests.backups.home import filled, names, opened, tree
from tests.support.central import NOW

OLD = ["nano"]
NEW = ["later", "nano"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that went on after its backup."""
    home = filled(tmp_path / "home")
    making.make(home, home / "backups", now=NOW)
    with opened(home) as world:
        world.agent("later")
    (home / "groups" / "nano" / "notes.md").write_text("forget the milk")
    (home / "groups" / "later").mkdir()
    (home / "sessions" / "ses-1").mkdir()
    return home


def backup(home: Path) -> Path:
    return making.there_are(home / "backups")[0]


def restore(home: Path) -> restoring.Restored:
    with held(home, now=NOW):
        return restoring.restore(home, backup(home), now=NOW)


def test_a_restored_home_is_as_it_was_and_what_was_there_since_is_put_aside(home: Path) -> None:
    done = restore(home)
    assert names(home) == OLD
    assert tree(home / "groups") == {
        "nano": "/",
        "nano/empty": "/",
        "nano/here": "→ /workspace/agent/notes.md",
        "nano/notes.md": "remember the milk",
        "nano/tool.sh": "#!/bin/sh",
    }
    assert (home / "groups" / "nano" / "tool.sh").stat().st_mode & 0o777 == 0o755
    assert names(done.aside) == NEW
    assert (done.aside / "groups" / "nano" / "notes.md").read_text() == "forget the milk"
    assert (done.aside / "sessions" / "ses-1").is_dir()
    assert (home / "secrets" / "anthropic.json").read_text() == "the key", "keys stay"


def test_a_restore_is_in_the_audit_of_the_home_that_it_makes(home: Path) -> None:
    restore(home)
    with opened(home) as world:
        (record,) = audit.records(world.conn, what=restoring.WHAT)
    assert (record.who, record.outcome) == (audit.OPERATOR, audit.Outcome.DONE)
    assert record.subject == backup(home).name


def test_a_restored_home_keeps_every_promise(home: Path) -> None:
    done = restore(home)
    assert done.parked.messages_in == 1
    make_folders(home)
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    assert verify(conn, home, host=None, now=NOW) == []
    conn.close()


def test_a_home_of_nothing_can_be_restored_into(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with held(other, now=NOW):
        restoring.restore(other, backup(home), now=NOW)
    assert names(other) == OLD


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: data[: len(data) // 2], "no whole backup"),
        (lambda data: data[:-200], "no whole backup"),
        (lambda _: b"", "empty file"),
        (lambda _: b"something else", "no whole backup"),
        (lambda data: data[:3000] + bytes([data[3000] ^ 1]) + data[3001:], "no whole backup"),
    ],
)
def test_a_damaged_backup_changes_nothing(home: Path, damage: Callable[[bytes], bytes], why: str) -> None:
    path = backup(home)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BackupError, match=why):
        restore(home)
    assert names(home) == NEW
    assert not (home / swapping.UNFINISHED).exists()


def test_a_restore_that_is_given_up_changes_nothing(home: Path) -> None:
    def enough(_: int) -> None:
        raise KeyboardInterrupt

    with held(home, now=NOW), pytest.raises(KeyboardInterrupt):
        restoring.restore(home, backup(home), now=NOW, told=enough)
    assert names(home) == NEW
    assert not (home / swapping.UNFINISHED).exists()


def test_killed_at_any_step_it_leaves_the_old_home_or_the_new_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = DyingProcess(monkeypatch)
    seen = []
    for step in count(1):
        if not process.dies_at(step, lambda: restore(home)):
            break
        # Whoever goes on with it may be killed as well, at once.
        process.dies_at(2, lambda: held(home, now=NOW).__enter__())
        with held(home, now=NOW):
            found = names(home)
        notes = (home / "groups" / "nano" / "notes.md").read_text()
        assert (found, notes) in ((OLD, "remember the milk"), (NEW, "forget the milk"))
        seen.append(found)
        _again_as_new(home)
    assert len(seen) > 40
    assert seen == [NEW] * seen.count(NEW) + [OLD] * seen.count(OLD), "from one moment on it is decided"
    assert seen.count(OLD) > 10


def _again_as_new(home: Path) -> None:
    """The home as it was before the restore."""
    for aside in home.glob(f"{swapping.ASIDE}*"):
        for entry in list(aside.iterdir()):
            here = home / entry.name
            if here.exists():
                _away(here)
            entry.rename(here)
        aside.rmdir()


def _away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for entry in list(path.iterdir()):
            _away(entry)
        path.rmdir()
    else:
        path.unlink()
