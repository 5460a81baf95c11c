"""Closing an epoch: nothing it claimed is lost, and a message that failed for good is told of once."""

from __future__ import annotations

import pytest

from nanoclaw.core.retry import RetryPolicy
from nanoclaw.model.ids import EpochNumber, InboundId, SessionId
from nanoclaw.model.messages import Address, EpochEnding
from nanoclaw.store import drops, epochs, inbound
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.ledger import Lane
from schema import payloads
from schema.rows import InKind, InStatus
from schema.sqlite import fetch
from tests.support.central import CHANNEL, NOW, World, everything

LAST_TRY = RetryPolicy(most_tries=1)


def close(
    world: World,
    session: SessionId,
    epoch: EpochNumber,
    ending: EpochEnding = EpochEnding.EXITED,
    detail: str = "it went away",
    *,
    policy: RetryPolicy = LAST_TRY,
) -> set[Lane]:
    """`close_epoch` at the world's time."""
    return close_epoch(world.conn, session, epoch, ending, detail, policy=policy, now=world.now)


@pytest.mark.parametrize("ending", EpochEnding)
def test_closing_ends_the_epoch_and_gives_its_claims_back(ending: EpochEnding) -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    assert close(world, session, epoch, ending, policy=RetryPolicy()) == set()
    assert epochs.live(world.conn, session) is None
    [ended] = fetch(world.conn, "SELECT ending, detail FROM epochs")
    assert ended == {"ending": ending.value, "detail": "it went away"}
    released = world.row(row)
    assert (released.status, released.claimed_epoch) == (InStatus.PENDING, None)
    assert released.tries == (0 if ending is EpochEnding.STOPPED else 1)


def test_a_message_that_had_its_last_try_is_told_to_its_chat_and_its_agent() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    assert close(world, session, epoch) == {Lane(CHANNEL, "room")}
    assert world.row(row).status is InStatus.FAILED
    [notice] = fetch(world.conn, "SELECT * FROM ledger")
    assert (notice["seq"], notice["epoch"], notice["in_reply_to"], notice["platform_id"]) == (6, None, row, "room")
    [note] = [found for found in inbound.open_rows(world.conn, session) if found.id != row]
    assert (note.kind, note.trigger, note.seq) == (InKind.SYSTEM, False, 4)
    payload = payloads.read_in(note.kind, note.content)
    assert payload == payloads.SystemIn(
        action="message_failed", text="message 2 was not answered: the sandbox kept failing while at it"
    )


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("ending", [EpochEnding.EXITED, EpochEnding.QUARANTINED])
def test_however_often_it_is_closed_everybody_is_told_once(ending: EpochEnding, times: int) -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    second = world.message(session, "second")
    inbound.claim(world.conn, second, epoch, now=NOW)
    close(world, session, epoch, ending)
    before = everything(world.conn)
    assert [found["in_reply_to"] for found in before["ledger"]] == [row, second]
    assert sum(found["id"] in {f"note:failed:{row}", f"note:failed:{second}"} for found in before["inbound"]) == 2
    for _ in range(times):
        world.wait(seconds=1)
        assert close(world, session, epoch, ending) == set()
    assert everything(world.conn) == before


def test_a_thread_gets_the_notice_of_its_own_message() -> None:
    world = World()
    session = world.session()
    to = Address(channel=CHANNEL, platform_id="elsewhere", thread_id="t1")
    row, epoch = world.message(session, to=to), world.epoch(session)
    inbound.claim(world.conn, row, epoch, now=NOW)
    assert close(world, session, epoch) == {Lane(CHANNEL, "elsewhere")}
    [notice] = fetch(world.conn, "SELECT channel, platform_id, thread_id FROM ledger")
    assert notice == {"channel": CHANNEL, "platform_id": "elsewhere", "thread_id": "t1"}


def test_a_message_from_nowhere_is_told_to_its_agent_alone() -> None:
    world = World()
    session = world.session()
    row, epoch = world.message(session, to=None), world.epoch(session)
    inbound.claim(world.conn, row, epoch, now=NOW)
    assert close(world, session, epoch) == set()
    assert fetch(world.conn, "SELECT * FROM ledger") == []
    assert inbound.get(world.conn, InboundId(f"note:failed:{row}")) is not None


def test_a_stop_that_the_host_asked_for_fails_nothing() -> None:
    world = World()
    session = world.session()
    row, epoch = world.claimed(session)
    assert close(world, session, epoch, EpochEnding.STOPPED) == set()
    released = world.row(row)
    assert (released.status, released.tries, released.process_after) == (InStatus.PENDING, 0, NOW)


def test_a_quarantined_outbox_is_recorded_and_told_to_the_agent() -> None:
    world = World()
    session = world.session()
    epoch = world.epoch(session)
    close(world, session, epoch, EpochEnding.QUARANTINED, "schema:\n\x1b[2Jnot ours")
    [drop] = drops.recent(world.conn)
    assert (drop.kind, drop.session_id, drop.epoch, drop.reason) == ("epoch", session, epoch, "quarantined")
    assert drop.detail == "schema: [2Jnot ours"
    [note] = inbound.open_rows(world.conn, session)
    assert (note.kind, note.trigger) == (InKind.SYSTEM, False)
    payload = payloads.read_in(note.kind, note.content)
    assert isinstance(payload, payloads.SystemIn)
    assert payload.action == "epoch_quarantined"


def test_each_quarantine_of_a_session_is_told() -> None:
    world = World()
    session = world.session()
    for _ in range(2):
        close(world, session, world.epoch(session), EpochEnding.QUARANTINED)
    assert len(inbound.open_rows(world.conn, session)) == len(drops.recent(world.conn)) == 2


def test_what_a_sandbox_said_at_its_end_is_kept_on_one_line() -> None:
    world = World()
    session = world.session()
    close(world, session, world.epoch(session), detail="a\nb" + "x" * 1_000)
    [ended] = fetch(world.conn, "SELECT detail FROM epochs")
    assert str(ended["detail"]).startswith("a b")
    assert len(str(ended["detail"])) == 300
