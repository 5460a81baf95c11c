"""Delivery: every message is decided once, in order, however its platform behaves. Time is the mock clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.actors.delivery import Delivery
from nanoclaw.core.delivery import DeliveryPolicy, InDoubt
from nanoclaw.errors import DeliveryError, NobodyThereError
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import ChannelName, OutboundId, SessionId, UserId
from nanoclaw.model.messages import Address, LedgerState
from nanoclaw.store import inbound, ledger, notices
from nanoclaw.store.events import Accepted, accept
from nanoclaw.store.ledger import Lane
from nanoclaw.store.setup import Operator, first_start
from schema.sqlite import fetch
from tests.support.central import said
from tests.support.inline_database import InlineDatabase
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.scripted_channel import ScriptedChannel

START = datetime(2026, 1, 1, tzinfo=UTC)
LANE = Lane(CHANNEL, CONVERSATION)
SPOOL = Spool(Path("/nowhere"))
POLICY = DeliveryPolicy(most_attempts=3, first_pause=10, longest_pause=100, outage=0, jitter=0)


@define
class World:
    """A store with one session, one scripted channel, and delivery between them."""

    store: InlineDatabase
    channel: ScriptedChannel
    delivery: Delivery
    session: SessionId
    told: list[SessionId] = field(factory=list[SessionId])
    lost: list[str] = field(factory=list[str])
    """Grows when something is dead that asks people."""

    async def say(self, *texts: str) -> None:
        """Put messages into the ledger and nudge."""
        for text in texts:
            await self.store.transact(
                notices.tell_chat,
                self.session,
                Address(channel=CHANNEL, platform_id=CONVERSATION),
                key=text,
                text=text,
                now=START,
            )
        self.delivery.nudge([LANE])

    def states(self) -> dict[str, tuple[str, int]]:
        """Each message's state and attempts, by its text."""
        rows = fetch(self.store.conn, "SELECT id, state, attempts FROM ledger ORDER BY position")
        return {str(row["id"]).split("/")[-1]: (str(row["state"]), int(str(row["attempts"]))) for row in rows}


