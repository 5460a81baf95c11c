"""Drafts: what a reply begins with is shown at most twice a second, and is gone once the reply is said."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from runner.drafting import Drafting
from runner.providers.base import ProviderError, Result, TextDelta, ToolStarted, Trouble
from tests.runner.link import chat
from tests.runner.scene import Scene
from tests.runner.scripted import Step, Until


def drafts(scene: Scene) -> list[tuple[object, ...]]:
    names = ("reply", "destination", "in_reply_to", "text", "tool")
    return [tuple(row[name] for name in names) for row in scene.link.drafts()]


async def test_words_are_shown_as_they_come_without_thoughts_and_half_tags(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    words: list[Step] = [TextDelta("<internal>hm</internal>Wor"), TextDelta("ld <mess")]
    async with scene.scripted([*words, None]):
        await scene.until(lambda: drafts(scene) == [("m2", None, "m2", "World", None)])


async def test_a_block_is_shown_to_whom_it_is_for_and_words_for_nobody_are_not(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"), source="family")
    scene.link.say(chat("hello"), source="room")
    async with scene.scripted([TextDelta("Let me see. "), Until(2), TextDelta('<message to="family">So'), None]):
        await trio.sleep(2)
        assert drafts(scene) == []
        scene.link.say(chat("go"), source="room", trigger=False)
        await scene.until(lambda: drafts(scene) == [("m2", "family", "m2", "So", None)])


async def test_a_tool_is_shown_and_what_was_said_before_it_is_no_part_of_the_reply(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("hello"))
    async with scene.scripted([TextDelta("I will look"), ToolStarted("1", "Bash"), Until(2), TextDelta("Done"), None]):
        await scene.until(lambda: drafts(scene) == [("m2", None, "m2", "", "Bash")])
        scene.link.say(chat("and?"))
        await scene.until(lambda: drafts(scene) == [("m2", None, "m2", "Done", None)])


async def test_the_reply_takes_the_place_of_its_draft(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("hello"))
    async with scene.scripted([TextDelta("Wor"), Until(2), TextDelta("ld"), Result("World")]):
        await scene.until(lambda: drafts(scene))
        scene.link.say(chat("and?"), trigger=False)
        await scene.settled()
        assert drafts(scene) == []
        await trio.sleep(3)
        assert drafts(scene) == []


async def test_a_turn_that_failed_leaves_no_draft(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("hello"))
    never = ProviderError(message="no", retryable=False, trouble=Trouble.REFUSED)
    async with scene.scripted([TextDelta("Wor"), Until(2), never]):
        await scene.until(lambda: drafts(scene))
        scene.link.say(chat("and?"), trigger=False)
        await scene.settled()
    assert drafts(scene) == []


async def test_however_fast_words_come_there_are_at_most_two_rows_a_second(
    scene: Scene, autojump_clock: MockClock
) -> None:
    seen: list[tuple[object, object]] = []

    def look() -> None:
        seen.extend((row["text"], row["updated_at"]) for row in scene.link.drafts())

    drafting = Drafting(scene.inbox, scene.outbox, scene.now)
    drafting.begin("m2", lambda _: "m2")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drafting.run)
        for _ in range(100):
            drafting.text("x")
            await trio.sleep(0.05)
            look()
        nursery.cancel_scope.cancel()
    times = sorted({str(when) for _, when in seen})
    assert len(times) == 10, "one each half second of five"
    assert seen[-1][0] == "x" * 91
