"""The whole runner with the real command line: what its files say while Claude works, and afterwards."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from runner.app import ABORT_SECONDS, Places, serve
from runner.inbox import Inbox
from runner.model import Container
from runner.providers.claude.processes import kill
from schema import payloads
from schema.files import HEARTBEAT, INBOUND
from schema.payloads import AskQuestion, QuestionResponse, SystemIn, answer_row
from schema.rows import InKind, OutKind
from tests.runner.link import Link, chat
from tests.runner.providers.claude.desk import MOST_SECONDS, PATIENCE_SECONDS, Desk
from tests.support.in_time import once_in_time
from tests.support.model_wire import INVALID, Gate, Says, Turn, limited, says, uses

pytestmark = pytest.mark.timeout(MOST_SECONDS)

UNKNOWN = "11111111-2222-4333-8444-555555555555"
KEY = "continuation:claude"


@asynccontextmanager
async def serving(desk: Desk, link: Link) -> AsyncIterator[None]:
    """A runner, until the block is left; it has to be up by then. It ends as a host ends it."""
    places = Places(inside=link.inside, out=link.out)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, places, Container(), desk.provider, Inbox.open(link.inside / INBOUND))
        yield
        os.kill(os.getpid(), signal.SIGTERM)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the runner writes."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - a file has no event
            await trio.sleep(0.01)


async def settled(link: Link, **acks: str) -> None:
    """Wait until the runner's claims stand so."""
    await until(lambda: link.acks() == acks)


async def test_a_turn_leaves_a_reply_its_cost_its_session_and_an_idle_runner(desk: Desk, link: Link) -> None:
    desk.model.then(Turn(parts=(Says("Good morning."),), read=30, written=7, cached=12))
    async with serving(desk, link):
        link.say(chat("hello"))
        await settled(link, m2="completed")
    assert link.texts() == ["Good morning."]
    (used,) = link.usage()
    assert (used["read"], used["written"], used["cached"]) == (42, 7, 12)
    assert link.saved()[KEY] == desk.model.asked[0].session
    assert link.state()["phase"] == "idle"
    assert "You may write to one destination: room" in desk.model.asked[0].system


async def test_what_was_addressed_before_a_tool_ran_is_sent_as_well(desk: Desk, link: Link) -> None:
    on_the_way = Says('I look first. <message to="room">One moment.</message>')
    look = uses("Bash", command="true", description="look")
    desk.model.then(Turn(parts=(on_the_way, *look.parts)), says("There is nothing."))
    async with serving(desk, link):
        link.say(chat("what is there?"))
        await settled(link, m2="completed")
    assert link.texts() == ["One moment.", "There is nothing."]


async def test_a_follow_up_joins_the_turn_whose_tool_is_shown_and_is_settled_with_it(desk: Desk, link: Link) -> None:
    go = desk.folder / "go"
    wait = f"until [ -e {go} ]; do sleep 0.05; done; sleep 0.5; echo gone"
    desk.model.then(uses("Bash", command=wait, timeout=90_000), says("Both done."))
    async with serving(desk, link):
        link.say(chat("the first"))
        await settled(link, m2="processing")
        await until(lambda: link.state()["current_tool"] == "Bash")
        assert link.state()["tool_declared_timeout_ms"] == 90_000
        beat = (link.out / HEARTBEAT).stat().st_mtime_ns
        link.say(chat("and the second"))
        await settled(link, m2="processing", m4="processing")
        go.touch()
        await settled(link, m2="completed", m4="completed")
        assert (link.out / HEARTBEAT).stat().st_mtime_ns > beat
        assert link.state()["current_tool"] is None
    assert link.texts() == ["Both done."]
    assert "and the second" in desk.model.asked[1].last


async def test_a_session_that_is_gone_is_replaced_and_nobody_notices(desk: Desk, link: Link) -> None:
    link.set_meta(provider_state=json.dumps({KEY: UNKNOWN}))
    desk.model.then(says("Here I am."))
    async with serving(desk, link):
        link.say(chat("hello"))
        await settled(link, m2="completed")
    assert link.texts() == ["Here I am."]
    assert link.saved()[KEY] == desk.model.asked[0].session != UNKNOWN


