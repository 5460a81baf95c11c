"""What a supervisor writes into the tree."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from nanoclaw.kit.restart import Restart, RestartPolicy
from nanoclaw.kit.supervisor import ChildSpec, supervise
from nanoclaw.kit.tree import TreeNode

PATIENT = RestartPolicy(intensity=9, period=60, first_delay=2)


async def serve(*, task_status: trio.TaskStatus[None]) -> None:
    await trio.sleep(1)
    task_status.started()
    await trio.sleep_forever()


async def fail(*, task_status: trio.TaskStatus[None]) -> None:
    task_status.started()
    await trio.sleep(10)
    raise ValueError("boom")


def states(root: TreeNode) -> dict[str, str]:
    return {child.name: child.state for child in root.children}


async def test_children_appear_in_order_with_their_states(autojump_clock: MockClock) -> None:
    root = TreeNode("root")
    async with trio.open_nursery() as nursery:
        children = [ChildSpec(id=name, run=serve) for name in "ab"]
        nursery.start_soon(lambda: supervise(*children, node=root))
        await trio.sleep(1.5)
        assert states(root) == {"a": "running", "b": "starting"}
        await trio.sleep(1)
        assert states(root) == {"a": "running", "b": "running"}
        nursery.cancel_scope.cancel()
    assert states(root) == {}


async def test_restarts_and_the_last_error_are_shown(autojump_clock: MockClock) -> None:
    root = TreeNode("root")
    async with trio.open_nursery() as nursery:
        flaky = ChildSpec(id="flaky", run=fail)
        nursery.start_soon(lambda: supervise(flaky, policy=PATIENT, node=root))
        await trio.sleep(11)
        (node,) = root.children
        assert (node.state, node.restarts, node.last_error) == (
            "restarting",
            1,
            "ValueError: boom",
        )
        await trio.sleep(2)
        assert (node.state, node.restarts) == ("running", 1)
        nursery.cancel_scope.cancel()


async def test_what_a_failed_run_left_below_its_node_is_cleared(autojump_clock: MockClock) -> None:
    root = TreeNode("root")

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        root.children[0].child("inner")
        await fail(task_status=task_status)

    async with trio.open_nursery() as nursery:
        flaky = ChildSpec(id="flaky", run=run)
        nursery.start_soon(lambda: supervise(flaky, policy=PATIENT, node=root))
        await trio.sleep(27)
        assert [child.name for child in root.children[0].children] == ["inner"]
        nursery.cancel_scope.cancel()


async def test_a_child_that_stops_shows_it_meanwhile(autojump_clock: MockClock) -> None:
    root = TreeNode("root")
    seen: list[dict[str, str]] = []

    async def slow_to_stop(*, task_status: trio.TaskStatus[None]) -> None:
        try:
            await serve(task_status=task_status)
        finally:
            with trio.move_on_after(1, shield=True):
                await trio.sleep_forever()
            seen.append(states(root))

    with trio.move_on_after(5):
        once = ChildSpec(id="once", run=slow_to_stop, restart=Restart.TEMPORARY)
        last = ChildSpec(id="last", run=slow_to_stop)
        await supervise(once, last, node=root)
    assert seen == [
        {"once": "running", "last": "stopping"},
        {"once": "stopping", "last": "stopped"},
    ]


async def test_a_node_of_ones_own_is_used_and_left_in_place(autojump_clock: MockClock) -> None:
    root = TreeNode("root")
    own = root.child("channels", kind="supervisor")
    own.child("telegram")
    with trio.move_on_after(25):
        await supervise(ChildSpec(id="channels", run=fail, node=own), policy=PATIENT, node=root)
    assert root.children == [own]
    assert (own.state, own.restarts) == ("stopped", 2)
    assert [child.name for child in own.children] == ["telegram"]
