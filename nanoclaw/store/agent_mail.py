"""Messages from agent to agent in nanoclaw.db: what is known about one, and its way into the other's session."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from attrs import evolve, frozen

from nanoclaw.core.agent_mail import MOST_NAME, WINDOW, Candidate, Facts, Heard, chain_of
from nanoclaw.core.notices import plain
from nanoclaw.model.entities import SessionKey, SessionPlace
from nanoclaw.model.files import Attachment
from nanoclaw.model.ids import AgentGroupId, EpochNumber, EventId, InboundId, SessionId
from nanoclaw.model.messages import AGENTS, InboundRow, LedgerState, NewLedgerRow
from nanoclaw.store import files, inbound, ledger
from nanoclaw.store.entities import Mint
from nanoclaw.store.sessions import find_session, session_for
from schema import payloads
from schema.payloads import ChatOut
from schema.rows import InKind, select
from schema.sqlite import Connection, execute, fetch, fetch_one, scalar
from schema.times import write_time


@frozen(kw_only=True)
class AgentMail:
    """A message to another agent, as the host understands it."""

    place: SessionPlace
    """Out of which session."""
    new: NewLedgerRow
    """Its row of the ledger, files and all."""
    said: ChatOut
    answered: InboundRow | None
    """What its runner says that it answers, if that is a message of its session."""
    settling: Collection[str]
    """The ids of what its runner is at, as it says itself."""

    @property
    def target(self) -> AgentGroupId:
        """For whom."""
        return AgentGroupId(self.new.to.platform_id)


def gather(conn: Connection, mail: AgentMail, epoch: EpochNumber, *, now: datetime) -> Facts:
    """What `core.agent_mail` judges *mail* by."""
    session, target = mail.place.session.id, mail.target
    since = write_time(now - WINDOW)
    lately = select(
        conn,
        Heard,
        "SELECT id, hops, chain FROM inbound INDEXED BY inbound_hops"
        " WHERE session_id = ? AND hops > 0 AND timestamp > ? ORDER BY seq",
        (session, since),
    )
    counted = fetch_one(
        conn,
        "SELECT count(*) AS messages, coalesce(sum((SELECT sum(size) FROM attachments WHERE event_id = i.event_id)), 0)"
        " AS files FROM inbound i INDEXED BY inbound_mail JOIN sessions s ON s.id = i.session_id"
        " WHERE i.channel = 'agent' AND i.platform_id = ? AND i.timestamp > ? AND i.kind = 'chat'"
        " AND s.agent_group_id = ?",
        (mail.place.agent_group.id, since, target),
    )
    assert counted is not None
    answered = mail.answered
    return Facts(
        target=target,
        asked=None if answered is None else _candidate(conn, answered.source_session_id),
        peer=_candidate(conn, _peer(conn, session, target)),
        shared=find_session(conn, _own(target)),
        chain=chain_of(None if answered is None else answered.id, _under_way(conn, mail, epoch), lately),
        messages=int(str(counted["messages"])),
        files=int(str(counted["files"])),
        size=sum(file.size for file in mail.new.files),
    )


def deliver(
    conn: Connection, mail: AgentMail, session: SessionId | None, facts: Facts, *, mint: Mint, now: datetime
) -> SessionId:
    """Give *mail* to *session*, or to its agent's own, which is made if need be; returns which that is.

    It is done with in the ledger, and belongs to an event of its own, with its files.
    """
    new, sender = mail.new, mail.place.agent_group
    to = session or session_for(conn, _own(mail.target), mint=mint, now=now)
    ledger.add(conn, evolve(new, files=()), session=mail.place.session.id, now=now)
    ledger.settle(conn, new.id, LedgerState.DELIVERED, now=now)
    event = EventId(mint("evt"))
    execute(
        conn,
        "INSERT INTO events (id, channel, platform_message_id, platform_id, mention, received_at)"
        " VALUES (?, ?, ?, ?, 1, ?)",
        (event, AGENTS, new.id, sender.id, write_time(now)),
    )
    came = [
        Attachment(
            event_id=event,
            position=position,
            name=file.name,
            mime_type=None,
            size=file.size,
            digest=file.digest,
            spool_id=file.spool_id,
        )
        for position, file in enumerate(new.files)
    ]
    files.keep(conn, came)
    row = inbound.NewInbound(
        id=InboundId(f"{event}:{mail.target}"),
        event_id=event,
        kind=InKind.CHAT,
        channel=AGENTS,
        platform_id=sender.id,
        content=_content(mail, came),
        source_session_id=mail.place.session.id,
        hops=facts.chain.hops,
        chain=facts.chain.first or f"{event}:{mail.target}",
    )
    inbound.add(conn, row, session=to, now=now)
    return to


def _content(mail: AgentMail, came: Sequence[Attachment]) -> str:
    sender = mail.place.agent_group
    said = payloads.ChatIn(
        text=mail.said.text,
        sender=plain(sender.name, MOST_NAME),
        sender_id=f"{AGENTS}:{sender.id}",
        attachments=tuple(
            payloads.Attachment(name=one.name, path=f"{one.event_id}/{one.name}", size=one.size) for one in came
        ),
    )
    return payloads.write(said)


def _under_way(conn: Connection, mail: AgentMail, epoch: EpochNumber) -> list[Heard]:
    """What the sender works on: what its sandbox has claimed, or claims or settles with this very message."""
    return [
        Heard(id=row.id, hops=row.hops, chain=row.chain)
        for row in inbound.open_rows(conn, mail.place.session.id)
        if row.trigger and (row.claimed_epoch == epoch or row.id in mail.settling)
    ]


def _peer(conn: Connection, session: SessionId, target: AgentGroupId) -> SessionId | None:
    found = scalar(
        conn,
        "SELECT source_session_id FROM inbound INDEXED BY inbound_peer"
        " WHERE session_id = ? AND platform_id = ? AND source_session_id IS NOT NULL AND channel = 'agent'"
        " ORDER BY seq DESC LIMIT 1",
        (session, target),
    )
    return None if found is None else SessionId(str(found))


def _candidate(conn: Connection, session: SessionId | None) -> Candidate | None:
    agent = scalar(conn, "SELECT agent_group_id FROM sessions WHERE id = ?", (session,))
    return None if session is None or agent is None else Candidate(session, AgentGroupId(str(agent)))


def session_of(conn: Connection, message: str | None) -> SessionId | None:
    """The session that was given *message*, by its id; None: there is none, or it is not known any more."""
    found = None if message is None else scalar(conn, "SELECT session_id FROM inbound WHERE id = ?", (message,))
    return None if found is None else SessionId(str(found))


def _own(agent: AgentGroupId) -> SessionKey:
    return SessionKey(agent_group_id=agent, messaging_group_id=None, thread_id=None)


def written_lately(conn: Connection, *, now: datetime) -> dict[tuple[AgentGroupId, AgentGroupId], int]:
    """How many messages agents wrote to each other within `WINDOW`: by who wrote, and to whom."""
    rows = fetch(
        conn,
        "SELECT i.platform_id AS source, s.agent_group_id AS target, count(*) AS messages"
        "  FROM inbound i JOIN sessions s ON s.id = i.session_id"
        " WHERE i.channel = 'agent' AND i.kind = 'chat' AND i.timestamp > ? GROUP BY 1, 2",
        (write_time(now - WINDOW),),
    )
    return {
        (AgentGroupId(str(row["source"])), AgentGroupId(str(row["target"]))): int(str(row["messages"])) for row in rows
    }
