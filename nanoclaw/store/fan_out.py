"""Doing what a plan says: rows for those who hear it, records for those who do not, and what is asked and answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core.attachments import safe_names
from nanoclaw.core.crowds import context_is_looked_at
from nanoclaw.core.notices import plain
from nanoclaw.core.plan import Accumulate, Ask, AskKind, Plan, Record, Wake
from nanoclaw.core.routing import Facts
from nanoclaw.model.entities import MessagingGroup, SessionKey, UnknownSenderPolicy
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import ApprovalId, EventId, InboundId, MessagingGroupId, SessionId, UserId
from nanoclaw.model.messages import Drop, InboundEvent
from nanoclaw.store import approvals, askings, crowds, direct_messages, drops, files, inbound, notices
from nanoclaw.store.context import take_context
from nanoclaw.store.context_room import make_room
from nanoclaw.store.entities import Mint, add_messaging_group, agent_groups
from nanoclaw.store.kept import keep
from nanoclaw.store.ledger import Lane
from nanoclaw.store.people import note_user
from nanoclaw.store.sessions import session_for
from nanoclaw.store.ticks import tick_and_seqs
from schema import payloads
from schema.rows import InKind
from schema.seq import next_even
from schema.sqlite import Connection, execute
from schema.times import write_time

MOST_MIME_TYPE = 100
"""Characters."""


@frozen
class Telling:
    """An event, as its platform told it just now, and what is to become of it."""

    event_id: EventId
    event: InboundEvent
    facts: Facts
    plan: Plan
    now: datetime
    again: bool = False
    """Has its platform told of it before, as something that was not said to us?"""


@frozen(kw_only=True)
class Stored:
    """Whom it concerns."""

    woken: tuple[SessionId, ...]
    kept: tuple[SessionId, ...]
    lanes: frozenset[Lane]
    asked: bool
    """Is a person to be asked?"""


@frozen(kw_only=True)
class _Row:
    """What the rows of one event have in common, and one row's number, if it is known."""

    content: str
    seq: int | None
    touched: int


def apply(conn: Connection, told: Telling, *, mint: Mint) -> Stored:
    """Write all that the plan says. Safe to repeat."""
    chat = told.facts.chat
    if told.plan.register:
        chat = _register(conn, told, mint)
    asked = False
    for record in told.plan.records:
        drops.record(conn, _drop(told, record, chat))
    for ask in told.plan.asks:
        assert chat is not None
        asked = _ask(conn, told, ask, chat, mint) or asked
    if told.plan.woken:
        note_user(conn, told.event.sender_id, told.event.sender, now=told.now)
        _note_place(conn, told)
    heard = told.plan.heard
    content = ""
    if heard:
        came = _attachments(told)
        files.keep(conn, came)
        content = _content(told.event, files.of_events(conn, [told.event_id]) if told.again else came)
    woken, kept = _hear(conn, told, chat, content, mint) if heard else ((), ())
    lanes = set()
    if told.plan.answer is not None:
        lanes = notices.answer(
            conn,
            told.plan.reply_to,
            key=f"denied:{told.event_id}",
            text=told.plan.answer,
            to_event=told.event_id,
            now=told.now,
        )
    return Stored(woken=woken, kept=kept, lanes=frozenset(lanes), asked=asked)


def _hear(
    conn: Connection, told: Telling, chat: MessagingGroup | None, content: str, mint: Mint
) -> tuple[tuple[SessionId, ...], tuple[SessionId, ...]]:
    """A row for everybody who hears it; returns those who take it up, and those who keep it."""
    heard = told.plan.heard
    touched, highest = tick_and_seqs(conn, [outcome.existing for outcome in heard if outcome.existing is not None])
    woken, kept = [], []
    for outcome in heard:
        if isinstance(outcome, Accumulate) and crowds.is_thread_too_many(conn, chat, outcome, now=told.now):
            continue
        session = outcome.existing or session_for(conn, outcome.session, mint=mint, now=told.now)
        # What a thread takes over comes before what wakes it, so its number is known only afterwards.
        seq = None if outcome.session.thread_id is not None else next_even(highest.get(session, 0))
        if isinstance(outcome, Wake):
            _engage(conn, told, outcome, session)
            woken.append(session)
        else:
            kept.append(session)
        _store(conn, told, outcome, session, _Row(content=content, seq=seq, touched=touched))
        if isinstance(outcome, Accumulate) and context_is_looked_at(highest.get(session, 0)):
            assert chat is not None
            make_room(conn, session, chat, outcome.wiring, now=told.now)
    return tuple(woken), tuple(kept)


def _drop(told: Telling, record: Record, chat: MessagingGroup | None) -> Drop:
    whose = "" if record.agent_group_id is None else f":{record.agent_group_id}"
    return Drop(
        key=f"event:{told.event_id}{whose}",
        kind="event",
        event_id=told.event_id,
        messaging_group_id=None if chat is None else chat.id,
        agent_group_id=record.agent_group_id,
        sender_id=told.event.sender_id if record.says_who else None,
        reference=told.event.platform_message_id,
        reason=record.reason,
        detail=record.detail,
        dropped_at=told.now,
    )


