"""Accepting an event: the event, and a row for every session that hears it, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core import routing
from nanoclaw.core.crowds import THREADS_FULL
from nanoclaw.model.ids import EventId, SessionId
from nanoclaw.model.messages import Address, InboundEvent
from nanoclaw.store import answers, approval_cards, crowds, decisions, facts, fan_out, questions, web_feed
from nanoclaw.store.entities import Mint
from nanoclaw.store.forgetting import forget_events
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection, execute, fetch, fetch_plain
from schema.times import write_time


@frozen(kw_only=True)
class Accepted:
    """The event is stored for these sessions."""

    event: EventId
    woken: tuple[SessionId, ...]
    """They have something to do."""
    kept: tuple[SessionId, ...] = ()
    """They have something to know."""
    lanes: frozenset[Lane] = frozenset()
    """Where the host itself answers."""
    subscribe: bool = False
    """Shall its channel bring us everything of its thread from now on?"""
    answers_for: str | None = None
    """It is the answer to a question; the platform's id of the message that made the agent ask."""
    asked: bool = False
    """Does it make a person be asked something?"""


@frozen(kw_only=True)
class Decided:
    """The event is a decision about an approval, and nobody else hears it."""

    event: EventId
    lanes: frozenset[Lane] = frozenset()
    """Where cards say so."""
    asked: bool = True
    """There is something to do or to tell because of it, as `Accepted` says."""


@frozen(kw_only=True)
class Duplicate:
    """The event was stored before; these are the sessions that still have to answer it."""

    event: EventId
    sessions: tuple[SessionId, ...]
    answers_for: str | None = None
    """As `Accepted` says."""
    asked: bool = False
    """It was, before."""


@frozen(kw_only=True)
class Ignored:
    """Nobody hears it."""

    event: EventId | None
    """None: it was not said to us and nobody listens there, or so much is refused that it was only counted."""
    reason: str
    detail: str
    lanes: frozenset[Lane] = frozenset()
    """Where the host itself answers."""
    asked: bool = False
    """As `Accepted` says."""


_KNOWN = (
    f"SELECT events.id, events.mention, {approval_cards.IS_ONE_OPEN} OR {questions.IS_ONE_OPEN}"  # noqa: S608 - our own
    " FROM (SELECT 1) LEFT JOIN events ON channel = :channel AND platform_message_id = :message"
)

Verdict: TypeAlias = Accepted | Decided | Duplicate | Ignored


def accept(conn: Connection, event: InboundEvent, *, threaded: bool, mint: Mint, now: datetime) -> Verdict:
    """Store *event* and its whole fan-out. Safe to repeat: the same platform message is one event.

    One that decides about an approval goes to nobody, and one that answers a question of an agent to that agent alone.

    A platform may tell of one message twice, first as something that was said and then as something that was said to
    us. The second time, those who had not taken it up may do so.

    Args:
      event: What an adapter made of a platform's message.
      threaded: Does its channel have threads?
      mint: Makes new ids.
      now: The host's time; it becomes the rows' time.
    """
    known, mentioned, asks = _known(conn, event)
    if known is not None and (mentioned or not event.mention):
        sessions = tuple(_still_to_answer(conn, known))
        return Duplicate(event=known, sessions=sessions, answers_for=answers.asked_for(conn, known))
    if known is None and (asks or event.choice is not None):
        place = _place(event, threaded=threaded)
        if (deciding := decisions.find(conn, event, place, now=now)) is not None:
            return _decide(conn, EventId(mint("evt")), event, deciding, place, now)
        if (meant := answers.find(conn, event, place)) is not None:
            return _answer(conn, EventId(mint("evt")), event, meant, place, now)
    gathered = facts.gather(conn, event, threaded=threaded)
    plan = routing.plan(event, gathered)
    if plan.silent:
        return Ignored(event=None, reason="not-addressed", detail="nobody listens to this chat")
    if known is None and not plan.heard and crowds.is_left_out(conn, event, gathered, plan, now=now):
        return Ignored(event=None, reason=plan.records[0].reason, detail=plan.records[0].detail)
    event_id = known or EventId(mint("evt"))
    if known is None:
        # Of ordinary talk that nobody hears, not even the sender is kept.
        says_who = bool(plan.heard) or any(record.says_who for record in plan.records)
        _insert(conn, event_id, event, says_who=says_who, mention=event.mention, now=now)
    else:
        fan_out.forget_first_telling(conn, event_id, event.sender_id, mention=True)
    told = fan_out.Telling(event_id, event, gathered, plan, now, again=known is not None)
    stored = fan_out.apply(conn, told, mint=mint)
    if not plan.heard:
        first = plan.records[0]
        return Ignored(event=event_id, reason=first.reason, detail=first.detail, lanes=stored.lanes, asked=stored.asked)
    if not (stored.woken or stored.kept):
        forget_events(conn, [event_id])
        return Ignored(event=None, reason=THREADS_FULL, detail="there are too many new threads to keep all")
    return Accepted(
        event=event_id,
        woken=stored.woken,
        kept=stored.kept,
        lanes=stored.lanes,
        subscribe=plan.subscribe,
        asked=stored.asked,
    )


