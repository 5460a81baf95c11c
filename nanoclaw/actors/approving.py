"""What a kind of approval is: what it shows, and what it does once somebody has approved it; how one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import attrs
from attrs import frozen

from nanoclaw.core import approvals as rules
from nanoclaw.core.digests import canonical, digest_of
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint as mint_id
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState, Needs, Shown
from nanoclaw.model.ids import AgentGroupId, ApprovalId, ChannelName, MessagingGroupId, SessionId
from nanoclaw.store import approvals
from schema import strict_json
from schema.payloads import Option
from schema.sqlite import Connection


@frozen(kw_only=True)
class Means:
    """What whoever does something is given of the host."""

    now: datetime
    mint: Callable[[str], str]
    threaded: Mapping[ChannelName, bool]
    """Which channels have threads?"""
    folders: frozenset[str] = frozenset()
    """What is in the folder of all agents' folders, whoever it belonged to: none of it becomes a new agent's."""


class Kind(Protocol):
    """What can be asked for."""

    @property
    def name(self) -> ApprovalKind: ...

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """All that would be done. Raises `UsageError` for what cannot be done at all."""
        ...

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Do it, in the transaction that ends *approval*, and say what came of it in a few words.

        The truth may have changed since it was asked for: whatever matters has to be looked at again.

        Raises:
          UsageError: it cannot be done, and nothing of it is; the reason is told to whoever asked.
        """
        ...


@runtime_checkable
class SlowKind(Protocol):
    """A kind that has work to do before its `execute`, which no transaction can hold, such as to build an image."""

    async def work(self, approval: Approval) -> None:
        """Do it. Begun again from the start if the host dies in between, so it has to be safe to repeat.

        Raises:
          UsageError: as for `execute`.

        Cancellation: leaves it to the next start.
        """
        ...


def ask(
    conn: Connection,
    *,
    kind: Kind,
    subject: str,
    payload: Mapping[str, object],
    agent: AgentGroupId,
    session: SessionId | None,
    chat: MessagingGroupId | None,
    needs: Needs = Needs.ADMIN,
    options: Sequence[Option] = rules.YES_OR_NO,
    lasts: timedelta = rules.LASTS,
    mint: Callable[[str], str] = mint_id,
    now: datetime,
) -> ApprovalId:
    """Ask people, for an agent, to let something be done: in the transaction that takes its request in.

    Args:
      conn: In a transaction.
      kind: What is asked for.
      subject: What it is about: the same kind and subject while one waits is that one again.
      payload: Exactly what would be done, as JSON can say it; it is what `Kind.execute` gets.
      agent: Whose admins may decide.
      session: Who asks; it is woken by the outcome. None: somebody else, who looks at the outcome.
      chat: Where it asks, so that somebody there may be asked first.
      needs: Whose decision it takes.
      options: What there is to choose from; the value `reject` is a no, and any other is done.
      lasts: How long it waits.
      mint: Makes ids.
      now: The time.

    Raises:
      UsageError: it cannot be asked for; the sentence is for the agent.
    """
    shown = kind.shown(conn, payload)
    if (why := rules.fault(shown, options)) is not None:
        raise UsageError(f"nobody can be asked for this: {why}")
    text = canonical(payload)
    if (known := approvals.open_one(conn, kind.name, subject)) is not None:
        if known.payload == text:
            return known.id
        raise UsageError(f"something else about the same waits for a decision already: {known.id}")
    asked = attrs.evolve(
        approvals.new(ApprovalId(mint("apr")), kind.name, subject, payload, shown, options, now=now),
        messaging_group_id=chat,
        agent_group_id=agent,
        session_id=session,
        needs=needs,
        expires_at=now + lasts,
    )
    if approvals.waiting_of(conn, agent) >= rules.MOST_OF_AGENT:
        raise UsageError(f"{rules.MOST_OF_AGENT} requests wait for a decision already: wait until one is over")
    waits = approvals.request(conn, asked)
    if waits is None:
        raise UsageError("too much waits for a decision about this chat already")
    return waits


def finish(conn: Connection, kind: Kind, which: ApprovalId, means: Means) -> None:
    """Do what was approved and end it, in one transaction: once, whoever dies when. Raises `UsageError`, nothing done.

    What is done is what was shown: the payload is held against its digest in the same transaction.
    """
    approval = approvals.get(conn, which)
    if approval is None or approval.state is not ApprovalState.EXECUTING:
        raise UsageError("it is over already")
    payload_of(approval)
    result = kind.execute(conn, approval, means)
    approvals.end(conn, which, ApprovalState.DONE, result, now=means.now)


def payload_of(approval: Approval) -> Mapping[str, object]:
    """What is to be done. Raises `UsageError` if it is not what was asked for."""
    if digest_of(approval.payload) != approval.digest:
        raise UsageError("what would be done is not what was asked for")
    payload = strict_json.read(approval.payload)
    assert isinstance(payload, dict)
    return payload
