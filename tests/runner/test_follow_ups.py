"""What is said while a turn runs: it joins, and is settled with the result that answers it, and with no other."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.providers.base import Result, TextDelta
from tests.runner.link import chat
from tests.runner.scene import Scene
from tests.runner.scripted import Take, Until


async def test_what_comes_in_the_middle_of_a_turn_is_claimed_and_said_at_once(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([TextDelta("a"), None]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        scene.link.say(chat("by the way"), trigger=False)
        await scene.until(lambda: len(scene.query.heard) == 2)
        assert scene.link.acks() == {"m2": "processing", "m4": "processing", "m6": "processing"}
    assert scene.heard() == [[2], [4, 6]]


async def test_what_is_only_context_joins_a_turn_and_begins_none(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Until(2), Result("ok")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("by the way"), trigger=False)
        await scene.settled()
        assert scene.heard() == [[2], [4]]
        scene.link.say(chat("too late"), trigger=False)
        await trio.sleep(3)
        assert scene.heard() == [[2], [4]]
    assert scene.link.acks() == {"m2": "completed", "m4": "completed"}


async def test_one_result_settles_all_that_was_taken_before_it(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Until(2), Result("both")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        await scene.settled()
    assert scene.said() == [(None, "m4", "both")]
    assert set(scene.link.acks().values()) == {"completed"}


async def test_what_was_said_and_not_taken_waits_for_a_later_result(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("one"))
    seen: list[dict[str, str]] = []
    async with scene.scripted(
        [Take(1), Until(2), Result("first"), lambda: seen.append(scene.link.acks()), Take(2), Result("second")]
    ):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        await scene.settled()
    assert seen == [{"m2": "completed", "m4": "processing"}]
    assert scene.said() == [(None, "m2", "first"), (None, "m4", "second")]


async def test_a_result_that_answers_nothing_settles_nothing_and_is_said_where_the_last_was(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Take(1), Result("first"), Result("and by the way")]):
        await scene.until(lambda: len(scene.link.messages()) == 2)
    assert scene.said() == [(None, "m2", "first"), (None, "m2", "and by the way")]


async def test_a_reply_answers_the_newest_message_of_the_place_it_is_for(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("one"), source="room", thread="t1")
    scene.link.say(chat("two"), source="family")
    scene.link.say(chat("three"), source="family", trigger=False)
    words = '<message to="room">a</message><message to="family">b</message>'
    async with scene.scripted([Result(words)]):
        await scene.settled()
    assert scene.said() == [("room", "m2", "a"), ("family", "m4", "b")]


async def test_a_message_whose_turn_was_broken_off_is_alone_in_its_turn(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("again"), tries=1)
    scene.link.say(chat("later"))
    async with scene.scripted([TextDelta("x"), Take(1), Result("a"), Until(2), Take(2), Result("b")]):
        await scene.settled()
        await scene.until(lambda: len(scene.link.messages()) == 2)
    assert scene.heard() == [[2], [4]]
    assert scene.said() == [(None, "m2", "a"), (None, "m4", "b")]


async def test_an_agent_that_does_not_say_to_whom_is_told_once(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"))
    seen: list[dict[str, str]] = []
    async with scene.scripted(
        [
            Result('hello <message to="room">part</message><message to="mum">x</message>'),
            Until(2),
            lambda: seen.append(scene.link.acks()),
            Result('<message to="family">hello</message>'),
        ]
    ):
        await scene.settled()
    (told,) = scene.told()
    assert "there is no destination mum" in told
    assert "family, room" in told
    assert seen == [{"m2": "processing"}], "nothing is settled, and nothing said, before the whole is there"
    assert scene.said() == [("room", "m2", "part"), ("family", "m2", "hello")]


async def test_an_agent_that_does_not_learn_is_not_told_again(
    scene: Scene, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"))
    async with scene.scripted([Result("hello"), Until(2), Result("hello?")]):
        await scene.settled()
    assert len(scene.told()) == 1
    assert scene.link.messages() == []
    assert scene.link.acks() == {"m2": "completed"}
    assert "lost_words" in capsys.readouterr().err
