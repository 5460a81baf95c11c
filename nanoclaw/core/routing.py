"""Who hears an event? Pure: ingress gathers the facts, this file judges them, wiring by wiring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from nanoclaw.core import access, commands, engage
from nanoclaw.core.plan import Accumulate, Ask, AskKind, Drop, Gate, Outcome, Plan, Record, Refuse, Step, Wake
from nanoclaw.core.sessions import session_key
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy, MessagingGroup, SessionKey, Wiring
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.messages import Address, InboundEvent
from nanoclaw.model.rights import Rights, Standing


@frozen(kw_only=True)
class Facts:
    """What the truth says about an event's chat, sender and thread."""

    threaded: bool
    """Does the channel have threads?"""
    chat: MessagingGroup | None
    """None: it is not known."""
    wirings: tuple[Wiring, ...] = ()
    """The chat's, in any order."""
    rights: Rights = Rights()  # noqa: RUF009 - it is frozen
    """The sender's."""
    engaged: frozenset[AgentGroupId] = frozenset()
    """Who has taken up something in the event's thread before."""
    sessions: Mapping[SessionKey, SessionId] = {}
    """Those of the wirings' agent groups that this event may belong to."""


@frozen(kw_only=True)
class _Case:
    """One event before one wiring."""

    event: InboundEvent
    wiring: Wiring
    chat: MessagingGroup
    facts: Facts
    thread_id: str | None
    sender: Standing


def plan(event: InboundEvent, facts: Facts) -> Plan:
    """Judge *event*: what each wiring of its chat makes of it, and what is to be written and said beside.

    A message that is refused, or that nobody hears, is not stored; that it came is recorded, if it was said to us or
    somebody listens there. Wirings do not know of each other: their order and priority decide the order alone.
    """
    thread = (event.thread_id or None) if facts.threaded else None
    reply_to = Address(channel=event.channel, platform_id=event.platform_id, thread_id=thread)
    chat = facts.chat
    if chat is None or not facts.wirings:
        return _unwired(event, chat, reply_to)
    ordered = sorted(facts.wirings, key=lambda wiring: (-wiring.priority, wiring.agent_group_id))
    outcomes = tuple(
        _judge(
            _Case(
                event=event,
                wiring=wiring,
                chat=chat,
                facts=facts,
                thread_id=thread,
                sender=access.standing(facts.rights, wiring.agent_group_id),
            )
        )
        for wiring in ordered
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refuse)]
    return Plan(
        outcomes=outcomes,
        reply_to=reply_to,
        records=tuple(_records(outcomes)),
        asks=tuple(Ask(kind=AskKind.SENDER, agent_group_id=no.wiring.agent_group_id) for no in refused if no.ask),
        answer=next((no.answer for no in refused if no.answer is not None), None),
        subscribe=thread is not None and chat.is_group and any(_sticks(outcome) for outcome in outcomes),
    )


def _unwired(event: InboundEvent, chat: MessagingGroup | None, reply_to: Address) -> Plan:
    """No agent hears this chat: silence, unless we are addressed."""
    if not event.mention:
        return Plan(reply_to=reply_to, silent=True)
    denied = chat is not None and chat.denied_at is not None
    reason, detail = (
        ("chat-denied", "somebody decided that no agent shall hear this chat")
        if denied
        else ("not-wired", "no agent group hears this chat")
    )
    return Plan(
        reply_to=reply_to,
        register=chat is None,
        records=(Record(agent_group_id=None, reason=reason, detail=detail, says_who=True),),
        asks=() if denied else (Ask(kind=AskKind.CHAT, agent_group_id=None),),
    )