async def test_a_cleared_conversation_begins_anew(desk: Desk, link: Link) -> None:
    desk.model.then(says("I shall remember."), says("Remember what?"))
    async with serving(desk, link):
        link.say(chat("it is plum"))
        await settled(link, m2="completed")
        link.say(chat("/clear"))
        await settled(link, m2="completed", m4="completed")
        link.say(chat("what was it?"))
        await settled(link, m2="completed", m4="completed", m6="completed")
    first, second = desk.model.asked
    assert first.session != second.session
    assert "plum" not in second.said


async def test_a_limit_is_shown_while_it_is_waited_for(desk: Desk, link: Link) -> None:
    desk.model.then(limited("2"), says("Now it went."))
    async with serving(desk, link):
        link.say(chat("hello"))
        await settled(link, m2="processing")
        await until(lambda: link.state()["phase"] == "waiting_rate_limit")
        await settled(link, m2="completed")
        assert link.state()["phase"] == "idle"
    assert link.texts() == ["Now it went."]


async def test_what_the_model_refuses_fails_and_says_why(desk: Desk, link: Link) -> None:
    desk.model.rule = lambda _: INVALID
    async with serving(desk, link):
        link.say(chat("hello"))
        await settled(link, m2="failed")
    assert "that is not allowed" in (link.errors()["m2"] or "")
    assert link.texts() == []


async def test_a_runner_that_is_stopped_in_mid_turn_leaves_the_claim_and_no_process(
    desk: Desk, links: Callable[[], Link]
) -> None:
    await once_in_time(ABORT_SECONDS + 1, lambda: is_stopped_in_mid_turn(desk, links()))


async def is_stopped_in_mid_turn(desk: Desk, link: Link) -> float:
    """The seconds that it took."""
    asked = len(desk.model.asked)
    desk.model.then(Turn(parts=(Says("I begin"), Gate())))
    async with serving(desk, link):
        link.say(chat("hello"))
        await desk.model.request(asked + 1)
        started = desk.processes()
        begin = trio.current_time()
    took = trio.current_time() - begin
    assert started
    assert kill(started) == 0
    assert link.acks() == {"m2": "processing"}
    assert link.texts() == []
    return took


async def test_what_the_model_sends_in_mid_turn_is_said_at_once_and_not_again(desk: Desk, link: Link) -> None:
    go = desk.folder / "go"
    desk.model.then(
        uses("mcp__nanoclaw__send_message", text="I am looking."),
        uses("Bash", command=f"until [ -e {go} ]; do sleep 0.05; done"),
        says('<message to="room">I am looking.</message><message to="room">Found it.</message>'),
    )
    async with serving(desk, link):
        link.say(chat("where is it?"))
        await until(lambda: link.texts() == ["I am looking."])
        assert link.acks() == {"m2": "processing"}
        go.touch()
        await settled(link, m2="completed")
    assert link.texts() == ["I am looking.", "Found it."]
    assert {row["in_reply_to"] for row in link.messages()} == {"m2"}


async def test_a_person_who_is_asked_answers_into_the_turn_that_asks(desk: Desk, link: Link) -> None:
    options = ["Yes", "No"]
    asks = uses("mcp__nanoclaw__ask_user_question", title="Release", question="Deploy now?", options=options)
    desk.model.then(asks, says("I deploy."))
    async with serving(desk, link):
        link.say(chat("deploy when you may"))
        await settled(link, m2="processing")
        await until(lambda: link.state()["phase"] == "waiting_answer")
        (asked,) = link.messages()
        question = payloads.read_out(OutKind(asked["kind"]), str(asked["content"]))
        assert isinstance(question, AskQuestion)
        chosen = QuestionResponse(
            question_id=question.question_id, question="Deploy now?", value="Yes", label="Yes", by="Ada"
        )
        answer = answer_row(question.question_id)
        link.say(
            SystemIn(action="question_response", text=payloads.write(chosen)), kind=InKind.SYSTEM, message_id=answer
        )
        await until(lambda: link.acks() == {"m2": "completed", answer: "completed"})
    assert "Ada" in desk.model.asked[1].last
    assert [link.text(row) for row in link.messages()[1:]] == ["I deploy."]
