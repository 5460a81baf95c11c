"""`nanoclaw explain` says what the real plan says, and writes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.plan import Accumulate, Drop, Refuse, Wake
from nanoclaw.core.routing import plan
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, SenderScope, UnknownSenderPolicy
from nanoclaw.store import facts
from tests.support.central import everything, said
from tests.support.desk import SLACK, Desk
from tests.support.questions import asked

VERDICTS = {Wake: "wake", Accumulate: "accumulate", Refuse: "refuse", Drop: "drop"}


def two_agents() -> Desk:
    """Anna takes up deployments, Bob what is said to him; he keeps the rest."""
    desk = Desk()
    world = desk.world
    room = world.chat(channel=SLACK, policy=UnknownSenderPolicy.REQUEST_APPROVAL)
    world.wire(room, world.agent("anna"), pattern="deploy", priority=1)
    world.wire(
        room,
        world.agent("bob"),
        mode=EngageMode.MENTION_STICKY,
        ignored=IgnoredMessagePolicy.ACCUMULATE,
        scope=SenderScope.KNOWN,
    )
    world.user("boss", channel=SLACK)
    desk.do("roles grant", user="boss", role="owner")
    return desk


def test_every_wiring_gets_a_verdict_with_a_reason_for_each_gate() -> None:
    desk = two_agents()
    answer = desk.do("explain", chat="room", text="deploy now", thread="t1", from_="boss")
    anna, bob = answer.rows
    assert (anna["agent"], anna["verdict"], anna["what"]) == ("anna", "wake", "wakes, in a new session of thread t1")
    assert str(anna["why"]).splitlines() == [
        "yes engage: the pattern 'deploy' is in the text",
        "yes access: the sender is an owner",
        "yes scope: the wiring is for everybody whom the chat allows",
        "yes command: no command",
    ]
    assert (bob["verdict"], bob["what"]) == ("accumulate", "keeps it as context, in a new session of thread t1")
    assert answer.said == "answers go to Room, thread t1\n(nothing was written)"


def test_a_stranger_is_explained_with_what_would_be_asked_and_recorded() -> None:
    answer = two_agents().do("explain", chat="room", text="deploy", from_="slack:eve", mention=True)
    assert [(row["verdict"], row["reason"]) for row in answer.rows] == [("refuse", "unknown-sender")] * 2
    assert "a person is asked: may this sender speak to it (anna)?" in str(answer.said)
    assert "recorded as dropped: unknown-sender" in str(answer.said)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"chat": "empty", "text": "x", "from_": "boss"}, "nothing is kept, not even that it came"),
        ({"chat": "empty", "text": "x", "from_": "boss", "mention": True}, "nanoclaw wirings create"),
        (
            {"chat": "room", "text": "@bob hi", "from_": "boss", "thread": "t", "mention": True},
            "everything that is said in this thread",
        ),
        ({"chat": "room", "text": "/clear", "mention": True, "from_": "slack:member"}, "Permission denied"),
        ({"chat": "room", "text": "lunch", "from_": "slack:eve"}, "not-engaged - anna: the pattern"),
        ({"chat": "plain", "text": "x", "thread": "t"}, "has no threads: --thread says nothing there"),
    ],
)
def test_what_else_would_happen_is_said(arguments: dict[str, object], sentence: str) -> None:
    desk = two_agents()
    desk.world.chat("empty", channel=SLACK)
    desk.world.chat("plain")
    desk.world.user("member", channel=SLACK)
    desk.do("members add", user="slack:member", group="bob")
    before = everything(desk.world.conn)
    assert sentence in str(desk.do("explain", **arguments).said)
    assert everything(desk.world.conn) == before


def test_a_conversation_of_two_is_always_said_to_us() -> None:
    desk = Desk()
    desk.world.wire(desk.world.chat(is_group=False), desk.world.agent(), mode=EngageMode.MENTION)
    assert desk.one("explain", chat="room", text="x")["verdict"] == "wake"


def test_a_session_that_is_there_is_named() -> None:
    desk = Desk()
    desk.world.wire(desk.world.chat(), desk.world.agent())
    desk.world.accept(said(1))
    row = desk.one("explain", chat="room", text="x")
    assert (row["what"], row["session"]) == ("wakes, in the session of the chat", "ses-1")


def test_that_a_message_answers_a_question_is_said() -> None:
    desk = Desk()
    session = desk.world.session()
    asked(desk.world, session, of=desk.world.user("ada"))
    said = str(desk.do("explain", chat="room", text="tea", from_="ada").said)
    assert said.startswith("it answers the open question “Drinks”")
    assert "question" not in str(desk.do("explain", chat="room", text="water", from_="ada").said)


@given(text=st.sampled_from(["deploy", "lunch", "/clear", "/help", "deploy /clear"]), mention=st.booleans())
def test_the_verdicts_are_those_of_the_plan_itself(text: str, mention: bool) -> None:
    desk = two_agents()
    event = said(1, channel=SLACK, sender="Eve", text=text, mention=mention, thread="t1")
    real = plan(event, facts.gather(desk.world.conn, event, threaded=True))
    rows = desk.do("explain", chat="room", text=text, from_="slack:eve", mention=mention, thread="t1").rows
    assert [row["verdict"] for row in rows] == [VERDICTS[type(outcome)] for outcome in real.outcomes]