def _judge(case: _Case) -> Outcome:
    """Through the gates in their order; the first that is against it decides."""
    taken = engage.engage(
        case.wiring.engage_mode,
        case.wiring.engage_pattern,
        text=case.event.text,
        mention=case.event.mention,
        engaged_before=case.thread_id is not None and case.wiring.agent_group_id in case.facts.engaged,
    )
    if isinstance(taken, engage.NotEngaged):
        return _ignored(case, taken)
    steps = [Step(Gate.ENGAGE, passed=True, why=taken.why)]
    for gate, verdict in _people(case):
        if isinstance(verdict, access.Refused):
            return Refuse(
                wiring=case.wiring,
                gate=gate,
                reason=verdict.reason,
                ask=verdict.ask,
                answer=None,
                steps=(*steps, Step(gate, passed=False, why=verdict.detail)),
            )
        steps.append(Step(gate, passed=True, why=verdict.why))
    match commands.judge(case.event.text, case.sender):
        case commands.Filtered(command):
            step = Step(Gate.COMMAND, passed=False, why=f"{command} is not for agents")
            return Drop(wiring=case.wiring, reason="filtered-command", steps=(*steps, step))
        case commands.Denied(command) as denied:
            return Refuse(
                wiring=case.wiring,
                gate=Gate.COMMAND,
                reason="command-denied",
                ask=False,
                answer=denied.answer,
                steps=(*steps, Step(Gate.COMMAND, passed=False, why=f"{command} is for owners and admins")),
            )
        case commands.Pass(command):
            steps.append(Step(Gate.COMMAND, passed=True, why=f"{command} may pass" if command else "no command"))
    key = _key(case, wakes=True)
    return Wake(wiring=case.wiring, session=key, existing=case.facts.sessions.get(key), steps=tuple(steps))


def _ignored(case: _Case, taken: engage.NotEngaged) -> Accumulate | Drop:
    """What is not taken up is kept as context, if the wiring says so and its sender would have been heard.

    A command that the gate knows is not: it was not given to this agent, and must not reach it by a side door.
    """
    steps = [Step(Gate.ENGAGE, passed=False, why=taken.detail, fault=taken.fault)]
    if case.wiring.ignored_message_policy is IgnoredMessagePolicy.DROP:
        return Drop(wiring=case.wiring, reason=taken.reason, steps=tuple(steps))
    for gate, verdict in _people(case):
        if isinstance(verdict, access.Refused):
            steps.append(Step(gate, passed=False, why=verdict.detail))
            return Drop(wiring=case.wiring, reason=verdict.reason, steps=tuple(steps))
        steps.append(Step(gate, passed=True, why=verdict.why))
    if not isinstance(commands.judge(case.event.text, Standing.STRANGER), commands.Pass):
        steps.append(Step(Gate.COMMAND, passed=False, why="a command that was not given to this agent"))
        return Drop(wiring=case.wiring, reason="command-not-addressed", steps=tuple(steps))
    key = _key(case, wakes=False)
    return Accumulate(wiring=case.wiring, session=key, existing=case.facts.sessions.get(key), steps=tuple(steps))


def _people(case: _Case) -> tuple[tuple[Gate, access.Verdict], ...]:
    """The gates that look at the sender."""
    return (
        (Gate.ACCESS, access.access(case.chat.unknown_sender_policy, case.sender)),
        (Gate.SCOPE, access.scope(case.wiring.sender_scope, case.sender)),
    )


def _key(case: _Case, *, wakes: bool) -> SessionKey:
    return session_key(
        case.wiring,
        thread_id=case.thread_id,
        threaded=case.facts.threaded,
        is_group=case.chat.is_group,
        starts_thread=case.event.starts_thread,
        wakes=wakes,
    )


def _sticks(outcome: Outcome) -> bool:
    return isinstance(outcome, Wake) and outcome.wiring.engage_mode is EngageMode.MENTION_STICKY


def _records(outcomes: tuple[Outcome, ...]) -> Iterator[Record]:
    """What an operator may want to know: who was kept out, what is wrong with a wiring, what nobody heard.

    That one agent ignores what another hears is none of it.
    """
    silent = not any(isinstance(outcome, Wake | Accumulate) for outcome in outcomes)
    for outcome in outcomes:
        agent, engaged = outcome.wiring.agent_group_id, outcome.steps[0]
        if engaged.fault:
            yield Record(agent_group_id=agent, reason="bad-pattern", detail=engaged.why, says_who=False)
            silent = False
        elif engaged.passed and isinstance(outcome, Refuse | Drop):
            yield Record(agent_group_id=agent, reason=outcome.reason, detail=outcome.steps[-1].why, says_who=True)
            silent = False
    if silent:
        why = "; ".join(f"{outcome.wiring.agent_group_id}: {outcome.steps[-1].why}" for outcome in outcomes)
        yield Record(agent_group_id=None, reason="not-engaged", detail=why, says_who=False)
