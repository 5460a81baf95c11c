"""The terminal shows what is more than a text, by frames of its own, and hears which question an answer is for."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import NotHeard, Outgoing, Receipt, Stored
from nanoclaw.channels.terminal.channel import CHANNEL, CONVERSATION, TerminalChannel
from nanoclaw.channels.terminal.frames import (
    Declined,
    FromHost,
    Kept,
    Say,
    Seen,
    Show,
    Welcome,
    read_host,
    write_client,
)
from nanoclaw.core.speech import Native, ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.kit.lines import LineStream
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import OutboundId, QuestionId
from nanoclaw.model.messages import Address, Choice, InboundEvent, Told
from schema.payloads import Option

PLAIN = Show(key="out", text="words", speaker="Nano", answers=None, more=False)
OPTIONS = (Option(label="Yes", value="y"), Option(label="No", value="n"))


@define
class Desk:
    """A chat with a channel, and what the channel brought."""

    channel: TerminalChannel
    lines: LineStream
    receipt: Receipt = field(factory=Stored)
    heard: list[Told] = field(factory=list[Told])

    async def receive(self, told: Told) -> Receipt:
        await trio.lowlevel.checkpoint()
        self.heard.append(told)
        return self.receipt

    async def next_frame(self) -> FromHost:
        return read_host(await self.lines.receive())


@asynccontextmanager
async def chat() -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        socket = Path(folder, "s")
        welcome = Welcome(agent="Nano", sandbox="none", provider="demo")
        channel = TerminalChannel(socket, welcome, "Ada", Spool(Path(folder)))
        desk = Desk(channel, None)  # type: ignore[arg-type]  # it is there once the channel is

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await channel.run(desk.receive, ready=lambda: None, task_status=task_status)

        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            desk.lines = LineStream(await trio.open_unix_socket(str(socket)))
            assert await desk.next_frame() == welcome
            yield desk
            await desk.lines.aclose()
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("native", "shown"),
    [
        (None, PLAIN),
        (ShowEdit(platform_message_id="k0"), evolve(PLAIN, edits="k0")),
        (
            ShowReaction(platform_message_id="k0", emoji="👍", quoted="well"),
            evolve(PLAIN, text="👍", reacts_to="k0", quoted="well"),
        ),
        (ShowCard(title="Menu", description="Soup"), evolve(PLAIN, title="Menu", text="Soup")),
        (
            ShowQuestion(question=QuestionId("q1"), title="Cake", text="Now?", options=OPTIONS),
            evolve(PLAIN, title="Cake", text="Now?", question="q1", options=("Yes", "No")),
        ),
    ],
)
async def test_each_kind_has_its_frame_and_the_name_of_the_message_is_its_key(
    native: Native | None, shown: Show
) -> None:
    message = Outgoing(
        key=OutboundId("out"),
        to=Address(channel=CHANNEL, platform_id=CONVERSATION),
        text="words",
        native=native,
        answers=None,
        speaker="Nano",
        more=False,
    )
    async with chat() as desk, trio.open_nursery() as nursery:
        named: list[str] = []

        async def deliver() -> None:
            named.append(await desk.channel.deliver(message))

        nursery.start_soon(deliver)
        assert await desk.next_frame() == shown
        await desk.lines.send(write_client(Seen(key="out")))
        while not named:
            await trio.lowlevel.checkpoint()
        assert named == ["out"]


async def test_an_answer_says_for_which_question_and_hears_what_follows_from_it() -> None:
    async with chat() as desk:
        desk.receipt = Stored(answers_for="said-1")
        await desk.lines.send(write_client(Say(id="said-2", text="2", question="q1")))
        assert await desk.next_frame() == Kept(id="said-2", answers_for="said-1")
        (told,) = desk.heard
        assert isinstance(told, InboundEvent)
        assert told.choice == Choice(question=QuestionId("q1"), said="2", typed=True)


async def test_an_answer_to_nothing_is_declined() -> None:
    async with chat() as desk:
        desk.receipt = NotHeard("no-question", "there is no such question here")
        await desk.lines.send(write_client(Say(id="said-2", text="2", question="q9")))
        assert await desk.next_frame() == Declined(id="said-2", why="there is no such question here")
