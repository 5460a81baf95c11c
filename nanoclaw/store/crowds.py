"""Crowds of strangers in nanoclaw.db: how much of an hour is on record, and the count of what is not.

A count is a drop without an event: one for each place, reason and hour. Places are the chats that agents hear, and all
other chats of a channel together, of which there may be as many as there are strangers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from nanoclaw.core import crowds
from nanoclaw.core.plan import Accumulate, Ask, AskKind, Plan
from nanoclaw.core.routing import Facts
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.entities import MessagingGroup
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, UserId
from nanoclaw.model.messages import Drop, InboundEvent
from nanoclaw.store import approvals, askings
from nanoclaw.store.entities import messaging_group
from nanoclaw.store.people import NOBODY, rights_of
from nanoclaw.store.wirings import wirings_of
from schema.rows import bindings, insert_sql
from schema.sqlite import Connection, execute, fetch, integer, scalar
from schema.times import write_time

_HOUR = timedelta(hours=1)
COUNTED = "counted:"
"""How the key of a count begins."""
WORDS = "only counted, because there were many in this hour: "
"""How the detail of a count begins; the number follows."""
_RECORDED_OF_CHAT = (
    "SELECT 1 FROM drops WHERE dropped_at >= :hour AND event_id IS NOT NULL AND messaging_group_id = :chat"
)
_RECORDED_ELSEWHERE = (
    "SELECT 1 FROM drops JOIN events ON events.id = event_id WHERE dropped_at >= :hour AND channel = :channel"
    " AND messaging_group_id NOT IN (SELECT messaging_group_id FROM wirings)"
)
_LOOKED_AT = 200
"""Requests and sessions, the newest, among which those of the last hour are looked for."""


def is_left_out(conn: Connection, event: InboundEvent, facts: Facts, plan: Plan, *, now: datetime) -> bool:
    """Is *event*, which nobody hears, one too many of its hour? Then it is counted, which is all that is written.

    One about which a person is to be asked is none, nor is one of somebody known who is to be told why.
    """
    if plan.answer is not None and facts.rights != NOBODY:
        return False
    first, heard = plan.records[0], facts.chat if facts.wirings else None
    if not _is_full(conn, event.channel, heard, now):
        return False
    if any(asks_anew(conn, ask, facts.chat, event, now=now) for ask in plan.asks):
        return False
    _count_event(conn, event, heard, first.reason, first.agent_group_id, now)
    return True


def is_one_too_many(conn: Connection, event: InboundEvent, reason: str, *, now: datetime) -> bool:
    """The same of a press, or of words for a card or a question, that decide and answer nothing for that *reason*."""
    chat = messaging_group(conn, event.channel, event.platform_id)
    heard = chat if chat is not None and wirings_of(conn, chat.id) else None
    if not _is_full(conn, event.channel, heard, now) or rights_of(conn, event.sender_id) != NOBODY:
        return False
    _count_event(conn, event, heard, reason, None, now)
    return True


def asks_anew(conn: Connection, ask: Ask, chat: MessagingGroup | None, event: InboundEvent, *, now: datetime) -> bool:
    """May a person be asked that, who was not asked yet?"""
    kind = ApprovalKind.CHAT if ask.kind is AskKind.CHAT else ApprovalKind.SENDER
    subject = None if chat is None else askings.subject_of(chat, event, ask.agent_group_id)
    if subject is not None and approvals.open_one(conn, kind, subject) is not None:
        return False
    return has_room(conn, ask, event, now=now) and not (
        subject is not None and approvals.was_denied(conn, kind, subject, now=now)
    )


def has_room(conn: Connection, ask: Ask, event: InboundEvent, *, now: datetime) -> bool:
    """Do so few wait, and was so little asked within an hour, that one more may be asked about?"""
    return crowds.may_ask(_asked(conn, event.channel, event.sender_id, ask.agent_group_id, now))


def is_thread_too_many(conn: Connection, chat: MessagingGroup | None, outcome: Accumulate, *, now: datetime) -> bool:
    """Would *outcome* be kept in one thread too many? Then it is counted, and not kept."""
    if outcome.existing is not None or outcome.session.thread_id is None or chat is None:
        return False
    threads = integer(
        conn,
        "SELECT count(*) FROM (SELECT * FROM sessions ORDER BY rowid DESC LIMIT :most)"
        " WHERE messaging_group_id = :chat AND agent_group_id = :agent AND thread_id IS NOT NULL"
        "   AND created_at >= :hour",
        {
            "most": _LOOKED_AT,
            "chat": chat.id,
            "agent": outcome.wiring.agent_group_id,
            "hour": write_time(crowds.hour_of(now)),
        },
    )
    if crowds.is_kept_in_thread(threads):
        return False
    count_context(conn, chat, outcome.wiring.agent_group_id, crowds.THREADS_FULL, now=now)
    return True


def count(
    conn: Connection,
    place: str,
    reason: str,
    *,
    chat: MessagingGroupId | None,
    agent: AgentGroupId | None,
    times: int = 1,
    now: datetime,
) -> None:
    """Count what is not on record: as often as it is told, not as often as it was said."""
    hour = write_time(crowds.hour_of(now))
    counted = Drop(
        key=f"{COUNTED}{place}/{hour}/{agent or ''}/{reason}",
        kind="event",
        messaging_group_id=chat,
        agent_group_id=agent,
        reference="",
        reason=reason,
        detail=f"{WORDS}{times}",
        dropped_at=now,
    )
    execute(
        conn,
        insert_sql("drops", Drop) + " ON CONFLICT (key) DO UPDATE SET dropped_at = excluded.dropped_at,"
        f" detail = '{WORDS}' || (CAST(substr(drops.detail, {len(WORDS) + 1}) AS INTEGER) + {times:d})",
        bindings(counted),
    )


def count_context(
    conn: Connection, chat: MessagingGroup, agent: AgentGroupId, reason: str, *, times: int = 1, now: datetime
) -> None:
    """Count context of *chat* that *agent* will not see. It is no refusal, and fills no hour."""
    count(conn, f"{_place(chat.channel, chat)}/kept", reason, chat=chat.id, agent=agent, times=times, now=now)


def count_changes(conn: Connection, chat: MessagingGroup, reason: str, *, now: datetime) -> None:
    """Count changes of messages of *chat* that nobody is told of. It is no refusal either."""
    count(conn, f"{_place(chat.channel, chat)}/changes", reason, chat=chat.id, agent=None, now=now)


def _place(channel: ChannelName, heard: MessagingGroup | None) -> str:
    """The place of a chat that agents hear; of None, all others of *channel*."""
    return f"{channel}/{'' if heard is None else heard.id}"


def _count_event(
    conn: Connection,
    event: InboundEvent,
    heard: MessagingGroup | None,
    reason: str,
    agent: AgentGroupId | None,
    now: datetime,
) -> None:
    chat = None if heard is None else heard.id
    count(conn, _place(event.channel, heard), reason, chat=chat, agent=agent, now=now)


def _is_full(conn: Connection, channel: ChannelName, heard: MessagingGroup | None, now: datetime) -> bool:
    """Is so much on record of that place in this hour that more is only counted?"""
    hour = write_time(crowds.hour_of(now))
    start = f"{COUNTED}{_place(channel, heard)}/{hour}/"
    if scalar(conn, "SELECT 1 FROM drops WHERE key BETWEEN ? AND ? || char(0x10ffff)", (start, start)) is not None:
        return True
    rows = _RECORDED_ELSEWHERE if heard is None else _RECORDED_OF_CHAT
    bound = {"channel": str(channel)} if heard is None else {"chat": str(heard.id)}
    recorded = integer(
        conn,
        f"SELECT count(*) FROM ({rows} LIMIT :most)",  # noqa: S608 - our own words
        {"hour": hour, "most": crowds.MOST_RECORDED, **bound},
    )
    return not crowds.is_recorded(recorded)


def _asked(
    conn: Connection, channel: ChannelName, sender: UserId, agent: AgentGroupId | None, now: datetime
) -> crowds.Asked:
    about = {"channel": channel, "since": write_time(now - _HOUR), "sender": sender, "agent": agent}
    (waiting,) = fetch(
        conn,
        "SELECT count(*) AS many, coalesce(max(agent_group_id IS :agent"
        "         AND json_extract(payload, '$.sender_id') = :sender), 0) AS theirs"
        "  FROM approvals a INDEXED BY approvals_open JOIN messaging_groups m ON m.id = a.messaging_group_id"
        " WHERE a.state IN ('pending', 'executing') AND a.kind IN ('chat', 'sender') AND m.channel = :channel",
        {name: value for name, value in about.items() if name != "since"},
    )
    lately = integer(
        conn,
        "SELECT count(*) FROM (SELECT * FROM approvals ORDER BY rowid DESC LIMIT :most) a"
        "  JOIN messaging_groups m ON m.id = a.messaging_group_id"
        " WHERE a.requested_at > :since AND a.kind IN ('chat', 'sender') AND m.channel = :channel",
        {"most": _LOOKED_AT, "since": about["since"], "channel": channel},
    )
    # Whoever has a say here may bring us into as many chats as they like.
    theirs = bool(waiting["theirs"]) and rights_of(conn, sender) == NOBODY
    return crowds.Asked(lately=lately, waiting=int(str(waiting["many"])), about_them=theirs)
