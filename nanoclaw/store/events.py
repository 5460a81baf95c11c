"""Accepting an event: the event, and a row for every session that hears it, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core import routing
from nanoclaw.model.ids import EventId, InboundId, SessionId
from nanoclaw.model.messages import Drop, InboundEvent
from nanoclaw.store import drops, inbound
from nanoclaw.store.entities import Mint, messaging_group, note_user, session_for, wirings_of
from schema import payloads
from schema.rows import InKind
from schema.sqlite import Connection, execute, scalar
from schema.times import write_time


@frozen
class Accepted:
    """The event is stored for these sessions; they should look."""

    event: EventId
    sessions: tuple[SessionId, ...]


@frozen
class Duplicate:
    """The event was stored before; these are the sessions it was stored for."""

    event: EventId
    sessions: tuple[SessionId, ...]


@frozen
class Ignored:
    """Nobody hears it; a drop records why."""

    event: EventId
    reason: str
    detail: str


Verdict: TypeAlias = Accepted | Duplicate | Ignored


def accept(conn: Connection, event: InboundEvent, *, mint: Mint, now: datetime) -> Verdict:
    """Store *event* and its whole fan-out. Safe to repeat: the same platform message is one event.

    Args:
      event: What an adapter made of a platform's message.
      mint: Makes new ids.
      now: The host's time; it becomes the rows' time.
    """
    known = scalar(
        conn,
        "SELECT id FROM events WHERE channel = ? AND platform_message_id = ?",
        (event.channel, event.platform_message_id),
    )
    if known is not None:
        found = EventId(str(known))
        return Duplicate(found, tuple(inbound.sessions_of(conn, found)))
    event_id = EventId(mint("evt"))
    execute(
        conn,
        "INSERT INTO events (id, channel, platform_message_id, platform_id, thread_id, sender_id, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            event_id,
            event.channel,
            event.platform_message_id,
            event.platform_id,
            event.thread_id,
            event.sender_id,
            write_time(now),
        ),
    )
    chat = messaging_group(conn, event.channel, event.platform_id)
    match routing.plan(chat, wirings_of(conn, chat.id) if chat else ()):
        case routing.Ignore(reason, detail):
            drop = Drop(
                key=f"event:{event_id}",
                kind="event",
                event_id=event_id,
                reference=event.platform_message_id,
                reason=reason,
                detail=detail,
                dropped_at=now,
            )
            drops.record(conn, drop)
            return Ignored(event_id, reason, detail)
        case routing.Wake(wirings):
            note_user(conn, event.sender_id, event.sender, now=now)
            content = payloads.write(payloads.ChatIn(text=event.text, sender=event.sender, sender_id=event.sender_id))
            woken = []
            for wiring in wirings:
                session = session_for(conn, wiring, mint=mint, now=now)
                inbound.add(
                    conn,
                    inbound.NewInbound(
                        id=InboundId(f"{event_id}:{wiring.agent_group_id}"),
                        event_id=event_id,
                        kind=InKind.CHAT,
                        channel=event.channel,
                        platform_id=event.platform_id,
                        thread_id=event.thread_id,
                        content=content,
                    ),
                    session=session,
                    now=now,
                )
                woken.append(session)
            return Accepted(event_id, tuple(woken))
