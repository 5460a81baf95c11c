"""What a plan says beside the outcomes: reasons, records, requests, answers, subscriptions, and unwired chats."""

from __future__ import annotations

import attrs
import pytest

from nanoclaw.core.plan import Accumulate, Ask, AskKind, Drop, Gate, Plan, Record, Refuse, Step, Wake
from nanoclaw.core.routing import Facts, plan
from nanoclaw.model.entities import (
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SenderScope,
    SessionKey,
    UnknownSenderPolicy,
    Wiring,
)
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId, SessionId
from nanoclaw.model.messages import Address
from nanoclaw.model.rights import Rights
from tests.support.central import CHANNEL, NOW, always, said

CHAT = MessagingGroup(
    id=MessagingGroupId("chat"),
    channel=CHANNEL,
    platform_id="room",
    name="Room",
    is_group=True,
    unknown_sender_policy=UnknownSenderPolicy.PUBLIC,
    created_at=NOW,
)
A, B = AgentGroupId("a"), AgentGroupId("b")
ROOM = Address(channel=CHANNEL, platform_id="room")
ASKING = attrs.evolve(CHAT, unknown_sender_policy=UnknownSenderPolicy.REQUEST_APPROVAL)


def hears(agent: AgentGroupId, **how: object) -> Wiring:
    """A wiring of *agent*, to everything if nothing else is said."""
    return attrs.evolve(always(f"wir-{agent}", CHAT.id, agent), **how)  # type: ignore[arg-type]  # by name


def mentioned(agent: AgentGroupId, **how: object) -> Wiring:
    """A wiring that waits for a mention."""
    return hears(agent, engage_mode=EngageMode.MENTION, engage_pattern=None, **how)


def facts(*wirings: Wiring, chat: MessagingGroup | None = CHAT, threaded: bool = False, **more: object) -> Facts:
    """The facts about the room."""
    return Facts(threaded=threaded, chat=chat, wirings=wirings, **more)  # type: ignore[arg-type]  # by name


def test_a_chat_that_is_not_known_is_silent_until_we_are_addressed_there() -> None:
    assert plan(said(mention=False), facts(chat=None)) == Plan(reply_to=ROOM, silent=True)
    assert plan(said(mention=False), facts()) == Plan(reply_to=ROOM, silent=True)
    assert plan(said(), facts(chat=None)) == Plan(
        reply_to=ROOM,
        register=True,
        records=(
            Record(agent_group_id=None, reason="not-wired", detail="no agent group hears this chat", says_who=True),
        ),
        asks=(Ask(kind=AskKind.CHAT, agent_group_id=None),),
    )
    assert not plan(said(), facts()).register


def test_a_chat_that_was_denied_is_recorded_and_nobody_is_asked_again() -> None:
    made = plan(said(), facts(chat=attrs.evolve(CHAT, denied_at=NOW)))
    (record,) = made.records
    assert (record.reason, record.says_who) == ("chat-denied", True)
    assert record.detail == "somebody decided that no agent shall hear this chat"
    assert (made.asks, made.register, made.silent) == ((), False, False)


def test_an_outcome_says_what_each_gate_said() -> None:
    (outcome,) = plan(said(text="/weather"), facts(hears(A))).outcomes
    assert isinstance(outcome, Wake)
    assert outcome.steps == (
        Step(Gate.ENGAGE, passed=True, why="the pattern . takes every message"),
        Step(Gate.ACCESS, passed=True, why="the chat is public"),
        Step(Gate.SCOPE, passed=True, why="the wiring is for everybody whom the chat allows"),
        Step(Gate.COMMAND, passed=True, why="/weather may pass"),
    )
    (plain,) = plan(said(text="weather"), facts(hears(A))).outcomes
    assert plain.steps[-1] == Step(Gate.COMMAND, passed=True, why="no command")


def test_a_session_that_is_there_is_used() -> None:
    key = SessionKey(agent_group_id=A, messaging_group_id=CHAT.id, thread_id=None)
    known = facts(hears(A), mentioned(B), sessions={key: SessionId("ses")})
    (first, second) = plan(said(), known).woken
    assert (first.session, first.existing, second.existing) == (key, SessionId("ses"), None)
    keeps = mentioned(A, ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE)
    (kept,) = plan(said(mention=False), facts(keeps, sessions={key: SessionId("ses")})).heard
    assert isinstance(kept, Accumulate)
    assert kept.existing == "ses"


