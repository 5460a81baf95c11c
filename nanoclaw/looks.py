"""What the command line may ask about the running host: looks, never touches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import trio
from attrs import frozen

from nanoclaw.actors.overview import Overview
from nanoclaw.admin.channel_desk import ChannelDesk
from nanoclaw.admin.server import Look
from nanoclaw.config import Config
from nanoclaw.core.holds_tree import find_in, with_holds
from nanoclaw.core.signals import told
from nanoclaw.errors import StoreError, UsageError
from nanoclaw.ground import Ground
from nanoclaw.house import House
from nanoclaw.kit.tasks import view
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.model.overview import ChannelView
from nanoclaw.sandboxes.choice import Choice
from nanoclaw.store.db import Database
from nanoclaw.store.figures import figures


def looks(
    config: Config,
    choice: Choice,
    store: Database,
    house: House,
    seeing: Seeing,
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

    return {"tree": seeing.tree, "overview": seeing.overview, "status": status, "show log": show_log}


@frozen
class Seeing:
    """What is seen of the running house: its tree, with what holds up whom, and all of it at a glance."""

    _root: TreeNode
    _rows: Callable[[], Awaitable[dict[str, Any]]]

    @property
    def console(self) -> dict[str, Look]:
        """What the debug console may ask."""
        return {"tree": self.tree, "actor": self.actor, "overview": self.overview}

    async def overview(self, _: Mapping[str, object]) -> object:
        """Sessions, claims, lanes, channels: each with what it is at, or what holds it up."""
        return await self._rows()

    async def tree(self, _: Mapping[str, object]) -> dict[str, Any]:
        """Every actor; sessions, lanes and channels with what holds them up, and what has no actor."""
        try:
            return self._tree(await self._rows())
        except StoreError:
            # What runs can be seen even where the truth cannot be read.
            return self._tree({})

    async def house(self) -> dict[str, Any]:
        """Both, of one moment. Raises `StoreError`."""
        rows = await self._rows()
        return {"overview": rows, "tree": self._tree(rows)}

    def _tree(self, rows: Mapping[str, Any]) -> dict[str, Any]:
        return with_holds(attrs.asdict(self._root.snapshot(trio.current_time())), rows)

    async def actor(self, asked: Mapping[str, object]) -> object:
        """One actor, by its path, with the tasks that keep it alive. Raises `UsageError`: there is none."""
        path = [part for part in str(asked.get("path") or "").split("/") if part]
        found = find_in(await self.tree({}), path)
        if found is None:
            raise UsageError(f"there is no actor {'/'.join(path)!r}, or more than one: tree shows those there are")
        node, now = self._root.find(path), trio.current_time()
        task = None if node is None else node.task
        if node is self._root:
            task = task or trio.lowlevel.current_root_task()
        return {"actor": found, "task": None if task is None else attrs.asdict(view(task, now))}


def see(config: Config, choice: Choice, ground: Ground, house: House, desk: ChannelDesk, root: TreeNode) -> Seeing:
    """What is seen of *house*, whose tree is *root*."""

    async def channels() -> list[ChannelView]:
        errors = {child.name: child.last_error or "" for child in house.node.children}
        return [_channel(row, errors) for row in await desk.all({})]

    def said() -> dict[str, object]:
        return {"home": str(config.home), "engine": choice.engine.name, "provider": config.agent.provider}

    zone = find_zone(config.agent.timezone)
    overview = Overview(ground.store, ground.clock, house.sessions, house.admission, zone, channels, said)
    return Seeing(root, overview.rows)


def _channel(row: Mapping[str, object], errors: Mapping[str, str]) -> ChannelView:
    name, state, heard = str(row["channel"]), str(row["state"]), row["heard_seconds_ago"]
    return ChannelView(
        name=ChannelName(name),
        kind=str(row["kind"]),
        state=state,
        why=str(row["why"]) or (errors.get(name, "") if state == "parked" else ""),
        heard=None if heard is None else float(str(heard)),
    )
