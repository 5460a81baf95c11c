"""What is asked of the running house is written as JSON beside its loop, however much of it is asked for."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.kit.threads import WORKER_THREADS
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.written import Written
from nanoclaw.looks import Seeing


async def no_rows() -> dict[str, Any]:
    return {"sessions": [], "lanes": [], "channels": []}


def house() -> Seeing:
    """One with a part that has two actors, of which one says what it has."""
    root = TreeNode("nanoclaw")
    part = root.child("sessions")
    for name in ("one", "other"):
        part.child(name).mailbox = lambda: ("Look()",)
    part.children[0].owns = lambda: {"thread": threading.current_thread().name}
    return Seeing(root, WORKER_THREADS, no_rows)


@pytest.mark.parametrize("path", ["", "sessions", "sessions/one"])
async def test_an_actor_is_shown_with_what_it_has_and_its_mail_and_all_of_it_is_written_beside_the_loop(
    path: str,
) -> None:
    said = await house().actor({"path": path})
    assert isinstance(said, Written)
    found = json.loads(said.text)
    assert found["actor"]["name"] == (path.rpartition("/")[2] or "nanoclaw")
    assert all(letters == ["Look()"] for letters in found["mail"].values())
    assert len(found["mail"]) == (1 if path == "sessions/one" else 2)
    owners = [one for one in (found["actor"], *found["actor"]["children"]) if one.get("owns")]
    assert all(one["owns"]["thread"] != threading.main_thread().name for one in owners)
    assert [one["name"] for one in owners] == ([] if not path else ["one"])


async def test_an_actor_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no actor 'sessions/none'"):
        await house().actor({"path": "sessions/none"})
