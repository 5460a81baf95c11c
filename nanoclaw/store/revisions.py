"""Edits and deletions of platform messages, applied to every session that has the message, in one transaction."""

from __future__ import annotations

from datetime import datetime

import attrs

from nanoclaw.core.revisions import Refuse, Rewrite, Tell, Withdraw, fate, why_not_taken
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import EventId, InboundId, SessionId
from nanoclaw.model.messages import Drop, InboundRow, Revision, RevisionKind
from nanoclaw.store import crowds, drops, files, inbound
from nanoclaw.store.entities import messaging_group
from nanoclaw.store.people import rights_of
from nanoclaw.store.sessions import session_place
from nanoclaw.store.wirings import wirings_of
from schema import payloads
from schema.rows import InKind, select
from schema.sqlite import Connection, execute, fetch_one, integer, scalar
from schema.times import write_time

NOTE_MARK = "/"
"""Stands in the id of a note, between the id of the row that it is about and its revision."""


def revise(conn: Connection, revision: Revision, *, now: datetime) -> tuple[SessionId, ...]:
    """Apply *revision*; returns the sessions that have something new to see. The same revision again changes nothing.

    A message that nobody had heard is none of ours, and neither is what becomes of it.
    """
    found = fetch_one(
        conn,
        "SELECT id, platform_id, sender_id FROM events WHERE channel = ? AND platform_message_id = ?",
        (revision.channel, revision.platform_message_id),
    )
    if found is None:
        return ()
    event = EventId(str(found["id"]))
    rows = select(conn, InboundRow, "SELECT * FROM inbound WHERE event_id = ? ORDER BY session_id, seq", (event,))
    chat = messaging_group(conn, revision.channel, str(found["platform_id"]))
    if not rows or chat is None or not _is_taken(conn, event, found["sender_id"], chat, revision, now):
        return ()
    rights = rights_of(conn, revision.sender_id)
    wirings = {wiring.agent_group_id: wiring for wiring in wirings_of(conn, chat.id)}
    touched: dict[SessionId, None] = {}
    changed: set[str] = set()
    # An answer to a question was given when it was given.
    for row in (row for row in rows if NOTE_MARK not in row.id and row.kind is not InKind.SYSTEM):
        place = session_place(conn, row.session_id)
        assert place is not None
        wiring: Wiring | None = wirings.get(place.agent_group.id)
        match fate(revision, row, chat=chat, wiring=wiring, rights=rights):
            case Rewrite(text):
                inbound.rewrite(conn, row.id, _said(row, text))
            case Withdraw():
                inbound.withdraw(conn, row.id, _unsaid(row), now=now)
            case Tell():
                inbound.add(conn, _note(row, revision), session=row.session_id, now=now)
            case Refuse(reason, detail):
                drop = Drop(
                    key=f"revision:{row.id}:{revision.revision}",
                    kind="event",
                    event_id=event,
                    messaging_group_id=chat.id,
                    agent_group_id=place.agent_group.id,
                    sender_id=revision.sender_id,
                    session_id=row.session_id,
                    reference=revision.platform_message_id,
                    reason=reason,
                    detail=detail,
                    dropped_at=now,
                )
                drops.record(conn, drop)
                continue
        changed.add(row.id)
        touched[row.session_id] = None
    # A note of an earlier revision: whoever has not read it need not any more, unless this one was refused.
    for note in (row for row in rows if NOTE_MARK in row.id and row.id.partition(NOTE_MARK)[0] in changed):
        if inbound.withdraw(conn, note.id, _unsaid(note), now=now):
            touched[note.session_id] = None
    files.forget_withdrawn(conn, event)
    return tuple(touched)


def _is_taken(
    conn: Connection, event: EventId, author: object, chat: MessagingGroup, revision: Revision, now: datetime
) -> bool:
    """Keep *revision*; False: it is known, as that it was taken back is for good, or not taken up, which is counted."""
    known = "SELECT 1 FROM revisions WHERE event_id = ? AND (revision = ? OR ? = 'deletion' AND kind = 'deletion')"
    if scalar(conn, known, (event, revision.revision, revision.kind.value)) is not None:
        return False
    changes = integer(conn, "SELECT count(*) FROM revisions WHERE event_id = ?", (event,))
    reason = why_not_taken(revision, author=None if author is None else str(author), changes=changes)
    if reason is not None:
        crowds.count_changes(conn, chat, reason, now=now)
        return False
    execute(
        conn,
        "INSERT INTO revisions (event_id, revision, kind, received_at) VALUES (?, ?, ?, ?)",
        (event, revision.revision, revision.kind.value, write_time(now)),
    )
    return True


def _said(row: InboundRow, text: str) -> str:
    """The content of *row*, saying *text* instead. What the host itself said stays."""
    said = payloads.read_in(row.kind, row.content)
    return payloads.write(attrs.evolve(said, text=text)) if isinstance(said, payloads.ChatIn) else row.content


def _unsaid(row: InboundRow) -> str:
    """The content of *row* without what a person said, or sent along."""
    said = payloads.read_in(row.kind, row.content)
    if not isinstance(said, payloads.ChatIn):
        return row.content
    return payloads.write(attrs.evolve(said, text="", attachments=()))


def _note(row: InboundRow, revision: Revision) -> inbound.NewInbound:
    """A person's new words are theirs, so they come as a message of theirs; that one is gone, the host says."""
    if revision.kind is RevisionKind.EDIT:
        kind = InKind.CHAT
        content = payloads.write(
            payloads.ChatIn(
                text=f"(message {row.seq}, changed) {revision.text}",
                sender=revision.sender,
                sender_id=revision.sender_id,
            )
        )
    else:
        kind = InKind.SYSTEM
        content = payloads.write(
            payloads.SystemIn(action="message_deleted", text=f"message {row.seq} was deleted on its platform")
        )
    return inbound.NewInbound(
        id=InboundId(f"{row.id}{NOTE_MARK}{revision.revision}"),
        event_id=row.event_id,
        kind=kind,
        trigger=False,
        channel=row.channel,
        platform_id=row.platform_id,
        thread_id=row.thread_id,
        content=content,
    )
