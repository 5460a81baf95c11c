"""Channels that run beside each other: the trouble of one is its own, and one may come or go while the others run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping

import trio
from attrs import define, field

from nanoclaw.channels.base import Channel, Receive
from nanoclaw.kit.pool import Pool
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import ChannelName


@define(eq=False)
class ChannelPool:
    """Runs the channels that were added. One that keeps failing is parked, and tried again later."""

    _channels: MutableMapping[ChannelName, Channel]
    """All that the host has, those among them that are run elsewhere; it is shared with whoever writes to them."""
    _receive: Receive
    _ready: Callable[[ChannelName], None]
    _node: TreeNode
    _scopes: dict[ChannelName, trio.CancelScope] = field(factory=dict[ChannelName, trio.CancelScope], init=False)
    _pool: Pool[ChannelName] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = Pool(self._serve, node=self._node)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hear them until cancelled."""
        await self._pool.run(task_status=task_status)

    def add(self, channel: Channel) -> None:
        """Hear *channel* from now on. Never blocks."""
        self._channels[channel.name] = channel
        self._pool.ensure(channel.name)

    def remove(self, name: ChannelName) -> None:
        """Hear the channel of that name no more. Never blocks: it may take its moment to leave."""
        self._channels.pop(name, None)
        if (scope := self._scopes.get(name)) is not None:
            scope.cancel(reason="the channel is removed")

    def state(self, name: ChannelName) -> str:
        """How the channel of that name is: `running`, `parked` after it has failed too often, or `stopped`."""
        if name in self._pool.parked():
            return "parked"
        return "running" if name in self._pool.running() else "stopped"

    def _serve(self, name: ChannelName) -> Service:
        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            await trio.lowlevel.checkpoint()
            channel = self._channels.get(name)
            if channel is None:
                return
            with trio.CancelScope() as scope:
                self._scopes[name] = scope
                try:
                    await channel.run(self._receive, ready=lambda: self._ready(name), task_status=task_status)
                finally:
                    del self._scopes[name]
            if not scope.cancel_called:
                raise RuntimeError(f"the channel {name} has ended by itself")

        return serve


class Threaded(Mapping[ChannelName, bool]):
    """Which channels have threads: of those that there are at the moment of asking."""

    def __init__(self, channels: Mapping[ChannelName, Channel]) -> None:
        self._channels = channels

    def __getitem__(self, name: ChannelName) -> bool:
        return self._channels[name].threaded

    def __iter__(self) -> Iterator[ChannelName]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)
