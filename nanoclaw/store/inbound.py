"""Inbound rows in nanoclaw.db: what each session still has to hear, and what became of the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from nanoclaw.core.retry import Fail, RetryPolicy, after_epoch
from nanoclaw.model.ids import ChannelName, EpochNumber, EventId, InboundId, SessionId
from nanoclaw.model.messages import EpochEnding, InboundRow
from nanoclaw.store import outcomes
from nanoclaw.store.ticks import highest_seq, tick
from schema.rows import InKind, select
from schema.seq import next_even
from schema.sqlite import Connection, execute, fetch, fetch_one
from schema.times import read_time, write_time

WITHDRAWN = "withdrawn"
"""The error of a row that its sender took back before anybody had claimed it."""
SHOWN_SETTLED = 500
"""Settled rows that stay visible to a session's agent, besides everything pending."""


@frozen(kw_only=True)
class NewInbound:
    """What goes into an inbound row; the store adds number, time and session."""

    id: InboundId
    event_id: EventId | None = None
    kind: InKind
    trigger: bool = True
    channel: ChannelName | None = None
    platform_id: str | None = None
    thread_id: str | None = None
    content: str
    said_at: datetime | None = None
    """None: now."""
    seq: int | None = None
    """The session's next number, where the caller knows it."""
    touched: int | None = None
    """The tick of its transaction; None: a tick of its own."""
    from_epoch: EpochNumber | None = None
    """The first epoch that may see it; None: any."""
    series_id: str | None = None
    """The task that it is an occurrence of."""
    recurrence: str | None = None
    source_session_id: SessionId | None = None
    """The session of another agent that it comes out of."""
    hops: int = 0
    """How many messages from agent to agent led to it, with it."""
    chain: str | None = None
    """What set those off."""


@frozen(kw_only=True)
class Work:
    """What a session has to do."""

    due: int
    """Rows that may start a turn now and are not claimed."""
    next_at: datetime | None
    """When the next of the others becomes due."""
    claims: tuple[InboundId, ...]
    """Rows that the running sandbox has claimed, in order."""

    @property
    def claimed(self) -> int:
        """How many those are."""
        return len(self.claims)


def add(conn: Connection, new: NewInbound, *, session: SessionId, now: datetime) -> bool:
    """Give *session* a message; says whether it is new. A row of the same id changes nothing, whosever it is."""
    written = execute(
        conn,
        "INSERT INTO inbound (id, session_id, event_id, seq, kind, timestamp, trigger,"
        "                     channel, platform_id, thread_id, content, touched, from_epoch, series_id, recurrence,"
        "                     source_session_id, hops, chain)"
        " VALUES (:id, :session, :event, :seq, :kind, :now, :trigger, :channel, :platform_id, :thread_id, :content,"
        "         :touched, :from_epoch, :series, :recurrence, :source, :hops, :chain)"
        " ON CONFLICT (id) DO NOTHING",
        {
            "id": new.id,
            "session": session,
            "event": new.event_id,
            "seq": next_even(highest_seq(conn, session)) if new.seq is None else new.seq,
            "kind": new.kind.value,
            "now": write_time(new.said_at or now),
            "trigger": int(new.trigger),
            "channel": new.channel,
            "platform_id": new.platform_id,
            "thread_id": new.thread_id,
            "content": new.content,
            "touched": tick(conn) if new.touched is None else new.touched,
            "from_epoch": new.from_epoch,
            "series": new.series_id,
            "recurrence": new.recurrence,
            "source": new.source_session_id,
            "hops": new.hops,
            "chain": new.chain,
        },
    )
    return written > 0


def take_up(conn: Connection, row: InboundId, *, session: SessionId) -> None:
    """What was only kept is to be answered after all, by *session*; unless an agent has seen it already."""
    execute(
        conn,
        "UPDATE inbound SET trigger = 1, touched = :touched, session_id = :session,"
        "  seq = CASE session_id WHEN :session THEN seq ELSE :seq END"
        " WHERE id = :row AND trigger = 0 AND status = 'pending' AND claimed_epoch IS NULL",
        {
            "row": row,
            "session": session,
            "seq": next_even(highest_seq(conn, session)),
            "touched": tick(conn),
        },
    )


def rewrite(conn: Connection, row: InboundId, content: str) -> None:
    """Replace the content of a row that nobody has claimed."""
    execute(
        conn,
        "UPDATE inbound SET content = ?, touched = ? WHERE id = ? AND status = 'pending' AND claimed_epoch IS NULL",
        (content, tick(conn), row),
    )


def withdraw(conn: Connection, row: InboundId, content: str, *, now: datetime) -> bool:
    """End a row that nobody has claimed, saying *content* from now on; says whether it did."""
    written = execute(
        conn,
        "UPDATE inbound SET content = ?, status = 'completed', error = ?, settled_at = ?, touched = ?"
        " WHERE id = ? AND status = 'pending' AND claimed_epoch IS NULL",
        (content, WITHDRAWN, write_time(now), tick(conn), row),
    )
    return written > 0


def withdrawn_events(conn: Connection, session: SessionId, rows: Sequence[InboundRow]) -> list[EventId]:
    """The events of which *rows* are withdrawn, and no other row of *session* is not."""
    events = {row.event_id: None for row in rows if row.event_id is not None and row.error == WITHDRAWN}
    if not events:
        return []
    left = fetch(
        conn,
        "SELECT value FROM json_each(:events) WHERE NOT EXISTS"
        " (SELECT 1 FROM inbound WHERE session_id = :session AND event_id = value AND error IS NOT :withdrawn)",
        {"events": json.dumps(list(events)), "session": session, "withdrawn": WITHDRAWN},
    )
    return [EventId(str(row["value"])) for row in left]


