"""A session in one file: all that was said up to a turn, and no key; whole, or not there."""

from __future__ import annotations

import json
import tarfile
from itertools import count
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from nanoclaw.backups import session_export
from nanoclaw.backups.session_export import Exported, export
from nanoclaw.cli.main import cli
from nanoclaw.errors import BackupError, UsageError
from nanoclaw.model.files import NewAttachment, Spooled
from nanoclaw.model.ids import InboundId, SpoolId
from nanoclaw.store import inbound, sessions
from schema import sqlite
from tests.backups.dying_process import DyingProcess
from tests.backups.home import filled, opened
from tests.support.central import NOW, said


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A session with two turns and a message that waits; a file came with the first."""
    home = filled(tmp_path / "home")
    with opened(home) as world:
        (session,) = sessions.living_sessions(world.conn)
        inbound.settle(world.conn, InboundId("m"), error=None, now=NOW)
        world.wait(seconds=1)
        file = Spooled(id=SpoolId("file-in"), size=5, digest="d")
        world.accept(evolve(said(1), attachments=(NewAttachment(name="a.txt", file=file),)))
        world.wait(seconds=1)
        inbound.settle(world.conn, InboundId("evt-1:agt-nano"), error=None, now=world.now)
        sessions.save_provider_state(world.conn, session, '{"continuation:demo": "7"}')
        world.message(session, "waits")
    (home / "spool" / "file-in").write_bytes(b"hello")
    return home


def exported(home: Path, to: Path, turn: str | None = None, *, workspace: bool = True) -> Exported:
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        return export(conn, home, "ses-", turn, to, workspace=workspace, now=NOW)
    finally:
        conn.close()


def contents(path: Path) -> dict[str, bytes]:
    """Every file in it."""
    found = {}
    with tarfile.open(path) as tar:
        for member in tar:
            file = None if member.issym() else tar.extractfile(member)
            found[member.name] = b"" if file is None else file.read()
    return found


def test_all_that_was_said_comes_along_with_its_files_and_no_key(home: Path, tmp_path: Path) -> None:
    done = exported(home, tmp_path / "out.tar.gz")
    found = contents(done.path)
    about = json.loads(found["session.json"])
    assert (about["turn"], about["continuation"]) == ("evt-1:agt-nano", {"continuation:demo": "7"})
    lines = [json.loads(line) for line in found["messages.jsonl"].splitlines()]
    assert [line["id"] for line in lines] == ["m", "evt-1:agt-nano"]
    assert lines[1]["files"] == [{"name": "a.txt", "size": 5, "sha256": "d", "file": "files/file-in"}]
    assert found["files/file-in"] == b"hello"
    assert found["workspace/notes.md"] == b"remember the milk"
    assert "contents.json" in found
    assert b"the key" not in b"".join(found.values())
    assert done.path.stat().st_mode & 0o777 == 0o600


def test_as_of_an_earlier_turn_nothing_later_is_in_it(home: Path, tmp_path: Path) -> None:
    done = exported(home, tmp_path / "out.tar.gz", "m", workspace=False)
    found = contents(done.path)
    about = json.loads(found["session.json"])
    assert (about["turn"], about["continuation"], about["workspace"]) == ("m", None, None)
    assert [json.loads(line)["id"] for line in found["messages.jsonl"].splitlines()] == ["m"]
    assert set(found) == {"session.json", "messages.jsonl", "contents.json"}


def test_what_is_missing_is_said_and_what_is_too_large_or_there_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "spool" / "file-in").unlink()
    done = exported(home, tmp_path / "out.tar.gz")
    assert [one.path for one in done.skipped] == ["files/file-in"]
    with pytest.raises(UsageError, match="is there already"):
        exported(home, tmp_path / "out.tar.gz")
    with pytest.raises(UsageError, match="not settled"):
        exported(home, tmp_path / "other.tar.gz", "waits")
    monkeypatch.setattr(session_export, "MOST_WORKSPACE", 3)
    with pytest.raises(BackupError, match="--no-workspace"):
        exported(home, tmp_path / "other.tar.gz")
    assert not (tmp_path / "other.tar.gz").exists()


def test_killed_at_any_step_it_is_whole_or_not_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, path = DyingProcess(monkeypatch), tmp_path / "out.tar.gz"
    for step in count(1):
        if not process.dies_at(step, lambda: exported(home, path)):
            break
        if path.exists():
            contents(path)
            path.unlink()
    assert "messages.jsonl" in contents(path)
    assert step > 2
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".part")] == []


def test_at_the_command_line(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NANOCLAW_HOME", str(home))
    to = tmp_path / "out.tar.gz"
    done = CliRunner().invoke(cli, ["session", "export", "ses-", "--to", str(to), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"path": str(to), "turn": "evt-1:agt-nano", "messages": 2, "skipped": []}
    told = CliRunner().invoke(cli, ["session", "export", "ses-", "--to", f"{to}2", "--no-workspace"])
    assert "2 messages, as of evt-1:agt-nano" in told.stdout


def test_a_message_that_cannot_be_read_is_in_it_as_it_stands_there(home: Path, tmp_path: Path) -> None:
    with opened(home) as world:
        sqlite.execute(world.conn, "UPDATE inbound SET content = '{half', status = 'failed' WHERE id = 'm'")
    lines = contents(exported(home, tmp_path / "out.tar.gz").path)["messages.jsonl"].splitlines()
    assert json.loads(lines[0])["content"] == "{half"
