"""Two who decide at the same moment, and a host that dies at any await point: done at most once, and everybody told."""

from __future__ import annotations

import pytest
import trio
import trio._core._run as scheduler

from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.store import approvals
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import Case, SlowNotes
from tests.support.dying import Death, die_everywhere
from tests.support.two_deciders import TwoDeciders

ORDERS = 12


def slow_notes() -> SlowNotes:
    """Work that is done at once."""
    kind = SlowNotes()
    kind.go_on.set()
    return kind


def assert_sound(scene: TwoDeciders) -> str:
    """It is over, done as it was decided and once, and everybody knows; returns who has decided."""
    case = scene.case
    found = approvals.get(case.world.conn, scene.which)
    assert found is not None
    done = integer(case.world.conn, "SELECT count(*) FROM users WHERE display_name = 'note'")
    assert (found.state, done) in {(ApprovalState.DONE, 1), (ApprovalState.REJECTED, 0)}
    [told] = case.told()
    assert told.startswith(f"{scene.which}, ")
    boss_was_first = found.answered_by == "test:boss"
    winner, loser = (scene.boss, scene.chief) if boss_was_first else (scene.chief, scene.boss)
    assert (found.answer == "approve") == (scene.labels[0 if boss_was_first else 1] == "Approve")
    [late] = [text for text in loser.words() if text.startswith("This is decided already: ")]
    assert ("approved by" if done else "rejected by") in late
    assert not [text for text in winner.words() if "decided already" in text]
    cards = {card.approver: card.state for card in case.cards()}
    # Of the other card its platform said that nobody has it. Who decides by it has it all the same.
    assert cards == {"wire:chief": CardState.OVER, "test:boss": CardState.OVER if boss_was_first else CardState.LOST}
    edits = fetch(
        case.world.conn, "SELECT state FROM ledger WHERE kind = 'edit' AND id LIKE ?", (f"%/{found.state.value}",)
    )
    assert edits == [{"state": "delivered"}] * (1 + boss_was_first)
    assert verify(case.world.conn, NOWHERE, host=None, now=case.world.now) == []
    case.store.close()
    return str(found.answered_by)


@pytest.mark.parametrize("labels", [("Approve", "Reject"), ("Approve", "Approve")])
async def test_of_two_who_press_at_the_same_moment_one_decides_and_the_other_is_told(labels: tuple[str, str]) -> None:
    winners = set()
    for seed in range(ORDERS):
        scheduler._r.seed(seed)
        scene = TwoDeciders(labels=labels)
        await scene.live(Death(0))
        assert len(scene.receipts) == 2
        winners.add(assert_sound(scene))
    assert winners == {"test:boss", "wire:chief"}


async def test_wherever_the_host_dies_it_is_done_at_most_once_and_everybody_is_told(figures: Figures) -> None:
    died = await die_everywhere(lambda: TwoDeciders(kind=slow_notes()), assert_sound)
    figures(points_died_at=died)
    assert died > 50


async def test_an_approval_that_ends_while_its_work_is_under_way_is_done_by_nobody() -> None:
    case = Case(kind=SlowNotes())
    assert isinstance(case.kind, SlowNotes)
    case.grant("boss")
    which = case.ask()
    async with case.living() as actor:
        case.press(case.cards()[0], case.tokens(case.cards()[0])["Approve"])
        await case.look(actor)
        case.world.conn.execute("DELETE FROM drops").fetchall()
        with trio.fail_after(5):
            approvals.end(case.world.conn, which, ApprovalState.FAILED, "called off", now=case.world.now)
            case.kind.go_on.set()
            await case.look(actor)
    assert case.state(which) == ("failed", "called off")
    assert case.kind.done == []
    assert fetch(case.world.conn, "SELECT 1 FROM users WHERE display_name = 'note'") == []
