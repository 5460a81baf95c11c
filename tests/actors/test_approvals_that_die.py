"""The approvals actor killed at each of its steps, with two who decide: what is approved is done once, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import define, field

from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.model.rights import Role
from nanoclaw.store import approvals
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import Case, SlowNotes
from tests.support.inline_database import InlineDatabase

MOST_STEPS = 40


class KilledError(BaseException):
    """The host is no more."""


@define
class Mortal:
    """The store of one life, which ends at its *left*-th step: before that step's transaction, or just after it."""

    store: InlineDatabase
    left: int
    after: bool
    over: bool = field(default=False, init=False)

    async def transact(self, query: Callable[..., Any], *arguments: Any, **words: Any) -> Any:
        """As the store's."""
        self.left -= 1
        if self.left < 0 and not self.after:
            self._die()
        result = await self.store.transact(query, *arguments, **words)
        if self.left < 0:
            self._die()
        return result

    async def read(self, query: Callable[..., Any], *arguments: Any, **words: Any) -> Any:
        """As the store's."""
        return await self.store.read(query, *arguments, **words)

    def _die(self) -> None:
        self.over = True
        raise KilledError


async def life(case: Case, step: int, *, after: bool) -> bool:
    """Ask, send, decide, do; says whether the host died at that step."""
    whole, mortal = case.store, Mortal(case.store, step, after)
    case.store = mortal  # type: ignore[assignment]  # it is one, for an actor
    try:
        async with case.living() as actor:
            case.arrive()
            for number, (card, label, by) in enumerate(
                [(card, label, by) for card in case.cards() for label, by in (("Approve", "Boss"), ("Reject", "Chief"))]
            ):
                case.press(card, case.tokens(card)[label], by=by, number=900 + number)
            await case.look(actor)
    except* KilledError:
        pass
    finally:
        case.store = whole
    return mortal.over


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("slow", [False, True])
async def test_whoever_dies_when_it_is_done_once_and_its_agent_is_told_once(*, slow: bool, after: bool) -> None:
    for step in range(MOST_STEPS):
        case = Case(kind=SlowNotes()) if slow else Case()
        if isinstance(case.kind, SlowNotes):
            case.kind.go_on.set()
        case.grant("boss")
        case.grant("chief", Role.ADMIN)
        which = case.ask()
        died = await life(case, step, after=after)
        assert await life(case, MOST_STEPS, after=after) is False
        state, result = case.state(which)
        assert (state, result) == ("done", "wrote hello"), f"killed at step {step}"
        assert integer(case.world.conn, "SELECT count(*) FROM users WHERE display_name = 'note'") == 1
        assert len(case.told()) == 1
        assert {card.state for card in case.cards()} == {CardState.OVER}
        assert verify(case.world.conn, NOWHERE, host=None, now=case.world.now) == []
        case.store.close()
        if not died:
            assert step > 2
            return
    raise AssertionError("it never came to an end")


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