def replay(
    conn: Connection, event_id: EventId, event: InboundEvent, *, threaded: bool, mint: Mint, now: datetime
) -> bool:
    """Judge an event anew that was refused and kept, by the truth of today; says whether anybody hears it now.

    Where nobody does, what was recorded of it stays.
    """
    gathered = facts.gather(conn, event, threaded=threaded)
    plan = routing.plan(event, gathered)
    if not plan.heard:
        return False
    fan_out.forget_first_telling(conn, event_id, event.sender_id, mention=event.mention)
    fan_out.apply(conn, fan_out.Telling(event_id, event, gathered, plan, now, again=True), mint=mint)
    return True


def _known(conn: Connection, event: InboundEvent) -> tuple[EventId | None, bool, bool]:
    """The id of an event that is stored already, and was it said to us; and does anything wait for words in its chat?

    All of it in one step, which every message takes.
    """
    bound = {"channel": event.channel, "platform_id": event.platform_id, "message": event.platform_message_id}
    _, ((found, mention, asks),) = fetch_plain(conn, _KNOWN, bound)
    return None if found is None else EventId(str(found)), bool(mention), bool(asks)


def _decide(
    conn: Connection,
    event_id: EventId,
    event: InboundEvent,
    found: decisions.Decision | decisions.NoDecision,
    place: Address,
    now: datetime,
) -> Verdict:
    """Store *event* as the decision that it is, or is not."""
    if isinstance(found, decisions.NoDecision) and crowds.is_one_too_many(conn, event, found.reason, now=now):
        return Ignored(event=None, reason=found.reason, detail=found.why)
    _insert(conn, event_id, event, says_who=True, mention=True, now=now)
    lanes = decisions.store(conn, event_id, event, found, place, now=now)
    if isinstance(found, decisions.Decision):
        return Decided(event=event_id, lanes=lanes)
    return Ignored(event=event_id, reason=found.reason, detail=found.why, lanes=lanes)


def _answer(
    conn: Connection,
    event_id: EventId,
    event: InboundEvent,
    found: answers.Answered | answers.Unanswered,
    place: Address,
    now: datetime,
) -> Verdict:
    """Store *event* as the answer that it is, or is not. Told again as said to us, it is no other."""
    if isinstance(found, answers.Unanswered) and crowds.is_one_too_many(conn, event, found.reason, now=now):
        return Ignored(event=None, reason=found.reason, detail=found.why)
    _insert(conn, event_id, event, says_who=True, mention=True, now=now)
    if isinstance(found, answers.Answered):
        out = answers.store(conn, event_id, event, found, now=now)
        return Accepted(event=event_id, woken=(found.session,), answers_for=out.asked_for, lanes=out.lanes)
    lanes = answers.record(conn, event_id, event, found, place, now=now)
    return Ignored(event=event_id, reason=found.reason, detail=found.why, lanes=lanes)


def _still_to_answer(conn: Connection, event: EventId) -> list[SessionId]:
    """The sessions that have taken an event up and have not settled it."""
    rows = fetch(
        conn,
        "SELECT session_id FROM inbound WHERE event_id = ? AND trigger = 1 AND status = 'pending' ORDER BY session_id",
        (event,),
    )
    return [SessionId(str(row["session_id"])) for row in rows]


def _place(event: InboundEvent, *, threaded: bool) -> Address:
    thread = (event.thread_id or None) if threaded else None
    return Address(channel=event.channel, platform_id=event.platform_id, thread_id=thread)


def _insert(
    conn: Connection, event_id: EventId, event: InboundEvent, *, says_who: bool, mention: bool, now: datetime
) -> None:
    execute(
        conn,
        "INSERT INTO events (id, channel, platform_message_id, platform_id, thread_id, sender_id, mention, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event_id,
            event.channel,
            event.platform_message_id,
            event.platform_id,
            event.thread_id,
            event.sender_id if says_who else None,
            int(mention),
            write_time(now),
        ),
    )
    web_feed.note_event(conn, event_id, event)
