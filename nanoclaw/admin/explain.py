"""`nanoclaw explain`: the real plan for a message that nobody sent, wiring by wiring, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core import routing
from nanoclaw.core.notices import plain
from nanoclaw.core.plan import Accumulate, AskKind, Drop, Outcome, Plan, Refuse, Wake
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import MessagingGroup, SessionKey
from nanoclaw.model.ids import AgentGroupId, SessionId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store import answers, facts
from nanoclaw.store.entities import agent_groups
from schema.sqlite import Connection

NOT_SENT = "explain"
"""The platform's id of a message that was never sent: a plan looks at none."""
PROGRAMS_ONLY = ("agent_id", "wiring", "verdict", "reason", "session")
MARKS = {True: "yes", False: "no "}


@frozen(kw_only=True)
class Explain:
    """A message that somebody could send."""

    chat: Annotated[str, Says("its name, its id, or CHANNEL/PLATFORM-ID", positional=True)]
    text: Annotated[str, Says("what is said", positional=True)]
    from_: Annotated[
        str | None,
        Says("a user of the chat's channel, or CHANNEL:PLATFORM-ID for a stranger; in the terminal, you"),
    ] = None
    mention: Annotated[bool, Says("it is said to us; in a conversation of two it always is")] = False
    thread: Annotated[str | None, Says("the thread it stands in, on a channel with threads")] = None
    top_level: Annotated[bool, Says("it stands in the chat itself, and would begin that thread")] = False


def explain(conn: Connection, asked: Explain, request: Request) -> Answer:
    """What would become of a message, wiring by wiring, and why. Nothing is written."""
    chat = references.chat(conn, asked.chat)
    threaded = request.threaded.get(chat.channel, False)
    if asked.top_level and asked.thread is None:
        raise UsageError("--top-level is about a thread: say which with --thread")
    event = InboundEvent(
        channel=chat.channel,
        platform_message_id=NOT_SENT,
        platform_id=chat.platform_id,
        thread_id=asked.thread,
        starts_thread=asked.top_level,
        mention=asked.mention or not chat.is_group,
        is_group=chat.is_group,
        sender_id=_sender(conn, asked.from_, chat, request),
        sender=NOT_SENT,
        text=asked.text,
    )
    known = facts.gather(conn, event, threaded=threaded)
    plan = routing.plan(event, known)
    names = {group.id: group.name for group in agent_groups(conn)}
    rows = tuple(_line(outcome, names) for outcome in plan.outcomes)
    if asked.thread is not None and not threaded:
        note = f"the channel {chat.channel} has no threads: --thread says nothing there\n"
    else:
        note = ""
    found = answers.find(conn, event, plan.reply_to)
    if isinstance(found, answers.Answered):
        title = plain(found.question.title or found.question.question, 80)
        note += f"it answers the open question “{title}” and goes to who asked that alone. If it were no answer:\n"
    said = note + "\n".join(_sentences(plan, chat, names))
    return Answer(rows=rows, hidden=PROGRAMS_ONLY, said=said, together="outcomes")


def _sender(conn: Connection, typed: str | None, chat: MessagingGroup, request: Request) -> UserId:
    """Who says it: somebody of the chat's channel, for a platform knows none of another one's users."""
    if typed is None:
        sender = request.operator
    else:
        sender = references.user_id(typed) if ":" in typed else references.user(conn, typed).id
    if not sender.startswith(f"{chat.channel}:"):
        raise UsageError(
            f"{sender} cannot say anything on {chat.channel}: say who does, with --from and a user of that channel "
            f"(nanoclaw users list --channel {chat.channel}), or --from {chat.channel}:PLATFORM-ID for a stranger"
        )
    return sender


def _line(outcome: Outcome, names: dict[AgentGroupId, str]) -> Line:
    verdict, reason, text = _outcome(outcome)
    return {
        "agent": names[outcome.wiring.agent_group_id],
        "agent_id": outcome.wiring.agent_group_id,
        "wiring": outcome.wiring.id,
        "verdict": verdict,
        "reason": reason,
        "session": outcome.existing if isinstance(outcome, Wake | Accumulate) else None,
        "what": text,
        "why": "\n".join(f"{MARKS[step.passed]} {step.gate.value}: {step.why}" for step in outcome.steps),
    }


def _outcome(outcome: Outcome) -> tuple[str, str | None, str]:
    """The verdict, its reason, and both for people."""
    match outcome:
        case Wake():
            return "wake", None, f"wakes, in {_session(outcome.session, outcome.existing)}"
        case Accumulate():
            return "accumulate", None, f"keeps it as context, in {_session(outcome.session, outcome.existing)}"
        case Refuse(reason=reason):
            return "refuse", reason, f"refuses it: {reason}"
        case Drop(reason=reason):
            return "drop", reason, f"does not hear it: {reason}"


def _session(key: SessionKey, existing: SessionId | None) -> str:
    where = "for all its chats" if key.messaging_group_id is None else "of the chat"
    if key.thread_id is not None:
        where = f"of thread {key.thread_id}"
    return f"the session {where}" if existing is not None else f"a new session {where}"


def _sentences(plan: Plan, chat: MessagingGroup, names: dict[AgentGroupId, str]) -> Iterator[str]:
    if plan.woken:
        thread = "" if plan.reply_to.thread_id is None else f", thread {plan.reply_to.thread_id}"
        yield f"answers go to {chat.name}{thread}"
    if plan.subscribe:
        yield "the channel is asked for everything that is said in this thread from now on"
    if plan.answer is not None:
        yield f"the host itself answers: {plan.answer}"
    for record in plan.records:
        yield f"recorded as dropped: {record.reason} - {_readable(record.detail, names)}"
    for ask in plan.asks:
        what = "may an agent hear this chat" if ask.kind is AskKind.CHAT else "may this sender speak to it"
        whom = "" if ask.agent_group_id is None else f" ({names[ask.agent_group_id]})"
        yield f"a person is asked: {what}{whom}?"
    if plan.silent:
        yield "nobody hears this chat and it is not said to us: nothing is kept, not even that it came"
    elif not plan.outcomes:
        yield f"no agent hears {chat.name}: nanoclaw wirings create {chat.id} GROUP"
    yield "(nothing was written)"


def _readable(detail: str, names: dict[AgentGroupId, str]) -> str:
    for group, name in names.items():
        detail = detail.replace(group, name)
    return detail


VERBS = (Verb("explain", "", Explain, explain),)
