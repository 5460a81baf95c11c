"""Tools in turns: the demo uses them over a whole runner, and the host's rows find them there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trio.testing import MockClock

from runner.providers.demo import DemoProvider
from runner.tools.desk import Desk
from runner.tools.questions import SECONDS
from runner.tools.toolbox import AgentTools
from schema import payloads
from schema.payloads import (
    AskQuestion,
    ChatOut,
    Edit,
    OutPayload,
    QuestionResponse,
    SystemIn,
    SystemOut,
    answer_row,
    read_out,
)
from schema.requests import result_key
from schema.rows import InKind, OutKind, Phase
from tests.runner.link import chat
from tests.runner.scene import Scene


@asynccontextmanager
async def talking(scene: Scene) -> AsyncIterator[None]:
    """The demo with its tools, in epoch 7."""
    tools = AgentTools(Desk(scene.inbox, scene.outbox, scene.now, 7, lambda: "q-1"))
    scene.tools = tools
    async with scene.running(DemoProvider("Nano", toolbox=tools)):
        yield


def said(scene: Scene) -> list[OutPayload]:
    return [read_out(OutKind(row["kind"]), str(row["content"])) for row in scene.link.messages()]


def chosen(label: str) -> SystemIn:
    response = QuestionResponse(question_id="q-1", question="Tea or coffee?", value=label, label=label, by="Ada")
    return SystemIn(action="question_response", text=payloads.write(response))


async def test_an_answer_reaches_the_tool_that_waits_and_is_settled_with_the_turn(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("demo: ask me a question"))
    async with talking(scene):
        await scene.until(scene.link.messages)
        assert isinstance(said(scene)[0], AskQuestion)
        await scene.until(lambda: scene.link.state()["phase"] == Phase.WAITING_ANSWER.value)
        assert scene.link.state()["current_tool"] == "ask_user_question"
        assert scene.link.acks() == {"m2": "processing"}
        scene.link.say(chosen("Tea"), kind=InKind.SYSTEM, message_id=answer_row("q-1"))
        await scene.settled()
    assert said(scene)[1:] == [ChatOut(text="Ada chose “Tea”.")]
    assert scene.link.acks() == {"m2": "completed", "answer-q-1": "completed"}
    assert scene.link.state()["phase"] == Phase.IDLE.value


async def test_an_answer_that_no_tool_waits_for_is_a_turn_of_its_own(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("ask"))
    async with talking(scene):
        await scene.settled(every=1)
        assert f"Nobody has answered within {SECONDS} s." in str(said(scene)[-1])
        scene.link.say(chosen("Coffee"), kind=InKind.SYSTEM, message_id=answer_row("q-1"))
        await scene.until(lambda: scene.link.acks().get("answer-q-1") == "completed")
    assert said(scene)[-1] == ChatOut(text="You have answered “Tea or coffee?” with “Coffee”. Noted.")
    assert scene.link.messages()[-1]["in_reply_to"] == "answer-q-1"


async def test_what_a_tool_says_is_there_before_the_answer_and_answers_the_same_message(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("edit"))
    async with talking(scene):
        await scene.settled()
    assert said(scene) == [
        ChatOut(text="I am about to change my mind."),
        Edit(seq=3, text="I have changed my mind."),
        ChatOut(text="The new text of #3 is on its way."),
    ]
    assert {row["in_reply_to"] for row in scene.link.messages()} == {"m2"}
    assert [row["seq"] for row in scene.link.messages()] == [3, 5, 7]


async def test_the_host_s_word_on_a_task_is_the_tool_s_answer_though_it_asks_for_no_turn(
    scene: Scene, autojump_clock: MockClock
) -> None:
    scene.link.say(chat("tasks"))
    async with talking(scene):
        await scene.until(scene.link.messages)
        assert said(scene) == [SystemOut(action="list_tasks")]
        note = f"note:{result_key('sess-1', 7, 'out-3')}"
        told = SystemIn(action="list_tasks", text="nothing is scheduled")
        scene.link.say(told, kind=InKind.SYSTEM, trigger=False, message_id=note)
        await scene.settled()
    assert said(scene)[-1] == ChatOut(text="Scheduled: nothing is scheduled")
    assert scene.link.acks() == {"m2": "completed", note: "completed"}
