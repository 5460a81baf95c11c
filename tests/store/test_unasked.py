"""What was asked of people in turns that were taken back: nobody can answer it, its card says so, its agent is told."""

from __future__ import annotations

from nanoclaw.core.approvals import REJECT
from nanoclaw.model.ids import ApprovalId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import approvals, inbound
from nanoclaw.store.audit import records
from nanoclaw.store.rewinding import cut_of, find, rewind
from nanoclaw.store.unasked import WHY
from schema.payloads import Option
from schema.sqlite import Connection, fetch, transaction
from tests.support.approvals_case import Case, with_people
from tests.support.central import everything
from tests.support.questions import asked

YES = Option(label="Approve", value="approve")


def turn(case: Case, name: str) -> None:
    """One more settled turn."""
    row = case.world.message(case.session, name)
    case.world.wait(seconds=1)
    inbound.settle(case.world.conn, row, error=None, now=case.world.now)
    case.world.wait(seconds=1)


def back(case: Case, to: str) -> int:
    """Take the session back; how much was closed."""
    conn = case.world.conn
    with transaction(conn):
        return rewind(conn, find(conn, case.session), cut_of(conn, case.session, to), now=case.world.now).closed


def said(conn: Connection) -> list[str]:
    """What edits are to be sent."""
    rows = fetch(conn, "SELECT content FROM ledger WHERE kind = 'edit' AND state = 'pending' ORDER BY position")
    return [str(row["content"]) for row in rows]


def notes(conn: Connection) -> list[tuple[str, int]]:
    """What the agent is told that was not taken back, and whether it is woken by it."""
    rows = fetch(conn, "SELECT id, trigger FROM inbound WHERE status = 'pending' ORDER BY seq")
    return [(str(row["id"]), int(str(row["trigger"]))) for row in rows]


def lived() -> tuple[Case, ApprovalId, ApprovalId, ApprovalId]:
    """Something asked for in a turn that stays; then something that waits, and something approved that is not done."""
    case = with_people()
    turn(case, "first")
    early = case.ask("early")
    turn(case, "second")
    waits, approved = case.ask("waits"), case.ask("approved")
    for one in (early, waits, approved):
        case.send(one, "boss")
    approvals.decide(case.world.conn, approved, YES, by=case.world.user("boss"), now=case.world.now)
    asked(case.world, case.session)
    turn(case, "third")
    return case, early, waits, approved


def test_what_was_asked_later_is_closed_its_cards_say_so_and_its_agent_is_told_without_being_woken() -> None:
    case, early, waits, approved = lived()
    card = next(one for one in case.cards() if one.approval_id == waits)
    assert back(case, "second") == 3
    assert case.state(waits) == ("expired", WHY)
    assert case.state(approved) == ("failed", WHY)
    assert case.state(early) == ("pending", None)
    edits = said(case.world.conn)
    assert len(edits) == 3
    assert all(WHY in one for one in edits)
    told = dict(notes(case.world.conn))
    assert {f"note:approval:{waits}:end", f"note:approval:{approved}:end", "note:question_expired:q1"} <= told.keys()
    assert not any(told.values())
    assert [one.state.value for one in case.cards()] == ["open", "over", "over"]
    ends = [(one.subject, one.outcome.value) for one in records(case.world.conn, what="approval end")]
    assert ends == [(f"admin {waits}", "refused"), (f"admin {approved}", "failed")]
    case.press(card, case.tokens(card)["Approve"])
    assert case.state(waits) == ("expired", WHY)
    assert approvals.decide(case.world.conn, waits, REJECT, by=case.world.user("boss"), now=case.world.now) is None


def test_what_was_asked_in_a_turn_that_stays_can_be_answered_as_before() -> None:
    case, early, *_ = lived()
    back(case, "second")
    card = next(one for one in case.cards() if one.approval_id == early)
    case.press(card, case.tokens(card)["Approve"])
    assert case.state(early)[0] == "executing"


def test_a_question_that_nobody_can_have_seen_is_closed_and_not_edited() -> None:
    case = with_people()
    turn(case, "first")
    asked(case.world, case.session, shown=False)
    assert back(case, "first") == 1
    assert said(case.world.conn) == []
    (row,) = fetch(case.world.conn, "SELECT state FROM ledger WHERE id = 'out-q1'")
    assert row["state"] == LedgerState.DEAD.value


class DeadError(Exception):
    """Whoever takes it back is no more."""


def test_a_rewind_that_dies_at_any_of_its_statements_has_changed_nothing_and_is_done_by_the_next() -> None:
    case, *_ = lived()
    conn = case.world.conn
    before = everything(conn)
    left = died = 0

    def count(*_: object) -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            raise DeadError
        return True

    while True:
        left = died + 1
        conn.exec_trace = count
        try:
            assert back(case, "second") == 3
            break
        except DeadError:
            died += 1
        finally:
            conn.exec_trace = None
        assert everything(conn) == before
    assert died > 50
    assert len(said(conn)) == 3
