"""The story of a message, out of nanoclaw.db: what came, who heard it, what was said to it. Looks, never touches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId, EventId, InboundId, MessagingGroupId, OutboundId, SessionId
from nanoclaw.model.messages import Drop, Epoch, InboundRow, LedgerRow
from nanoclaw.model.stories import Arrival, Live, Reply, Story, Tokens, Turn
from nanoclaw.store import entities, inbound, ledger, parkings
from schema.rows import select
from schema.sqlite import Connection, fetch, fetch_one, integer
from schema.times import write_time

_ARRIVAL = (
    "SELECT id AS event, channel, platform_id, platform_message_id, thread_id, sender_id, mention, received_at"
    "  FROM events WHERE id = ?"
)
_ROWS = "SELECT * FROM inbound WHERE event_id = ? ORDER BY session_id, seq"
_DROPS = "SELECT * FROM drops WHERE event_id = ? ORDER BY dropped_at, key"


@frozen
class Of:
    """What a story is to be of: an event, or a message in that came from no platform."""

    event: EventId | None
    row: InboundId | None = None


def find(conn: Connection, typed: str) -> tuple[Of, ...]:
    """What is known by that name: an event's, a message's in or out, or a platform's own. The newest first."""
    rows = fetch(
        conn,
        "SELECT id, NULL AS row, received_at AS at FROM events WHERE id = :typed OR platform_message_id = :typed"
        " UNION ALL SELECT event_id, id, timestamp FROM inbound WHERE id = :typed"
        " UNION ALL SELECT i.event_id, i.id, i.timestamp FROM ledger l JOIN inbound i ON i.id = l.in_reply_to"
        "  WHERE l.id = :typed OR l.platform_message_id = :typed"
        " UNION ALL SELECT e.id, NULL, e.received_at FROM ledger l JOIN events e ON e.id = l.in_reply_to"
        "  WHERE l.id = :typed OR l.platform_message_id = :typed"
        " ORDER BY at DESC",
        {"typed": typed},
    )
    found = [_of(row["id"], row["row"]) for row in rows]
    return tuple(dict.fromkeys(found))


def latest(conn: Connection, *, chat: MessagingGroupId | None, session: SessionId | None, most: int) -> tuple[Of, ...]:
    """The latest of a chat, of a session, or of all: what people said, and what woke an agent without them."""
    rows = fetch(
        conn,
        "SELECT event, row FROM ("
        "  SELECT e.id AS event, NULL AS row, e.received_at AS at FROM events e"
        "   LEFT JOIN messaging_groups m ON m.channel = e.channel AND m.platform_id = e.platform_id"
        "   WHERE (:chat IS NULL OR m.id = :chat) AND (:session IS NULL OR EXISTS"
        "     (SELECT 1 FROM inbound i WHERE i.event_id = e.id AND i.session_id = :session))"
        "  UNION ALL SELECT NULL, i.id, i.timestamp FROM inbound i JOIN sessions s ON s.id = i.session_id"
        "   WHERE i.event_id IS NULL AND i.trigger = 1 AND (:session IS NULL OR i.session_id = :session)"
        "     AND (:chat IS NULL OR s.messaging_group_id = :chat))"
        " ORDER BY at DESC LIMIT :most",
        {"chat": chat, "session": session, "most": most},
    )
    return tuple(_of(row["event"], row["row"]) for row in rows)


def story(conn: Connection, of: Of, *, live: Live | None, now: datetime) -> Story | None:
    """Everything that is known of one message; None: nothing is, any more."""
    arrival = _arrival(conn, of.event)
    groups = {group.id: group for group in entities.agent_groups(conn)}
    if of.event is not None:
        rows = select(conn, InboundRow, _ROWS, (of.event,))
        drops = select(conn, Drop, _DROPS, (of.event,))
    else:
        row = None if of.row is None else inbound.get(conn, of.row)
        rows, drops = [] if row is None else [row], []
    if arrival is None and not rows:
        return None
    chat = _chat(conn, arrival, rows)
    return Story(
        arrival=arrival,
        chat=None if chat is None else MessagingGroupId(str(chat["id"])),
        chat_name=None if chat is None else str(chat["name"]),
        drops=tuple(drops),
        turns=tuple(_turn(conn, row, groups, now) for row in rows),
        agent_names={group.id: group.name for group in groups.values()},
        live=live,
        now=now,
    )


