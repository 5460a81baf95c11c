"""Who decides about an approval, by which button or words, and who does not: attacks, and the card that still works."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.approvals import LASTS
from nanoclaw.kit.ids import token
from nanoclaw.model.approvals import Card
from nanoclaw.model.ids import CardId
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import approvals, drops, ledger
from nanoclaw.store.events import Decided, Duplicate, Ignored, Verdict
from nanoclaw.store.verify import verify
from schema.sqlite import fetch
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import PENDING, Case, typed, with_people


@pytest.fixture
def case() -> Case:
    return with_people()


def test_a_button_decides_once_and_everything_after_it_is_told_what_was_decided(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:boss")
    approve, reject = case.tokens(card)["Approve"], case.tokens(card)["Reject"]
    assert isinstance(case.press(card, reject), Decided)
    assert case.state(which) == ("rejected", None)
    for number, said_ in enumerate((approve, reject, f"Approve {card.code}"), start=901):
        late = case.press(card, said_, number=number)
        assert isinstance(late, Ignored)
        assert (late.reason, late.detail) == ("approval-over", "this is decided already: rejected by Boss")
    assert isinstance(case.press(card, reject), Duplicate), "the platform tells of the same press again"
    assert case.state(which) == ("rejected", None)
    assert approvals.executing(case.world.conn) == []
    reasons = sorted(drop.reason for drop in drops.recent(case.world.conn))
    assert reasons == ["approval-over"] * 3 + ["decided-approval"]
    assert verify(case.world.conn, NOWHERE, host=None, now=case.world.now) == []


def nobody(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, case.tokens(card)["Approve"], by="Member")


def other_admin(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, case.tokens(card)["Approve"], by="Elsewhere")


def the_bot_itself(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, case.tokens(card)["Approve"], by="Nano")


def other_chat(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, case.tokens(card)["Approve"], room="room")


def other_card(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, case.tokens(other)["Approve"])


def no_card(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(evolve(card, id=CardId(token())), case.tokens(card)["Approve"])


def bare_number(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, "1")


def bare_label(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, "Approve")


def bare_value(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, "approve")


def other_code(case: Case, card: Card, other: Card) -> Verdict:
    return case.press(card, f"approve {other.code}")


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (nobody, "not-yours-to-decide"),
        (other_admin, "not-yours-to-decide"),
        (the_bot_itself, "not-yours-to-decide"),
        (other_chat, "no-approval"),
        (other_card, "no-option"),
        (no_card, "no-approval"),
        (bare_number, "no-option"),
        (bare_label, "no-option"),
        (bare_value, "no-option"),
        (other_code, "no-option"),
    ],
)
def test_whoever_may_not_or_says_something_else_changes_nothing_and_is_recorded_and_the_card_still_works(
    case: Case, attack: Callable[[Case, Card, Card], Verdict], reason: str
) -> None:
    which, another = case.ask("one"), case.ask("another")
    card, other = case.send(which, "test:boss"), case.send(another, "test:boss")
    verdict = attack(case, card, other)
    assert isinstance(verdict, Ignored)
    assert verdict.reason == reason
    assert (case.state(which), case.state(another)) == (PENDING, PENDING)
    assert [drop.reason for drop in drops.recent(case.world.conn)] == [reason]
    assert isinstance(case.press(card, case.tokens(card)["Approve"], number=901), Decided)
    assert approvals.executing(case.world.conn) == [which]


@given(st.text(max_size=40))
def test_no_guess_is_a_decision(guess: str) -> None:
    case = Case()
    case.grant("boss")
    card = case.send(case.ask(), "test:boss")
    ways = {*case.tokens(card).values(), f"approve {card.code}", f"reject {card.code}"}
    verdict = case.press(card, guess)
    assert isinstance(verdict, Decided) == (" ".join(guess.split()).casefold() in ways)
    case.store.close()


def test_what_is_typed_decides_with_the_code_of_the_card_and_is_a_message_without_it(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:chief")
    for number, text in enumerate(("1", "approve", "Approve 0000", f"{card.code}", f"approve{card.code}")):
        assert not isinstance(case.world.accept(typed(card, text, by="Chief", number=number)), Decided)
    assert case.state(which) == PENDING
    assert isinstance(case.world.accept(typed(card, f"  APPROVE   {card.code} ", by="Chief")), Decided)
    assert approvals.executing(case.world.conn) == [which]


def test_a_card_that_nobody_has_seen_is_not_answered_by_what_is_typed(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:boss")
    case.world.conn.execute("UPDATE ledger SET state = 'pending', settled_at = NULL").fetchall()
    case.world.accept(typed(card, f"approve {card.code}"))
    assert case.state(which) == PENDING
    ledger.settle(case.world.conn, card.ledger_id, LedgerState.DELIVERED, now=case.world.now)
    assert isinstance(case.world.accept(typed(card, f"approve {card.code}", number=901)), Decided)


def test_a_card_that_a_host_was_sending_when_it_died_is_answered_before_it_is_there_again(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:boss")
    case.world.conn.execute("UPDATE ledger SET state = 'sending', settled_at = NULL").fetchall()
    ledger.put_back(case.world.conn, card.ledger_id, not_before=None, error=None, doubt=True)
    assert isinstance(case.world.accept(typed(card, f"approve {card.code}")), Decided)
    assert approvals.executing(case.world.conn) == [which]


@pytest.mark.parametrize(("before", "counts"), [(0.001, True), (0.0, False), (-0.001, False)])
def test_a_decision_counts_until_its_time_is_over(case: Case, before: float, counts: bool) -> None:
    which = case.ask()
    card = case.send(which, "test:boss")
    case.world.wait(seconds=LASTS.total_seconds() - before)
    verdict = case.press(card, case.tokens(card)["Approve"])
    assert isinstance(verdict, Decided) == counts
    over = approvals.expire(case.world.conn, which, now=case.world.now)
    assert (over is None) == counts
    assert case.state(which)[0] == ("executing" if counts else "expired")
    if not counts:
        assert len(case.told()) == 1
        assert "nobody decided in time" in case.told()[0]
        assert fetch(case.world.conn, "SELECT 1 FROM ledger WHERE kind = 'edit' AND content LIKE '%Closed without%'")


def test_rights_count_at_the_moment_of_the_press_not_of_the_card(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:chief")
    case.world.conn.execute("DELETE FROM roles WHERE user_id = 'test:chief'").fetchall()
    late = case.press(card, case.tokens(card)["Approve"], by="Chief")
    assert isinstance(late, Ignored)
    assert late.reason == "not-yours-to-decide"
    assert case.state(which) == PENDING


def test_of_two_who_decide_at_once_one_does_and_the_other_is_told(case: Case) -> None:
    which = case.ask()
    card = case.send(which, "test:boss")
    tokens = case.tokens(card)
    assert isinstance(case.press(card, tokens["Approve"], number=901), Decided)
    second = case.press(card, tokens["Reject"], by="Chief", number=902)
    assert isinstance(second, Ignored)
    assert "approved by Boss" in second.detail
    assert approvals.executing(case.world.conn) == [which]
