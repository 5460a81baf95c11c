"""Tasks in nanoclaw.db: inbound rows that are due at a time. Nothing starts them yet; an import brings them, paused."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.model.ids import ChannelName, InboundId, SessionId
from nanoclaw.store.ticks import highest_seq, tick
from schema import payloads
from schema.rows import InKind
from schema.seq import next_even
from schema.sqlite import Connection, execute, fetch
from schema.times import write_time


@frozen(kw_only=True)
class PausedTask:
    """A task that waits until somebody resumes it."""

    id: InboundId
    session_id: SessionId
    series_id: str
    process_after: datetime | None
    recurrence: str | None
    channel: ChannelName | None
    platform_id: str | None
    thread_id: str | None
    task: payloads.Task


def add_paused(conn: Connection, new: PausedTask, *, now: datetime) -> None:
    """Keep a paused task. Raises `ConstraintError` if there is a message of that id, or no such session."""
    execute(
        conn,
        "INSERT INTO inbound (id, session_id, seq, kind, timestamp, status, process_after, trigger, channel,"
        "                     platform_id, thread_id, content, touched, recurrence, series_id)"
        " VALUES (:id, :session, :seq, :kind, :now, 'paused', :after, 1, :channel, :platform_id, :thread_id, :content,"
        "         :touched, :recurrence, :series)",
        {
            "id": new.id,
            "session": new.session_id,
            "seq": next_even(highest_seq(conn, new.session_id)),
            "kind": InKind.TASK.value,
            "now": write_time(now),
            "after": None if new.process_after is None else write_time(new.process_after),
            "channel": new.channel,
            "platform_id": new.platform_id,
            "thread_id": new.thread_id,
            "content": payloads.write(new.task),
            "touched": tick(conn),
            "recurrence": new.recurrence,
            "series": new.series_id,
        },
    )


def task_ids(conn: Connection) -> frozenset[InboundId]:
    """The ids of all tasks."""
    return frozenset(
        InboundId(str(row["id"])) for row in fetch(conn, "SELECT id FROM inbound WHERE kind = ?", (InKind.TASK.value,))
    )
