"""Channels that were added to the home: made of their kind, their settings and their secrets, or said to be broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import structlog
from attrs import frozen

from nanoclaw.channels import registry
from nanoclaw.channels.base import Channel
from nanoclaw.channels.registry import Kind, Means
from nanoclaw.channels.secrets_file import ChannelSecrets
from nanoclaw.core.channels import BadChannel, Wanted, join_settings
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName
from nanoclaw.store import channels
from nanoclaw.store.db import Store

log = structlog.get_logger()

Engages: TypeAlias = Callable[[ChannelName, str, str | None], bool]
"""May a plain message, in the chat of that platform id and that thread of the channel, be heard by anybody?"""


@frozen
class StoredMarks:
    """What one channel remembers, in the truth."""

    _store: Store
    _clock: Clock
    _channel: ChannelName

    async def get(self, name: str) -> str | None:
        """As `Marks` has it."""
        return await self._store.read(channels.mark, self._channel, name)

    async def put(self, name: str, value: str) -> None:
        """As `Marks` has it."""
        await self._store.transact(channels.set_mark, self._channel, name, value, now=self._clock.now())


@frozen
class Broken:
    """A channel that cannot be made just now; its messages wait."""

    why: str


@frozen(kw_only=True)
class Workshop:
    """What channels are made with."""

    store: Store
    clock: Clock
    spool: Spool
    home: Path
    engages: Engages
    load: Callable[[str], Kind] = registry.load
    """Finds a kind by its name. Blocks."""
    threads: Threads = WORKER_THREADS

    @property
    def secrets(self) -> ChannelSecrets:
        """Where theirs are."""
        return ChannelSecrets(self.home)

    def means(self, name: ChannelName, settings: Mapping[str, str]) -> Means:
        """What a channel of that name and those settings is made of."""
        return Means(
            name=name,
            settings=settings,
            spool=self.spool,
            clock=self.clock,
            marks=StoredMarks(self.store, self.clock, name),
            engages=lambda chat, thread: self.engages(name, chat, thread),
        )

    async def make(self, row: ConfiguredChannel) -> Channel | Broken:
        """The channel of *row*, which does nothing yet; a checkpoint."""
        try:
            kind = await self.threads.run(self.load, row.kind)
            secret = await self.threads.run(self.secrets.of, row.name)
            settings = join_settings(wanted(kind), json.loads(row.settings), secret)
            if isinstance(settings, BadChannel):
                return Broken(settings.why)
            channel = kind.make(self.means(row.name, settings))
        except UsageError as exc:
            return Broken(str(exc))
        except Exception as exc:
            log.exception("channel_not_made", channel=row.name, kind=row.kind)
            return Broken(f"its kind {row.kind!r} could not make it: {type(exc).__name__}: {exc}")
        if channel.name != row.name:
            return Broken(f"its kind {row.kind!r} made one that is called {channel.name!r}")
        return channel

    async def make_all(self) -> Mapping[ChannelName, Channel | Broken]:
        """Every channel that is enabled, by its name; whatever cannot be made is in the log, too."""
        made: dict[ChannelName, Channel | Broken] = {}
        for row in await self.store.read(channels.every):
            if row.enabled:
                made[row.name] = one = await self.make(row)
                if isinstance(one, Broken):
                    log.error("channel_broken", channel=row.name, kind=row.kind, why=one.why)
        return made


def wanted(kind: Kind) -> list[Wanted]:
    """What a channel of *kind* has to be told."""
    return [Wanted(name=one.name, secret=one.secret, default=one.default) for one in kind.asks]
