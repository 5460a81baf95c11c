"""A life of a simulated host that speaks on four real channels, and what people outside see of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

import trio
from attrs import define, field

from nanoclaw.actors.configured import StoredMarks
from nanoclaw.channels.base import Channel, Draft, HasLimits, Outgoing, Receipt, Receive, Stored
from nanoclaw.channels.registry import Means
from nanoclaw.config import Config
from nanoclaw.core.channels import Wanted, join_settings
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError
from nanoclaw.ground import Ground
from nanoclaw.house import House, build
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import InboundEvent, Told
from tests.channels.contract.rig import Rig
from tests.sim.history import Acknowledged, Fault, Offered
from tests.sim.host import HostLife
from tests.sim.world import World


@define(eq=False)
class Witnessed:
    """A real channel, and notes of what it tells and of where it left open whether a message arrived."""

    _channel: Channel
    _world: World
    _connected: Callable[[], None]

    @property
    def name(self) -> ChannelName:
        """See `Channel`, as all that follows."""
        return self._channel.name

    @property
    def threaded(self) -> bool:
        """See `Channel`."""
        return self._channel.threaded

    @property
    def keyed(self) -> bool:
        """See `Channel`."""
        return self._channel.keyed

    @property
    def in_doubt(self) -> InDoubt:
        """See `Channel`."""
        return self._channel.in_doubt

    @property
    def abilities(self) -> Collection[Ability]:
        """See `Channel`."""
        return self._channel.abilities

    @property
    def limits(self) -> Limits:
        """See `HasLimits`."""
        return self._limited.limits

    def measure(self, text: str) -> int:
        """See `HasLimits`."""
        return self._limited.measure(text)

    @property
    def _limited(self) -> HasLimits:
        channel: object = self._channel
        assert isinstance(channel, HasLimits)
        return channel

    async def run(self, receive: Receive, *, ready: Callable[[], None], task_status: trio.TaskStatus[None]) -> None:
        """See `Channel`."""

        def connected() -> None:
            self._connected()
            ready()

        await self._channel.run(partial(self._receive, receive), ready=connected, task_status=task_status)

    async def _receive(self, receive: Receive, told: Told) -> Receipt:
        assert isinstance(told, InboundEvent)
        name = f"{told.channel} {told.platform_message_id}"
        self._world.history.note(Offered(name, f"{told.channel} {told.platform_id}"))
        receipt = await receive(told)
        self._world.history.note(Acknowledged(name, isinstance(receipt, Stored)))
        return receipt

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel`. What is cut short, as by the end of a host, leaves it open as well."""
        in_doubt = True
        try:
            posted = await self._channel.deliver(message)
            in_doubt = False
            return posted
        except DeliveryError as failed:
            in_doubt = failed.reached
            raise
        finally:
            if in_doubt:
                self._world.history.note(Fault(f"{self.name} taken for {message.key}"))

    async def show_draft(self, draft: Draft) -> None:
        """See `Channel`."""
        await self._channel.show_draft(draft)


@define(eq=False)
class LifeOnFour(HostLife):
    """Its channels are the real ones, over real sockets."""

    rigs: Mapping[ChannelName, Rig]
    connected: dict[ChannelName, trio.Event] = field(init=False)
    """Whether each channel hears its platform in this life."""

    def __attrs_post_init__(self) -> None:
        self.connected = {name: trio.Event() for name in self.rigs}

    def build(self, ground: Ground, nodes: Mapping[str, TreeNode]) -> House:
        """See `HostLife`."""
        added = [self._channel(ground, name, rig) for name, rig in self.rigs.items()]
        return build(Config(home=self.world.home), ground, (), nodes, check_mounts=lambda *_: (), added=added)

    def _channel(self, ground: Ground, name: ChannelName, rig: Rig) -> Witnessed:
        wanted = [Wanted(name=one.name, secret=one.secret, default=one.default) for one in rig.kind.asks]
        settings = join_settings(wanted, rig.settings, rig.settings)
        assert isinstance(settings, dict), settings
        means = Means(
            name=name,
            settings=settings,
            spool=Spool(self.world.home / "spool"),
            clock=self.world.clock,
            marks=StoredMarks(ground.store, self.world.clock, name),
            engages=lambda _chat, _thread: True,
        )
        return Witnessed(rig.kind.make(means), self.world, self.connected[name].set)
