"""A chat is shown that an agent works on its message, every few seconds, until the answer and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.actors.typing import AFTER_WORDS_SECONDS, PULSE_SECONDS, SHOW_SECONDS, Typing
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.signals import Idle, Offered, Progress, Waiting, Working
from nanoclaw.core.stuck import Silent
from nanoclaw.model.ids import InboundId
from nanoclaw.model.messages import Address
from schema.rows import Phase
from schema.sqlite import execute, scalar
from tests.actors.test_delivery import LANE, World, failure, world
from tests.support.platform_channel import CHANNEL, CONVERSATION
from tests.support.scripted_channel import ScriptedChannel

HERE = Address(channel=CHANNEL, platform_id=CONVERSATION)
ZERO, MINUTE = timedelta(), timedelta(minutes=1)
AT_WORK = Working(turn=ZERO, silence=ZERO, tool=None, declared=ZERO, left=MINUTE)
WAITS = {phase: Waiting(phase=phase, age=ZERO, allowed=MINUTE, turn=ZERO, left=MINUTE) for phase in Phase}


@define(eq=False)
class TypingChannel(ScriptedChannel):
    """Notes when it is to show that somebody types."""

    pulses: list[float] = field(factory=list[float], init=False)
    places: list[Address] = field(factory=list[Address], init=False)
    seconds_of_a_pulse: float = field(default=0.0, init=False)
    fails: bool = field(default=False, init=False)

    async def show_typing(self, to: Address) -> None:
        self.pulses.append(trio.current_time())
        self.places.append(to)
        await trio.sleep(self.seconds_of_a_pulse)
        if self.fails:
            raise failure(retryable=True)


@define
class Desk:
    """A session whose agent has claimed a message, and who shows that."""

    world: World
    channel: TypingChannel
    typing: Typing
    message: InboundId
    progress: Progress | None = AT_WORK
    began: float = field(factory=trio.current_time)

    def claim(self, *messages: InboundId) -> None:
        self.typing.look(self.world.session, messages)

    async def pulses_in(self, seconds: float) -> list[float]:
        """When there were some, from the beginning."""
        await trio.sleep(seconds)
        return [at - self.began for at in self.channel.pulses]


@asynccontextmanager
async def desk(channel: ScriptedChannel | None = None) -> AsyncIterator[Desk]:
    shows = TypingChannel(CHANNEL, False, InDoubt.SEND_AGAIN, [])
    async with world(channel or shows) as w, trio.open_nursery() as nursery:
        typing = Typing(w.store, {CHANNEL: w.channel}, lambda _: found.progress)
        message = InboundId(str(scalar(w.store.conn, "SELECT id FROM inbound")))
        found = Desk(w, shows, typing, message)
        nursery.start_soon(typing.run)
        yield found
        nursery.cancel_scope.cancel()


async def test_a_chat_is_shown_it_at_once_and_every_few_seconds_until_the_work_is_done(
    autojump_clock: MockClock,
) -> None:
    async with desk() as d:
        d.claim(d.message)
        assert await d.pulses_in(9) == pytest.approx([0, PULSE_SECONDS, 2 * PULSE_SECONDS])
        d.claim()
        assert len(await d.pulses_in(60)) == 3
        assert set(d.channel.places) == {HERE}


async def test_no_pulse_asks_the_truth_and_nobody_working_is_no_pulse(autojump_clock: MockClock) -> None:
    async with desk() as d:
        d.claim(d.message)
        await d.pulses_in(1)
        execute(d.world.store.conn, "PRAGMA foreign_keys = OFF; DELETE FROM inbound")
        d.claim(d.message)  # the same, as it is said at every look at the link
        assert len(await d.pulses_in(3600)) == pytest.approx(900, abs=2)
        assert set(d.channel.places) == {HERE}


@pytest.mark.parametrize(
    "progress",
    [
        Idle(),
        Offered(age=ZERO, left=MINUTE),
        WAITS[Phase.WAITING_RATE_LIMIT],
        WAITS[Phase.WAITING_ANSWER],
        Silent(MINUTE, MINUTE),
    ],
)
async def test_whoever_waits_or_is_stuck_does_not_type(autojump_clock: MockClock, progress: Progress) -> None:
    async with desk() as d:
        d.progress = progress
        d.claim(d.message)
        assert await d.pulses_in(30) == []
        d.progress = AT_WORK
        assert len(await d.pulses_in(5)) > 0


async def test_a_sandbox_that_is_gone_types_no_more_until_the_next_says_what_it_does(autojump_clock: MockClock) -> None:
    async with desk() as d:
        d.claim(d.message)
        await d.pulses_in(1)
        d.progress = None
        assert len(await d.pulses_in(30)) == 1
        d.progress = AT_WORK
        assert len(await d.pulses_in(30)) == 1
        d.claim(d.message)
        assert len(await d.pulses_in(1)) == 2


async def test_after_an_answer_it_rests_for_a_while(autojump_clock: MockClock) -> None:
    async with desk() as d:
        d.claim(d.message)
        await d.pulses_in(1)
        d.typing.said([LANE])
        assert len(await d.pulses_in(AFTER_WORDS_SECONDS - 1)) == 1
        assert len(await d.pulses_in(PULSE_SECONDS + 1)) == 2


async def test_a_task_is_nobodys_message(autojump_clock: MockClock) -> None:
    async with desk() as d:
        execute(d.world.store.conn, "UPDATE inbound SET kind = 'task'")
        d.claim(d.message)
        assert await d.pulses_in(30) == []


async def test_a_channel_that_fails_or_hangs_holds_nothing_up(autojump_clock: MockClock) -> None:
    async with desk() as d:
        d.channel.fails = True
        d.channel.seconds_of_a_pulse = SHOW_SECONDS * 10
        d.claim(d.message)
        assert len(await d.pulses_in(9)) == 3
        d.channel.seconds_of_a_pulse = 0
        assert len(await d.pulses_in(8)) == 5


async def test_where_no_channel_shows_it_nothing_is_asked(autojump_clock: MockClock) -> None:
    async with desk(ScriptedChannel(CHANNEL, False, InDoubt.SEND_AGAIN, [])) as d:
        execute(d.world.store.conn, "ALTER TABLE inbound RENAME TO elsewhere")
        d.claim(d.message)
        assert await d.pulses_in(30) == []
