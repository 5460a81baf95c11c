"""What a pool writes into the tree."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from nanoclaw.kit.pool import Pool
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.tree import TreeNode
from tests.kit.scripts import POLICY, Script, fail, sleeping


async def test_the_tree_shows_what_becomes_of_a_child(autojump_clock: MockClock) -> None:
    root = TreeNode("sessions")
    script = Script({"a": sleeping(1)})
    pool = Pool(script.start, POLICY, node=root)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        node = pool.node_of("a")
        assert root.children == [node]
        node.child("left over")
        await trio.sleep(0.5)
        assert (node.state, node.children) == ("running", [])
        await trio.sleep(1)
        assert root.children == []

        script.does["a"] = fail
        pool.ensure("a")
        await trio.sleep(0.5)
        (node,) = root.children
        assert (node.state, node.restarts) == ("restarting", 1)
        await trio.sleep(10)
        assert (node.state, node.last_error) == ("parked", "ValueError: boom")
        nursery.cancel_scope.cancel()
    assert root.children == []


async def test_a_node_is_there_for_whoever_makes_the_service() -> None:
    nodes: list[TreeNode] = []

    def start(key: str) -> Service:
        nodes.append(pool.node_of(key))
        return Script({key: trio.sleep_forever}).start(key)

    pool = Pool(start, POLICY)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        pool.ensure("a")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [node.name for node in nodes] == ["a"]
