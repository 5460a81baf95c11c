"""The host's own words: what it tells a chat, and what it tells an agent."""

from __future__ import annotations

import hashlib
from datetime import datetime

from nanoclaw.core.agent_mail import MOST_NAME
from nanoclaw.core.notices import plain
from nanoclaw.core.occurrences import MOST_FAILURES
from nanoclaw.core.session_acts import parked_words
from nanoclaw.model.ids import EventId, InboundId, OutboundId, SessionId
from nanoclaw.model.messages import AGENTS, Address, InboundRow, LedgerRow, NewLedgerRow
from nanoclaw.model.overview import Parking
from nanoclaw.store import inbound, ledger
from nanoclaw.store.ledger import Lane
from nanoclaw.store.outcomes import paused_by
from schema import payloads
from schema.rows import InKind
from schema.sqlite import Connection, integer, scalar
from schema.times import write_time

MOST_UNREAD = 500
"""Notes that a session has not read, after which it is not told of more that was refused."""


def message_failed(conn: Connection, row: InboundRow, why: str, *, now: datetime) -> set[Lane]:
    """An inbound message has failed for good: its chat and its agent are told, once. Returns the lanes to send on."""
    if row.kind is InKind.SYSTEM and (row.channel is None or not row.trigger):
        return set()  # a note that nobody read is worth no other note: with every turn that fails they would breed
    is_task = row.kind is InKind.TASK
    paused = paused_by(conn, row.id) if is_task else None
    after = "" if paused is None else f" It failed {MOST_FAILURES} times in a row and is paused."
    tell_agent(
        conn,
        row.session_id,
        key=f"failed:{row.id}",
        action="task_failed" if is_task else "message_failed",
        text=f"the task of message {row.seq} did not run: {why}.{after}"
        if is_task
        else f"message {row.seq} was not answered: {why}",
        now=now,
    )
    if row.channel is None or row.platform_id is None:
        return set()
    if row.channel == AGENTS:
        _tell_asker(conn, row, f"did not answer your message: {why}", now=now)
        return set()
    to = Address(channel=row.channel, platform_id=row.platform_id, thread_id=row.thread_id)
    return tell_chat(
        conn,
        row.session_id,
        to,
        key=f"failed:{row.id}",
        text=f"A scheduled task did not run: {why}.{after}"
        if is_task
        else f"I could not answer this message: {why}. Nothing more will happen to it; please send it again.",
        in_reply_to=row.id,
        now=now,
    )


def message_cancelled(conn: Connection, row: InboundRow, words: str, *, now: datetime) -> set[Lane]:
    """A person wants an inbound message to be worked on no more: its chat and its agent are told, once."""
    tell_agent(
        conn,
        row.session_id,
        key=f"cancelled:{row.id}",
        action="message_cancelled",
        text=f"message {row.seq} was {words}. Do not go on with it",
        now=now,
    )
    if row.channel is None or row.platform_id is None:
        return set()
    if row.channel == AGENTS:
        _tell_asker(conn, row, f"did not answer your message: {words}", now=now)
        return set()
    to = Address(channel=row.channel, platform_id=row.platform_id, thread_id=row.thread_id)
    what = "A scheduled task" if row.kind is InKind.TASK else "What I was at"
    text = f"{what} was {words}. I do not go on with it."
    return tell_chat(conn, row.session_id, to, key=f"cancelled:{row.id}", text=text, in_reply_to=row.id, now=now)


def _tell_asker(
    conn: Connection, row: InboundRow, what: str, *, why: str = "unanswered", now: datetime
) -> SessionId | None:
    """What became of what another agent wrote: that agent is woken, and what it does is one more of the chain.

    Returns whom to wake, unless it was told before.
    """
    if row.source_session_id is None:
        return None  # a task that it asked for once
    name = scalar(
        conn,
        "SELECT a.name FROM sessions s JOIN agent_groups a ON a.id = s.agent_group_id WHERE s.id = ?",
        (row.session_id,),
    )
    text = f"{plain(str(name), MOST_NAME)} {what}"
    note = inbound.NewInbound(
        id=InboundId(f"note:{why}:{row.id}"),
        kind=InKind.SYSTEM,
        content=payloads.write(payloads.SystemIn(action="message_unanswered", text=text)),
        hops=row.hops,
        chain=row.chain,
    )
    return row.source_session_id if inbound.add(conn, note, session=row.source_session_id, now=now) else None