def _of(event: object, row: object) -> Of:
    if event is not None:
        return Of(EventId(str(event)))
    return Of(None, InboundId(str(row)))


def _arrival(conn: Connection, event: EventId | None) -> Arrival | None:
    found = [] if event is None else select(conn, Arrival, _ARRIVAL, (event,))
    return found[0] if found else None


def _chat(conn: Connection, arrival: Arrival | None, rows: Sequence[InboundRow]) -> dict[str, object] | None:
    places = [(row.channel, row.platform_id) for row in rows if row.channel is not None]
    if arrival is not None:
        places.insert(0, (arrival.channel, arrival.platform_id))
    for channel, platform_id in places:
        found = fetch_one(
            conn, "SELECT id, name FROM messaging_groups WHERE channel = ? AND platform_id = ?", (channel, platform_id)
        )
        if found is not None:
            return dict(found)
    return None


def _turn(conn: Connection, row: InboundRow, groups: dict[AgentGroupId, AgentGroup], now: datetime) -> Turn:
    session = fetch_one(conn, "SELECT agent_group_id FROM sessions WHERE id = ?", (row.session_id,))
    assert session is not None
    group = groups[AgentGroupId(str(session["agent_group_id"]))]
    epochs = select(
        conn, Epoch, "SELECT * FROM epochs WHERE session_id = ? ORDER BY number DESC LIMIT 1", (row.session_id,)
    )
    answers = select(
        conn,
        LedgerRow,
        "SELECT * FROM ledger WHERE (in_reply_to = :row AND session_id = :session)"
        " OR (in_reply_to = :event AND session_id IS NULL) ORDER BY position",
        {"row": row.id, "session": row.session_id, "event": row.event_id},
    )
    return Turn(
        agent=group.id,
        agent_name=group.name,
        row=row,
        parking=parkings.parking(conn, row.session_id),
        last_epoch=epochs[0] if epochs else None,
        ahead=integer(
            conn,
            "SELECT count(*) FROM inbound WHERE session_id = ? AND status = 'pending' AND trigger = 1 AND seq < ?",
            (row.session_id, row.seq),
        ),
        tokens=_tokens(conn, row, now),
        replies=tuple(Reply(row=answer, behind=_behind(conn, answer)) for answer in answers),
        refused=_refused(conn, row, now),
    )


def _behind(conn: Connection, row: LedgerRow) -> OutboundId | None:
    """The head of its lane, if that is another one."""
    found = fetch_one(
        conn,
        "SELECT id FROM ledger WHERE channel = ? AND platform_id = ? AND state IN ('pending', 'sending')"
        " ORDER BY position LIMIT 1",
        (row.channel, row.platform_id),
    )
    if found is None or found["id"] == row.id or row.settled_at is not None:
        return None
    head = ledger.get(conn, OutboundId(str(found["id"])))
    return None if head is None or head.position > row.position else head.id


def _tokens(conn: Connection, row: InboundRow, now: datetime) -> Tokens | None:
    """What its session took from when it came until it was settled: of messages answered together, all of it."""
    found = fetch_one(
        conn,
        "SELECT count(*) AS results, coalesce(sum(read), 0) AS read, coalesce(sum(written), 0) AS written,"
        " sum(cost_usd) AS cost FROM usage WHERE session_id = ? AND at BETWEEN ? AND ?",
        (row.session_id, write_time(row.timestamp), write_time(row.settled_at or now)),
    )
    if found is None or not found["results"]:
        return None
    cost = found["cost"]
    return Tokens(
        results=int(str(found["results"])),
        read=int(str(found["read"])),
        written=int(str(found["written"])),
        cost_usd=None if cost is None else float(str(cost)),
    )


def _refused(conn: Connection, row: InboundRow, now: datetime) -> tuple[Drop, ...]:
    """What its session said meanwhile and was not passed on; also that its outbox was not readable."""
    found = select(
        conn,
        Drop,
        "SELECT * FROM drops WHERE session_id = ? AND kind IN ('outbound', 'epoch') AND key NOT LIKE 'dead:%'"
        " AND dropped_at BETWEEN ? AND ? ORDER BY dropped_at, key",
        (row.session_id, write_time(row.timestamp), write_time(row.settled_at or now)),
    )
    return tuple(found)
