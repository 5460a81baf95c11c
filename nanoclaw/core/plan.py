"""What becomes of an event: one outcome for each wiring of its chat, and what is to be written and said beside."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.entities import SessionKey, Wiring
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.messages import Address


class Gate(Enum):
    """What a message passes, in this order, before an agent hears it."""

    ENGAGE = "engage"
    ACCESS = "access"
    SCOPE = "scope"
    COMMAND = "command"


@frozen
class Step:
    """What one gate said."""

    gate: Gate
    passed: bool
    why: str
    fault: bool = False
    """Is something wrong with the wiring?"""


@frozen(kw_only=True)
class Wake:
    """The agent takes it up."""

    wiring: Wiring
    session: SessionKey
    existing: SessionId | None
    """The session of that key, if there is one; otherwise it is to be made."""
    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Accumulate:
    """The agent does not take it up, and will see it with the next message that it does."""

    wiring: Wiring
    session: SessionKey
    existing: SessionId | None
    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Refuse:
    """The agent would have taken it up, and a gate is against it: nothing of it is kept."""

    wiring: Wiring
    gate: Gate
    reason: str
    ask: bool
    """Shall a person be asked whether the sender may speak to the agent from now on?"""
    answer: str | None
    """What the sender is told, if anything."""
    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Drop:
    """The agent does not take it up."""

    wiring: Wiring
    reason: str
    steps: tuple[Step, ...]


Outcome: TypeAlias = Wake | Accumulate | Refuse | Drop


@frozen(kw_only=True)
class Record:
    """Something is not passed on, and the operator shall be able to see why."""

    agent_group_id: AgentGroupId | None
    """Who did not hear it; None: nobody did."""
    reason: str
    detail: str
    says_who: bool
    """Is the sender part of the record? Of ordinary talk, they are not."""


class AskKind(Enum):
    """What a person is asked to allow."""

    CHAT = "chat"
    SENDER = "sender"


@frozen(kw_only=True)
class Ask:
    """A person shall be asked: may an agent hear this chat, may this sender speak to this agent?"""

    kind: AskKind
    agent_group_id: AgentGroupId | None


@frozen(kw_only=True)
class Plan:
    """All that is to be done about one event. A function of the event and the facts, and of nothing else."""

    outcomes: tuple[Outcome, ...] = ()
    """One for each wiring, in the order of the fan-out."""
    reply_to: Address
    """Where an answer goes."""
    silent: bool = False
    """Nothing is written at all: nobody spoke to us, and nobody listens."""
    register: bool = False
    """The chat is to be remembered."""
    records: tuple[Record, ...] = ()
    asks: tuple[Ask, ...] = ()
    answer: str | None = None
    """What the host itself answers, at once."""
    subscribe: bool = False
    """Shall the channel bring us everything of this thread from now on?"""

    @property
    def woken(self) -> tuple[Wake, ...]:
        """Those who take it up."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Wake))

    @property
    def heard(self) -> tuple[Wake | Accumulate, ...]:
        """Those who get it, now or later."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Wake | Accumulate))
