"""Errors: what may pass is waited out in the turn, by name; what does not is told; nothing is said or asked twice."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.core.pauses import FIRST, LONGEST
from runner.core.prompt import Message, SystemResponse, parse
from runner.prompting import SESSION_LOST
from runner.providers.base import Init, ProviderError, Result, TextDelta, Trouble, Waiting
from runner.providers.demo import DemoProvider
from tests.runner.link import chat
from tests.runner.scene import Scene
from tests.runner.scripted import Take, Until

BUSY = ProviderError(message="try later", retryable=True, trouble=Trouble.RATE_LIMIT)
OVERLOADED = ProviderError(message="try later", retryable=True, trouble=Trouble.OVERLOADED)
CRASHED = ProviderError(message="it died", retryable=True, trouble=Trouble.CRASHED)
NEVER = ProviderError(message="no more", retryable=False, trouble=Trouble.REFUSED)
UNKNOWN = ProviderError(message="who?", retryable=True, trouble=Trouble.UNKNOWN_SESSION)


def end(scene: Scene) -> None:
    """The provider ends its query by itself."""
    scene.query.end()


async def test_a_passing_error_is_waited_out_by_name_and_the_claim_stays(
    scene: Scene, autojump_clock: MockClock
) -> None:
    phases: list[object] = []
    scene.link.say(chat("a"))
    begin = trio.current_time()
    async with scene.scripted([BUSY], [lambda: phases.append(scene.link.state()["phase"]), BUSY], [Result("at last")]):
        await trio.sleep(FIRST / 2)
        assert scene.link.state()["phase"] == "waiting_rate_limit"
        assert scene.link.acks() == {"m2": "processing"}
        scene.link.say(chat("meanwhile"))
        await trio.sleep(FIRST / 4)
        assert scene.link.acks() == {"m2": "processing"}, "nothing is claimed while nothing can be said"
        await scene.until(scene.link.messages)
    assert trio.current_time() - begin == pytest.approx(3 * FIRST, abs=0.1)
    assert phases == ["turn"]
    assert "at last" in scene.link.texts()


async def test_a_provider_that_says_how_long_is_left_alone_for_so_long(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    begin = trio.current_time()
    limited = ProviderError(message="429", retryable=True, trouble=Trouble.RATE_LIMIT, retry_after=180)
    async with scene.scripted([limited], [Result("at last")]):
        await trio.sleep(170)
        assert scene.link.state()["phase"] == "waiting_rate_limit"
        await scene.settled()
    assert 180 <= trio.current_time() - begin < 181


async def test_a_provider_that_waits_by_itself_is_shown_to_wait(scene: Scene, autojump_clock: MockClock) -> None:
    phases: list[object] = []

    def look() -> None:
        phases.append(scene.link.state()["phase"])

    scene.link.say(chat("a"))
    waits = Waiting(Trouble.OVERLOADED, 5)
    async with scene.scripted([waits, look, waits, look, TextDelta("x"), look, Result("ok")]):
        await scene.settled()
    assert phases == ["waiting_rate_limit", "waiting_rate_limit", "turn"]


async def test_an_error_that_does_not_pass_fails_after_the_last_try(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    begin = trio.current_time()
    async with scene.scripted(*[[OVERLOADED]] * 6):
        await scene.settled()
    assert trio.current_time() - begin == pytest.approx(31, abs=0.1)
    assert scene.link.errors() == {"m2": "try later"}
    assert scene.link.messages() == []


async def test_a_result_makes_up_for_the_tries_before_it(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    begin = trio.current_time()
    async with scene.scripted(
        *[[OVERLOADED]] * 5, [Take(1), Result("one"), Until(2), Take(2), OVERLOADED], [Result("two")]
    ):
        await scene.settled()
        scene.link.say(chat("b"))
        await scene.until(lambda: scene.link.texts() == ["one", "two"])
    assert trio.current_time() - begin == pytest.approx(32, abs=0.2)


async def test_twenty_minutes_of_a_rate_limit_are_waited_out(scene: Scene, autojump_clock: MockClock) -> None:
    end = trio.current_time() + 20 * 60
    scene.link.say(chat("limited 1200"))
    async with scene.running(DemoProvider("Nano")):
        await scene.settled(every=5)
    assert end <= trio.current_time() <= end + LONGEST
    assert scene.link.texts() == ["I was refused for 1200 s."]


async def test_an_error_that_cannot_pass_fails_what_was_being_answered_and_no_more(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("bad"))
    async with scene.scripted([Init("s1"), Take(1), Until(2), NEVER], [Result("fine")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("good"))
        await scene.settled()
    assert scene.link.acks() == {"m2": "failed", "m4": "completed"}
    assert scene.link.errors() == {"m2": "no more", "m4": None}
    assert scene.said() == [(None, "m4", "fine")]
    assert scene.provider.asked[1][1] == "s1"


async def test_an_error_before_anything_was_taken_fails_the_first_input(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("bad"))
    async with scene.scripted([Until(2), NEVER], [Result("fine")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("good"))
        await scene.settled()
    assert scene.link.acks() == {"m2": "failed", "m4": "completed"}


async def test_a_process_that_dies_is_started_again_in_its_session_with_all_that_is_not_answered(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted(
        [Init("s1"), Take(1), Result("first"), Until(3), Take(2), CRASHED], [Until(2), Result("rest")]
    ):
        await scene.settled()
        scene.link.say(chat("two"))
        await wait_all_tasks_blocked()
        scene.link.say(chat("three"))
        await scene.settled()
    assert scene.heard() == [[4], [6]], "what was answered is not asked again"
    assert scene.provider.asked[1][1] == "s1"
    assert scene.said() == [(None, "m2", "first"), (None, "m6", "rest")]
    assert len({one.id for query in scene.provider.queries for one in query.heard}) == 5, "no name is given twice"


async def test_a_stream_that_just_ends_is_a_process_that_died(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([lambda: end(scene)], [Result("ok")]):
        await scene.settled()
    assert scene.link.texts() == ["ok"]


async def test_a_provider_that_dies_between_turns_costs_nobody_anything(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([Init("s1"), Result("one"), CRASHED], [Result("two")]):
        await scene.settled()
        scene.link.say(chat("b"))
        await scene.until(lambda: scene.link.texts() == ["one", "two"])
    assert scene.link.errors() == {"m2": None, "m4": None}


async def test_a_provider_that_breaks_costs_one_turn(
    scene: Scene, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([ZeroDivisionError("oops")], [Result("fine")]):
        await scene.settled()
        scene.link.say(chat("b"))
        await scene.until(lambda: scene.link.texts() == ["fine"])
    assert scene.link.errors()["m2"] == "ZeroDivisionError: oops"
    assert "provider_broke" in capsys.readouterr().err


async def test_a_session_that_is_gone_is_begun_anew_and_the_agent_is_told(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("a"))
    begin = trio.current_time()
    async with scene.scripted([UNKNOWN], [lambda: None, Init("s2"), Result("hi"), Until(2), None], continuation="s1"):
        await scene.settled()
        scene.link.say(chat("b"))
        await scene.until(lambda: len(scene.query.heard) == 2)
    assert trio.current_time() - begin < 0.1
    assert [continuation for _, continuation in scene.provider.asked] == ["s1", None]
    first, second = (parse(one.text).items for one in scene.query.heard)
    assert [type(item) for item in first] == [SystemResponse, Message]
    assert isinstance(first[0], SystemResponse)
    assert first[0].action == SESSION_LOST
    assert [type(item) for item in second] == [Message]
    assert scene.said() == [(None, "m2", "hi")]
    assert scene.link.saved() == {"continuation:scripted": "s2", "reached:scripted": ""}


async def test_a_new_session_that_is_not_known_is_an_error_like_others(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted(*[[UNKNOWN]] * 6):
        await scene.settled()
    assert scene.link.errors() == {"m2": "who?"}


async def test_half_an_answer_is_not_said_beside_the_whole_of_another(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("a"))
    half = Result('<message to="room">half</message><message to="mum">x</message>')
    async with scene.scripted([half, Until(2), CRASHED], [Result('<message to="room">whole</message>')]):
        await scene.settled()
    assert scene.link.texts() == ["whole"]
    assert scene.heard() == [[2]]
