"""A Matrix channel with a fake homeserver behind it and a list in front of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.channels.base import Outgoing, OutgoingFile, Receipt, Stored
from nanoclaw.channels.matrix.channel import MatrixChannel
from nanoclaw.core.speech import Native
from nanoclaw.model.messages import Address, InboundEvent, Rejection, Revision, Told
from tests.channels import ear
from tests.support.channels import MarksInMemory, means
from tests.support.matrix.homeserver import TOKEN

PATIENCE_SECONDS = 20.0


@define(eq=False)
class Heard:
    """What the house was told. Each platform message is kept once, as a house does."""

    told: list[InboundEvent | Revision] = field(factory=list[InboundEvent | Revision])
    calls: int = 0
    hold: trio.Event | None = None
    """While it is there and not set, nothing is stored."""
    _moved: trio.Event = field(factory=trio.Event)

    async def receive(self, told: Told) -> Receipt:
        """Keep *told*."""
        assert not isinstance(told, Rejection)
        self.calls += 1
        self._move()
        if self.hold is not None:
            await self.hold.wait()
        await trio.lowlevel.checkpoint()
        if _id(told) not in map(_id, self.told):
            self.told.append(told)
        self._move()
        return Stored()

    def _move(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

    async def called(self, number: int) -> None:
        """Wait until so much was told, also if it is not stored. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while self.calls < number:
                await self._moved.wait()

    async def until(self, number: int) -> list[InboundEvent | Revision]:
        """Wait for so many; returns all. Raises `TooSlowError`."""
        with trio.fail_after(PATIENCE_SECONDS):
            while len(self.told) < number:
                await self._moved.wait()
        return self.told

    @property
    def texts(self) -> list[str]:
        """What was said, in order."""
        return [one.text for one in self.told]


def _id(told: InboundEvent | Revision) -> tuple[str, str]:
    return told.platform_message_id, told.revision if isinstance(told, Revision) else ""


@asynccontextmanager
async def connected(
    url: str,
    folder: Path,
    heard: Heard,
    *,
    marks: MarksInMemory | None = None,
    invites: str = "*",
    token: str = TOKEN,
    engages: bool = True,
) -> AsyncGenerator[MatrixChannel]:
    """A channel that has heard its homeserver, until left. Give it *marks* for more than one life."""
    settings = {"url": url, "token": token, "invites": invites}
    channel = MatrixChannel(means("matrix", settings, folder, marks=marks, engages=engages))
    async with ear.connected(channel, heard.receive, patience=PATIENCE_SECONDS):
        yield channel


def outgoing(
    text: str,
    room: str = "!hall:example.org",
    *,
    key: str = "out-1",
    thread: str | None = None,
    answers: str | None = None,
    speaker: str | None = "Nano",
    native: Native | None = None,
    files: tuple[OutgoingFile, ...] = (),
) -> Outgoing:
    """A message of an agent's."""
    return Outgoing(
        key=key,
        to=Address(channel=means("matrix", {}, Path()).name, platform_id=room, thread_id=thread),
        text=text,
        native=native,
        files=files,
        answers=answers,
        speaker=speaker,
        more=False,
    )
