"""The outbound ledger in nanoclaw.db: every message to a platform, in one state at a time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from attrs import frozen

from nanoclaw.model.files import LedgerFile
from nanoclaw.model.ids import ChannelName, EpochNumber, OutboundId, RunnerMessageId, SessionId
from nanoclaw.model.messages import AGENTS, LedgerRow, LedgerState, NewLedgerRow
from nanoclaw.store import files, parts, web_feed
from nanoclaw.store.labels import speaker_of
from nanoclaw.store.parts import StoredPart
from nanoclaw.store.ticks import highest_seq, tick
from schema.rows import select
from schema.seq import next_even
from schema.sqlite import Connection, execute, fetch, fetch_one, scalar
from schema.times import read_time, write_time


class Lane(NamedTuple):
    """A channel and a conversation on it: what is sent there is sent in order."""

    channel: ChannelName
    platform_id: str

    def __str__(self) -> str:
        """As people see it."""
        return f"{self.channel} {self.platform_id}"


ALL = -1
"""No limit, as SQLite says it."""


def add(conn: Connection, new: NewLedgerRow, *, session: SessionId | None, now: datetime) -> None:
    """Put a message into the ledger, out of *session*, or the host's own to a chat.

    Raises `ConstraintError` for a number or id used before in the session.
    """
    seq = new.seq
    if seq is None and session is not None:
        seq = next_even(highest_seq(conn, session))
    execute(
        conn,
        "INSERT INTO ledger (id, session_id, epoch, runner_id, digest, seq, in_reply_to, channel, platform_id,"
        "                    thread_id, kind, content, state, not_before, created_at, touched, about)"
        " VALUES (:id, :session, :epoch, :runner_id, :digest, :seq, :in_reply_to, :channel, :platform_id,"
        "         :thread_id, :kind, :content, 'pending', :not_before, :now, :touched, :about)",
        {
            "id": new.id,
            "session": session,
            "epoch": new.epoch,
            "runner_id": new.runner_id,
            "digest": new.digest,
            "seq": seq,
            "in_reply_to": new.in_reply_to,
            "channel": new.to.channel,
            "platform_id": new.to.platform_id,
            "thread_id": new.to.thread_id,
            "kind": new.kind,
            "content": new.content,
            "not_before": None if new.not_before is None else write_time(new.not_before),
            "now": write_time(now),
            "touched": tick(conn),
            "about": new.about,
        },
    )
    files.add_to_message(conn, new.id, new.files)


def digest_of(conn: Connection, session: SessionId, epoch: EpochNumber, runner_id: RunnerMessageId) -> str | None:
    """The digest that a runner's row had when it was first absorbed; None if it was not."""
    found = scalar(
        conn,
        "SELECT digest FROM ledger WHERE session_id = ? AND epoch = ? AND runner_id = ?",
        (session, epoch, runner_id),
    )
    return None if found is None else str(found)


def said_before(conn: Connection, new: NewLedgerRow, *, session: SessionId) -> bool:
    """Did an earlier life of *session* say the same, to the same place, in answer to the same message?"""
    return (
        scalar(
            conn,
            "SELECT 1 FROM ledger WHERE session_id = :session AND in_reply_to = :in_reply_to AND epoch < :epoch"
            "   AND kind = :kind AND content = :content AND channel = :channel AND platform_id = :platform_id LIMIT 1",
            {
                "session": session,
                "in_reply_to": new.in_reply_to,
                "epoch": new.epoch,
                "kind": new.kind,
                "content": new.content,
                "channel": new.to.channel,
                "platform_id": new.to.platform_id,
            },
        )
        is not None
    )


def seq_is_free(conn: Connection, session: SessionId, seq: int) -> bool:
    """Has no message out of *session* that number?"""
    return scalar(conn, "SELECT 1 FROM ledger WHERE session_id = ? AND seq = ?", (session, seq)) is None


def of_seq(conn: Connection, session: SessionId, seq: int) -> LedgerRow | None:
    """The message out of *session* that has that number."""
    found = select(conn, LedgerRow, "SELECT * FROM ledger WHERE session_id = ? AND seq = ?", (session, seq))
    return found[0] if found else None


def get(conn: Connection, row: OutboundId) -> LedgerRow | None:
    """The message of that id."""
    found = select(conn, LedgerRow, "SELECT * FROM ledger WHERE id = ?", (row,))
    return found[0] if found else None


def lanes(conn: Connection) -> list[Lane]:
    """Every lane with something undecided in it."""
    return [
        Lane(ChannelName(str(row["channel"])), str(row["platform_id"]))
        for row in fetch(
            conn, "SELECT DISTINCT channel, platform_id FROM ledger WHERE state IN ('pending', 'sending') ORDER BY 1, 2"
        )
    ]


@frozen(kw_only=True)
class Head:
    """The oldest undecided message of a lane."""

    row: LedgerRow
    answers: str | None
    """Its platform's id of the message it answers."""
    speaker: str | None
    """The name of the agent group that says it; None: the host itself, for all."""
    label: str | None
    """The name that it begins with where its channel does not show who speaks; None: none."""
    files: tuple[LedgerFile, ...]
    """What goes with it."""
    more: bool
    """Is another answer to the same message behind it, or another agent still at it?"""
    parts: tuple[StoredPart, ...] = ()
    """Those that it goes out in; none, if it goes out as it is."""