def forget_first_telling(conn: Connection, event: EventId, sender: UserId, *, mention: bool) -> None:
    """More is known of the event, or it is heard after all: what was recorded of it before is no longer true."""
    execute(conn, "DELETE FROM drops WHERE event_id = ?", (event,))
    execute(conn, "UPDATE events SET mention = ?, sender_id = ? WHERE id = ?", (int(mention), sender, event))


def _register(conn: Connection, told: Telling, mint: Mint) -> MessagingGroup:
    """Somebody spoke to us where nobody hears us yet: remember the chat, so that a person can decide about it."""
    event = told.event
    chat = MessagingGroup(
        id=MessagingGroupId(mint("chat")),
        channel=event.channel,
        platform_id=event.platform_id,
        name=plain(event.chat_name or "", 80) or f"{event.channel} {event.platform_id}",
        is_group=event.is_group,
        unknown_sender_policy=UnknownSenderPolicy.REQUEST_APPROVAL,
        created_at=told.now,
    )
    add_messaging_group(conn, chat)
    return chat


def _ask(conn: Connection, told: Telling, ask: Ask, chat: MessagingGroup, mint: Mint) -> bool:
    """Ask who is to be heard where, never what was said, which is kept until that is decided; False: too much waits."""
    event, approval = told.event, ApprovalId(mint("apr"))
    groups = agent_groups(conn)
    if ask.kind is AskKind.CHAT:
        asked = askings.about_chat(approval, chat, event, groups, now=told.now)
    else:
        group = next(group for group in groups if group.id == ask.agent_group_id)
        asked = askings.about_sender(approval, chat, event, group, now=told.now)
    known = approvals.open_one(conn, asked.kind, asked.subject) is not None
    waits = approvals.request(conn, asked) if known or crowds.has_room(conn, ask, event, now=told.now) else None
    if waits is None:
        return False
    keep(conn, waits, told.event_id, event)
    return True


def _note_place(conn: Connection, told: Telling) -> None:
    """Whoever may decide about things and writes to us alone can be asked there."""
    rights, chat = told.facts.rights, told.facts.chat
    decides = rights.owner or rights.global_admin or rights.admin_of
    if decides and chat is not None and not (chat.is_group or told.event.is_group):
        sender, channel = told.event.sender_id, told.event.channel
        if direct_messages.reached(conn, sender, channel) is None:
            direct_messages.remember(conn, sender, channel, chat.id, resolved_at=told.now)


def _engage(conn: Connection, told: Telling, outcome: Wake, session: SessionId) -> None:
    """The agent takes it up in a thread: remember that, and show it what was said in the chat before."""
    key, thread = outcome.session, told.plan.reply_to.thread_id
    agent, chat = outcome.wiring.agent_group_id, outcome.wiring.messaging_group_id
    if thread is not None and agent not in told.facts.engaged:
        execute(
            conn,
            "INSERT INTO engagements (agent_group_id, messaging_group_id, thread_id, engaged_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (agent, chat, thread, write_time(told.now)),
        )
    if key.thread_id is not None:
        of_chat = told.facts.sessions.get(SessionKey(agent_group_id=agent, messaging_group_id=chat, thread_id=None))
        if of_chat is not None:
            take_context(conn, session, of_chat, wakes=told.event_id, now=told.now)


def _store(conn: Connection, told: Telling, outcome: Wake | Accumulate, session: SessionId, row: _Row) -> None:
    new = inbound.NewInbound(
        id=InboundId(f"{told.event_id}:{outcome.wiring.agent_group_id}"),
        event_id=told.event_id,
        kind=InKind.CHAT,
        trigger=isinstance(outcome, Wake),
        channel=told.event.channel,
        platform_id=told.event.platform_id,
        thread_id=told.plan.reply_to.thread_id,
        content=row.content,
        seq=row.seq,
        touched=row.touched,
    )
    if not inbound.add(conn, new, session=session, now=told.now) and new.trigger:
        inbound.take_up(conn, new.id, session=session)


def _attachments(told: Telling) -> list[Attachment]:
    came = told.event.attachments
    names = safe_names(one.name for one in came)
    return [
        Attachment(
            event_id=told.event_id,
            position=position,
            name=name,
            mime_type=None if one.mime_type is None else plain(one.mime_type, MOST_MIME_TYPE),
            size=one.file.size,
            digest=one.file.digest,
            spool_id=one.file.id,
        )
        for position, (name, one) in enumerate(zip(names, came, strict=True))
    ]


def _content(event: InboundEvent, came: Sequence[Attachment]) -> str:
    """What every session is told. The paths are the same in all of them, so a row can be copied as it is."""
    said = payloads.ChatIn(
        text=event.text,
        sender=event.sender,
        sender_id=event.sender_id,
        attachments=tuple(
            payloads.Attachment(
                name=one.name, path=f"{one.event_id}/{one.name}", mime_type=one.mime_type, size=one.size
            )
            for one in came
        ),
    )
    return payloads.write(said)
