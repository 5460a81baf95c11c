"""Requests that wait for a decision in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from nanoclaw.actors.approval_kinds import KINDS
from nanoclaw.actors.approving import Kind, Means, finish
from nanoclaw.core.approvals import YES_OR_NO
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, ApprovalState, Shown
from nanoclaw.model.ids import ApprovalId, MessagingGroupId
from nanoclaw.store import approvals
from schema.sqlite import transaction
from tests.support.central import CHANNEL, NOW, World


def carry_out(world: World, *, folders: frozenset[str] = frozenset(), threaded: bool = False) -> list[str]:
    """Do what was approved, as the actor does it, with those agents' *folders* there; returns why what failed did."""
    return _carry_out(world, KINDS.__getitem__, folders, threaded=threaded)


def carry_out_as(world: World, kind: Kind) -> list[str]:
    """The same, where all of it is of one kind."""
    return _carry_out(world, lambda _: kind)


def _carry_out(
    world: World,
    kind_of: Callable[[ApprovalKind], Kind],
    folders: frozenset[str] = frozenset(),
    *,
    threaded: bool = False,
) -> list[str]:
    failed = []
    means = Means(now=world.now, mint=world.mint, threaded={CHANNEL: threaded}, folders=folders)
    for which in approvals.executing(world.conn):
        approval = approvals.get(world.conn, which)
        assert approval is not None
        try:
            with transaction(world.conn):
                finish(world.conn, kind_of(approval.kind), which, means)
        except UsageError as exc:
            failed.append(str(exc))
            approvals.end(world.conn, which, ApprovalState.FAILED, str(exc), now=world.now)
    return failed


def an_approval(
    chat: MessagingGroupId | None, name: str = "apr-1", kind: ApprovalKind = ApprovalKind.SENDER, **words: Any
) -> Approval:
    """One about *chat*, some of it as *words* have it; whoever it is about is nobody."""
    shown = Shown("May they?", ("Who: “Eve”",))
    made = approvals.new(ApprovalId(name), kind, name, {"sender_id": "test:eve"}, shown, YES_OR_NO, now=NOW)
    return evolve(made, messaging_group_id=chat, **words)
