"""Old approvals go with their cards; what still waits stays, however old it is."""

from __future__ import annotations

from nanoclaw.model.approvals import ApprovalState
from nanoclaw.store import approvals
from schema.sqlite import execute
from tests.support.approvals_case import Case
from tests.support.old_rows import LONG, count, prune


def test_what_was_decided_goes_with_its_cards_and_their_tokens_and_what_waits_stays() -> None:
    case = Case()
    case.grant("boss")
    over, waits = case.ask("over"), case.ask("waits")
    for which in (over, waits):
        case.send(which, "test:boss")
    approvals.end(case.world.conn, over, ApprovalState.FAILED, "why", now=case.world.now)
    case.arrive()
    execute(case.world.conn, "UPDATE approvals SET expires_at = NULL")
    case.world.wait(seconds=LONG)
    assert prune(case.world) > 0
    prune(case.world)
    assert [one.id for one in approvals.approvals(case.world.conn)] == [waits]
    assert (count(case.world, "approval_cards"), count(case.world, "approval_tokens")) == (1, 2)
    assert len(case.cards()) == 1
