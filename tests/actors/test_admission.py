"""Places: never more than there are, first come first served, and the idle make room."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.actors.admission import Admission
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import SessionId


def never() -> None:
    raise AssertionError("nobody has to make room")


async def test_a_further_session_waits_until_a_place_is_free(autojump_clock: trio.testing.MockClock) -> None:
    admission, node, entered = Admission(most=2), TreeNode("root"), []

    async def stay(name: str, seconds: float) -> None:
        async with admission.place(SessionId(name), lambda: None, node):
            entered.append((name, trio.current_time()))
            await trio.sleep(seconds)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for name, seconds in (("a", 5.0), ("b", 3.0), ("c", 1.0), ("d", 1.0)):
            nursery.start_soon(stay, name, seconds)
            await trio.testing.wait_all_tasks_blocked()
        assert (admission.taken, admission.waiting) == (2, 2)
        assert node.doing == "waiting for one of 2 places, 1 before it"
    assert [(name, when - start) for name, when in entered] == [("a", 0.0), ("b", 0.0), ("c", 3.0), ("d", 4.0)]
    assert (admission.taken, admission.waiting) == (0, 0)


async def test_the_longest_idle_is_asked_for_its_place_and_one_at_work_is_not() -> None:
    admission, node, asked = Admission(most=3), TreeNode("root"), []
    async with (
        trio.open_nursery() as nursery,
        admission.place(SessionId("busy"), never, node),
        admission.place(SessionId("young"), never, node) as young,
    ):
        leave = trio.Event()

        async def old(*, task_status: trio.TaskStatus[None]) -> None:
            async with admission.place(SessionId("old"), lambda: asked.append("old"), node) as place:
                place.idle()
                task_status.started()
                await leave.wait()

        await nursery.start(old)
        young.idle()

        async def come() -> None:
            async with admission.place(SessionId("new"), never, node):
                asked.append("in")

        nursery.start_soon(come)
        await trio.testing.wait_all_tasks_blocked()
        assert asked == ["old"]
        leave.set()
        await trio.testing.wait_all_tasks_blocked()
        assert asked == ["old", "in"]


async def test_one_that_becomes_idle_while_others_wait_is_asked_then() -> None:
    admission, node, asked = Admission(most=1), TreeNode("root"), []
    async with (
        trio.open_nursery() as nursery,
        admission.place(SessionId("a"), lambda: asked.append("a"), node) as place,
    ):

        async def come() -> None:
            async with admission.place(SessionId("b"), never, node):
                pass

        nursery.start_soon(come)
        await trio.testing.wait_all_tasks_blocked()
        assert asked == []
        place.idle()
        assert asked == ["a"]
        place.idle()
        assert asked == ["a"]
        place.at_work()
        place.idle()
        assert asked == ["a", "a"], "what was asked before it worked again is forgotten"


async def test_one_that_exists_already_is_counted_and_does_not_wait() -> None:
    admission, node = Admission(most=1), TreeNode("root")
    async with (
        admission.place(SessionId("a"), never, node),
        admission.place(SessionId("b"), never, node, at_once=True),
    ):
        assert admission.taken == 2


async def test_idle_sandboxes_go_one_at_a_time_while_memory_is_short(autojump_clock: trio.testing.MockClock) -> None:
    free: list[float | None] = [None, 0.5, 0.05, 0.05]
    admission = Admission(10, 0.1, free_share=lambda: free.pop(0) if len(free) > 1 else free[0])
    node, asked = TreeNode("root"), []
    async with (
        trio.open_nursery() as nursery,
        admission.place(SessionId("a"), lambda: asked.append("a"), node) as first,
        admission.place(SessionId("b"), lambda: asked.append("b"), node) as second,
        admission.place(SessionId("c"), never, node),
    ):
        first.idle()
        await trio.sleep(1)
        second.idle()
        # The clock is a mock one, the look is a real thread: each is let finish before the next beat.
        for expected in ([], [], ["a"], ["a"]):
            await admission._look()
            assert asked == expected
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("most", [1, 3])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_there_are_never_more_than_there_are_places_also_when_some_give_up_waiting(
    most: int, steps: list[tuple[int, bool]]
) -> None:
    trio.run(come_and_go, most, steps)


async def come_and_go(most: int, steps: list[tuple[int, bool]]) -> None:
    """Each step starts or ends one session's stay; some of them are seen through before the next."""
    admission, node = Admission(most=most), TreeNode("root")
    inside: dict[int, trio.CancelScope] = {}
    """Who is there or waits, and how to send them away."""
    present = 0

    async def stay(who: int) -> None:
        nonlocal present
        with inside[who]:
            async with admission.place(SessionId(str(who)), lambda: None, node):
                present += 1
                assert present <= most
                try:
                    await trio.sleep_forever()
                finally:
                    present -= 1
        del inside[who]

    async with trio.open_nursery() as nursery:
        for who, settle in steps:
            if who in inside:
                inside[who].cancel()
            else:
                inside[who] = trio.CancelScope()
                nursery.start_soon(stay, who)
            if settle:
                await trio.testing.wait_all_tasks_blocked()
        await trio.testing.wait_all_tasks_blocked()
        assert present == min(most, len(inside))
        for scope in list(inside.values()):
            scope.cancel()
    assert (admission.taken, admission.waiting) == (0, 0)
