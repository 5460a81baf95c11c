"""Turns and tools: what is being answered, what was said already, and rows that a tool waits for."""

from __future__ import annotations

from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from runner.core.prompt import parse
from runner.model import Incoming, Reply
from runner.providers.base import ProviderError, Result, TextDelta, Trouble
from runner.turn_tools import NoTools
from schema.payloads import SystemIn
from schema.rows import InKind
from tests.runner.link import chat
from tests.runner.scene import Scene
from tests.runner.scripted import Take, Until

ANSWER = "answer-q1"


@define(eq=False)
class Tools(NoTools):
    """One that waits for the answer to a question, and has said "done" to "room"."""

    scene: Scene = field(kw_only=True)
    waiting: bool = True
    handed: list[str] = field(factory=list[str])
    _given: list[Incoming] = field(factory=list[Incoming], init=False)

    def awaits(self, row_id: str) -> bool:
        """Only that one."""
        return self.waiting and row_id == ANSWER

    def answer(self, incoming: Incoming) -> None:
        """Take it."""
        self.waiting = False
        self.scene.outbox.claim([incoming.row.id], now=self.scene.now())
        self.handed.append(incoming.row.id)
        self._given.append(incoming)

    async def was_sent(self, reply: Reply) -> bool:
        """Those words, to that place."""
        return (reply.destination, reply.text) == ("room", "done")

    def take_back(self) -> tuple[Incoming, ...]:
        """What it was given."""
        given, self._given = tuple(self._given), []
        return given

    def end_turn(self) -> tuple[str, ...]:
        """What it was given."""
        return tuple(incoming.row.id for incoming in self.take_back())


def answered(scene: Scene) -> None:
    """Somebody has answered the question."""
    response = SystemIn(action="question_response", text="{}")
    scene.link.say(response, kind=InKind.SYSTEM, message_id=ANSWER)


async def test_what_a_tool_waits_for_is_no_input_and_is_settled_with_the_turn(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.tools = tools = Tools(scene=scene)
    scene.link.say(chat("hello"))
    async with scene.scripted([TextDelta("x"), Take(1), Until(2), Result("ok")]):
        await wait_all_tasks_blocked()
        answered(scene)
        await scene.until(lambda: tools.handed)
        assert scene.link.acks() == {"m2": "processing", ANSWER: "processing"}
        scene.link.say(chat("by the way"), trigger=False)
        await scene.until(lambda: scene.link.acks().get(ANSWER) == "completed")
    assert scene.heard() == [[2], [6]]
    assert tools.handed == [ANSWER]


async def test_an_answer_that_nobody_waits_for_is_an_input(scene: Scene, autojump_clock: MockClock) -> None:
    scene.tools = tools = Tools(scene=scene, waiting=False)
    answered(scene)
    async with scene.scripted([Result("ok")]):
        await scene.settled()
    assert tools.handed == []
    assert scene.said() == [(None, ANSWER, "ok")]


async def test_a_turn_that_fails_fails_no_answer_that_its_tool_was_given(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.tools = tools = Tools(scene=scene)
    never = ProviderError(message="no", retryable=False, trouble=Trouble.REFUSED)
    scene.link.say(chat("hello"))
    async with scene.scripted([Until(2), never], [Result("ok")]):
        await wait_all_tasks_blocked()
        answered(scene)
        await scene.until(lambda: tools.handed)
        scene.link.say(chat("more"))
        await scene.settled()
    assert scene.link.acks() == {"m2": "failed", ANSWER: "completed", "m6": "completed"}


async def test_an_answer_that_was_lost_with_the_query_is_put_to_the_next_one(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.tools = tools = Tools(scene=scene)
    died = ProviderError(message="it died", retryable=True, trouble=Trouble.CRASHED)
    scene.link.say(chat("hello"))
    async with scene.scripted([Take(1), Until(2), died], [Until(3), Result("ok")]):
        await wait_all_tasks_blocked()
        answered(scene)
        await scene.until(lambda: tools.handed)
        scene.link.say(chat("more"))
        await scene.settled()
        heard = [[item.id for item in parse(one.text).items] for one in scene.query.heard]
    assert heard == [[2], [6], [4]]
    assert scene.link.acks() == {"m2": "completed", ANSWER: "completed", "m6": "completed"}


async def test_what_a_tool_has_said_is_not_said_again(scene: Scene, autojump_clock: MockClock) -> None:
    scene.tools = Tools(scene=scene)
    scene.link.set_destinations("room", "family")
    scene.link.say(chat("hello"))
    words = '<message to="room">done</message><message to="family">done</message><message to="room">more</message>'
    async with scene.scripted([Result(words)]):
        await scene.settled()
    assert scene.said() == [("family", "m2", "done"), ("room", "m2", "more")]


async def test_tools_know_which_message_is_answered(scene: Scene, autojump_clock: MockClock) -> None:
    scene.tools = tools = Tools(scene=scene)
    seen: list[str | None] = []
    scene.link.say(chat("one"))

    def look() -> None:
        seen.append(tools.current)

    async with scene.scripted([look, Until(2), look, Take(1), look, Take(2), look, Result("ok")]):
        await wait_all_tasks_blocked()
        scene.link.say(chat("two"))
        await scene.settled()
    assert seen == ["m2", "m2", "m2", "m4"], "the oldest, until it is known what was read"
