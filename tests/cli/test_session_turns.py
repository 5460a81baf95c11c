"""`nanoclaw session rewind` and `fork` at the command line: on a home that nobody uses, and asked about first."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nanoclaw.cli.main import cli
from nanoclaw.errors import HomeInUseError, UsageError
from nanoclaw.store import inbound, sessions
from nanoclaw.store.home import held
from tests.backups.home import opened
from tests.cli.checked_home import healthy
from tests.support.central import NOW


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = healthy(tmp_path)
    monkeypatch.setenv("NANOCLAW_HOME", str(config.home))
    with opened(config.home) as world:
        (session,) = [one.id for one in sessions.sessions(world.conn)]
        world.wait(seconds=60)
        row = world.message(session, "later")
        inbound.settle(world.conn, row, error=None, now=world.now)
        world.chat("elsewhere")
    return config.home


def typed(*words: str) -> Result:
    """The command, as it is typed."""
    return CliRunner().invoke(cli, ["session", *words])


def test_a_session_is_taken_back_once_somebody_says_yes(home: Path) -> None:
    assert isinstance(typed("rewind", "ses-", "--turn", "m").exception, UsageError)
    with held(home, now=NOW):
        assert isinstance(typed("rewind", "ses-", "--turn", "m", "--yes").exception, HomeInUseError)
    done = typed("rewind", "ses-", "--turn", "m", "--yes")
    assert done.exit_code == 0, done.output
    assert "goes on from m; 1 messages that came later are marked" in done.output


def test_a_fork_wants_a_chat_that_the_agent_hears(home: Path) -> None:
    refused = typed("fork", "ses-", "test/elsewhere").exception
    assert isinstance(refused, UsageError)
    assert "does not hear" in str(refused)
    assert isinstance(typed("fork", "nobody", "test/elsewhere").exception, UsageError)
