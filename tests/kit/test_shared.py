"""One look for all who want to see the same at the same time, and much gone over in turns."""

from __future__ import annotations

import json

import attrs
import pytest
import trio
import trio.testing

from nanoclaw.kit.shared import Shared
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.turns import in_turns
from nanoclaw.kit.written import write


async def test_all_who_ask_at_the_same_time_and_shortly_after_are_given_the_same(
    autojump_clock: trio.testing.MockClock,
) -> None:
    made: list[float] = []

    async def make() -> int:
        made.append(trio.current_time())
        await trio.sleep(0.2)
        return len(made)

    shared, found = Shared(make, 0.5), list[int]()

    async def ask(after: float) -> None:
        await trio.sleep(after)
        found.append(await shared.get())

    async with trio.open_nursery() as nursery:
        for after in (0, 0.1, 0.4, 0.6):
            nursery.start_soon(ask, after)
    assert found == [1, 1, 1, 2]
    assert made == [0, 0.6]


async def test_whoever_asks_after_something_changed_is_shown_nothing_that_was_begun_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    truth, found = ["old"], list[str]()

    async def make() -> str:
        seen = truth[-1]
        await trio.sleep(0.2)
        return seen

    shared = Shared(make, 100)

    async def ask(after: float) -> None:
        await trio.sleep(after)
        found.append(await shared.get())

    async def change(after: float) -> None:
        await trio.sleep(after)
        truth.append(f"of {after}")
        shared.forget()

    async with trio.open_nursery() as nursery:
        for after in (0, 0.15, 1, 3):
            nursery.start_soon(ask, after)
        for after in (0.1, 2):
            nursery.start_soon(change, after)
    assert found == ["old", "of 0.1", "of 0.1", "of 2"]


async def test_whoever_waited_for_one_that_failed_or_left_makes_it_anew(autojump_clock: trio.testing.MockClock) -> None:
    fails = [True]

    async def make() -> str:
        await trio.sleep(0.1)
        if fails:
            raise ValueError(fails.pop())
        return "made"

    shared = Shared(make, 0.5)
    with pytest.raises(ValueError, match="True"):
        await shared.get()
    with trio.move_on_after(0.05):
        await shared.get()
    assert await shared.get() == "made"


async def test_others_run_while_much_is_gone_over() -> None:
    gone_over: list[int] = []
    seen: list[int] = []

    async def other() -> None:
        for _ in range(2):
            seen.append(len(gone_over))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        async for number in in_turns(range(6), 2):
            gone_over.append(number)  # noqa: PERF401 - one at a time is what it is about
    assert gone_over == [0, 1, 2, 3, 4, 5]
    assert any(0 < count < 6 for count in seen)


async def test_a_picture_that_is_taken_in_turns_shows_what_one_at_once_does(
    autojump_clock: trio.testing.MockClock,
) -> None:
    root = TreeNode("root")
    for part in ("one", "other"):
        for number in range(3):
            root.child(part).child(str(number)).set(state="running", doing="work")
    assert await root.snapshot_in_turns() == root.snapshot(trio.current_time())


@pytest.mark.parametrize("depth", range(5))
def test_json_is_the_same_whether_it_is_written_in_one_go_or_in_pieces(depth: int) -> None:
    value = {"a": [1, 2.5, None, True], "ü": {"b": ["\n", {"c": []}], "d": {}}, "e": (1,)}
    assert json.loads(write(value, depth).text) == json.loads(json.dumps(value))
    assert "\n" not in write(attrs.asdict(write(value, depth)), depth).text