def get(conn: Connection, row: InboundId) -> InboundRow | None:
    """The row of that id."""
    found = select(conn, InboundRow, "SELECT * FROM inbound WHERE id = ?", (row,))
    return found[0] if found else None


def of_seq(conn: Connection, session: SessionId, seq: int) -> InboundRow | None:
    """The row of *session* that has that number."""
    found = select(conn, InboundRow, "SELECT * FROM inbound WHERE session_id = ? AND seq = ?", (session, seq))
    return found[0] if found else None


def open_rows(conn: Connection, session: SessionId) -> list[InboundRow]:
    """Everything pending, claimed or not, in order."""
    return select(
        conn, InboundRow, "SELECT * FROM inbound WHERE session_id = ? AND status = 'pending' ORDER BY seq", (session,)
    )


def shown(conn: Connection, session: SessionId, epoch: EpochNumber) -> list[InboundRow]:
    """What a projection for *epoch* holds: everything open and the last `SHOWN_SETTLED` others, in order."""
    return select(
        conn,
        InboundRow,
        "SELECT * FROM inbound WHERE session_id = :session AND status IN ('pending', 'paused')"
        "   AND coalesce(from_epoch, 0) <= :epoch"
        " UNION ALL SELECT * FROM (SELECT * FROM inbound WHERE session_id = :session"
        "   AND status NOT IN ('pending', 'paused') ORDER BY seq DESC LIMIT :most)"
        " ORDER BY seq",
        {"session": session, "epoch": epoch, "most": SHOWN_SETTLED},
    )


def changed_since(conn: Connection, session: SessionId, epoch: EpochNumber, last: int) -> list[InboundRow]:
    """Rows that *epoch* may see and whose tick is above *last*, in the order of their changes."""
    return select(
        conn,
        InboundRow,
        "SELECT * FROM inbound WHERE session_id = ? AND touched > ? AND coalesce(from_epoch, 0) <= ?"
        " ORDER BY touched, seq",
        (session, last, epoch),
    )


def work(conn: Connection, session: SessionId, *, now: datetime) -> Work:
    """What *session* has to do at *now*."""
    row = fetch_one(
        conn,
        "SELECT count(*) FILTER (WHERE due AND claimed_epoch IS NULL) AS due,"
        "       min(process_after) FILTER (WHERE NOT due) AS next_at,"
        "       json_group_array(id ORDER BY seq) FILTER (WHERE claimed_epoch IS NOT NULL) AS claims"
        "  FROM (SELECT id, seq, claimed_epoch, process_after, coalesce(process_after <= :now, 1) AS due"
        "          FROM inbound WHERE session_id = :session AND status = 'pending' AND trigger = 1)",
        {"session": session, "now": write_time(now)},
    )
    assert row is not None
    next_at = row["next_at"]
    return Work(
        due=int(str(row["due"])),
        next_at=None if next_at is None else read_time(str(next_at)),
        claims=tuple(map(InboundId, json.loads(str(row["claims"])))),
    )


def claim(conn: Connection, row: InboundId, epoch: EpochNumber, *, now: datetime) -> None:
    """Record that the runner of *epoch* took the row; *now* is when the host first saw it."""
    execute(
        conn,
        "UPDATE inbound SET claimed_epoch = ?, claimed_at = ?"
        " WHERE id = ? AND status = 'pending' AND claimed_epoch IS NULL",
        (epoch, write_time(now), row),
    )


def settle(conn: Connection, row: InboundId, *, error: str | None, note: str | None = None, now: datetime) -> None:
    """End a pending row: completed, or failed with *error*; *note* is why it was completed without the agent.

    A settled row stays as it is. Of a task, its occurrence is decided with it.
    """
    written = execute(
        conn,
        "UPDATE inbound SET status = ?, error = ?, settled_at = ?, claimed_epoch = NULL, claimed_at = NULL, touched = ?"
        " WHERE id = ? AND status = 'pending'",
        ("completed" if error is None else "failed", error or note, write_time(now), tick(conn), row),
    )
    if written:
        outcomes.settled(conn, row, error=error, note=note, now=now)


def release_claims(
    conn: Connection,
    session: SessionId,
    epoch: EpochNumber,
    ending: EpochEnding,
    *,
    policy: RetryPolicy,
    now: datetime,
) -> Sequence[InboundRow]:
    """Take a dead epoch's claims away from it; returns the rows that have had their last try and failed."""
    failed = []
    claimed = select(
        conn,
        InboundRow,
        "SELECT * FROM inbound WHERE session_id = ? AND claimed_epoch = ? ORDER BY seq",
        (session, epoch),
    )
    for row in claimed:
        verdict = after_epoch(ending, row.tries, policy)
        if isinstance(verdict, Fail):
            settle(conn, row.id, error=verdict.why, now=now)
            failed.append(row)
        else:
            execute(
                conn,
                "UPDATE inbound SET claimed_epoch = NULL, claimed_at = NULL, tries = ?, process_after = ?, touched = ?"
                " WHERE id = ?",
                (verdict.tries, write_time(now + verdict.pause), tick(conn), row.id),
            )
    return failed


def sessions_to_wake(conn: Connection) -> list[SessionId]:
    """Sessions with anything pending that can start a turn, or whose open epoch shall end."""
    return [
        SessionId(str(row["session_id"]))
        for row in fetch(
            conn,
            "SELECT session_id FROM inbound WHERE status = 'pending' AND trigger = 1"
            " UNION SELECT session_id FROM epochs WHERE ended_at IS NULL AND told_to_end IS NOT NULL"
            " ORDER BY session_id",
        )
    ]
