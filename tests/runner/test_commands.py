"""Commands: each a turn of its own, in the order in which things were said."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.providers.base import Compacted, Init, ProviderError, Result, TextDelta, Trouble
from runner.turn import CLEARED
from tests.runner.link import chat
from tests.runner.scene import Scene
from tests.runner.scripted import Until


async def test_clear_forgets_the_session_and_says_so(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("@nano /Clear"))
    async with scene.scripted([Result("hi")], continuation="s1"):
        await scene.settled()
        assert scene.said() == [(None, "m2", CLEARED)]
        assert scene.link.saved() == {"continuation:scripted": "", "reached:scripted": ""}
        assert scene.provider.asked == []
        scene.link.say(chat("hello"))
        await scene.until(lambda: len(scene.link.messages()) == 2)
    assert scene.provider.asked[0][1] is None


async def test_clear_waits_for_the_turn_and_what_comes_after_it_waits_for_clear(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Init("s1"), Until(2), Result("a")], [Init("s2"), Result("b")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        scene.link.say(chat("/clear"))
        scene.link.say(chat("three"))
        scene.link.say(chat("by the way"), trigger=False)
        await scene.until(lambda: len(scene.link.messages()) == 3)
        assert scene.provider.queries[0].ended
        assert [continuation for _, continuation in scene.provider.asked] == [None, None]
    assert scene.said() == [(None, "m4", "a"), (None, "m6", CLEARED), (None, "m8", "b")]
    assert scene.heard() == [[8, 10]]
    assert set(scene.link.acks().values()) == {"completed"}


async def test_a_command_of_the_provider_is_said_as_it_is_and_alone(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"))
    scene.link.say(chat("@nano /compact  keep the names "))
    scene.link.say(chat("after"))
    async with scene.scripted(
        [Init("s1"), Result('<message to="room">a</message>')],
        [TextDelta("x"), Compacted(), Result(""), Until(2), Result('<message to="room">c</message>')],
        native=True,
    ):
        await scene.until(lambda: len(scene.link.messages()) == 3)
    assert scene.provider.asked[1] == ("/compact keep the names", "s1")
    assert scene.said() == [("room", "m2", "a"), (None, "m4", "/compact: done."), ("room", "m6", "c")]


async def test_what_comes_of_a_command_is_said_where_it_was_given(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("/cost"), source="family")
    async with scene.scripted([Result("4 dollars")], native=True):
        await scene.settled()
    assert scene.said() == [(None, "m2", "4 dollars")]


async def test_a_provider_without_commands_hears_them_as_words(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("/compact"))
    async with scene.scripted([Result("what?")]):
        await scene.settled()
    assert scene.heard() == [[2]]


async def test_a_command_that_somebody_only_overheard_is_none(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("/clear"), trigger=False)
    scene.link.say(chat("hello"))
    async with scene.scripted([Result("hi")], continuation="s1"):
        await scene.settled()
    assert scene.heard() == [[2, 4]]
    assert scene.provider.asked[0][1] == "s1"


async def test_a_command_is_asked_again_as_a_command(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("/cost"))
    busy = ProviderError(message="429", retryable=True, trouble=Trouble.NETWORK)
    async with scene.scripted([busy], [Result("4 dollars")], native=True):
        await scene.settled()
    assert [text for text, _ in scene.provider.asked] == ["/cost", "/cost"]
    assert scene.said() == [(None, "m2", "4 dollars")]


async def test_while_a_command_runs_nothing_else_is_said(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("/cost"))
    async with scene.scripted([TextDelta("x"), None], native=True):
        await wait_all_tasks_blocked()
        scene.link.say(chat("hello"))
        await trio.sleep(3)
        assert len(scene.query.heard) == 1
        assert scene.link.acks() == {"m2": "processing"}


async def test_with_each_result_goes_where_one_can_go_back_to_it(scene: Scene, autojump_clock: MockClock) -> None:
    seen: list[dict[str, str]] = []
    look = lambda: seen.append(scene.link.saved())  # noqa: E731 - a step of a script
    scene.link.say(chat("one"))
    async with scene.scripted(
        [Init("s1"), Result("a", continuation="s1@1"), look, Until(2), Result("b", continuation="s1@2"), look],
        continuation="s0",
    ):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        await scene.until(lambda: len(seen) == 2)
        scene.link.say(chat("/clear"))
        await scene.until(lambda: len(scene.link.messages()) == 3)
    assert [one["reached:scripted"] for one in seen] == ["s1@1", "s1@2"]
    assert scene.link.saved() == {"continuation:scripted": "", "reached:scripted": ""}
