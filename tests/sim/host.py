"""One life of a simulated host: the real house on simulated ground, until it is stopped, is killed, or gives up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, TypeVarTuple

import trio
from attrs import define, field, frozen

from nanoclaw.actors.spool_sweep import swept
from nanoclaw.app import TREE
from nanoclaw.config import Config
from nanoclaw.ground import Ground
from nanoclaw.house import House, build
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.supervisor import ChildSpec, Service, supervise
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link import answer
from nanoclaw.link.reader import read_file
from nanoclaw.link.report import Inspected
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.model.ids import SessionId
from tests.sim.history import Host
from tests.sim.mortal import HostDiedError, Mortal
from tests.sim.platform import Platform, SimChannel
from tests.sim.sandboxes import SimEngine
from tests.sim.truth import SimStore
from tests.sim.world import World

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@frozen
class InlineThreads:
    """Implements `Threads` without any: the work is done on the spot, between two checkpoints."""

    _mortal: Mortal
    _done: Callable[[], None]

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """See `Threads.run`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._mortal.step()
        result = work(*arguments)
        self._done()
        self._mortal.step()
        await trio.lowlevel.checkpoint()
        return result


@frozen
class SimCustoms:
    """The decisions of customs, without their processes."""

    _mortal: Mortal

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Inspected:
        """As `CustomsByStanding.inspect`."""
        await trio.lowlevel.checkpoint()
        self._mortal.step()
        return answer.decode(answer.encode(read_file(snapshot.db, snapshot.journal, after)), after)


@define(eq=False)
class HostLife:
    """Runs the house once."""

    world: World
    mortal: Mortal = field(factory=Mortal, init=False)
    house: House | None = field(default=None, init=False)

    async def run(self) -> None:
        """Live until `mortal` is killed or its scope cancelled, or until a part fails for good."""
        history, how, why = self.world.history, "stopped", ""
        history.note(Host("started"))
        try:
            with self.mortal.scope:
                await self._live()
        except* HostDiedError:
            pass
        except* Exception as failed:
            how, why = "failed", _innermost(failed)
        if self.mortal.dead:
            how, why = "killed", ""
            if not self.world.engine_survives:
                self.world.yard.kill_all()
        self.house = None
        history.note(Host(how, why))

    async def _live(self) -> None:
        world, mortal = self.world, self.mortal
        store = self.make_store()
        threads = self.make_threads()
        engine = self.make_engine()
        root = TreeNode("nanoclaw")
        nodes = {name: root.child(name) for name in TREE}
        ground = Ground(
            store=store,
            engine=engine,
            customs=SimCustoms(mortal),
            watch=world.yard,
            clock=world.clock,
            threads=threads,
            links=threads,
            mint=world.weather.mint,
            luck=world.weather.luck.random,
            nets=world.nets,
        )
        async with swept(store, Spool(world.home / "spool"), threads=threads, nets=world.nets) as spool:
            house = self.house = self.build(ground, nodes)
            services: Mapping[str, Service] = {
                "store": store.serve,
                "spool": spool.run,
                "engine": engine.run,
                "sessions": house.sessions.run,
                "delivery": house.delivery.run,
                "approvals": house.approvals.run,
                "sweep": house.sweep.run,
                "channels": house.run_channels,
            }
            await supervise(
                *(ChildSpec(id=name, run=services[name], node=nodes[name]) for name in TREE if name in services),
                node=root,
            )

    def make_store(self) -> SimStore:
        """Its way to the truth; a planted bug may be in it."""
        return SimStore(self.world, self.mortal)

    def make_threads(self) -> InlineThreads:
        """Its way to files; a fault of one's own may be in it."""
        return InlineThreads(self.mortal, self.world.yard.look)

    def make_engine(self) -> SimEngine:
        """Its way to the engine; a fault of one's own may be in it."""
        return SimEngine(self.world.yard, self.mortal, self.world.engine_survives)

    def make_channel(self, platform: Platform) -> SimChannel:
        """Its way to a platform; a planted bug may be in it."""
        return SimChannel(platform, self.mortal)

    def build(self, ground: Ground, nodes: Mapping[str, TreeNode]) -> House:
        """The real actors."""
        channels = [self.make_channel(platform) for platform in self.world.platforms]
        return build(Config(home=self.world.home), ground, channels, nodes, check_mounts=lambda *_: ())


def _innermost(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return f"{type(group).__name__}: {group}"
