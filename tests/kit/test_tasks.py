"""What a task waits for is told as a debugger would: the functions, the deadlines, the tasks below."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from nanoclaw.kit import tasks
from nanoclaw.kit.supervisor import ChildSpec, supervise
from nanoclaw.kit.tree import TreeNode


async def inner() -> None:
    await trio.sleep_forever()


async def outer(*, task_status: trio.TaskStatus[trio.lowlevel.Task]) -> None:
    task_status.started(trio.lowlevel.current_task())
    with trio.CancelScope(deadline=trio.current_time() + 30, shield=True):
        await inner()


async def test_the_chain_ends_where_the_task_waits(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    task: trio.lowlevel.Task = await nursery.start(outer)
    await wait_all_tasks_blocked()
    mock_clock.jump(10)
    seen = tasks.view(task, trio.current_time())
    assert [step.function for step in seen.steps[:3]] == ["outer", "inner", "sleep_forever"]
    assert seen.steps[1].where.startswith("kit/test_tasks.py:")
    assert not seen.steps[0].ours, "a test is none of the house's code"
    innermost = seen.scopes[-1]
    assert (innermost.left, innermost.shield, innermost.cancelled) == (20.0, True, False)
    mock_clock.jump(20)  # nothing else ends a shield


async def test_tasks_below_are_seen_and_not_more_than_fit(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def parent(*, task_status: trio.TaskStatus[trio.lowlevel.Task]) -> None:
        async with trio.open_nursery() as below:
            for number in range(5):
                below.start_soon(inner, name=f"child {number}")
            task_status.started(trio.lowlevel.current_task())

    task: trio.lowlevel.Task = await nursery.start(parent)
    await wait_all_tasks_blocked()
    seen = tasks.view(task, trio.current_time())
    assert [child.name for child in seen.children] == [f"child {number}" for number in range(5)]
    monkeypatch.setattr(tasks, "MOST_TASKS", 3)
    assert len(tasks.view(task, trio.current_time()).children) == 2


async def test_a_chain_through_an_asynchronous_generator_ends_there(nursery: trio.Nursery) -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        await trio.sleep_forever()

    async def reader(*, task_status: trio.TaskStatus[trio.lowlevel.Task]) -> None:
        task_status.started(trio.lowlevel.current_task())
        generator = numbers()
        async for _ in generator:
            pass

    task: trio.lowlevel.Task = await nursery.start(reader)
    await wait_all_tasks_blocked()
    assert "reader" in tasks.view(task, 0.0).steps[0].function


async def test_an_actor_is_found_by_its_path_and_has_its_task_while_it_runs(nursery: trio.Nursery) -> None:
    root = TreeNode("root")

    async def serve(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await inner()

    await nursery.start(partial(supervise, ChildSpec(id="sessions", run=serve), node=root))
    node = root.find(["sess"])
    assert node is not None
    assert node is root.find(["sessions"])
    assert node.task is not None
    chain = tasks.view(node.task, 0.0)
    assert any(step.function == "inner" for child in chain.children for step in child.steps)
    assert root.find(["nobody"]) is None
    assert root.find([]) is root


async def test_a_name_that_could_be_two_is_neither() -> None:
    root = TreeNode("root")
    root.child("ses-1")
    root.child("ses-12")
    assert root.find(["ses-1"]) is root.children[0], "a whole name is its own"
    assert root.find(["ses"]) is None
