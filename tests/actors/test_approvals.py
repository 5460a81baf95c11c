"""The approvals actor: a card for one who may decide, and what was approved is done once, in whatever state it is."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from nanoclaw.actors import approvals as actor_of_approvals
from nanoclaw.core.approvals import ELSEWHERE_AFTER
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Needs
from nanoclaw.model.messages import LedgerState
from nanoclaw.model.rights import Role
from nanoclaw.store import approval_cards, approvals, ledger
from nanoclaw.store.events import Decided, Ignored
from schema import payloads
from schema.payloads import AskQuestion, Edit
from schema.rows import OutKind
from schema.sqlite import execute, fetch
from tests.support.approvals_case import Case, SlowNotes


async def test_what_an_agent_asks_for_is_shown_whole_approved_with_a_button_and_done_and_the_agent_is_told() -> None:
    case = Case()
    case.grant("boss")
    which = case.ask("a\n`b`\u202e“c”")
    async with case.living() as actor:
        [card] = case.cards()
        row = ledger.get(case.world.conn, card.ledger_id)
        assert row is not None
        assert (row.platform_id, row.session_id) == ("dm-test:boss", None)
        shown = payloads.read_as(AskQuestion, row.content)
        assert shown.question == "What: “a\\u{a}\\u{60}b\\u{60}\\u{202e}\\u{201c}c\\u{201d}”"
        assert len(shown.question_id) + 3 <= 64
        assert all(len(token) * 5 >= 128 and len(token) <= 64 for token in case.tokens(card).values())
        case.arrive()
        assert isinstance(case.press(card, case.tokens(card)["Approve"]), Decided)
        await case.look(actor)
    assert case.kind.done == ["a\n`b`\u202e“c”"]
    assert case.state(which)[0] == "done"
    [told] = case.told()
    assert told.startswith(f"{which}, “Write something down?”: approved by Boss, and done")
    [edit] = fetch(case.world.conn, "SELECT content, about FROM ledger WHERE kind = 'edit'")
    assert edit["about"] == card.ledger_id
    changed = payloads.read_out(OutKind.EDIT, str(edit["content"]))
    assert isinstance(changed, Edit)
    assert shown.question in changed.text
    assert "approved by Boss" in changed.text.replace("Approved", "approved")


async def test_the_first_whom_it_can_reach_is_asked_admins_of_the_agent_before_owners() -> None:
    case = Case(known=("test:boss", "test:chief"))
    case.grant("boss")
    case.grant("unlucky", Role.ADMIN, "agt-nano")
    case.grant("chief", Role.ADMIN, "agt-nano")
    case.ask()
    case.ask("another", needs=Needs.GLOBAL_ADMIN)
    async with case.living():
        assert [card.approver for card in case.cards()] == ["test:chief", "test:boss"]


async def test_where_nobody_can_be_reached_the_agent_is_told_at_once_and_once_and_the_command_line_decides() -> None:
    case = Case(known=())
    case.grant("boss")
    which = case.ask()
    async with case.living() as actor:
        await case.look(actor)
        [told] = case.told()
        assert "nobody who may decide could be reached" in told
        assert case.state(which) == ("pending", None)
        case.known = ("test:boss",)
    async with case.living():
        assert len(case.cards()) == 1, "somebody can be reached after all"


async def test_however_many_wait_that_nobody_can_be_asked_about_what_came_later_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actor_of_approvals, "MOST_AT_ONCE", 2)
    case = Case(known=("test:chief",))
    boss = case.grant("boss")
    case.grant("chief", Role.ADMIN, "agt-nano")
    for number in range(4):
        case.ask(f"for owners {number}", needs=Needs.GLOBAL_ADMIN)
    case.world.wait(seconds=1)
    last = case.ask("for chief")
    async with case.living() as actor:
        assert [(card.approval_id, card.approver) for card in case.cards()] == [(last, "test:chief")]
        assert case.tried.count(boss) == 1, "once a look"
        await case.look(actor)
        assert case.tried.count(boss) == 2


async def test_a_card_that_is_lost_is_sent_to_somebody_else() -> None:
    case = Case()
    case.grant("boss")
    case.grant("chief", Role.ADMIN)
    case.ask()
    async with case.living() as actor:
        [card] = case.cards()
        assert card.approver == "test:chief"
        ledger.settle(case.world.conn, card.ledger_id, LedgerState.DEAD, error="gone", now=case.world.now)
        assert approval_cards.lost(case.world.conn, card.ledger_id)
        await case.look(actor)
        assert [card.approver for card in case.cards()] == ["test:chief", "test:boss"]


async def test_where_a_card_does_not_arrive_somebody_else_is_asked_too_and_the_first_stays_good() -> None:
    case = Case()
    case.grant("boss")
    case.grant("chief", Role.ADMIN)
    which = case.ask()
    async with case.living() as actor:
        case.world.wait(seconds=ELSEWHERE_AFTER.total_seconds() - 1)
        await case.look(actor)
        assert [card.approver for card in case.cards()] == ["test:chief"]
        case.world.wait(seconds=1)
    async with case.living() as actor:
        await case.look(actor)
        first, second = case.cards()
        assert (first.approver, second.approver) == ("test:chief", "test:boss")
        [note] = fetch(
            case.world.conn, "SELECT content FROM inbound WHERE id = ?", (f"note:approval:{which}:elsewhere",)
        )
        assert "somebody else was asked too" in str(note["content"])
        assert case.told() == [], "nobody is woken by it"
        case.ask("another")
        await case.look(actor)
        assert case.cards()[-1].approver == "test:boss", "whoever cannot be reached now is asked last"
        case.arrive()
        assert isinstance(case.press(first, case.tokens(first)["Approve"]), Decided)
        assert isinstance(case.press(second, case.tokens(second)["Approve"], number=901), Ignored)
        await case.look(actor)
    assert case.state(which)[0] == "done"
    assert case.kind.done == ["hello"]


async def test_where_no_card_arrives_the_agent_is_told_once_that_nobody_can_be_reached() -> None:
    case = Case()
    case.grant("boss")
    which = case.ask()
    async with case.living() as actor:
        for _ in range(3):
            case.world.wait(seconds=ELSEWHERE_AFTER.total_seconds())
            await case.look(actor)
        assert len(case.cards()) == 1
        [told] = case.told()
        assert "has not arrived yet" in told
        assert case.state(which) == ("pending", None)


async def test_the_next_is_asked_in_time_though_nothing_happens(autojump_clock: MockClock) -> None:
    case = Case()
    case.grant("boss")
    case.grant("chief", Role.ADMIN)
    case.ask()
    async with case.living():
        assert len(case.cards()) == 1
        # The clock of the case stands still; it goes on when the actor looks again, which it does by itself.
        case.world.wait(seconds=ELSEWHERE_AFTER.total_seconds())
        await trio.sleep(ELSEWHERE_AFTER.total_seconds() + 1)
        assert len(case.cards()) == 2


async def test_what_was_approved_is_done_by_the_next_life_and_slow_work_is_begun_again() -> None:
    case = Case(kind=SlowNotes())
    assert isinstance(case.kind, SlowNotes)
    case.grant("boss")
    which = case.ask()
    async with case.living() as actor:
        case.arrive()
        card = case.cards()[0]
        case.press(card, case.tokens(card)["Approve"])
        await case.look(actor)
        assert (case.kind.begun, case.kind.done) == (1, [])
        assert isinstance(case.press(card, case.tokens(card)["Approve"], number=901), Ignored), "a second press"
        await case.look(actor)
        assert case.kind.begun == 1
    assert case.state(which) == ("executing", None)
    async with case.living() as actor:
        assert case.kind.begun == 2
        case.kind.go_on.set()
        await case.look(actor)
    assert (case.state(which), case.kind.done) == (("done", "wrote hello"), ["hello"])
    assert len(case.told()) == 1


async def test_what_cannot_be_done_has_failed_with_the_reason_and_nothing_of_it_is_done() -> None:
    case = Case()
    case.grant("boss")
    which = case.ask("fail")
    async with case.living() as actor:
        card = case.cards()[0]
        case.press(card, case.tokens(card)["Approve"])
        await case.look(actor)
    assert case.state(which) == ("failed", "there is no ink")
    assert fetch(case.world.conn, "SELECT 1 FROM users WHERE display_name = 'note'") == []
    assert "failed: there is no ink" in case.told()[0]


@pytest.mark.parametrize("change", ['payload = \'{"what": "evil"}\'', "kind = 'chat'"])
async def test_what_is_done_is_what_was_shown_or_nothing(change: str) -> None:
    case = Case()
    case.grant("boss")
    which = case.ask()
    async with case.living() as actor:
        card = case.cards()[0]
        case.press(card, case.tokens(card)["Approve"])
        execute(case.world.conn, f"UPDATE approvals SET {change}")
        await case.look(actor)
    assert case.state(which)[0] == "failed"
    assert case.kind.done == []


async def test_nobody_has_more_cards_than_they_can_decide() -> None:
    case = Case()
    case.grant("boss")
    for number in range(14):
        asked = case.ask(f"what {number}")
        execute(case.world.conn, "UPDATE approvals SET agent_group_id = NULL WHERE id = ?", (asked,))
    async with case.living() as actor:
        assert len(case.cards()) == 10
        case.press(case.cards()[0], case.tokens(case.cards()[0])["Reject"])
        await case.look(actor)
        assert len(case.cards()) == 11


def test_an_agent_asks_for_few_things_at_a_time_and_for_the_same_once() -> None:
    case = Case()
    first = case.ask("0")
    assert case.ask("0") == first
    for number in range(1, 5):
        case.ask(str(number))
    with pytest.raises(UsageError, match="5 requests wait for a decision already"):
        case.ask("5")
    assert case.ask("0") == first
    execute(case.world.conn, "UPDATE approvals SET payload = '{}' WHERE id = ?", (first,))
    with pytest.raises(UsageError, match="something else about the same waits"):
        case.ask("0")


def test_what_does_not_fit_on_a_card_is_not_asked_for() -> None:
    case = Case()
    with pytest.raises(UsageError, match="too long to be shown whole"):
        case.ask("x" * 3_000)
    assert approvals.approvals(case.world.conn) == []
