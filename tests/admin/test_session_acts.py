"""What a person does to a session is a row before anybody is told, and a record in the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanoclaw.admin.verb import ConfirmationNeededError
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.why import tell
from nanoclaw.core.why_hops import Hop, Mark
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import audit, epochs, inbound, overview, parkings, stories
from nanoclaw.store.audit import Outcome
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.verify import Host, verify
from schema.rows import InStatus
from schema.sqlite import fetch
from tests.support.central import NOW
from tests.support.desk import Desk


def at_work(desk: Desk, messages: int = 1) -> tuple[SessionId, EpochNumber, list[InboundId]]:
    """A session whose sandbox is at that many."""
    session = desk.world.session()
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    ids = [desk.world.message(session, f"m{number}") for number in range(messages)]
    for one in ids:
        inbound.claim(desk.world.conn, one, epoch, now=desk.world.now)
    return session, epoch, ids


def close(desk: Desk, session: SessionId, epoch: EpochNumber, ending: EpochEnding = EpochEnding.STOPPED) -> None:
    close_epoch(desk.world.conn, session, epoch, ending, "", policy=RetryPolicy(), now=desk.world.now)


def turn_of(desk: Desk, message: InboundId) -> Hop:
    """What `why` says of the turn."""
    row = inbound.get(desk.world.conn, message)
    assert row is not None
    (of, *_) = stories.find(desk.world.conn, message)
    story = stories.story(desk.world.conn, of, live=None, now=desk.world.now)
    assert story is not None
    return next(hop for hop in tell(story) if hop.name == "turn")


@pytest.mark.parametrize("named", ["ses-1", "ses", "room", "test/room"])
def test_a_session_is_named_by_its_id_or_by_its_chat(named: str) -> None:
    desk = Desk()
    session, *_ = at_work(desk)
    answer = desk.do("sessions park", session=named, because="it loops")
    assert answer.rows == ({"session": session},)
    assert answer.hurries == (session,)


def test_a_chat_with_several_agents_has_to_be_told_apart() -> None:
    desk = Desk()
    world = desk.world
    chat = world.chat()
    for name in ("nano", "pico"):
        world.session_of(world.wire(chat, world.agent(name)))
    with pytest.raises(UsageError, match=f"has 2 sessions: say which; nanoclaw sessions list --chat {chat.id}"):
        desk.do("sessions park", session="room", because="x")
    with pytest.raises(UsageError, match="no session and no chat is called 'nowhere'"):
        desk.do("sessions wake", session="nowhere")


def test_what_is_parked_says_so_in_every_view_and_counts_as_nobodys_fault(tmp_path: Path) -> None:
    desk = Desk()
    session, epoch, (message,) = at_work(desk)
    desk.do("sessions park", session=session, because="it loops")
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "parked by Operator, because: it loops"
    close(desk, session, epoch)
    now = desk.world.wait(seconds=3_600)
    assert desk.one("sessions get", session=session)["parked"] == "by Operator: it loops"
    hop = turn_of(desk, message)
    assert (hop.mark, hop.mend) == (Mark.WAITS, f"nanoclaw sessions unpark {session}")
    assert "parked by Operator, because: it loops" in hop.words
    (seen,) = overview.record(desk.world.conn, [], now=now, local=now).sessions
    assert seen.parking is not None
    problems = verify(desk.world.conn, tmp_path, host=Host(actors=frozenset()), now=now)
    assert problems == []
    desk.do("sessions unpark", session=session)
    assert parkings.parking(desk.world.conn, session) is None
    with pytest.raises(UsageError, match="nobody has parked"):
        desk.do("sessions unpark", session=session)


def test_an_epoch_that_begins_just_as_its_session_is_parked_is_told_to_end() -> None:
    desk = Desk()
    session = desk.world.session()
    desk.do("sessions park", session=session, because="it loops")
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "parked, because: it loops"


@pytest.mark.parametrize("ending", EpochEnding)
def test_what_is_cancelled_ends_with_its_epoch_however_that_ends(ending: EpochEnding) -> None:
    desk = Desk()
    session, epoch, messages = at_work(desk, 2)
    with pytest.raises(ConfirmationNeededError, match="End 2 messages of ses-1 without an answer, for good"):
        desk.ask("sessions cancel", {"session": session})
    desk.do("sessions cancel", session=session, because="wrong question")
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "cancelled by Operator, because: wrong question"
    for _ in range(2):  # safe to repeat
        close(desk, session, epoch, ending)
    for message in messages:
        row = inbound.get(desk.world.conn, message)
        assert row is not None
        assert (row.status, row.error) == (InStatus.COMPLETED, "cancelled by Operator, because: wrong question")
        assert inbound.get(desk.world.conn, InboundId(f"note:cancelled:{message}")) is not None
        assert turn_of(desk, message).mark is Mark.NOTE
    assert desk.do("dead list").rows == (), "nobody has to deal with it"
    assert inbound.work(desk.world.conn, session, now=desk.world.now).due == 0
    told = [str(row["id"]) for row in fetch(desk.world.conn, "SELECT id FROM ledger ORDER BY position")]
    assert told == [f"{session}/host/cancelled:{message}" for message in messages]


def test_a_turn_that_ended_first_is_not_cancelled_and_what_comes_later_is_taken_up() -> None:
    desk = Desk()
    session, epoch, (first, second) = at_work(desk, 2)
    desk.do("sessions cancel", session=session)
    later = desk.world.message(session, "later")
    inbound.claim(desk.world.conn, later, epoch, now=desk.world.now)
    inbound.settle(desk.world.conn, first, error=None, now=desk.world.now)
    close(desk, session, epoch)
    rows = [inbound.get(desk.world.conn, one) for one in (first, second, later)]
    assert [(row.status.value, row.error) for row in rows if row is not None] == [
        ("completed", None),
        ("completed", "cancelled by Operator"),
        ("pending", None),
    ]


def test_what_a_sandbox_is_shown_and_has_not_taken_up_is_cancelled_as_well() -> None:
    desk = Desk()
    session, epoch, _ = at_work(desk, 0)
    with pytest.raises(UsageError, match="is at nothing"):
        desk.do("sessions cancel", session=session)
    message = desk.world.message(session)
    desk.do("sessions cancel", session=session)
    close(desk, session, epoch)
    assert inbound.get(desk.world.conn, message).error == "cancelled by Operator"  # type: ignore[union-attr]  # it is there


def test_stopping_what_is_at_work_asks_first() -> None:
    desk = Desk()
    session, epoch, _ = at_work(desk)
    with pytest.raises(ConfirmationNeededError, match="is at 1 message, which a new sandbox would take up at once"):
        desk.ask("sessions stop", {"session": session})
    desk.do("sessions stop", session=session)
    assert epochs.told_to_end(desk.world.conn, session, epoch) == "stopped by test:operator"
    close(desk, session, epoch)
    with pytest.raises(UsageError, match="there is nothing to stop"):
        desk.do("sessions stop", session=session)


@pytest.mark.parametrize("name", ["sessions wake", "sessions restart"])
def test_what_waits_for_its_next_try_is_due_at_once(name: str) -> None:
    desk = Desk()
    session, epoch, _ = at_work(desk)
    close(desk, session, epoch, EpochEnding.KILLED)
    assert inbound.work(desk.world.conn, session, now=NOW).due == 0
    desk.do(name, session=session)
    assert inbound.work(desk.world.conn, session, now=NOW).due == 1


def test_a_restart_tells_the_new_sandbox_alone() -> None:
    desk = Desk()
    session, epoch, _ = at_work(desk)
    desk.do("sessions restart", session=session, message="you have a new tool")
    assert [row.kind.value for row in inbound.shown(desk.world.conn, session, epoch)] == ["chat"]
    assert [row.kind.value for row in inbound.shown(desk.world.conn, session, EpochNumber(epoch + 1))] == [
        "chat",
        "system",
    ]
    with pytest.raises(UsageError, match="--message: 1 to 10,000 characters"):
        desk.do("sessions restart", session=session, message=" ")


def test_what_no_new_sandbox_would_be_told_is_refused() -> None:
    desk = Desk()
    session, epoch, _ = at_work(desk)
    close(desk, session, epoch, EpochEnding.KILLED)
    with pytest.raises(UsageError, match="ses-1 has no sandbox to end, so nobody would be told that"):
        desk.do("sessions restart", session=session, message="you have a new tool")
    assert inbound.work(desk.world.conn, session, now=NOW).due == 0


@pytest.mark.parametrize("because", ["", "  ", "x" * 201])
def test_a_reason_that_is_none_is_refused(because: str) -> None:
    desk = Desk()
    desk.world.session()
    with pytest.raises(UsageError, match="--because"):
        desk.do("sessions park", session="ses-1", because=because)


def test_who_did_it_and_how_it_ended_is_on_record() -> None:
    desk = Desk()
    session, *_ = at_work(desk)
    desk.do("sessions park", session=session, because="it loops")
    (record,) = audit.records(desk.world.conn, what="sessions park")
    assert (record.who, record.subject, record.outcome) == ("test:operator", session, Outcome.DONE)
