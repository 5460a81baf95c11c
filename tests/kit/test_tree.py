"""The tree the console sees."""

from __future__ import annotations

import json

import attrs
import trio
from trio.testing import MockClock

from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode


async def test_children_appear_below_their_parent_in_order() -> None:
    root = TreeNode("root")
    for name in "cab":
        root.child(name, kind="session")
    view = root.snapshot(trio.current_time())
    assert [child.name for child in view.children] == ["c", "a", "b"]
    assert {child.kind for child in view.children} == {"session"}


async def test_a_removed_node_takes_what_is_below_it_along() -> None:
    root = TreeNode("root")
    branch = root.child("branch")
    branch.child("leaf")
    branch.remove()
    branch.remove()
    root.remove()
    assert root.snapshot(trio.current_time()).children == ()


async def test_age_counts_from_the_last_change_of_state(autojump_clock: MockClock) -> None:
    node = TreeNode("a")
    await trio.sleep(3)
    node.set(state="running")
    await trio.sleep(4)
    node.set(state="running", doing="looking")
    view = node.snapshot(trio.current_time())
    assert (view.state, view.age, view.doing) == ("running", 4, "looking")


async def test_busy_blocks_show_and_give_back_what_was_said() -> None:
    node = TreeNode("a")
    node.set(doing="waiting for mail")
    with node.busy("projecting 3 rows"):
        with node.busy("writing"):
            assert node.doing == "writing"
        assert node.doing == "projecting 3 rows"
    assert node.doing == "waiting for mail"


async def test_busy_blocks_of_two_tasks_may_end_in_any_order() -> None:
    node = TreeNode("a")
    first, second = node.busy("first"), node.busy("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert node.doing == "second"
    second.__exit__(None, None, None)
    assert node.doing == ""


async def test_errors_are_kept_on_one_line() -> None:
    node = TreeNode("a")
    node.note_error(ExceptionGroup("nursery", [ValueError("first\nsecond")]))
    assert node.snapshot(0).last_error == "ValueError: first second"


async def test_a_picture_shows_the_mail_waiting_and_is_json() -> None:
    box = Mailbox[str]()
    root = TreeNode("root")
    root.child("quiet")
    reader = root.child("reader")
    reader.mailbox = box.unread
    box.post("a")
    box.post("b")
    picture = json.loads(json.dumps(attrs.asdict(root.snapshot(trio.current_time()))))
    assert [child["mailbox"] for child in picture["children"]] == [None, 2]


async def test_a_picture_does_not_change_with_the_tree() -> None:
    root = TreeNode("root")
    root.child("a")
    view = root.snapshot(0)
    root.clear()
    root.set(doing="something else")
    assert (len(view.children), view.doing) == (1, "")


async def test_signals_are_asked_for_when_somebody_looks() -> None:
    node = TreeNode("a")
    assert node.snapshot(trio.current_time()).signals == {}
    seen = {"process": "runs"}
    node.signals = lambda: dict(seen)
    seen["loop"] = "answers"
    assert node.snapshot(trio.current_time()).signals == {"process": "runs", "loop": "answers"}