def delivery_failed(conn: Connection, row: LedgerRow, how: str, why: str, *, now: datetime) -> None:
    """A message out is dead or in doubt: its agent is told, with its next turn. The host's own has no agent."""
    if row.session_id is None:
        return
    again = f"/{row.retries}" if row.retries else ""
    tell_agent(
        conn,
        row.session_id,
        key=f"{how}:{row.id}{again}",
        action=f"delivery_{how}",
        text=f"message {row.seq} to {row.channel} is {how}: {plain(why)}",
        now=now,
    )


def have_room(conn: Connection, session: SessionId) -> bool:
    """May an agent be told one thing more that was refused? Not while it has left `MOST_UNREAD` notes unread.

    All that is open in a session is gone through again and again: an agent that wants to be refused a hundred
    thousand times must not make everybody wait.
    """
    unread = integer(
        conn,
        "SELECT count(*) FROM (SELECT 1 FROM inbound INDEXED BY inbound_open"
        " WHERE session_id = ? AND status = 'pending' AND kind = 'system' LIMIT ?)",
        (session, MOST_UNREAD),
    )
    return unread < MOST_UNREAD


def tell_agent(
    conn: Connection, session: SessionId, *, key: str, action: str, text: str, wake: bool = False, now: datetime
) -> None:
    """Leave a note for an agent, read with its next turn; with *wake* it starts one.

    The same *key* again changes nothing.
    """
    note = inbound.NewInbound(
        id=InboundId(f"note:{key}"),
        kind=InKind.SYSTEM,
        trigger=wake,
        content=payloads.write(payloads.SystemIn(action=action, text=text)),
    )
    inbound.add(conn, note, session=session, now=now)


def session_parked(conn: Connection, session: SessionId, *, key: str, text: str, now: datetime) -> set[Lane]:
    """A session cannot work just now: whoever waits for it is told, once for each place."""
    lanes: set[Lane] = set()
    for number, to in enumerate(_waiting(conn, session)):
        lanes |= tell_chat(conn, session, to, key=f"{key}:{number}", text=text, now=now)
    return lanes


def _waiting(conn: Connection, session: SessionId) -> list[Address]:
    """The places in which somebody waits for an answer of *session*."""
    places = {
        Address(channel=row.channel, platform_id=row.platform_id, thread_id=row.thread_id)
        for row in inbound.open_rows(conn, session)
        if row.trigger and row.channel not in (None, AGENTS) and row.platform_id is not None
    }
    return sorted(places, key=str)


def session_set_aside(conn: Connection, found: Parking, *, now: datetime) -> tuple[set[Lane], set[SessionId]]:
    """A person has parked a session: whoever waits for it is told, once for each place and each parking.

    An agent that waits is told once for each of its messages. Returns the lanes to send on, and sessions to wake.
    """
    lanes, woken = set[Lane](), set[SessionId]()
    words, since = parked_words(found.who, found.because), write_time(found.parked_at)
    for row in inbound.open_rows(conn, found.session_id):
        if row.trigger and row.channel == AGENTS:
            what = f"was {words}. Your message waits until it may go on"
            if (asker := _tell_asker(conn, row, what, why=f"set-aside:{since}", now=now)) is not None:
                woken.add(asker)
    text = f"I was {words}. I keep your messages until I may go on."
    for to in _waiting(conn, found.session_id):
        place = hashlib.sha256(repr(to).encode()).hexdigest()[:16]
        lanes |= tell_chat(conn, found.session_id, to, key=f"set-aside:{since}:{place}", text=text, now=now)
    return lanes, woken


def answer(conn: Connection, to: Address, *, key: str, text: str, to_event: EventId, now: datetime) -> set[Lane]:
    """Answer an event in the host's own name, for all agents. The same *key* again changes nothing."""
    return tell_chat(conn, None, to, key=key, text=text, in_reply_to=to_event, now=now)


def tell_chat(
    conn: Connection,
    session: SessionId | None,
    to: Address,
    *,
    key: str,
    text: str,
    in_reply_to: str | None = None,
    now: datetime,
) -> set[Lane]:
    """Say something to a chat in the host's own name. The same *key* again changes nothing.

    With a *session*, its agent can see that it was said.
    """
    notice = OutboundId(f"{session or 'home'}/host/{key}")
    if scalar(conn, "SELECT 1 FROM ledger WHERE id = ?", (notice,)) is None:
        content = payloads.write(payloads.ChatOut(text=text))
        new = NewLedgerRow(
            id=notice,
            epoch=None,
            runner_id=None,
            digest=hashlib.sha256(content.encode()).hexdigest(),
            seq=None,
            in_reply_to=in_reply_to,
            to=to,
            kind="chat",
            content=content,
        )
        ledger.add(conn, new, session=session, now=now)
    return {Lane(to.channel, to.platform_id)}
