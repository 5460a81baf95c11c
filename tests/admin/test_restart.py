"""Restarting an agent's sandboxes: they are told to end, and what the next ones are told only they see."""

from __future__ import annotations

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.store import epochs, projection
from nanoclaw.store.sessions import session_place
from schema import payloads
from schema.sqlite import integer
from tests.support.desk import Desk


def shown(desk: Desk, session: SessionId, epoch: int) -> list[tuple[str, bool]]:
    """The text of what a link of that epoch shows, and whether it is only for the first look."""
    place = session_place(desk.world.conn, session)
    assert place is not None
    whole = projection.whole(desk.world.conn, place, EpochNumber(epoch), timezone="UTC")
    since = projection.changes(desk.world.conn, place, EpochNumber(epoch), 0)
    assert whole.changes.messages == since.messages
    told = [(payloads.read_in(row.kind, row.content), row.on_wake) for row in whole.changes.messages]
    return [(payload.text, on_wake) for payload, on_wake in told if isinstance(payload, payloads.SystemIn)]


def test_what_a_new_sandbox_is_told_the_old_one_does_not_see() -> None:
    desk = Desk()
    session = desk.world.session()
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    answer = desk.do("groups restart", group="nano", message=" you have a new tool ")
    assert [dict(row) for row in answer.rows] == [{"session": session, "epoch": epoch}]
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "its agent group was told to restart"
    assert shown(desk, session, epoch) == []
    assert shown(desk, session, epoch + 1) == [("you have a new tool", True)]


def test_without_a_message_nobody_is_woken() -> None:
    desk = Desk()
    session = desk.world.session()
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    desk.do("groups restart", group="nano")
    assert epochs.told_to_end(desk.world.conn, session, epoch)
    assert integer(desk.world.conn, "SELECT count(*) FROM inbound") == 0


def test_other_agents_go_on_and_where_none_runs_it_says_so() -> None:
    desk = Desk()
    desk.world.session()
    other = desk.world.session("other", room="elsewhere")
    epoch = epochs.begin(desk.world.conn, other, engine="test", now=desk.world.now)
    assert "no sandbox of" in str(desk.do("groups restart", group="nano", message="x").said)
    assert epochs.told_to_end(desk.world.conn, other, epoch) is None
    assert integer(desk.world.conn, "SELECT count(*) FROM inbound") == 0


def test_settings_reach_a_sandbox_that_runs_by_ending_it_if_that_is_wanted() -> None:
    desk = Desk()
    session = desk.world.session()
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    kept = desk.do("groups update", group="nano", provider="claude")
    assert str(kept.said).endswith("until: nanoclaw groups restart nano")
    assert epochs.told_to_end(desk.world.conn, session, epoch) is None
    ended = desk.do("groups update", group="nano", provider="claude", restart=True)
    assert ended.said == "changed nano; 1 sandbox that ran with what was set before will end"
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "its agent group was told to restart"


@pytest.mark.parametrize("message", ["", "  ", "x" * 10_001])
def test_a_message_that_is_none_is_refused(message: str) -> None:
    desk = Desk()
    desk.world.session()
    with pytest.raises(UsageError, match="--message: 1 to 10,000 characters"):
        desk.do("groups restart", group="nano", message=message)
