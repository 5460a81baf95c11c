"""The kind of approval by which an agent's request goes on with a secret of the host's, and who is asked when.

The request waits for nobody: it is answered at once, with what is the matter, and put again once somebody has said yes.
So a host that dies, an approval that takes days and an agent that gives up leave nothing that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import field, frozen

from nanoclaw.actors.approving import Means, ask, payload_of
from nanoclaw.core import binding_asking as rules
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.bindings import Asks, Binding, BoundRequest, BoundVerdict, Go, NeedsBody, Pass, Stay
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import bindings, entities
from nanoclaw.store.asking_again import IsAsked, MayAsk, TooOften, WasDenied, standing
from schema.sqlite import Connection
from schema.times import write_time


@frozen
class SecretKind:
    """Implements `Kind`."""

    name: ApprovalKind = field(default=ApprovalKind.SECRET, init=False)

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """The request, and which secret goes with it as what."""
        group = entities.agent_group(conn, AgentGroupId(str(payload["agent"])))
        assert group is not None
        return rules.shown(group.name, payload)

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Let it through: this one once, or all of that binding."""
        payload = payload_of(approval)
        binding = bindings.get(conn, AgentGroupId(str(payload["agent"])), str(payload["binding"]))
        size = payload["size"]
        assert size is None or isinstance(size, int)
        request = BoundRequest(
            name=str(payload["binding"]),
            method=str(payload["method"]),
            path=str(payload["path"]),
            size=size,
            digest=str(payload["body"]),
        )
        if binding is None or rules.payload_of(binding, request) != payload:
            raise UsageError("the binding is another one now: the request has to be put again")
        once = binding.asks is not Asks.FIRST
        until = means.now + rules.PASS_LASTS
        bindings.let_through(
            conn,
            Pass(
                approval_id=approval.id,
                agent_group_id=binding.agent_group_id,
                name=binding.name,
                digest=rules.request_digest(binding, request) if once else "",
                until=until if once else None,
            ),
        )
        if once:
            return f"put the same request again before {write_time(until)}: it goes on once"
        return f"put the request again: what is asked by {binding.name} goes on from now on"


def judge_unasked(conn: Connection, session: Session, request: BoundRequest) -> BoundVerdict | None:
    """May what an agent asks go on with the secret? None: it takes a transaction to say, by `judge_bound`."""
    binding = bindings.get(conn, session.agent_group_id, request.name)
    if binding is None:
        return Stay(404, f"There is no binding {request.name} for this agent; the operator can make one.")
    if binding.asks is Asks.NEVER or (binding.asks is Asks.FIRST and bindings.is_open(conn, binding)):
        return Go(binding)
    return NeedsBody() if request.size is None else None


def judge_bound(
    conn: Connection, session: Session, request: BoundRequest, *, mint: Callable[[str], str], now: datetime
) -> BoundVerdict:
    """The same, in a transaction: people are asked in it, if they have to be."""
    known = judge_unasked(conn, session, request)
    if known is not None:
        return known
    binding = bindings.get(conn, session.agent_group_id, request.name)
    assert binding is not None
    if (used := bindings.take_pass(conn, binding, rules.request_digest(binding, request), now=now)) is not None:
        return Go(binding, used)
    return Stay(403, _asked(conn, binding, session, request, mint=mint, now=now))


def _asked(
    conn: Connection,
    binding: Binding,
    session: Session,
    request: BoundRequest,
    *,
    mint: Callable[[str], str],
    now: datetime,
) -> str:
    """Ask people, unless they are asked already or have said no; returns what the agent is told."""
    subject = rules.subject_of(binding, request)
    again = "You will be told what came of it; put the same request again then"
    agent, most = session.agent_group_id, rules.MOST_AN_HOUR
    match standing(conn, ApprovalKind.SECRET, subject, agent=agent, most_an_hour=most, now=now):
        case IsAsked(known):
            return f"People are asked about this already ({known}). {again}."
        case WasDenied():
            return "Somebody has said no to this, and nobody is asked again for a day."
        case TooOften():
            return f"People have to be asked about this, and were {most} times within an hour; try later."
        case MayAsk():
            pass
    try:
        asked = ask(
            conn,
            kind=SecretKind(),
            subject=subject,
            payload=rules.payload_of(binding, request),
            agent=agent,
            session=session.id,
            chat=session.messaging_group_id,
            lasts=rules.LASTS,
            mint=mint,
            now=now,
        )
    except UsageError as exc:
        return f"People have to be asked about this, and cannot be: {exc}."
    return f"A person has to let this request go on, and is asked now ({asked}). {again}."
