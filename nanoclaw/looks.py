"""What the command line may ask about the running host: looks, never touches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import trio
from attrs import define, field

from nanoclaw.actors.overview import Overview
from nanoclaw.admin.channel_desk import ChannelDesk
from nanoclaw.admin.server import Look
from nanoclaw.config import Config
from nanoclaw.core.holds_gateway import gateway_hold
from nanoclaw.core.holds_tree import GATEWAY, find_in, with_holds
from nanoclaw.core.signals import told
from nanoclaw.core.why_hops import Mark
from nanoclaw.errors import StoreError, UsageError
from nanoclaw.ground import Ground
from nanoclaw.house import House
from nanoclaw.kit.held_files import held_below
from nanoclaw.kit.shared import Shared
from nanoclaw.kit.slow_turns import SlowTurns
from nanoclaw.kit.tasks import view
from nanoclaw.kit.threads import Threads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.kit.written import Written, write
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.model.overview import ChannelView
from nanoclaw.sandboxes.choice import Choice
from nanoclaw.store.db import Database
from nanoclaw.store.figures import figures

if TYPE_CHECKING:
    from nanoclaw.actors.metrics import Metrics

FRESH_SECONDS = 0.5
"""How old a look may be that somebody is shown who did not begin it."""
OVERVIEW_DEPTH = 2
TREE_DEPTH = 4
ACTOR_DEPTH = TREE_DEPTH + 1
"""Of JSON, how deep its rows are, and the actors of a part: each of those is written in one go."""


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


MOST_ASKED = 20
"""Actors of which it is looked up at once what they have: each takes some milliseconds of a thread."""


@define(eq=False)
class Seen:
    """One look at the running house: its parts are made when somebody wants them, and once for all who do."""

    _root: TreeNode
    _threads: Threads
    rows: Mapping[str, Any] | StoreError
    """Of the overview; or why it cannot be read."""
    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    _tree: dict[str, Any] | None = field(default=None, init=False)
    _written: dict[str, Written] = field(factory=dict[str, Written], init=False)

    def overview(self) -> Mapping[str, Any]:
        """Sessions, claims, lanes, channels. Raises `StoreError`."""
        if isinstance(self.rows, StoreError):
            raise self.rows
        return self.rows

    async def tree(self) -> dict[str, Any]:
        """Every actor; sessions, lanes and channels with what holds them up, and what has no actor."""
        async with self._turn:
            return await self._find_tree()

    async def write_overview(self) -> Written:
        """The overview as JSON. Raises `StoreError`."""
        rows = self.overview()
        async with self._turn:
            return await self._write("overview", rows, OVERVIEW_DEPTH)

    async def write_tree(self) -> Written:
        """The tree as JSON."""
        async with self._turn:
            return await self._write("tree", await self._find_tree(), TREE_DEPTH)

    async def write_both(self) -> Written:
        """Both as JSON, for the page. Raises `StoreError`."""
        overview, tree = await self.write_overview(), await self.write_tree()
        return Written(f'{{"overview":{overview.text},"tree":{tree.text}}}')

    async def _find_tree(self) -> dict[str, Any]:
        if self._tree is None:
            picture = await self._root.snapshot_in_turns()
            # What runs can be seen even where the truth cannot be read.
            rows = {} if isinstance(self.rows, StoreError) else self.rows
            self._tree = await self._threads.run(lambda: with_holds(attrs.asdict(picture), rows))
        return self._tree

    async def _write(self, name: str, value: Mapping[str, Any], depth: int) -> Written:
        if name not in self._written:
            self._written[name] = await self._threads.run(write, value, depth)
        return self._written[name]


@define(eq=False)
class Seeing:
    """What is seen of the running house: its tree, with what holds up whom, and all of it at a glance.

    All who look within `FRESH_SECONDS` are shown the same look, unless somebody has changed something meanwhile.
    """

    _root: TreeNode
    _threads: Threads
    _rows: Callable[[], Awaitable[dict[str, Any]]]
    _seen: Shared[Seen] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._seen = Shared(self._look, FRESH_SECONDS)

    def forget(self) -> None:
        """Something has changed: nothing that was seen before is shown to whoever looks from now on."""
        self._seen.forget()

    @property
    def console(self) -> dict[str, Look]:
        """What the debug console may ask."""
        return {"tree": self.tree, "actor": self.actor, "overview": self.overview}

    async def overview(self, _: Mapping[str, object]) -> Written:
        """Sessions, claims, lanes, channels: each with what it is at, or what holds it up."""
        return await (await self._seen.get()).write_overview()

    async def tree(self, _: Mapping[str, object]) -> Written:
        """Every actor, with what holds it up; also where the truth cannot be read."""
        return await (await self._seen.get()).write_tree()

    async def house(self) -> Written:
        """Both, of one moment. Raises `StoreError`."""
        return await (await self._seen.get()).write_both()

    async def _look(self) -> Seen:
        try:
            rows: dict[str, Any] | StoreError = await self._rows()
        except StoreError as exc:
            rows = exc
        return Seen(self._root, self._threads, rows)

    async def actor(self, asked: Mapping[str, object]) -> Written:
        """One actor, by its path, with the tasks that keep it alive. Raises `UsageError`: there is none."""
        path = [part for part in str(asked.get("path") or "").split("/") if part]
        found = find_in(await (await self._seen.get()).tree(), path)
        if found is None:
            raise UsageError(f"there is no actor {'/'.join(path)!r}, or more than one: tree shows those there are")
        node, now = self._root.find(path), trio.current_time()
        task = None if node is None else node.task
        if node is self._root:
            task = task or trio.lowlevel.current_root_task()
        answer = {
            "actor": {**found, **await self._owned(found, node)},
            "task": None if task is None else attrs.asdict(view(task, now)),
            "mail": {} if node is None else {path: [str(one) for one in letters] for path, letters in node.mail()},
        }
        return await self._threads.run(write, answer, ACTOR_DEPTH)

    async def _owned(self, found: dict[str, Any], node: TreeNode | None) -> dict[str, Any]:
        """What *node* and those directly below have of this machine, for as many as can be asked at once."""
        if node is None:
            return {}
        asked = {one.name: one.owns for one in node.children[:MOST_ASKED] if one.owns is not None}
        own = node.owns

        def ask() -> tuple[Mapping[str, str], dict[str, Mapping[str, str]]]:
            return own() if own is not None else {}, {name: owns() for name, owns in asked.items()}

        its, below = await self._threads.run(ask)
        children = [{**one, "owns": below.get(one["name"], {})} for one in found["children"]]
        return {"owns": its, "children": children}


def see(config: Config, choice: Choice, ground: Ground, house: House, desk: ChannelDesk, root: TreeNode) -> Seeing:
    """What is seen of *house*, whose tree is *root*."""

    async def channels() -> list[ChannelView]:
        errors = {child.name: child.last_error or "" for child in house.node.children}
        return [_channel(row, errors) for row in await desk.all({})]

    def said() -> dict[str, object]:
        held = None if (node := root.find([GATEWAY])) is None else gateway_hold(node.signals(), node.last_error)
        return {
            "home": str(config.home),
            "engine": choice.engine.name,
            "provider": config.agent.provider,
            "way_out": "" if held is None or held.mark is Mark.GOOD else held.words,
        }

    zone = find_zone(config.agent.timezone)
    overview = Overview(
        ground.store, ground.clock, house.sessions, house.admission, zone, channels, said, threads=ground.threads
    )

    def connections() -> dict[str, str]:
        held = held_below(config.home, start=config.database.name)
        if held is None:
            return {"files": "unknown"}
        return {"connections": str(held.count(config.database.name)), "files": f"{len(held)} of {config.database}"}

    if (store := root.find(["store"])) is not None:
        store.owns = connections
    return Seeing(root, ground.threads, overview.rows)


def metrics_of(
    config: Config, ground: Ground, house: House, root: TreeNode, turns: SlowTurns, store: Database
) -> Metrics | None:
    """What serves figures to Prometheus; None: nobody wants them."""
    if not config.metrics.enabled:
        return None
    # Imported here: the libraries take their time, and most homes have no use for them.
    from nanoclaw.actors.metrics import Metrics

    return Metrics(
        ground.store,
        ground.clock,
        ground.meters,
        root,
        house.sessions,
        house.admission,
        config.metrics,
        statistics=store.statistics,
        held=lambda: turns.count,
        threads=ground.threads,
    )


def _channel(row: Mapping[str, object], errors: Mapping[str, str]) -> ChannelView:
    name, state, heard = str(row["channel"]), str(row["state"]), row["heard_seconds_ago"]
    return ChannelView(
        name=ChannelName(name),
        kind=str(row["kind"]),
        state=state,
        why=str(row["why"]) or (errors.get(name, "") if state == "parked" else ""),
        heard=None if heard is None else float(str(heard)),
    )
