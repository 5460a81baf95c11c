"""The loop: what makes it take a turn, and when it looks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.lowlevel
from attrs import define, field
from trio.testing import MockClock

from runner.core.prompt import Message, parse
from runner.inbox import Inbox
from runner.model import Zone
from runner.outbox import Outbox
from runner.poll import NET_SECONDS, Poll
from runner.providers.base import Result
from runner.turn import Turns
from runner.watch import InboxWatch
from tests.runner.link import NOW, Link, chat
from tests.runner.scripted import ScriptedProvider, Step


@define(eq=False)
class Scene:
    """A poll loop on the mock clock."""

    link: Link
    inbox: Inbox
    outbox: Outbox
    beats: list[float] = field(factory=list[float], init=False)
    provider: ScriptedProvider = field(init=False)
    watch: InboxWatch = field(init=False)

    def now(self) -> datetime:
        """The wall clock follows the mock clock."""
        return NOW + timedelta(seconds=round(trio.current_time(), 3))

    @asynccontextmanager
    async def polling(self, *, blind: bool = False, most: int = 10, answers: int = 20) -> AsyncIterator[None]:
        """Run the loop for the length of the block, with a provider that always says "ok"."""
        script: list[Step] = [Result("ok")]
        self.provider = ScriptedProvider([script] * answers)
        folder = self.link.folder if blind else self.link.inside
        self.watch = InboxWatch.open(folder, self.inbox.version)
        zone = Zone(name="UTC", rules=UTC)
        turns = Turns(self.provider, self.inbox, self.outbox, zone, self.now, self.beat, None)
        poll = Poll(self.inbox, self.outbox, self.watch, turns, self.now, self.beat, most)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll.run)
            yield
            nursery.cancel_scope.cancel()
        self.watch.close()

    def beat(self) -> None:
        """Note when."""
        self.beats.append(trio.current_time())

    def asked(self) -> list[list[int | None]]:
        """The numbers of the messages in each turn."""
        return [[item.id for item in parse(text).items if isinstance(item, Message)] for text, _ in self.provider.asked]


@pytest.fixture
def scene(link: Link, inbox: Inbox, outbox: Outbox) -> Scene:
    """A scene with one destination, "room"."""
    return Scene(link, inbox, outbox)


async def test_what_waits_at_the_start_is_answered_at_once(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("one"))
    scene.link.say(chat("two"))
    start = trio.current_time()
    async with scene.polling():
        await trio.testing.wait_all_tasks_blocked()
        assert scene.asked() == [[2, 4]]
        assert scene.link.acks() == {"m2": "completed", "m4": "completed"}
        assert trio.current_time() == start


async def test_a_runner_with_nothing_to_do_says_so_and_shows_life(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.polling():
        await trio.sleep(3.5)
        assert scene.link.state()["phase"] == "idle"
        assert scene.provider.asked == []
    assert scene.beats == [0, NET_SECONDS, 2 * NET_SECONDS, 3 * NET_SECONDS]


async def test_a_commit_is_answered_without_waiting_for_the_net(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.polling():
        await trio.sleep(0.5)
        scene.link.say(chat("hello"))
        await trio.testing.wait_all_tasks_blocked()
        assert scene.asked() == [[2]]
        assert trio.current_time() == 0.5
    assert scene.watch.net_found == 0


async def test_what_inotify_does_not_show_the_net_finds_and_counts(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.polling(blind=True):
        await trio.sleep(0.5)
        scene.link.say(chat("hello"))
        await trio.sleep(NET_SECONDS)
        assert scene.asked() == [[2]]
        assert scene.watch.net_found == 1


async def test_a_message_is_taken_once_however_long_the_host_leaves_it_pending(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    async with scene.polling():
        await trio.sleep(5)
        assert scene.asked() == [[2]]


async def test_what_is_due_later_is_taken_when_it_is_due(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("later"), process_after=NOW + timedelta(seconds=2.25))
    async with scene.polling():
        await trio.sleep(2.2)
        assert scene.asked() == []
        await trio.sleep(0.1)
        assert scene.asked() == [[2]]
    assert scene.watch.net_found == 0
    assert 2.25 in scene.beats


async def test_context_waits_for_somebody_to_ask(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("by the way"), trigger=False)
    async with scene.polling():
        await trio.sleep(3)
        assert scene.asked() == []
        scene.link.say(chat("what do you think?"))
        await trio.testing.wait_all_tasks_blocked()
        assert scene.asked() == [[2, 4]]


async def test_more_than_fits_is_taken_turn_by_turn(scene: Scene, autojump_clock: MockClock) -> None:
    for number in range(5):
        scene.link.say(chat(str(number)))
    async with scene.polling(most=2):
        await trio.testing.wait_all_tasks_blocked()
        assert scene.asked() == [[2, 4], [6, 8], [10]]


async def test_rows_for_a_fresh_sandbox_are_all_taken_at_its_start_and_never_later(
    scene: Scene, autojump_clock: MockClock
) -> None:
    for number in range(3):
        scene.link.say(chat(str(number)), on_wake=True)
    async with scene.polling(most=1):
        await trio.testing.wait_all_tasks_blocked()
        assert scene.asked() == [[2], [4], [6]]
        scene.link.say(chat("too late"), on_wake=True)
        await trio.sleep(3)
        assert len(scene.asked()) == 3


async def test_what_cannot_be_read_fails_and_the_rest_is_taken(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say('{"text": 1}')
    scene.link.say(chat("hello"))
    scene.link.say("not json", trigger=False)
    async with scene.polling():
        await trio.testing.wait_all_tasks_blocked()
    assert scene.asked() == [[4]]
    assert scene.link.acks() == {"m2": "failed", "m4": "completed", "m6": "failed"}
    errors = scene.link.errors()
    assert errors["m6"] == "cannot be read: not JSON at character 0"


async def test_a_file_that_is_locked_for_a_moment_is_looked_at_again(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("hello"))
    scene.link.lock()
    async with scene.polling():
        await trio.lowlevel.checkpoint()
        await trio.sleep(0.01)
        assert scene.asked() == []
        scene.link.unlock()
        await trio.sleep(0.1)
        assert scene.asked() == [[2]]
