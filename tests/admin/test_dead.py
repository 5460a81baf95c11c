"""`nanoclaw dead`: what failed is listed with its evidence, tried again, or set aside; each once."""

from __future__ import annotations

import pytest

from nanoclaw.admin.verb import ConfirmationNeededError
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import InboundId, OutboundId, SessionId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import inbound, ledger, notices
from schema.rows import InStatus
from schema.sqlite import fetch
from tests.support.central import NOW
from tests.support.desk import Desk


def with_dead() -> tuple[Desk, SessionId, OutboundId]:
    """A message in that failed, one out that is dead and one that is in doubt."""
    desk = Desk()
    world = desk.world
    session = world.session()
    row, epoch = world.claimed(session)
    inbound.settle(world.conn, row, error="the model was unwell", now=NOW)
    replies = [world.reply(session, epoch, seq) for seq in (3, 5)]
    for reply, state in zip(replies, [LedgerState.DEAD, LedgerState.UNKNOWN], strict=True):
        ledger.settle(world.conn, reply, state, error=f"it is {state.value}", now=world.wait(seconds=1))
    return desk, session, replies[1]


def ids(desk: Desk) -> list[object]:
    return [row["id"] for row in desk.do("dead list").rows]


def test_each_of_them_is_listed_with_its_evidence_the_newest_first() -> None:
    desk, session, _ = with_dead()
    lines = desk.do("dead list").rows
    assert [(row["id"], row["direction"], row["state"], row["why"]) for row in lines] == [
        ("ses-1/1/r5", "out", "unknown", "it is unknown"),
        ("ses-1/1/r3", "out", "dead", "it is dead"),
        ("m", "in", "failed", "the model was unwell"),
    ]
    shown = desk.one("dead show", message="m")
    assert (shown["session"], shown["place"], shown["tries"]) == (session, "test/room", 0)
    assert '"text": "m"' in str(shown["content"])
    assert desk.one("dead show", message="ses-1/1/r3")["number"] == 3


def test_a_message_in_is_tried_again_as_a_new_one() -> None:
    desk, session, _ = with_dead()
    assert desk.do("dead retry", message="m").said == "m is tried again"
    again, old = desk.world.row(InboundId("m~1")), desk.world.row(InboundId("m"))
    assert (again.status, again.content, again.tries, old.status) == (InStatus.PENDING, old.content, 0, InStatus.FAILED)
    assert inbound.work(desk.world.conn, session, now=NOW).due == 1
    assert "m" not in ids(desk)
    with pytest.raises(UsageError, match="nanoclaw dead list"):
        desk.do("dead retry", message="m")
    inbound.settle(desk.world.conn, again.id, error="still unwell", now=NOW)
    assert "m~1" in ids(desk)


def test_a_message_out_is_tried_again_as_itself_and_its_agent_hears_of_each_end() -> None:
    desk, _, _ = with_dead()
    dead = OutboundId("ses-1/1/r3")
    notices.delivery_failed(desk.world.conn, desk.world.out(dead), "dead", "no", now=NOW)
    desk.do("dead retry", message=dead)
    row = desk.world.out(dead)
    assert (row.state, row.attempts, row.not_before) == (LedgerState.PENDING, 0, desk.world.now)
    ledger.settle(desk.world.conn, dead, LedgerState.DEAD, error="again", now=NOW)
    notices.delivery_failed(desk.world.conn, desk.world.out(dead), "dead", "again", now=NOW)
    assert len(fetch(desk.world.conn, "SELECT 1 FROM inbound WHERE kind = 'system'")) == 2


def test_what_may_have_arrived_is_sent_again_only_by_somebody_who_means_it() -> None:
    desk, _, unknown = with_dead()
    with pytest.raises(ConfirmationNeededError, match="may have arrived"):
        desk.ask("dead retry", {"message": unknown})
    desk.do("dead retry", message=unknown)
    assert unknown not in ids(desk)


def test_what_is_set_aside_is_listed_under_drops_and_no_more_here() -> None:
    desk, _, unknown = with_dead()
    with pytest.raises(ConfirmationNeededError, match="for good"):
        desk.ask("dead drop", {"message": "m"})
    for message in ("m", unknown, "ses-1/1/r3"):
        desk.do("dead drop", message=message)
    answer = desk.do("dead list")
    assert (answer.rows, answer.said) == ((), "none: every message was answered, or somebody dealt with it")
    assert {row["message_id"] for row in desk.do("drops list", reason="set-aside").rows} == {"m", unknown, "ses-1/1/r3"}


def test_the_hosts_own_notes_are_no_dead_letters_and_nonsense_is_refused() -> None:
    desk, session, _ = with_dead()
    notices.tell_agent(desk.world.conn, session, key="k", action="a", text="t", now=NOW)
    inbound.settle(desk.world.conn, InboundId("note:k"), error="nobody read it", now=NOW)
    assert "note:k" not in ids(desk)
    with pytest.raises(UsageError, match="between 1 and"):
        desk.do("dead list", most=0)
