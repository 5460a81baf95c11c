"""Strangers and unknown chats, over the wire: the owner is shown a card, decides, and they are answered or not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field

from nanoclaw import app, config
from nanoclaw.channels.terminal.frames import Kept, Say, Seen, Show, read_host, write_client
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.lines import LineStream
from nanoclaw.model.entities import UnknownSenderPolicy
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.settings import WebSettings
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from nanoclaw.store.verify import verify
from schema import sqlite
from schema.sqlite import Connection
from tests.support.central import World
from tests.support.platform import FakePlatform
from tests.support.platform_channel import CHANNEL, PlatformChannel

PATIENCE = 120.0
A_WAY = re.compile(r"^    (.+) ([0-9a-z]{4})$", re.MULTILINE)


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    return home


@define
class Terminal:
    """The owner at their terminal."""

    lines: LineStream
    shown: list[Show] = field(factory=list[Show])
    _said: int = 0

    async def next(self) -> Show:
        """What is shown next."""
        with trio.fail_after(PATIENCE):
            while True:
                frame = read_host(await self.lines.receive())
                if isinstance(frame, Show):
                    await self.lines.send(write_client(Seen(key=frame.key)))
                    return frame

    async def type(self, text: str) -> None:
        """Say something, which is taken."""
        self._said += 1
        await self.lines.send(write_client(Say(id=f"t{self._said}", text=text)))
        with trio.fail_after(PATIENCE):
            while not isinstance(frame := read_host(await self.lines.receive()), Kept):
                if isinstance(frame, Show):
                    await self.lines.send(write_client(Seen(key=frame.key)))
                    self.shown.append(frame)


def an_asking_chat(conn: Connection) -> None:
    """A room in which an agent hears members, of whom there are none."""
    world = World(conn=conn, now=SystemClock().now())
    world.wire(world.chat("room", channel=CHANNEL, policy=UnknownSenderPolicy.REQUEST_APPROVAL), world.agent("anna"))


@asynccontextmanager
async def host(home: Path, platform: FakePlatform) -> AsyncIterator[None]:
    """One life of a host on that platform."""
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda *, task_status: app.serve(
                config.Config(home=home, web=WebSettings(enabled=False)),
                announce=lambda _: None,
                engines=lambda: [ProcessEngine(find_runtime())],
                more_channels=lambda: [PlatformChannel(platform.port)],
                task_status=task_status,
            )
        )
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def terminal(home: Path) -> AsyncIterator[Terminal]:
    """An open chat."""
    lines = LineStream(await trio.open_unix_socket(str(home / "run" / "cli.sock")))
    try:
        yield Terminal(lines)
    finally:
        with trio.move_on_after(1, shield=True):
            await lines.aclose()


async def answered(platform: FakePlatform, number: int) -> str:
    """What was posted as the *number*-th."""
    with trio.fail_after(PATIENCE):
        while len(platform.posts) < number:  # noqa: ASYNC110 - it asks another thread
            await trio.sleep(0.02)
    return platform.posts[number - 1].text


def ways(card: Show) -> dict[str, str]:
    """What can be typed, by the option."""
    return {label: f"{label} {code}" for label, code in A_WAY.findall(card.text)}


def assert_sound(home: Path) -> None:
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        assert verify(conn, home, host=None, now=SystemClock().now()) == []
    finally:
        conn.close()


async def test_a_stranger_is_allowed_after_a_restart_and_gets_an_answer_to_what_they_had_said(
    home: Path, platform: FakePlatform
) -> None:
    make_folders(home)
    async with open_database(config.Config(home=home).database) as store:
        await store.transact(an_asking_chat)
    async with host(home, platform), terminal(home) as owner:
        platform.say({"id": "m1", "text": "may I come in?", "sender": "Eve", "room": "room", "is_group": True})
        card = await owner.next()
        assert "Who: “Eve”" in card.text
        assert "may I come in" not in card.text
        assert list(ways(card)) == ["Allow", "Deny"]
    async with host(home, platform), terminal(home) as owner:
        await owner.type(ways(card)["Allow"])
        assert (await answered(platform, 1)).startswith("You said “may I come in?”.")
        # A host that stops before it hears that the card was seen shows it again.
        while not (edits := [frame for frame in owner.shown if frame.edits is not None]):
            owner.shown.append(await owner.next())
        [changed] = edits
        assert changed.edits == card.key
        assert "approved by" in changed.text.casefold()
    assert_sound(home)


async def test_a_chat_that_no_agent_hears_gets_a_new_one_and_a_second_one_is_refused_for_good(
    home: Path, platform: FakePlatform
) -> None:
    async with host(home, platform), terminal(home) as owner:
        platform.say({"id": "m1", "text": "anybody?", "sender": "Eve", "room": "C1"})
        card = await owner.next()
        assert list(ways(card)) == ["Connect to main", "New agent", "Reject"]
        await owner.type(ways(card)["New agent"])
        await owner.type("Night Watch")
        assert (await answered(platform, 1)).startswith("You said “anybody?”.")
        platform.say({"id": "m2", "text": "and I?", "sender": "Mallory", "room": "C2"})
        frames = [await owner.next(), *owner.shown]
        while not (cards := [frame for frame in frames if "C2" in frame.text]):
            frames.append(await owner.next())
        await owner.type(ways(cards[0])["Reject"])
        platform.say({"id": "m3", "text": "please?", "sender": "Mallory", "room": "C2"})
        platform.say({"id": "m4", "text": "again", "sender": "Eve", "room": "C1"})
        assert (await answered(platform, 2)).startswith("You said “again”.")
    assert_sound(home)
    assert b"and I?" not in await trio.Path(home / "nanoclaw.db").read_bytes()
