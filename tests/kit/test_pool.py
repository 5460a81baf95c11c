"""The pool: children on demand, restarts, parking, and stopping together."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from nanoclaw.kit.pool import Pool
from nanoclaw.kit.restart import ParkPolicy
from nanoclaw.kit.supervisor import Service
from tests.kit.logged import Logged
from tests.kit.scripts import POLICY, Run, Script, fail, return_at_once, sleeping


async def test_a_child_starts_when_it_is_ensured_and_leaves_when_it_returns(
    autojump_clock: MockClock,
) -> None:
    script = Script({"a": sleeping(5)})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        assert pool.running() == frozenset()
        pool.ensure("a")
        assert pool.running() == {"a"}
        await trio.sleep(10)
        assert pool.running() == frozenset()
        pool.ensure("a")
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert script.began == {"a": [0, 10]}


async def test_there_is_one_child_for_a_key_however_often_it_is_ensured(
    autojump_clock: MockClock,
) -> None:
    script = Script({"a": trio.sleep_forever})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        for _ in range(3):
            pool.ensure("a")
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert script.began == {"a": [0]}


async def test_what_is_ensured_before_the_pool_runs_starts_with_it() -> None:
    script = Script({"a": trio.sleep_forever, "b": trio.sleep_forever})
    pool = Pool(script.start, POLICY)
    for key in "aba":
        pool.ensure(key)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        assert pool.running() == {"a", "b"}
        nursery.cancel_scope.cancel()


async def test_an_ensure_during_a_run_is_followed_by_one_more_run(
    autojump_clock: MockClock,
) -> None:
    script = Script({"a": sleeping(5)})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        for _ in range(3):
            await trio.sleep(1)
            pool.ensure("a")
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert script.began == {"a": [0, 5]}


async def test_a_failed_child_is_restarted_and_its_sibling_does_not_notice(
    autojump_clock: MockClock,
) -> None:
    script = Script({"bad": fail, "good": trio.sleep_forever})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("good")
        pool.ensure("bad")
        await trio.sleep(2)
        assert pool.running() == {"good", "bad"}
        nursery.cancel_scope.cancel()
    assert script.began == {"bad": [0, 1], "good": [0]}


async def test_a_child_that_keeps_failing_is_parked_for_growing_pauses(
    autojump_clock: MockClock,
) -> None:
    script = Script({"bad": fail})
    told: list[tuple[str, str, float, bool]] = []

    async def on_park(key: str, exc: BaseException, pause: float, first: bool) -> None:
        told.append((key, repr(exc), pause, first))
        await trio.sleep(5)  # telling takes its time, but not out of anybody's pause

    pool = Pool(script.start, POLICY, on_park)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("bad")
        await trio.sleep(30)
        assert pool.parked() == {"bad": 63}
        assert pool.running() == frozenset()
        await trio.sleep(200)
        nursery.cancel_scope.cancel()
    boom = repr(ValueError("boom"))
    assert told == [("bad", boom, 60, True), ("bad", boom, 120, False), ("bad", boom, 120, False)]
    assert script.began == {"bad": [0, 1, 3, 63, 64, 66, 186, 187, 189]}


async def test_ensuring_a_parked_child_is_answered_by_the_run_after_its_pause(
    autojump_clock: MockClock,
) -> None:
    script = Script({"a": fail})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await trio.sleep(30)
        pool.ensure("a")
        script.does["a"] = return_at_once
        assert pool.parked() == {"a": 63}
        await trio.sleep(60)
        assert pool.parked() == {}
        assert pool.running() == frozenset()
        nursery.cancel_scope.cancel()
    assert script.began == {"a": [0, 1, 3, 63]}


async def test_a_return_between_two_failures_excuses_neither(autojump_clock: MockClock) -> None:
    script = Script({"a": fail})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        for does in (fail, return_at_once, fail, return_at_once, fail):
            script.does["a"] = does
            pool.ensure("a")
            await trio.sleep(0.5)
            script.does["a"] = return_at_once
            await trio.sleep(3)
        assert pool.parked().keys() == {"a"}
        nursery.cancel_scope.cancel()


async def test_failures_are_remembered_as_long_as_they_count_and_no_longer(
    autojump_clock: MockClock,
) -> None:
    script = Script({"a": fail, "b": fail})
    pool = Pool(script.start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        for key in ("a", "b", "a", "b", "a"):  # each leaves well before the other fails
            script.does[key] = fail
            pool.ensure(key)
            await trio.sleep(0.5)
            script.does[key] = return_at_once
            await trio.sleep(3)
        assert pool.parked().keys() == {"a"}
        await trio.sleep(1000)
        script.does["b"] = fail
        pool.ensure("b")
        await trio.sleep(0.5)
        assert pool._ledgers.keys() == {"b"}
        nursery.cancel_scope.cancel()


async def test_a_failure_while_stopping_parks_nobody() -> None:
    told: list[str] = []

    async def on_park(key: str, exc: BaseException, pause: float, first: bool) -> None:
        told.append(key)
        await trio.lowlevel.checkpoint()

    pool = Pool(Script({"a": fail_instead_of_stopping}).start, ParkPolicy(intensity=1), on_park)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert told == []


async def test_a_child_that_cannot_even_be_made_counts_as_failed(
    autojump_clock: MockClock,
) -> None:
    def start(key: str) -> Service:
        raise LookupError(key)

    pool = Pool(start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await trio.sleep(30)
        assert pool.parked().keys() == {"a"}
        nursery.cancel_scope.cancel()


async def test_trouble_while_telling_of_a_parking_changes_nothing(autojump_clock: MockClock, logged: Logged) -> None:
    async def on_park(key: str, exc: BaseException, pause: float, first: bool) -> None:
        raise OSError("the chat is gone")

    script = Script({"a": fail})
    pool = Pool(script.start, POLICY, on_park)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await trio.sleep(70)
        nursery.cancel_scope.cancel()
    assert script.began["a"][:4] == [0, 1, 3, 63]
    assert "pool_parking_not_told" in {entry["event"] for entry in logged}


async def clean_up_for_two_seconds() -> None:
    try:
        await trio.sleep_forever()
    finally:
        with trio.move_on_after(2, shield=True):
            await trio.sleep_forever()


async def fail_while_stopping() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("clean-up failed")


async def fail_instead_of_stopping() -> None:
    try:
        await trio.sleep_forever()
    except trio.Cancelled:
        raise ValueError("clean-up failed") from None


@pytest.mark.parametrize("wrong", [fail_while_stopping, fail_instead_of_stopping])
async def test_children_are_cancelled_together_and_waited_for(autojump_clock: MockClock, wrong: Run) -> None:
    slow = clean_up_for_two_seconds
    script = Script({"a": slow, "b": slow, "wrong": wrong})
    pool = Pool(script.start, POLICY)
    with trio.move_on_after(10):
        for key in ("a", "b", "wrong"):
            pool.ensure(key)
        await pool.run()
    assert trio.current_time() == 12
    assert pool.running() == frozenset()
    assert len(script.began["wrong"]) == 1


async def test_a_pool_can_run_again(autojump_clock: MockClock) -> None:
    script = Script({"a": trio.sleep_forever})
    pool = Pool(script.start, POLICY)
    for _ in range(2):
        pool.ensure("a")
        with trio.move_on_after(5):
            await pool.run()
    assert script.began == {"a": [0, 5]}
