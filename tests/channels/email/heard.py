"""An email channel with servers behind it and a list in front of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import trio
from attrs import define, evolve, field, frozen

from nanoclaw.channels.base import Outgoing, OutgoingFile, Receipt, Stored
from nanoclaw.channels.email.channel import EmailChannel
from nanoclaw.channels.email.settings import settings
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address, InboundEvent, Told
from tests.channels import ear
from tests.support.channels import MarksInMemory, means

PATIENCE_SECONDS = 40.0
NOW = timedelta()


@frozen
class Later:
    """A clock that is so much ahead."""

    by: timedelta

    def now(self) -> datetime:
        """As `Clock` has it."""
        return SystemClock().now() + self.by


@define(eq=False)
class Heard:
    """What the house was told, each message once."""

    told: list[InboundEvent] = field(factory=list[InboundEvent])
    calls: int = 0
    _moved: trio.Event = field(factory=trio.Event)

    async def receive(self, told: Told) -> Receipt:
        """Keep *told*."""
        await trio.lowlevel.checkpoint()
        assert isinstance(told, InboundEvent)
        self.calls += 1
        if told.platform_message_id not in {one.platform_message_id for one in self.told}:
            self.told.append(told)
        self._moved.set()
        self._moved = trio.Event()
        return Stored()

    async def until(self, number: int) -> list[InboundEvent]:
        """Wait for so many; returns all. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(self.told) < number:
                await self._moved.wait()
        return self.told

    @property
    def texts(self) -> list[str]:
        """What was said, in order."""
        return [one.text for one in self.told]


@asynccontextmanager
async def connected(
    told: Mapping[str, str], folder: Path, heard: Heard, marks: MarksInMemory | None = None, *, later: timedelta = NOW
) -> AsyncGenerator[EmailChannel]:
    """A channel that has heard its mailbox, until left. Give it *marks* for more than one life.

    Its clock is so much *later* than it is.
    """
    made_of = evolve(means("email", told, folder, marks=marks), clock=Later(later))
    channel = EmailChannel(made_of, settings(told))
    async with ear.connected(channel, heard.receive, patience=PATIENCE_SECONDS):
        yield channel


def outgoing(
    text: str,
    to: str = "ada@example.org",
    *,
    key: str = "out-1",
    thread: str | None = None,
    answers: str | None = None,
    speaker: str | None = "Nano",
    files: tuple[OutgoingFile, ...] = (),
    again: bool = False,
) -> Outgoing:
    """A message of an agent's."""
    return Outgoing(
        key=key,
        to=Address(channel=ChannelName("email"), platform_id=to, thread_id=thread),
        text=text,
        files=files,
        answers=answers,
        speaker=speaker,
        more=False,
        again=again,
    )
