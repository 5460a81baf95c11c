"""A channel that was told to wait for more hears when there is none after all."""

from __future__ import annotations

import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.channels.base import Outgoing
from nanoclaw.core.delivery import InDoubt
from nanoclaw.model.ids import InboundId, OutboundId, RunnerMessageId
from nanoclaw.model.messages import Address, NewLedgerRow
from nanoclaw.store import epochs, inbound, ledger
from nanoclaw.store.over import Over
from schema import payloads
from tests.actors.test_delivery import LANE, START, World, world
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.scripted_channel import ScriptedChannel


@define(eq=False)
class Waiting(ScriptedChannel):
    """One whose people wait; the agent ends its turn while its answer is on its way, if there is a world for that."""

    world: World | None = field(default=None, init=False)
    more: list[bool] = field(factory=list[bool], init=False)
    ended: list[str] = field(factory=list[str], init=False)

    async def deliver(self, message: Outgoing) -> str | None:
        self.more.append(message.more)
        if self.world is not None:
            await self.world.store.transact(inbound.settle, asked(self.world), error=None, now=START)
        return await super().deliver(message)

    def over(self, message: str) -> None:
        self.ended.append(message)


def asked(w: World) -> InboundId:
    (row,) = inbound.open_rows(w.store.conn, w.session)
    return row.id


async def say_in_mid_turn(w: World) -> None:
    row = asked(w)
    epoch = await w.store.transact(epochs.begin, w.session, engine="test", now=START)
    await w.store.transact(inbound.claim, row, epoch, now=START)
    answer = NewLedgerRow(
        id=OutboundId("answer"),
        epoch=epoch,
        runner_id=RunnerMessageId("answer"),
        digest="0" * 64,
        seq=1,
        in_reply_to=row,
        to=Address(channel=CHANNEL, platform_id=CONVERSATION),
        kind="chat",
        content=payloads.write(payloads.ChatOut(text="here it is")),
    )
    await w.store.transact(ledger.add, answer, session=w.session, now=START)
    w.delivery.nudge([LANE])
    await trio.sleep(1)


async def test_a_turn_that_ends_while_its_answer_is_on_its_way_is_over_once_that_has_arrived(
    autojump_clock: MockClock,
) -> None:
    channel = Waiting(CHANNEL, False, InDoubt.SEND_AGAIN, [])
    async with world(channel) as w:
        channel.world = w
        await say_in_mid_turn(w)
        assert channel.more == [True]
        assert channel.ended == ["1"]


async def test_while_the_agent_is_at_it_nothing_is_over(autojump_clock: MockClock) -> None:
    channel = Waiting(CHANNEL, False, InDoubt.SEND_AGAIN, [])
    async with world(channel) as w:
        await say_in_mid_turn(w)
        assert channel.more == [True]
        assert channel.ended == []


async def test_who_does_not_wait_and_who_is_not_there_are_told_nothing(autojump_clock: MockClock) -> None:
    async with world(ScriptedChannel(CHANNEL, False, InDoubt.SEND_AGAIN, [])) as w:
        w.delivery.over([Over(CHANNEL, "1"), Over(LANE.channel, "2")])
