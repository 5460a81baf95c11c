"""What the command line may ask about the running host: looks, never touches."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import trio

from nanoclaw.admin.server import Look
from nanoclaw.config import Config
from nanoclaw.core.signals import told
from nanoclaw.errors import UsageError
from nanoclaw.house import House
from nanoclaw.kit.tasks import view
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.choice import Choice
from nanoclaw.store.db import Database
from nanoclaw.store.figures import figures


def looks(
    config: Config,
    choice: Choice,
    store: Database,
    house: House,
    root: TreeNode,
    watch: DirectoryWatch,
) -> dict[str, Look]:
    """Each by the name that it is asked by."""

    async def show_log(asked: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        house.sessions.show_log(SessionId(str(asked.get("session"))))
        return None

    async def status(_: Mapping[str, object]) -> object:
        return {
            "home": str(config.home),
            "engine": choice.engine.name,
            "walls": choice.usable.walls,
            "provider": config.agent.provider,
            "watch": watch.mode,
            "actors": sorted(house.sessions.owned()),
            "sandboxes": {
                "running": house.admission.taken,
                "waiting": house.admission.waiting,
                "most": house.admission.most,
                "signals": [{"session": session, **told(seen)} for session, seen in house.sessions.signals().items()],
            },
            "store": attrs.asdict(store.statistics()),
            "figures": attrs.asdict(await store.read(figures)),
        }

    return {"tree": _tree_of(root), "status": status, "show log": show_log}


def console(root: TreeNode) -> dict[str, Look]:
    """What the debug console may ask about the tasks of the running host."""

    async def actor(asked: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        path = [part for part in str(asked.get("path") or "").split("/") if part]
        node = root.find(path)
        if node is None:
            raise UsageError(f"there is no actor {'/'.join(path)!r}, or more than one: tree shows those there are")
        now = trio.current_time()
        task = node.task or (trio.lowlevel.current_root_task() if node is root else None)
        return {
            "actor": attrs.asdict(node.snapshot(now)),
            "task": None if task is None else attrs.asdict(view(task, now)),
        }

    return {"tree": _tree_of(root), "actor": actor}


def _tree_of(root: TreeNode) -> Look:
    async def tree(_: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        return attrs.asdict(root.snapshot(trio.current_time()))

    return tree
