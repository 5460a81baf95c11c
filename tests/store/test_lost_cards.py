"""Cards that count as lost: one that is there all the same is told of the outcome, and none is sent of what is over."""

from __future__ import annotations

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Card, CardState
from nanoclaw.model.messages import LedgerRow, LedgerState
from nanoclaw.store import agent_mail, approval_cards, dead, ledger
from nanoclaw.store.events import Accepted, Decided
from schema.sqlite import execute, fetch
from tests.support.approvals import carry_out
from tests.support.approvals_case import Case, with_people
from tests.support.central import said


@pytest.fixture
def case() -> Case:
    return with_people()


def lose(case: Case, card: Card) -> None:
    """Its platform says that nobody has it."""
    execute(case.world.conn, "UPDATE ledger SET state = 'dead', error = 'blocked' WHERE id = ?", (card.ledger_id,))
    assert approval_cards.lost(case.world.conn, card.ledger_id)


def letter(case: Case, card: Card) -> LedgerRow:
    """Its message, as the ledger has it."""
    row = ledger.get(case.world.conn, card.ledger_id)
    assert row is not None
    return row


def edits(case: Case) -> int:
    """How many changes of cards there are."""
    return len(fetch(case.world.conn, "SELECT 1 FROM ledger WHERE kind = 'edit'"))


def test_one_whose_button_is_pressed_has_arrived_and_is_changed(case: Case) -> None:
    card = case.send(case.ask(), "test:boss")
    lose(case, card)
    assert isinstance(case.press(card, case.tokens(card)["Reject"]), Decided)
    assert letter(case, card).state is LedgerState.DELIVERED
    assert letter(case, card).error is None
    assert [one.state for one in case.cards()] == [CardState.OVER]
    assert edits(case) == 1


def test_one_that_nobody_has_seen_is_not_changed(case: Case) -> None:
    lost = case.send(case.ask(), "test:boss")
    lose(case, lost)
    other = case.send(lost.approval_id, "test:chief")
    assert isinstance(case.press(other, case.tokens(other)["Reject"]), Decided)
    assert [one.state for one in case.cards()] == [CardState.LOST, CardState.OVER]
    assert edits(case) == 1


def test_one_that_is_sent_again_is_open_again_unless_there_is_nothing_to_decide_any_more(case: Case) -> None:
    card = case.send(case.ask(), "test:boss")
    lose(case, card)
    dead.retry(case.world.conn, letter(case, card), now=case.world.now)
    assert [one.state for one in case.cards()] == [CardState.OPEN]
    case.arrive()
    assert isinstance(case.press(card, case.tokens(card)["Reject"]), Decided)
    execute(case.world.conn, "UPDATE ledger SET state = 'dead' WHERE id = ?", (card.ledger_id,))
    with pytest.raises(UsageError, match="shows a request that is over"):
        dead.retry(case.world.conn, letter(case, card), now=case.world.now)
    assert carry_out(case.world) == []


def test_the_session_in_which_a_message_was_said_is_known_by_the_message(case: Case) -> None:
    accepted = case.world.accept(said(1))
    assert isinstance(accepted, Accepted)
    (row,) = fetch(case.world.conn, "SELECT id, session_id FROM inbound WHERE event_id = ?", (accepted.event,))
    assert agent_mail.session_of(case.world.conn, str(row["id"])) == row["session_id"]
    assert agent_mail.session_of(case.world.conn, "no message") is None
    assert agent_mail.session_of(case.world.conn, None) is None
