"""Messages from agent to agent: to which session of the other does one go, and has it gone on for too long? Pure.

Agents answer each other as readily as people, and never tire of it. So each message counts how many of its kind led to
it, which ends what goes round in circles, and each pair of agents has so many an hour, which ends everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.attachments import size_in_words
from nanoclaw.model.ids import AgentGroupId, InboundId, SessionId
from schema.rows import OutKind

WINDOW = timedelta(hours=1)
"""What is counted against the limits of an hour."""
MOST_BYTES = 256 << 20
"""Of files from one agent to another in an hour: they stay with the host for as long as the messages."""
MOST_NAME = 80
"""Characters of an agent's name, in the host's own words."""


@frozen(kw_only=True)
class MailPolicy:
    """How far agents may go among themselves."""

    most_hops: int = 8
    """Messages from agent to agent that may follow from one another."""
    most_an_hour: int = 30
    """Messages of one agent to one other."""


@frozen(kw_only=True)
class Heard:
    """A message that a session was given, as far as what follows from it is concerned."""

    id: InboundId
    hops: int
    chain: str | None
    """Which it belongs to; None: to none, or it is one's first."""


@frozen
class Chain:
    """Messages that follow from one another, up to one from agent to agent."""

    first: str | None
    """The id of the first; None: this is it."""
    hops: int
    """How many from agent to agent there are with it, at least 1."""


@frozen
class Candidate:
    """A session that a message might be for."""

    id: SessionId
    agent_group_id: AgentGroupId


class Way(Enum):
    """Why a message goes to that session."""

    RETURN = "it asked"
    PEER = "it is the other side of the exchange"
    SHARED = "it is its agent's own"


@frozen(kw_only=True)
class Facts:
    """What the truth says about a message, at the moment in which it is judged."""

    target: AgentGroupId
    asked: Candidate | None
    """The session that the message came out of which this one answers."""
    peer: Candidate | None
    """The session from which the target's agent last wrote to the one that this comes out of."""
    shared: SessionId | None
    """The target's own, if it has one already."""
    chain: Chain
    messages: int
    """Of the same agent to the same other within `WINDOW`."""
    files: int
    """Bytes that came with those."""
    size: int
    """Bytes that come with this one."""


@frozen
class Carry:
    """It is for that session."""

    session: SessionId | None
    """None: the target's own, which is to be made."""
    way: Way


@frozen
class Stop:
    """It is not carried, and both sides are told."""

    reason: str
    """As records of drops have it."""
    why: str
    session: SessionId | None
    """For which it would have been."""


Verdict: TypeAlias = Carry | Stop


def fault(kind: OutKind, *, for_later: bool) -> str | None:
    """Why no agent can be sent such a thing; None if it can."""
    if kind is not OutKind.CHAT:
        return "an agent can be sent text and files, and nothing else"
    return "what another agent is sent, it has at once: schedule a task for later" if for_later else None


def chain_of(answered: InboundId | None, under_way: Sequence[Heard], lately: Sequence[Heard]) -> Chain:
    """What leads to a message that a session sends now.

    What a runner says that it answers counts only if it is at that, as the host knows. Otherwise the message is due to
    whatever came from furthest: nobody begins a new chain by not saying what goes on an old one.

    Args:
      answered: What the runner says that it answers, if that is a message of its session.
      under_way: What the session works on.
      lately: What else it was given within `WINDOW` that came of agents.
    """
    found = next((heard for heard in under_way if heard.id == answered), None)
    if found is None:
        found = max(under_way or lately, key=lambda heard: heard.hops, default=None)
    if found is None:
        return Chain(None, 1)
    return Chain(found.chain or found.id, found.hops + 1)


def decide_mail(facts: Facts, policy: MailPolicy) -> Verdict:
    """Decide what becomes of a message to an agent to which the sender may write.

    It goes back to the session that asked; else to the one with which there is an exchange; else to the target's own.
    """
    session, way = _session(facts)
    if facts.chain.hops > policy.most_hops:
        why = f"it would be number {facts.chain.hops} of those that agents write because of one another"
        return Stop("mail-loop", f"{why}, and {policy.most_hops} are the most", session)
    if facts.messages >= policy.most_an_hour:
        return Stop("mail-flood", f"there were {facts.messages} within an hour, which are the most", session)
    if facts.size and facts.files + facts.size > MOST_BYTES:
        why = f"with its files, it would be more than {size_in_words(MOST_BYTES)} within an hour"
        return Stop("mail-flood", why, session)
    return Carry(session, way)


def _session(facts: Facts) -> tuple[SessionId | None, Way]:
    for candidate, way in ((facts.asked, Way.RETURN), (facts.peer, Way.PEER)):
        if candidate is not None and candidate.agent_group_id == facts.target:
            return candidate.id, way
    return facts.shared, Way.SHARED
