"""Rows that tools wait for: the first that comes, once, and in time or not at all."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from runner.model import Incoming
from runner.tools.waits import Waits
from schema.payloads import SystemIn
from schema.requests import refusal_key, result_key
from schema.rows import InKind, InStatus, MessageIn
from tests.runner.link import NOW


def row(row_id: str) -> Incoming:
    message = MessageIn(id=row_id, seq=2, kind=InKind.SYSTEM, timestamp=NOW, status=InStatus.PENDING, content="{}")
    return Incoming(row=message, payload=SystemIn(action="x", text="y"))


async def test_the_first_row_is_given_and_no_other_is_waited_for_then() -> None:
    waits = Waits()
    with waits.waiting("answer-q", "note:x:q") as wait:
        assert waits.awaits("answer-q")
        waits.hand(row("note:x:q"))
        assert not waits.awaits("answer-q")
        assert await wait.row(1) == row("note:x:q")


@pytest.mark.parametrize("key", [result_key, refusal_key])
async def test_a_note_about_a_row_of_ours_is_known_by_that_row(key: object) -> None:
    assert callable(key)
    waits = Waits()
    with waits.waiting((7, "out-3")):
        assert waits.awaits(f"note:{key('sess-1', 7, 'out-3')}")
        assert not waits.awaits(f"note:{key('sess-1', 8, 'out-3')}")
        assert not waits.awaits("out-3")
    assert not waits.awaits(f"note:{key('sess-1', 7, 'out-3')}")


async def test_nothing_comes_of_a_wait_that_is_over(autojump_clock: MockClock) -> None:
    waits = Waits()
    start = trio.current_time()
    with waits.waiting("answer-q") as wait:
        assert await wait.row(5) is None
    assert trio.current_time() - start == 5
    assert not waits.awaits("answer-q")


async def test_what_comes_in_the_very_moment_at_which_a_wait_is_over_is_not_lost() -> None:
    waits = Waits()
    with waits.waiting("answer-q") as wait:
        waits.hand(row("answer-q"))
        assert await wait.row(0) == row("answer-q")


async def test_two_may_wait_at_once() -> None:
    waits = Waits()
    with waits.waiting("answer-1") as one, waits.waiting("answer-2") as two:
        waits.hand(row("answer-2"))
        waits.hand(row("answer-1"))
        assert await one.row(1) == row("answer-1")
        assert await two.row(1) == row("answer-2")
