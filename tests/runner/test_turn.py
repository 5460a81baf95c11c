"""Turns, from claim to settlement, in one query."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.core.prompt import Message, parse
from runner.providers.base import (
    Activity,
    Compacted,
    Init,
    ProviderError,
    Result,
    TextDelta,
    ToolEnded,
    ToolStarted,
    Trouble,
    Usage,
)
from schema.payloads import Attachment, ChatIn
from schema.sqlite import SqliteError
from schema.times import write_time
from tests.runner.link import NOW, chat
from tests.runner.scene import Scene
from tests.runner.scripted import Step, Until

REFUSED = ProviderError(message="no", retryable=False, trouble=Trouble.REFUSED)


def end(scene: Scene) -> None:
    """The provider ends its query by itself."""
    scene.query.end()


async def test_a_message_is_claimed_asked_and_settled(scene: Scene, autojump_clock: MockClock) -> None:
    seen: list[dict[str, str]] = []
    scene.link.say(chat("hello"))
    scene.link.say(chat("there"), trigger=False)
    async with scene.scripted([Init("s1"), lambda: seen.append(scene.link.acks()), Result("hello back")]):
        await scene.settled()
    assert seen == [{"m2": "processing", "m4": "processing"}]
    assert scene.link.acks() == {"m2": "completed", "m4": "completed"}
    assert scene.said() == [(None, "m2", "hello back")]
    assert scene.link.messages()[0]["seq"] == 5
    assert scene.link.saved() == {"continuation:scripted": "s1"}
    assert scene.link.state()["phase"] == "idle"
    ((prompt, continuation),) = scene.provider.asked
    assert continuation is None
    assert [item.text for item in parse(prompt).items if isinstance(item, Message)] == ["hello", "there"]
    assert scene.provider.left == 1


async def test_the_name_of_a_session_is_saved_with_an_answer_that_follows_at_once(
    scene: Scene, autojump_clock: MockClock
) -> None:
    saved: list[dict[str, str]] = []
    scene.link.say(chat("hello"))
    async with scene.scripted([Init("s1"), lambda: saved.append(scene.link.saved()), Activity(), Result("hi")]):
        await scene.settled()
    assert saved == [{}]
    assert scene.link.saved() == {"continuation:scripted": "s1"}


async def test_the_name_of_a_session_is_saved_although_its_answer_takes_long(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    async with scene.scripted([Init("s1"), Until(2)]):
        await trio.sleep(0.04)
        assert scene.link.saved() == {}
        await trio.sleep(0.02)
        assert scene.link.saved() == {"continuation:scripted": "s1"}


async def test_the_name_of_a_session_is_saved_although_its_query_fails(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("hello"))
    async with scene.scripted([Init("s1"), REFUSED]):
        await scene.settled()
    assert scene.link.saved() == {"continuation:scripted": "s1"}


async def test_the_next_turn_is_said_to_the_query_that_is_open(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Result("first"), Until(2), Result("second")]):
        await scene.settled()
        scene.link.say(chat("two"))
        await scene.settled()
        assert not scene.query.ended
    assert scene.heard() == [[2], [4]]
    assert scene.said() == [(None, "m2", "first"), (None, "m4", "second")]
    assert len(scene.provider.asked) == 1


async def test_a_query_that_has_ended_is_followed_by_one_in_the_same_session(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted(
        [Init("s1"), Result(None), lambda: end(scene)],
        [Init("s2\ud800"), Result(None), lambda: end(scene)],
        [Result(None)],
        continuation="s0",
    ):
        for _ in range(2):
            await scene.settled()
            scene.link.say(chat("more"))
        await scene.settled()
        assert [continuation for _, continuation in scene.provider.asked] == ["s0", "s1", "s2\ufffd"]
    assert scene.link.saved() == {"continuation:scripted": "s2\ufffd"}


async def test_the_session_is_kept_as_soon_as_it_has_a_name_beside_those_of_others(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("one"))
    async with scene.scripted([Init("s1"), None]):
        await scene.until(lambda: scene.link.saved() == {"continuation:scripted": "s1"})
        assert scene.link.acks() == {"m2": "processing"}


async def test_every_event_is_a_sign_of_life_and_no_look_in_mid_turn_is(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    events: list[Step] = [Activity(), TextDelta("h"), Compacted(), lambda: scene.beats.append(-1.0), None]
    async with scene.scripted(events):
        await scene.until(lambda: -1.0 in scene.beats)
        await trio.sleep(5)
    assert len(scene.beats) == 1 + 3 + 1, "the look that found it, three events, and nothing after them"


async def test_tools_are_shown_while_they_run_also_while_messages_are_claimed(
    scene: Scene, autojump_clock: MockClock
) -> None:
    shown: list[tuple[object, object, object]] = []

    def look() -> None:
        state = scene.link.state()
        shown.append((state["current_tool"], state["tool_declared_timeout_ms"], state["tool_started_at"]))

    scene.link.say(chat("hello"))
    started: list[Step] = [ToolStarted("1", "Bash", timedelta(seconds=90)), ToolStarted("2", "Read"), look]
    async with scene.scripted(
        [*started, Until(2), look, ToolEnded("1"), look, ToolEnded("2"), look, ToolEnded("3"), Result("done")]
    ):
        await wait_all_tasks_blocked()
        scene.link.say(chat("and?"))
        await scene.settled()
    bash, read = (("Bash", 90_000, write_time(NOW)), ("Read", None, write_time(NOW)))
    assert shown == [bash, bash, read, (None, None, None)]


async def test_an_agent_knows_who_it_is_and_whom_it_may_write_to(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"))
    async with scene.scripted([Result(None)]):
        await scene.settled()
    (instructions,) = scene.provider.instructions
    assert "You are Nano" in instructions
    assert "- family (Family)\n- room (Room)" in instructions


async def test_the_prompt_says_where_files_lie_and_images_are_shown(scene: Scene, autojump_clock: MockClock) -> None:
    image = Attachment(name="a <b>.png", path="evt-1/a <b>.png", mime_type="image/png", size=5)
    scene.link.say(ChatIn(text="look", sender="Ada", sender_id="c:1", attachments=(image,)))
    async with scene.scripted([Result(None)]):
        await scene.settled()
    (heard,) = scene.query.heard
    assert 'path="/in/inbox/evt-1/a &lt;b&gt;.png"' in heard.text
    assert [(media.path, media.mime_type) for media in heard.media] == [("/in/inbox/evt-1/a <b>.png", "image/png")]


async def test_what_a_result_took_is_noted_with_it(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([Result("x", Usage(10, 2, 7, 0.25, "large")), Until(2), Result("y", Usage(1, 1))]):
        await scene.settled()
        scene.link.say(chat("b"))
        await scene.settled()
    first, second = scene.link.usage()
    assert {name: first[name] for name in ("seq", "model", "read", "written", "cached", "cost_usd")} == {
        "seq": 1,
        "model": "large",
        "read": 10,
        "written": 2,
        "cached": 7,
        "cost_usd": 0.25,
    }
    assert (second["seq"], second["model"], second["cost_usd"]) == (2, None, None)


async def test_rights_count_as_they_are_when_the_result_comes(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("hello"))
    async with scene.scripted(
        [lambda: scene.link.set_destinations("room", "family"), Result('<message to="family">x</message>')]
    ):
        await scene.settled()
    assert scene.link.texts() == ["x"]


async def test_a_broken_disk_is_nobodys_turn(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))

    def break_it() -> None:
        scene.outbox.close()

    with pytest.raises(ExceptionGroup) as broken:
        async with scene.scripted([break_it, Result("x")]):
            await trio.sleep_forever()
    assert broken.group_contains(SqliteError)
    assert scene.link.acks() == {"m2": "processing"}


async def test_a_runner_that_is_cancelled_leaves_its_claim(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([TextDelta("half"), None]):
        await wait_all_tasks_blocked()
    assert scene.link.acks() == {"m2": "processing"}
    assert scene.link.messages() == []
    assert scene.provider.left == 1


async def test_a_runner_that_is_told_to_stop_breaks_off_and_leaves_its_claim(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("a"))
    async with scene.scripted([TextDelta("half"), None]):
        await wait_all_tasks_blocked()
        scene.turns.stop()
        with trio.fail_after(1):
            await scene.turns.stopped.wait()
        assert scene.query.aborted
    assert scene.link.acks() == {"m2": "processing"}
    assert scene.link.messages() == []


async def test_the_next_claim_clears_away_what_the_host_is_done_with(scene: Scene, autojump_clock: MockClock) -> None:
    async with scene.scripted([Result("x"), Until(2), Result("x"), Until(3), Result("x")]):
        for _ in range(2):
            scene.link.say(chat("a"))
            await scene.settled()
        scene.link.settle(["m2", "m4"])
        scene.link.deliver("out-3", 3)
        await trio.sleep(2)
        scene.link.say(chat("b"))
        await scene.until(lambda: scene.link.acks() == {"m6": "completed"})
        assert [row["id"] for row in scene.link.messages()] == ["out-5", "out-7"]
