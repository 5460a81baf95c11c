"""The kind of approval by which OneCLI lets one request of an agent's go on, with a credential that it adds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import attrs
import trio
from attrs import field, frozen

from nanoclaw.actors.approving import Means, payload_of
from nanoclaw.core import credential_requests as rules
from nanoclaw.core import onecli
from nanoclaw.core.approvals import YES_OR_NO
from nanoclaw.core.onecli import OneCliAwayError, OneCliRefusedError, Pending, PendingRequest
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import jitter
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState, Shown
from nanoclaw.model.ids import AgentGroupId, ApprovalId
from nanoclaw.model.messages import Drop
from nanoclaw.store import approvals, credential_approvals, drops, entities
from nanoclaw.store.ledger import Lane
from schema.sqlite import Connection

RESTARTED = "the host was restarted; if OneCLI still holds the request, it is asked about anew"
LOST = (
    "OneCLI no longer holds the request: its time is over, or it was decided already, elsewhere or by this host before"
    " it was cut short"
)
GRACE = timedelta(seconds=5)
"""So long after an approval's own time a decision that was made in it may still be on its way."""


class Decisions(Protocol):
    """What is needed of OneCLI. Raises `OneCliAwayError`, `OneCliRefusedError`."""

    async def pending(self, exclude: Collection[str]) -> Pending:
        """The requests that wait, without those of *exclude*; see `OneCli.pending`."""
        ...

    async def decide(self, request: str, *, approve: bool) -> bool:
        """Say what was decided; was it still there to be decided about?"""
        ...


@frozen
class CredentialKind:
    """Implements `Kind` and `SlowKind`."""

    _decisions: Decisions
    _clock: Clock
    _luck: Callable[[], float] = jitter
    name: ApprovalKind = field(default=ApprovalKind.CREDENTIAL, init=False)

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """OneCLI asks for this, on behalf of a request that it holds."""
        raise UsageError("agents do not ask for this: they send the request, and OneCLI holds it")

    async def work(self, approval: Approval) -> None:
        """Tell OneCLI. Safe to repeat: it takes a decision once."""
        request = str(payload_of(approval)["request"])
        failures = 0
        while True:
            try:
                if await self._decisions.decide(request, approve=True):
                    return
                raise UsageError(LOST)
            except OneCliRefusedError as exc:
                raise UsageError(f"OneCLI did not take the decision: {exc}") from exc
            except OneCliAwayError as exc:
                if approval.expires_at is None or approval.expires_at + GRACE <= self._clock.now():
                    raise UsageError(f"OneCLI could not be told in time: {exc}") from exc
            failures += 1
            await trio.sleep(onecli.pause(failures, self._luck()))

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """All is done."""
        return "OneCLI lets the request go on"


@frozen
class Asked:
    """People are asked; that is the approval."""

    approval: ApprovalId


Taken: TypeAlias = Asked | rules.Deny | rules.Leave


def take(conn: Connection, request: PendingRequest, *, mint: Callable[[str], str], now: datetime) -> Taken:
    """Ask people about *request*, in a transaction, if anybody is to be asked. One that is refused leaves a record."""
    known = approvals.open_one(conn, ApprovalKind.CREDENTIAL, request.id)
    if known is not None:
        return Asked(known.id)
    name = AgentGroupId(request.agent.external_id or "")
    ours = entities.agent_group(conn, name) is not None
    judged = rules.judge(request, ours=ours, waiting=credential_approvals.waiting_of(conn, name), now=now)
    match judged:
        case rules.Ask():
            asked = attrs.evolve(
                approvals.new(
                    ApprovalId(mint("apr")),
                    ApprovalKind.CREDENTIAL,
                    request.id,
                    judged.payload,
                    judged.shown,
                    YES_OR_NO,
                    now=now,
                ),
                agent_group_id=name,
                expires_at=judged.until,
            )
            return Asked(approvals.request(conn, asked) or asked.id)
        case rules.Deny(why):
            drops.record(
                conn,
                Drop(
                    key=f"credential:{request.id}",
                    kind="event",
                    reference=request.id,
                    reason="credential-refused",
                    detail=why,
                    agent_group_id=name,
                    dropped_at=now,
                ),
            )
            return judged
        case rules.Leave():
            return judged


def sweep(conn: Connection, *, now: datetime) -> frozenset[Lane]:
    """Close what an earlier life has asked and nobody has decided; returns the lanes to send on."""
    found: frozenset[Lane] = frozenset()
    for approval in credential_approvals.waiting(conn):
        found |= approvals.end(conn, approval, ApprovalState.EXPIRED, RESTARTED, now=now)
    return found
