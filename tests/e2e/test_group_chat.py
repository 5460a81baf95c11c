"""Two agents in one chat of a platform with threads, over the wire: who answers, and what they had read by then."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from attrs import define

from nanoclaw import app, config
from nanoclaw.core.speech import Ability
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, UnknownSenderPolicy
from nanoclaw.model.rights import Member
from nanoclaw.sandboxes.process import ProcessEngine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.settings import WebSettings
from nanoclaw.store import entities, people
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from nanoclaw.store.verify import verify
from schema import sqlite
from schema.sqlite import Connection
from tests.support.central import World
from tests.support.platform import FakePlatform
from tests.support.platform_channel import CHANNEL, PlatformChannel

ROOM = "room"
PATIENCE = 120.0


@define
class Room:
    """A group chat, and what was posted there."""

    home: Path
    platform: FakePlatform
    channel: PlatformChannel

    async def say(self, number: int, text: str, **more: object) -> None:
        """Somebody says something; unless it is said otherwise, to nobody in particular."""
        event = {"id": f"m{number}", "text": text, "room": ROOM, "is_group": True, "mention": False, **more}
        await trio.to_thread.run_sync(lambda: self.platform.say(event))

    async def posts(self, number: int) -> list[str]:
        """All that was posted, once there are *number* of them."""
        with trio.fail_after(PATIENCE):
            while len(self.platform.posts) < number:  # noqa: ASYNC110 - it asks another thread
                await trio.sleep(0.02)
        return [post.text for post in self.platform.posts]


@pytest.fixture
def home(home: Path) -> Path:
    home.mkdir()
    return home


def two_agents(conn: Connection) -> None:
    """Anna takes up whatever says "deploy"; Bob what is said to him, and keeps the rest."""
    world = World(conn=conn, now=SystemClock().now())
    room = world.chat(ROOM, channel=CHANNEL)
    world.wire(room, world.agent("anna"), pattern="deploy", priority=5)
    world.wire(room, world.agent("bob"), mode=EngageMode.MENTION_STICKY, ignored=IgnoredMessagePolicy.ACCUMULATE)


def known_people_only(conn: Connection) -> None:
    """Anna takes up deployments of members, Bob keeps whatever they say; Ada is one, and everybody else a stranger."""
    world = World(conn=conn, now=SystemClock().now())
    room = world.chat(ROOM, channel=CHANNEL, policy=UnknownSenderPolicy.STRICT)
    world.wire(room, world.agent("anna"), pattern="deploy")
    world.wire(room, world.agent("bob"), mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
    ada = world.user("ada", channel=CHANNEL)
    for agent in entities.agent_groups(conn):
        people.add_member(conn, Member(user_id=ada, agent_group_id=agent.id, added_by=None, added_at=world.now))


@asynccontextmanager
async def living_room(
    home: Path,
    platform: FakePlatform,
    *,
    threaded: bool,
    furnish: Callable[[Connection], None] = two_agents,
    shows: bool = True,
) -> AsyncIterator[Room]:
    """A host with two agents, on that platform, which *shows* who speaks."""
    make_folders(home)
    settings = config.Config(home=home, web=WebSettings(enabled=False))
    async with open_database(settings.database) as store:
        await store.transact(furnish)
    channel = PlatformChannel(platform.port, threaded=threaded, abilities=frozenset({Ability.SPEAKER} if shows else ()))
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda *, task_status: app.serve(
                settings,
                announce=lambda _: None,
                engines=lambda: [ProcessEngine(find_runtime())],
                more_channels=lambda: [channel],
                task_status=task_status,
            )
        )
        yield Room(home, platform, channel)
        nursery.cancel_scope.cancel()
    conn = sqlite.open_read_only(settings.database)
    try:
        assert verify(conn, home, host=None, now=SystemClock().now()) == []
    finally:
        conn.close()


async def test_what_one_agent_answers_the_other_keeps_and_has_read_when_it_is_asked(
    home: Path, platform: FakePlatform
) -> None:
    async with living_room(home, platform, threaded=False) as room:
        await room.say(1, "deploy now")
        assert await room.posts(1) == ["You said “deploy now”. On a swing that is “dEpLoY NoW”."]
        await room.say(2, "lunch?")
        await room.say(3, "@bot summary", mention=True)
        first, second = await room.posts(2)
        assert first.startswith("You said “deploy now”.")
        assert second.startswith("You said “@bot summary”.")
        assert second.endswith("(I have also read 2 messages that were not said to me.)")
        await room.say(4, "deploy again")
        # Somebody who had taken the kept messages for asked ones would have said more by now.
        assert [text[:24] for text in await room.posts(3)] == [first[:24], second[:24], "You said “deploy again”."]


async def test_a_thread_takes_over_the_talk_of_its_chat_and_keeps_the_agent_that_was_asked_there(
    home: Path, platform: FakePlatform
) -> None:
    async with living_room(home, platform, threaded=True) as room:
        await room.say(1, "who is on call?", thread="t1", starts_thread=True)
        await room.say(2, "the build is red", thread="t2", starts_thread=True)
        await room.say(3, "@bot help us", thread="t3", starts_thread=True, mention=True)
        (answer,) = await room.posts(1)
        assert answer.endswith("(I have also read 2 messages that were not said to me.)")
        await room.say(4, "and now?", thread="t3")
        assert (await room.posts(2))[1].startswith("You said “and now?”.")
        assert [post.thread for post in platform.posts] == ["t3", "t3"]
        assert [post.answers for post in platform.posts] == ["m3", "m4"]
        assert set(room.channel.subscribed) == {"t3"}


async def test_who_speaks_is_said_where_the_platform_does_not_show_it(home: Path, platform: FakePlatform) -> None:
    async with living_room(home, platform, threaded=False, shows=False) as room:
        await room.say(1, "deploy ◆ bob", mention=False)
        assert (await room.posts(1))[0].startswith("**◆ anna**\nYou said “deploy ◇ bob”.")
        await room.say(2, "well?", mention=True)
        assert (await room.posts(2))[1].startswith("**◆ bob**\nYou said “well?”.")


async def test_an_edit_after_the_answer_comes_along_with_the_next_question(home: Path, platform: FakePlatform) -> None:
    async with living_room(home, platform, threaded=False) as room:
        await room.say(1, "@bot fix it", mention=True)
        await room.posts(1)
        await room.say(2, "@bot fix that", revises="m1")
        await room.say(3, "@bot well?", mention=True)
        assert (await room.posts(2))[1].endswith("(I have also read a message that was not said to me.)")


async def test_a_question_is_answered_by_whom_the_agent_named_and_by_nobody_else(
    home: Path, platform: FakePlatform
) -> None:
    async with living_room(home, platform, threaded=False) as room:
        await room.say(1, "I would like something to drink", sender="Carl")
        await room.say(2, "ask a question of Carla, test:carl", sender="Ada", mention=True)
        (refused,) = await room.posts(1)
        assert "you have seen nobody called “Carla” in that chat" in refused
        await room.say(3, "ask a question of Carl", sender="Ada", mention=True)
        assert "1. Tea" in (await room.posts(2))[1]
        for number, who in enumerate(("Ada", "Eve"), start=4):
            await room.say(number, "tea", sender=who)
        await room.say(6, "coffee", sender="Carl")
        assert "Carl chose “Coffee”" in (await room.posts(3))[2]


async def test_what_was_refused_is_in_no_file_of_the_home_while_it_runs_and_afterwards(
    home: Path, platform: FakePlatform
) -> None:
    async with living_room(home, platform, threaded=False, furnish=known_people_only) as room:
        await room.say(1, "deploy kumquat-1", sender="Eve")
        await room.say(2, "@bot kumquat-2", sender="Eve", mention=True)
        await room.say(3, "lunch? kumquat-3", sender="Eve")
        await room.say(4, "/clear kumquat-4", mention=True)
        await room.say(5, "@bot /help kumquat-5", mention=True)
        await room.say(6, "deploy banana-6")
        answers = await room.posts(2)
        assert answers[0].startswith("Permission denied: /clear")
        assert answers[1].startswith("You said “deploy banana-6”.")
        assert said_in(home) == {"banana-6"}
    assert said_in(home) == {"banana-6"}


def said_in(home: Path) -> set[str]:
    """The fruit of which there is a trace in any file below *home*."""
    found = set[bytes]()
    for path in home.rglob("*"):
        with suppress(FileNotFoundError):  # a journal that was there a moment ago
            found |= set(re.findall(rb"(?:kumquat|banana)-\d", path.read_bytes() if path.is_file() else b""))
    return {word.decode() for word in found}
