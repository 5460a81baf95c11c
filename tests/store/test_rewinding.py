"""A session that goes back to a turn, or on from it elsewhere: nothing is said again, and what came later is marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanoclaw.core.session_notes import MOST_CHARACTERS
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import EpochEnding, LedgerState
from nanoclaw.store import continuations, drops, epochs, inbound, ledger, sessions
from nanoclaw.store.dead import dead_letters
from nanoclaw.store.rewinding import REWOUND, Rewound, cut_of, find, fork, remembered, rewind
from nanoclaw.store.verify import verify
from schema.sqlite import Connection, fetch
from tests.support.central import World
from tests.support.questions import asked

NOWHERE = Path("/nowhere")


def lived(turns: int) -> tuple[World, SessionId]:
    """So many turns, each answered; then a message and an answer that wait, and a question."""
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    for number in range(turns):
        row = world.message(session, f"said-{number}")
        world.wait(seconds=1)
        answer = world.reply(session, epoch, 1001 + 2 * number, answers=row)
        inbound.settle(world.conn, row, error=None, now=world.now)
        ledger.settle(world.conn, answer, LedgerState.DELIVERED, now=world.now)
    world.wait(seconds=1)
    world.message(session, "waits")
    world.reply(session, epoch, 2001)
    asked(world, session)
    sessions.save_provider_state(world.conn, session, '{"continuation:demo": "x"}')
    epochs.end(world.conn, session, epoch, EpochEnding.STOPPED, "", now=world.now)
    world.wait(seconds=1)
    return world, session


def taken_back(world: World, session: SessionId, turn: str) -> Rewound:
    """Rewind."""
    return rewind(world.conn, find(world.conn, session), cut_of(world.conn, session, turn), now=world.now)


def notes(conn: Connection) -> list[str]:
    """What agents are told of it with their next message."""
    rows = fetch(
        conn,
        "SELECT content FROM inbound WHERE status = 'pending'"
        " AND (id LIKE 'note:rewound:%' OR id LIKE 'note:forked:%') ORDER BY seq",
    )
    return [str(json.loads(str(row["content"]))["text"]) for row in rows]


@settings(max_examples=12)
@given(st.integers(1, 5).flatmap(lambda turns: st.tuples(st.just(turns), st.integers(0, turns - 1))))
def test_nothing_is_said_again_and_what_came_later_is_marked(both: tuple[int, int]) -> None:
    turns, last = both
    world, session = lived(turns)
    ended = fetch(world.conn, "SELECT id, state FROM ledger WHERE state = 'delivered' ORDER BY id")
    done = taken_back(world, session, f"said-{last}")
    later = turns - 1 - last
    assert (done.marked, done.set_aside) == (2 * later + 3, 2)
    assert fetch(world.conn, "SELECT id FROM ledger WHERE settled_at IS NULL") == [{"id": "out-q1/closed"}]
    assert not fetch(world.conn, "SELECT id FROM inbound WHERE status = 'pending' AND trigger = 1")
    assert fetch(world.conn, "SELECT id, state FROM ledger WHERE state = 'delivered' ORDER BY id") == ended
    assert not fetch(world.conn, "SELECT id FROM questions WHERE state = 'open'")
    assert dead_letters(world.conn, 10) == []
    assert len(drops.recent(world.conn, reason=REWOUND)) == done.marked
    (note,) = notes(world.conn)
    for number in range(turns):
        assert (f"Ada: said-{number}" in note) == (number <= last)
        assert (f"you: reply {1001 + 2 * number}" in note) == (number <= last)
    assert find(world.conn, session).provider_state == "{}"
    assert cut_of(world.conn, session, None).turn.id == f"said-{last}"
    assert verify(world.conn, NOWHERE, host=None, now=world.now) == []
    with pytest.raises(UsageError, match="no message"):
        cut_of(world.conn, session, "waits")


def test_the_model_goes_on_with_what_it_knew_then_where_that_is_known() -> None:
    world, session = lived(4)
    continuations.keep(world.conn, ["said-0", "said-1"], '{"continuation:claude": "s@1"}')
    continuations.keep(world.conn, ["said-3"], '{"continuation:claude": "s@3"}')
    assert remembered(world.conn, cut_of(world.conn, session, "said-3")) == '{"continuation:claude": "s@3"}'
    done = taken_back(world, session, "said-2")
    assert done.remembers, "that one said nothing: what was known before counts"
    assert find(world.conn, session).provider_state == '{"continuation:claude": "s@1"}'
    (note,) = notes(world.conn)
    assert "You remember it as it was then" in note
    assert "said-0" not in note
    assert verify(world.conn, NOWHERE, host=None, now=world.now) == []


def test_a_model_that_had_been_told_to_forget_is_told_what_was_said() -> None:
    world, session = lived(3)
    continuations.keep(world.conn, ["said-0"], '{"continuation:claude": "s@1"}')
    continuations.keep(world.conn, ["said-1"], "{}")
    assert not taken_back(world, session, "said-1").remembers
    assert find(world.conn, session).provider_state == "{}"
    assert "Ada: said-1" in notes(world.conn)[0]


def test_a_session_can_go_back_again_and_on(tmp_path: Path) -> None:
    world, session = lived(3)
    taken_back(world, session, "said-1")
    world.wait(seconds=1)
    row = world.message(session, "anew")
    inbound.settle(world.conn, row, error=None, now=world.now)
    assert [one.id for one in cut_of(world.conn, session, "anew").came] == ["said-0", "said-1", "anew"]
    world.wait(seconds=1)
    taken_back(world, session, "said-0")
    assert [one.id for one in cut_of(world.conn, session, None).came] == ["said-0"]


def test_a_sandbox_that_a_dead_host_left_is_ended_first() -> None:
    world, session = lived(1)
    world.epoch(session)
    with pytest.raises(UsageError, match="start the host"):
        taken_back(world, session, "said-0")


def test_a_fork_says_nothing_and_is_told_what_had_been_said() -> None:
    world, session = lived(2)
    chat, agent = world.chat("elsewhere"), find(world.conn, session).agent_group_id
    cut = cut_of(world.conn, session, "said-0")
    with pytest.raises(UsageError, match="does not hear"):
        fork(world.conn, find(world.conn, session), cut, chat, mint=world.mint, now=world.now)
    (group,) = [one for one in fetch(world.conn, "SELECT * FROM agent_groups") if one["id"] == agent]
    assert group["folder"] == "nano"
    world.conn.execute(
        "INSERT INTO wirings SELECT 'wir-2', ?, agent_group_id, engage_mode, engage_pattern, sender_scope,"
        " ignored_message_policy, session_mode, priority, created_at FROM wirings",
        (chat.id,),
    )
    before = fetch(world.conn, "SELECT * FROM ledger ORDER BY position")
    made = fork(world.conn, find(world.conn, session), cut, chat, mint=world.mint, now=world.now)
    (note,) = notes(world.conn)
    assert "said-0" in note
    assert "said-1" not in note
    assert made != session
    assert fetch(world.conn, "SELECT * FROM ledger ORDER BY position") == before
    assert not fetch(world.conn, "SELECT id FROM inbound WHERE session_id = ? AND trigger = 1", (made,))
    with pytest.raises(UsageError, match="already"):
        fork(world.conn, find(world.conn, session), cut, chat, mint=world.mint, now=world.now)


def test_of_a_long_conversation_the_latest_is_quoted() -> None:
    world = World()
    session = world.session()
    for number in range(40):
        row = world.message(session, f"{number:02} {'x' * 1000}")
        inbound.settle(world.conn, row, error=None, now=world.now)
    chat = world.chat("elsewhere")
    world.conn.execute(
        "INSERT INTO wirings SELECT 'wir-2', ?, agent_group_id, engage_mode, engage_pattern, sender_scope,"
        " ignored_message_policy, session_mode, priority, created_at FROM wirings",
        (chat.id,),
    )
    cut = cut_of(world.conn, session, None)
    fork(world.conn, find(world.conn, session), cut, chat, mint=world.mint, now=world.now)
    (note,) = notes(world.conn)
    assert len(note) < MOST_CHARACTERS + 200
    assert "Ada: 39 x" in note
    assert "> […]" in note
    assert "Ada: 00 x" not in note
