"""What channels are made of in tests, without a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.channels.registry import Means
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName


@define(eq=False)
class MarksInMemory:
    """Marks that live as long as the test; give them to the next life of a channel."""

    kept: dict[str, str] = field(factory=dict[str, str])

    async def get(self, name: str) -> str | None:
        """As `Marks` has it."""
        await trio.lowlevel.checkpoint()
        return self.kept.get(name)

    async def put(self, name: str, value: str) -> None:
        """As `Marks` has it."""
        await trio.lowlevel.checkpoint()
        self.kept[name] = value


def everywhere(_channel: ChannelName, _chat: str, _thread: str | None) -> bool:
    """Everything may be heard."""
    return True


def means(
    name: str, settings: Mapping[str, str], folder: Path, *, marks: MarksInMemory | None = None, engages: bool = True
) -> Means:
    """What a channel of that name is made of; its files go to *folder*, and all or no plain messages are heard."""
    return Means(
        name=ChannelName(name),
        settings=settings,
        spool=Spool(folder),
        clock=SystemClock(),
        marks=MarksInMemory() if marks is None else marks,
        engages=lambda _chat, _thread: engages,
    )