def test_the_highest_priority_comes_first_and_names_decide_between_equals() -> None:
    made = plan(said(), facts(hears(B), hears(A), hears(AgentGroupId("c"), priority=1)))
    assert [one.wiring.agent_group_id for one in made.outcomes] == ["c", "a", "b"]


@pytest.mark.parametrize(("text", "reason"), [("/start", "filtered-command"), ("/HELP now", "filtered-command")])
def test_a_command_that_no_agent_has_a_use_for_is_dropped_and_recorded(text: str, reason: str) -> None:
    made = plan(said(text=text), facts(hears(A)))
    (outcome,) = made.outcomes
    assert isinstance(outcome, Drop)
    assert outcome.steps[-1].why == f"{text.split(maxsplit=1)[0].lower()} is not for agents"
    assert [(one.agent_group_id, one.reason, one.says_who) for one in made.records] == [(A, reason, True)]
    assert made.answer is None


def test_a_command_for_managers_is_refused_told_and_asks_nobody() -> None:
    made = plan(
        said(text="/clear"),
        facts(hears(A), hears(B), chat=ASKING, rights=Rights(admin_of=frozenset({B}), member_of=frozenset({A}))),
    )
    refused, woken = made.outcomes
    assert isinstance(refused, Refuse)
    assert (refused.gate, refused.ask, refused.reason) == (Gate.COMMAND, False, "command-denied")
    assert refused.steps[-1] == Step(Gate.COMMAND, passed=False, why="/clear is for owners and admins")
    assert made.answer == refused.answer == "Permission denied: /clear requires admin access."
    assert isinstance(woken, Wake)
    assert made.asks == ()


def test_a_stranger_is_refused_asked_about_once_for_each_agent_and_recorded() -> None:
    made = plan(said(), facts(hears(A), hears(B), chat=ASKING, rights=Rights(member_of=frozenset({B}))))
    (refused, _) = made.outcomes
    assert isinstance(refused, Refuse)
    assert (refused.gate, refused.answer) == (Gate.ACCESS, None)
    assert made.asks == (Ask(kind=AskKind.SENDER, agent_group_id=A),)
    assert made.records == (
        Record(
            agent_group_id=A,
            reason="unknown-sender",
            detail="the sender has no right to speak to this agent, and the chat's policy is request_approval",
            says_who=True,
        ),
    )
    assert made.answer is None


def test_a_wiring_for_known_people_refuses_others_in_a_public_chat() -> None:
    made = plan(said(), facts(hears(A, sender_scope=SenderScope.KNOWN)))
    (refused,) = made.outcomes
    assert isinstance(refused, Refuse)
    assert (refused.gate, refused.reason, refused.ask) == (Gate.SCOPE, "sender-scope", False)


def test_that_one_agent_ignores_what_another_hears_is_not_recorded() -> None:
    assert plan(said(mention=False), facts(hears(A), mentioned(B))).records == ()
    (nobody,) = plan(said(mention=False), facts(mentioned(A), mentioned(B))).records
    assert (nobody.agent_group_id, nobody.reason, nobody.says_who) == (None, "not-engaged", False)
    assert nobody.detail == "a: no mention; b: no mention"


def test_a_stored_pattern_that_does_not_compile_is_recorded_whoever_else_hears() -> None:
    made = plan(said(), facts(hears(A, engage_pattern="("), hears(B)))
    assert isinstance(made.outcomes[0], Drop)
    assert made.outcomes[0].reason == "bad-pattern"
    (record,) = made.records
    assert (record.agent_group_id, record.reason, record.says_who) == (A, "bad-pattern", False)
    assert record.detail.startswith("the pattern '(' does not compile: ")
    (alone,) = plan(said(), facts(hears(A, engage_pattern="("))).records
    assert alone.reason == "bad-pattern"


@pytest.mark.parametrize(
    ("text", "rights", "outcome"),
    [
        ("lunch?", Rights(), Accumulate),
        ("/weather", Rights(), Accumulate),
        ("/clear", Rights(owner=True), Drop),
        ("/help", Rights(owner=True), Drop),
    ],
)
def test_a_command_that_was_not_given_to_an_agent_is_not_kept_for_it(
    text: str, rights: Rights, outcome: type[Accumulate | Drop]
) -> None:
    keeps = mentioned(A, ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE)
    (made,) = plan(said(text=text, mention=False), facts(keeps, rights=rights)).outcomes
    assert isinstance(made, outcome)
    if isinstance(made, Drop):
        assert made.reason == "command-not-addressed"
        assert made.steps[-1] == Step(Gate.COMMAND, passed=False, why="a command that was not given to this agent")


