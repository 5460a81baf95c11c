"""Taking in a row by which an agent says something: into the ledger, to another agent, or among the drops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from nanoclaw.actors import agent_mail, outgoing, questions
from nanoclaw.core import destinations, outgoing_files
from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.core.notices import plain
from nanoclaw.kit.ids import mint, token
from nanoclaw.link.outbox_files import Collected
from nanoclaw.link.report import OutRow
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import Drop, NewLedgerRow
from nanoclaw.store import drops, ledger, notices
from nanoclaw.store.agent_mail import AgentMail
from nanoclaw.store.entities import Mint
from nanoclaw.store.ledger import Lane
from schema.payloads import AskQuestion, ChatOut
from schema.requests import refusal_key
from schema.rows import OutKind
from schema.sqlite import Connection


@frozen(kw_only=True)
class Post:
    """What carrying messages takes."""

    policy: MailPolicy = field(factory=MailPolicy)
    mint: Mint = mint
    token: Callable[[], str] = token


@frozen(kw_only=True)
class Said:
    """What a row came to."""

    lane: Lane | None = None
    """Where there is something to send."""
    changed: bool = False
    """Is there something to show the runner in return?"""
    asked: bool = False
    """Did it ask something that may be due?"""
    woken: SessionId | None = None
    """Another agent's session that has something to do."""
    shown: SessionId | None = None
    """Another one that has something to know."""


def say(
    conn: Connection,
    place: SessionPlace,
    epoch: EpochNumber,
    row: OutRow,
    came: Collected,
    *,
    settling: frozenset[str],
    post: Post,
    now: datetime,
) -> Said:
    """Take in *row*, which is no request, with the files that *came*. Safe to repeat.

    Args:
      conn: In the transaction that absorbs it.
      place: Whose it is.
      epoch: In which of its lives.
      row: What customs made of it.
      came: Its files.
      settling: The ids of what its runner is at, or done with, as it says itself.
      post: How other agents are written to.
      now: The host's time.
    """
    taken = outgoing.judge(conn, place, epoch, row, came)
    if isinstance(taken, NewLedgerRow | outgoing.NothingLeft):
        _tell_unsent(conn, place, epoch, row, came, isinstance(taken, outgoing.NothingLeft), now)
    if isinstance(taken, NewLedgerRow) and taken.to.is_agent:
        assert isinstance(row.payload, ChatOut)
        answered = outgoing.message_answered(conn, place, row.in_reply_to)
        mail = AgentMail(place=place, new=taken, said=row.payload, answered=answered, settling=settling)
        became = agent_mail.send(conn, mail, epoch, policy=post.policy, mint=post.mint, now=now)
        if isinstance(became, agent_mail.Carried):
            return Said(changed=True, woken=became.session)
        drops.record(conn, dropped(place, epoch, row, became.refused, now))
        return Said(changed=True, shown=became.told)
    if isinstance(taken, NewLedgerRow):
        asks = isinstance(row.payload, AskQuestion)
        if isinstance(row.payload, AskQuestion):
            questions.ask(conn, place, row.payload, taken, token=post.token, now=now)
        else:
            ledger.add(conn, taken, session=place.session.id, now=now)
        return Said(lane=Lane(taken.to.channel, taken.to.platform_id), changed=asks, asked=asks)
    if isinstance(taken, destinations.Refused):
        drops.record(conn, dropped(place, epoch, row, taken, now))
        told = _tell_refused(conn, place, epoch, row, taken, now)
        return Said(changed=told, asked=told)
    return Said()


def dropped(
    place: SessionPlace,
    epoch: EpochNumber,
    row: OutRow,
    refused: destinations.Refused,
    now: datetime,
    *,
    mark: str = "",
) -> Drop:
    """The record of a row that is not passed on; *mark* tells it from others about the same one."""
    return Drop(
        key=f"outbound:{place.session.id}/{epoch}/{row.rowid}/{row.digest[:16]}{mark}",
        kind="outbound",
        session_id=place.session.id,
        epoch=epoch,
        reference=row.id,
        reason=refused.reason,
        detail=refused.detail,
        digest=row.digest,
        dropped_at=now,
    )


def _tell_refused(
    conn: Connection, place: SessionPlace, epoch: EpochNumber, row: OutRow, refused: destinations.Refused, now: datetime
) -> bool:
    """Tell an agent that something other than a plain message came to nothing; says whether there was a reason to.

    Somebody may be waiting for the answer to a question that was never asked, so that wakes it.
    """
    if row.kind is OutKind.CHAT and not _is_to_an_agent(row, refused):
        return False
    notices.tell_agent(
        conn,
        place.session.id,
        key=refusal_key(place.session.id, epoch, row.id),
        action=f"{row.kind.value}_refused",
        text=f"message {row.seq}, a {row.kind.value}, came to nothing: {plain(refused.detail)}",
        wake=row.kind is OutKind.ASK_QUESTION,
        now=now,
    )
    return True


def _is_to_an_agent(row: OutRow, refused: destinations.Refused) -> bool:
    """Is it a message to another agent, which is told by nobody else that it came to nothing?"""
    answers_one = refused.reason == "unknown-destination" and row.destination is None
    return answers_one or refused.reason == "not-for-agents"


def _tell_unsent(
    conn: Connection,
    place: SessionPlace,
    epoch: EpochNumber,
    row: OutRow,
    came: Collected,
    nothing_left: bool,
    now: datetime,
) -> None:
    """Record which files of *row* are not sent, and tell its agent."""
    if not came.unsent:
        return
    for number, file in enumerate(came.unsent):
        refused = destinations.Refused("file-refused", f"{file.name}: {file.why}")
        drops.record(conn, dropped(place, epoch, row, refused, now, mark=f"/{number}"))
    notices.tell_agent(
        conn,
        place.session.id,
        key=f"files:{place.session.id}/{epoch}/{row.id}",
        action="files_not_sent",
        text=outgoing_files.notice(row.seq, came.unsent, nothing_left=nothing_left),
        now=now,
    )
