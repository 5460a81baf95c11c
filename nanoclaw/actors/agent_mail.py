"""A message from agent to agent: carried in the transaction that absorbs it, or stopped, and both are told."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from nanoclaw.core.agent_mail import MOST_NAME, Carry, Facts, MailPolicy, Stop, decide_mail
from nanoclaw.core.destinations import Refused
from nanoclaw.core.notices import plain
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.store import agent_mail, notices
from nanoclaw.store.agent_mail import AgentMail
from nanoclaw.store.entities import Mint, agent_group
from schema.sqlite import Connection

STOPPED = "agent_mail_stopped"
"""The action of the note that says so."""


@frozen
class Carried:
    """It is a message of that session now, which has something to do."""

    session: SessionId


@frozen
class Stopped:
    """It is not carried, for a reason that goes on record."""

    refused: Refused
    told: SessionId | None
    """The session that would have had it, which has something to know; None: there is none."""


def send(
    conn: Connection, mail: AgentMail, epoch: EpochNumber, *, policy: MailPolicy, mint: Mint, now: datetime
) -> Carried | Stopped:
    """Carry *mail*, unless the exchange that it belongs to has gone on for too long.

    Args:
      conn: In the transaction that absorbs it; that its sender may write there was asked in the same one.
      mail: What is to be carried. Its files are in the spool.
      epoch: Which life of its session wrote it.
      policy: How far agents may go.
      mint: Makes new ids.
      now: The time.
    """
    facts = agent_mail.gather(conn, mail, epoch, now=now)
    match decide_mail(facts, policy):
        case Carry(session):
            return Carried(agent_mail.deliver(conn, mail, session, facts, mint=mint, now=now))
        case Stop() as stop:
            _tell(conn, mail, facts, stop, now)
            return Stopped(Refused(stop.reason, stop.why), stop.session)


def _tell(conn: Connection, mail: AgentMail, facts: Facts, stop: Stop, now: datetime) -> None:
    """Leave a note on either side, and where it all began, if a person is there to hear of it.

    One for each chain, or for each hour. It wakes nobody: this is to come to rest.
    """
    sender = mail.place.agent_group
    target = agent_group(conn, mail.target)
    to = plain("" if target is None else target.name, MOST_NAME)
    once = facts.chain.first if stop.reason == "mail-loop" else f"{sender.id}/{mail.target}/{now:%Y-%m-%dT%H}"
    notices.tell_agent(
        conn,
        mail.place.session.id,
        key=f"{stop.reason}:{once}:{mail.place.session.id}",
        action=STOPPED,
        text=f"message {mail.new.seq} to {to} was not carried: {stop.why}. Let this rest, or ask a person",
        now=now,
    )
    if stop.session is not None and stop.session != mail.place.session.id:
        notices.tell_agent(
            conn,
            stop.session,
            key=f"{stop.reason}:{once}:{stop.session}",
            action=STOPPED,
            text=f"a message of {plain(sender.name, MOST_NAME)} to you was not carried: {stop.why}",
            now=now,
        )
    began = agent_mail.session_of(conn, facts.chain.first)
    if began is not None and began not in (mail.place.session.id, stop.session):
        notices.tell_agent(
            conn,
            began,
            key=f"{stop.reason}:{once}:{began}",
            action=STOPPED,
            text=f"what agents wrote because of a message here has ended between {plain(sender.name, MOST_NAME)}"
            f" and {to}: {stop.why}",
            now=now,
        )