def test_context_of_people_who_would_not_be_heard_is_dropped_for_their_reason() -> None:
    keeps = mentioned(A, ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE, sender_scope=SenderScope.KNOWN)
    (made,) = plan(said(mention=False), facts(keeps)).outcomes
    assert isinstance(made, Drop)
    assert made.reason == "sender-scope"
    assert [(step.gate, step.passed) for step in made.steps] == [
        (Gate.ENGAGE, False),
        (Gate.ACCESS, True),
        (Gate.SCOPE, False),
    ]


STICKY = {"engage_mode": EngageMode.MENTION_STICKY, "engage_pattern": None}


def test_a_sticky_wiring_stays_in_the_threads_in_which_it_engaged_and_subscribes_them() -> None:
    wiring = hears(A, **STICKY)
    asked = plan(said(thread="t1"), facts(wiring, threaded=True))
    assert (asked.subscribe, asked.reply_to.thread_id) == (True, "t1")
    again = said(thread="t1", mention=False)
    assert plan(again, facts(wiring, threaded=True, engaged=frozenset({A}))).woken
    assert not plan(again, facts(wiring, threaded=True, engaged=frozenset({B}))).heard
    assert not plan(said(mention=False), facts(wiring, threaded=True, engaged=frozenset({A}))).heard
    assert not plan(again, facts(wiring, engaged=frozenset({A}))).heard


@pytest.mark.parametrize(
    ("wiring", "chat", "thread", "threaded", "subscribes"),
    [
        (hears(A, **STICKY), CHAT, "t1", True, True),
        (hears(A), CHAT, "t1", True, False),
        (mentioned(A), CHAT, "t1", True, False),
        (hears(A, **STICKY), attrs.evolve(CHAT, is_group=False), "t1", True, False),
        (hears(A, **STICKY), CHAT, None, True, False),
        (hears(A, **STICKY), CHAT, "", True, False),
        (hears(A, **STICKY), CHAT, "t1", False, False),
        (hears(A, sender_scope=SenderScope.KNOWN, **STICKY), CHAT, "t1", True, False),
    ],
)
def test_only_a_thread_that_a_sticky_agent_takes_up_is_subscribed(
    wiring: Wiring, chat: MessagingGroup, thread: str | None, threaded: bool, subscribes: bool
) -> None:
    assert plan(said(thread=thread), facts(wiring, chat=chat, threaded=threaded)).subscribe is subscribes


def test_an_answer_goes_to_the_thread_where_there_are_threads() -> None:
    assert plan(said(thread="t1"), facts(hears(A))).reply_to == ROOM
    assert plan(said(thread="t1"), facts(hears(A), threaded=True)).reply_to == attrs.evolve(ROOM, thread_id="t1")
    assert plan(said(thread=""), facts(hears(A), threaded=True)).reply_to == ROOM


def test_what_stands_in_the_chat_itself_wakes_its_thread_and_is_kept_in_the_chat() -> None:
    keeps = mentioned(A, ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE)
    for mention, starts, thread in ((True, True, "t1"), (False, True, None), (True, False, "t1"), (False, False, "t1")):
        event = said(thread="t1", starts_thread=starts, mention=mention)
        (heard,) = plan(event, facts(keeps, threaded=True)).heard
        assert heard.session.thread_id == thread


def test_every_step_of_a_drop_has_its_reason_too() -> None:
    keeps = mentioned(A, ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE, sender_scope=SenderScope.KNOWN)
    (filtered,) = plan(said(text="/help"), facts(hears(A))).outcomes
    assert filtered.steps[-1] == Step(Gate.COMMAND, passed=False, why="/help is not for agents")
    (kept_out,) = plan(said(mention=False), facts(keeps)).outcomes
    assert [step.why for step in kept_out.steps] == [
        "no mention",
        "the chat is public",
        "the wiring is for known people only",
    ]
    (record,) = plan(said(text="/clear"), facts(hears(A))).records
    assert record.detail == "/clear is for owners and admins"
