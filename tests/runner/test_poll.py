"""The loop: what makes it take a turn, and when it looks again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from runner.core.prompt import Message, parse
from runner.poll import NET_SECONDS
from tests.runner.link import NOW, chat
from tests.runner.scene import Scene
from tests.runner.scripted import ObligingProvider


def asked(provider: ObligingProvider) -> list[list[int | None]]:
    """The numbers of the messages in each input."""
    return [[item.id for item in parse(one.text).items if isinstance(item, Message)] for one in provider.heard]


@pytest.fixture
def provider() -> ObligingProvider:
    """One that answers everything at once."""
    return ObligingProvider()


async def test_what_waits_at_the_start_is_answered_at_once(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    scene.link.say(chat("two"))
    start = trio.current_time()
    async with scene.running(provider):
        await trio.testing.wait_all_tasks_blocked()
        assert asked(provider) == [[2, 4]]
        assert scene.link.acks() == {"m2": "completed", "m4": "completed"}
        assert trio.current_time() == start


async def test_a_runner_with_nothing_to_do_says_so_and_shows_life(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    async with scene.running(provider):
        await trio.sleep(3.5)
        assert scene.link.state()["phase"] == "idle"
        assert provider.heard == []
    assert scene.beats == [0, NET_SECONDS, 2 * NET_SECONDS, 3 * NET_SECONDS]


async def test_a_commit_is_answered_without_waiting_for_the_net(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    async with scene.running(provider):
        await trio.sleep(0.5)
        scene.link.say(chat("hello"))
        await trio.testing.wait_all_tasks_blocked()
        assert asked(provider) == [[2]]
        assert trio.current_time() == 0.5
    assert scene.watch.net_found == 0


async def test_what_inotify_does_not_show_the_net_finds_and_counts(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    async with scene.running(provider, blind=True):
        await trio.sleep(0.5)
        scene.link.say(chat("hello"))
        await trio.sleep(NET_SECONDS)
        assert asked(provider) == [[2]]
        assert scene.watch.net_found == 1


async def test_a_message_is_taken_once_however_long_the_host_leaves_it_pending(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    async with scene.running(provider):
        await trio.sleep(5)
        assert asked(provider) == [[2]]


async def test_what_is_due_later_is_taken_when_it_is_due(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("later"), process_after=NOW + timedelta(seconds=2.25))
    async with scene.running(provider):
        await trio.sleep(2.2)
        assert asked(provider) == []
        await trio.sleep(0.1)
        assert asked(provider) == [[2]]
    assert scene.watch.net_found == 0
    assert 2.25 in scene.beats


async def test_context_waits_for_somebody_to_ask(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("by the way"), trigger=False)
    async with scene.running(provider):
        await trio.sleep(3)
        assert asked(provider) == []
        scene.link.say(chat("what do you think?"))
        await trio.testing.wait_all_tasks_blocked()
        assert asked(provider) == [[2, 4]]


async def test_more_than_fits_is_taken_turn_by_turn(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    for number in range(5):
        scene.link.say(chat(str(number)))
    async with scene.running(provider, most=2):
        await trio.testing.wait_all_tasks_blocked()
        assert asked(provider) == [[2, 4], [6, 8], [10]]


async def test_rows_for_a_fresh_sandbox_are_all_taken_at_its_start_and_never_later(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    for number in range(3):
        scene.link.say(chat(str(number)), on_wake=True)
    async with scene.running(provider, most=1):
        await trio.testing.wait_all_tasks_blocked()
        assert asked(provider) == [[2], [4], [6]]
        scene.link.say(chat("too late"), on_wake=True)
        await trio.sleep(3)
        assert len(asked(provider)) == 3


async def test_what_cannot_be_read_fails_and_the_rest_is_taken(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say('{"text": 1}')
    scene.link.say(chat("hello"))
    scene.link.say("not json", trigger=False)
    async with scene.running(provider):
        await trio.testing.wait_all_tasks_blocked()
    assert asked(provider) == [[4]]
    assert scene.link.acks() == {"m2": "failed", "m4": "completed", "m6": "failed"}
    errors = scene.link.errors()
    assert errors["m6"] == "cannot be read: not JSON at character 0"


async def test_a_file_that_is_locked_for_a_moment_is_looked_at_again(
    scene: Scene, provider: ObligingProvider, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    scene.link.lock()
    async with scene.running(provider):
        await trio.lowlevel.checkpoint()
        await trio.sleep(0.01)
        assert asked(provider) == []
        scene.link.unlock()
        await trio.sleep(0.1)
        assert asked(provider) == [[2]]