def head(conn: Connection, lane: Lane, *, now: datetime) -> Head | datetime | None:
    """What a lane has to do: its oldest undecided message, or when the next is due, or None.

    A message that was tried holds up those behind it, also if that attempt did not count; one that was asked for
    later (`not_before` before the first try) does not.
    """
    found = select(
        conn,
        LedgerRow,
        "SELECT * FROM ledger WHERE channel = ? AND platform_id = ? AND state IN ('pending', 'sending')"
        " AND NOT (attempts = 0 AND error IS NULL AND coalesce(not_before > ?, 0)) ORDER BY position LIMIT 1",
        (*lane, write_time(now)),
    )
    if found:
        return _head(conn, found[0])
    due = scalar(
        conn,
        "SELECT min(not_before) FROM ledger WHERE channel = ? AND platform_id = ? AND state IN ('pending', 'sending')",
        lane,
    )
    return None if due is None else read_time(str(due))


def _head(conn: Connection, row: LedgerRow) -> Head:
    event = fetch_one(
        conn,
        "SELECT id, channel, platform_message_id FROM events"
        " WHERE id = coalesce((SELECT event_id FROM inbound WHERE id = :answered), :answered)",
        {"answered": row.in_reply_to},
    )
    speaker = speaker_of(conn, row)
    more = scalar(
        conn,
        "SELECT 1 FROM ledger WHERE channel = :channel AND platform_id = :platform_id AND position > :position"
        " AND state IN ('pending', 'sending')"
        " AND in_reply_to IN (SELECT id FROM inbound WHERE event_id = :event UNION ALL VALUES (:answered))"
        " UNION ALL SELECT 1 FROM inbound"
        " WHERE event_id = :event AND status = 'pending' AND trigger = 1 AND session_id <> :session"
        # What is said in mid-turn is not all, unless it asks something: then it is somebody else's turn to speak.
        " UNION ALL SELECT 1 FROM inbound"
        " WHERE id = :answered AND claimed_epoch IS NOT NULL AND :kind <> 'ask_question' LIMIT 1",
        {
            "channel": row.channel,
            "platform_id": row.platform_id,
            "position": row.position,
            "event": None if event is None else event["id"],
            "answered": row.in_reply_to,
            "session": row.session_id,
            "kind": row.kind,
        },
    )
    return Head(
        row=row,
        # What an agent wrote has no name on any platform.
        answers=None if event is None or event["channel"] == AGENTS else str(event["platform_message_id"]),
        speaker=speaker.name,
        label=speaker.label,
        files=tuple(files.of_message(conn, row.id)),
        more=more is not None,
        parts=() if row.parts is None else parts.of_message(conn, row.id),
    )


def take(conn: Connection, lane: Lane, *, now: datetime) -> Head | datetime | None:
    """What a lane has to do, as `head` says; a message that is to be sent now becomes `sending`.

    One step, so that a message costs one commit before it is on its way. The row that is returned is as it was
    before: one that says `sending` was being sent when somebody died.
    """
    found = head(conn, lane, now=now)
    if isinstance(found, Head) and is_due(found.row, now):
        execute(conn, "UPDATE ledger SET state = 'sending', attempts = attempts + 1 WHERE id = ?", (found.row.id,))
        web_feed.note_message(conn, found.row)
    return found


def is_due(row: LedgerRow, now: datetime) -> bool:
    """Is this message to be handed to its platform at *now*?"""
    return row.state is LedgerState.PENDING and (row.not_before is None or row.not_before <= now)


def put_back(
    conn: Connection,
    row: OutboundId,
    *,
    not_before: datetime | None,
    error: str | None,
    refund: bool = False,
    doubt: bool = False,
) -> None:
    """The platform did not take it, or may not have: it is to be sent (again) from *not_before* on.

    *refund*: the attempt did not count, because nobody was there or the platform asked for a pause. *doubt*: it may
    have arrived all the same.
    """
    execute(
        conn,
        "UPDATE ledger SET state = 'pending', not_before = ?, error = ?, attempts = attempts - ?, doubt = max(doubt, ?)"
        " WHERE id = ? AND state = 'sending'",
        (None if not_before is None else write_time(not_before), error, int(refund), int(doubt), row),
    )


def settle(
    conn: Connection,
    row: OutboundId,
    state: LedgerState,
    *,
    platform_message_id: str | None = None,
    error: str | None = None,
    now: datetime,
) -> None:
    """Decide a message for good: delivered, unknown or dead. A decided one stays as it is."""
    execute(
        conn,
        "UPDATE ledger SET state = :state, platform_message_id = :name, error = :error, settled_at = :now,"
        " touched = :tick, doubt = max(doubt, :state = 'unknown') WHERE id = :id AND state IN ('pending', 'sending')",
        {
            "state": state.value,
            "name": platform_message_id,
            "error": error,
            "now": write_time(now),
            "tick": tick(conn),
            "id": row,
        },
    )


def found(conn: Connection, row: OutboundId, *, now: datetime) -> None:
    """A message that was taken for dead has arrived all the same, as people can see."""
    execute(
        conn,
        "UPDATE ledger SET state = 'delivered', error = NULL, settled_at = ?, touched = ?"
        " WHERE id = ? AND state = 'dead'",
        (write_time(now), tick(conn), row),
    )


def settled_since(conn: Connection, session: SessionId, last: int, *, most: int = ALL) -> list[LedgerRow]:
    """Decided messages of a session whose tick is above *last*: the latest *most*, in the order of their changes."""
    return select(
        conn,
        LedgerRow,
        "SELECT * FROM (SELECT * FROM ledger WHERE session_id = ? AND touched > ? AND settled_at IS NOT NULL"
        " ORDER BY touched DESC LIMIT ?) ORDER BY touched",
        (session, last, most),
    )