@asynccontextmanager
async def world(channel: ScriptedChannel, *, configured: bool = True) -> AsyncIterator[World]:
    store = InlineDatabase()
    minted = iter(range(1000))

    def mint(prefix: str) -> str:
        return f"{prefix}-{next(minted)}"

    operator = Operator(user=UserId(f"{CHANNEL}:ada"), name="Ada", channel=CHANNEL, platform_id=CONVERSATION)
    await store.transact(first_start, agent="Nano", operator=operator, mint=mint, now=START)
    event = said(room=CONVERSATION, channel=CHANNEL)
    accepted = await store.transact(accept, event, threaded=False, mint=mint, now=START)
    assert isinstance(accepted, Accepted)
    told: list[SessionId] = []
    channels = {channel.name: channel} if configured else {}
    lost: list[str] = []
    delivery = Delivery(
        *(store, TrioClock(START), SPOOL, channels, told.append, TreeNode("delivery")),
        policy=POLICY,
        lost=lambda: lost.append("lost"),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(delivery.run)
        yield World(store, channel, delivery, accepted.woken[0], told, lost)
        nursery.cancel_scope.cancel()
    store.close()


def a_channel(
    *script: Exception | None, keyed: bool = False, in_doubt: InDoubt = InDoubt.SEND_AGAIN
) -> ScriptedChannel:
    return ScriptedChannel(CHANNEL, keyed, in_doubt, list(script))


def failure(**words: object) -> DeliveryError:
    return DeliveryError(channel=CHANNEL, why="no", **words)  # type: ignore[arg-type]  # any field, by its name


async def test_messages_of_one_conversation_arrive_in_order_and_each_once(autojump_clock: MockClock) -> None:
    async with world(a_channel()) as w:
        await w.say("one", "two", "three")
        await trio.sleep(1)
        assert [text for _, text in w.channel.sent] == ["one", "two", "three"]
        assert set(w.states().values()) == {("delivered", 1)}
        assert w.told == [w.session] * 3


async def test_a_failed_attempt_is_repeated_with_growing_pauses_and_holds_up_those_behind(
    autojump_clock: MockClock,
) -> None:
    async with world(a_channel(failure(retryable=True), failure(retryable=True))) as w:
        await w.say("one", "two")
        await trio.sleep(100)
        assert [text for _, text in w.channel.tried] == ["one", "one", "one", "two"]
        assert [when for when, _ in w.channel.tried] == pytest.approx([0, 10, 30, 30], abs=0.01)


async def test_an_hour_without_a_network_costs_no_reply_and_no_attempt(autojump_clock: MockClock) -> None:
    channel = a_channel(*[failure(retryable=True)] * 60)
    async with world(channel) as w:
        w.delivery.policy = DeliveryPolicy(jitter=0)
        await w.say("one", "two")
        await trio.sleep(3_600)
        assert w.states() == {"one": ("delivered", 1), "two": ("delivered", 1)}
        assert len(channel.tried) == 62


async def test_after_the_last_attempt_a_message_is_dead_and_its_agent_is_told(autojump_clock: MockClock) -> None:
    async with world(a_channel(*[failure(retryable=True) for _ in range(3)])) as w:
        await w.say("one", "two")
        await trio.sleep(100)
        assert w.states() == {"one": ("dead", 3), "two": ("delivered", 1)}
        (note,) = [row for row in inbound.open_rows(w.store.conn, w.session) if not row.trigger]
        assert "dead" in note.content


async def test_what_a_platform_refuses_for_good_is_dead_at_once(autojump_clock: MockClock) -> None:
    async with world(a_channel(failure(retryable=False))) as w:
        await w.say("one")
        await trio.sleep(1)
        assert w.states() == {"one": ("dead", 1)}


async def test_a_pause_the_platform_asks_for_is_kept_and_costs_no_attempt(autojump_clock: MockClock) -> None:
    async with world(a_channel(*[failure(retryable=True, retry_after=60.0) for _ in range(5)])) as w:
        await w.say("one")
        await trio.sleep(301)
        assert w.channel.sent[0][0] == pytest.approx(300, abs=0.1)
        assert w.states() == {"one": ("delivered", 1)}


async def test_a_message_waits_for_somebody_to_be_there_and_goes_out_when_they_come(autojump_clock: MockClock) -> None:
    async with world(a_channel(NobodyThereError(channel=CHANNEL))) as w:
        await w.say("one")
        await trio.sleep(7)
        assert w.states() == {"one": ("pending", 0)}
        w.delivery.ready(CHANNEL)
        await trio.sleep(0.1)
        ((when, text),) = w.channel.sent
        assert text == "one"
        assert when == pytest.approx(7, abs=0.1)


async def test_a_platform_that_never_answers_leaves_doubt_that_the_channel_decides(autojump_clock: MockClock) -> None:
    for in_doubt, keyed, state in (
        (InDoubt.SEND_AGAIN, False, "delivered"),
        (InDoubt.PARK, False, "unknown"),
        (InDoubt.PARK, True, "delivered"),
    ):
        channel = a_channel(keyed=keyed, in_doubt=in_doubt)
        channel.seconds = 1000
        async with world(channel) as w:
            await w.say("one")
            await trio.sleep(1)
            channel.seconds = 0
            await trio.sleep(200)
            assert w.states()["one"][0] == state, (in_doubt, keyed)


@pytest.mark.parametrize(
    ("keyed", "in_doubt", "state"),
    [
        (True, InDoubt.PARK, LedgerState.DELIVERED),
        (False, InDoubt.SEND_AGAIN, LedgerState.DELIVERED),
        (False, InDoubt.PARK, LedgerState.UNKNOWN),
    ],
)
async def test_a_message_that_was_being_sent_when_the_host_died_is_decided_by_key_or_policy(
    autojump_clock: MockClock, keyed: bool, in_doubt: InDoubt, state: LedgerState
) -> None:
    async with world(a_channel(keyed=keyed, in_doubt=in_doubt), configured=False) as w:
        await w.say("one")
        await w.store.transact(ledger.take, LANE, now=START + timedelta(days=1))
        assert w.states() == {"one": ("sending", 1)}
        channels = {w.channel.name: w.channel}
        second = Delivery(w.store, TrioClock(START), SPOOL, channels, w.told.append, TreeNode("again"), policy=POLICY)
        async with trio.open_nursery() as nursery:
            await nursery.start(second.run)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        assert w.states()["one"][0] == state.value


async def test_attempts_that_were_cut_short_count_too(autojump_clock: MockClock) -> None:
    """A message that kills the host each time must not be sent for ever."""
    async with world(a_channel(*[ValueError("a bug") for _ in range(9)])) as w:
        await w.say("one")
        await trio.sleep(4000)
        assert w.states() == {"one": ("dead", 3)}


async def test_without_its_channel_a_message_stays_and_is_never_called_delivered(autojump_clock: MockClock) -> None:
    async with world(a_channel(), configured=False) as w:
        await w.say("one")
        await trio.sleep(1000)
        assert w.states() == {"one": ("pending", 0)}
        assert ledger.lanes(w.store.conn) == [LANE]


async def test_lanes_do_not_wait_for_each_other(autojump_clock: MockClock) -> None:
    async with world(a_channel(failure(retryable=True))) as w:
        await w.say("one")
        other = Address(channel=ChannelName(CHANNEL), platform_id="elsewhere")
        await w.store.transact(notices.tell_chat, w.session, other, key="two", text="two", now=START)
        w.delivery.nudge([Lane(CHANNEL, "elsewhere")])
        await trio.sleep(1)
        assert [text for _, text in w.channel.sent] == ["two"]
        assert OutboundId(f"{w.session}/host/two") in w.channel.keys
