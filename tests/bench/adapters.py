"""Adapters against their fake platforms: messages a second in and out, over real sockets, with a real database.

The fake runs in the same process and on the same loop, so a figure is what both can do together: less than the adapter.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Channel, Outgoing, Receipt
from nanoclaw.channels.registry import BUILT_IN, Means
from nanoclaw.core.channels import Wanted, join_settings
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address, Told
from nanoclaw.store.db import open_database
from tests.bench.idle import resident_bytes
from tests.channels.contract.rig import Rig
from tests.channels.contract.rigs import RIGS, rig_of
from tests.support.channels import MarksInMemory

KINDS = sorted(BUILT_IN.keys() & RIGS.keys())
AT_ONCE = 16
PATIENCE = 120.0
AGAIN_SECONDS = 0.5


@frozen(kw_only=True)
class Rates:
    """What one adapter does in a second."""

    kind: str
    heard: float
    """Events, from what is said on the platform to its acknowledgement after the commit."""
    sent: float
    """Messages, from `deliver` to the platform's answer."""


def measure(work: Path, messages: int) -> tuple[list[Rates], int]:
    """The rates of all adapters, *messages* each way; and the bytes of a process with all of them connected."""
    rates = [trio.run(_one, work, kind, messages) for kind in KINDS]
    return rates, trio.run(_all, work)


async def _one(work: Path, kind: str, messages: int) -> Rates:
    async with _connected(work, kind) as (rig, channel, heard):
        before, start = heard.count, time.perf_counter()
        for number in range(messages):
            await rig.say(f"a message of ordinary length, as people write them: {number}")
        with trio.fail_after(PATIENCE):
            await heard.wait(before + messages)
        incoming = messages / (time.perf_counter() - start)

        start = time.perf_counter()
        slots = trio.CapacityLimiter(AT_ONCE)

        async def deliver(number: int) -> None:
            said = Outgoing(
                key=f"bench/{number}",
                to=Address(channel=channel.name, platform_id=rig.chat),
                text=f"an answer of ordinary length, as agents write them: {number}",
                answers=None,
                speaker="Nano",
                more=False,
            )
            async with slots:
                await channel.deliver(said)

        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                for number in range(messages):
                    nursery.start_soon(deliver, number)
        return Rates(kind=kind, heard=incoming, sent=messages / (time.perf_counter() - start))


async def _all(work: Path) -> int:
    async with contextlib.AsyncExitStack() as stack:
        for kind in KINDS:
            await stack.enter_async_context(_connected(work, kind))
        return resident_bytes(os.getpid())


class _Heard:
    """Counts what was stored."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress, self.count, self._more = ingress, 0, trio.Event()

    async def receive(self, told: Told) -> Receipt:
        receipt = await self._ingress.receive(told)
        self.count += 1
        self._more.set()
        self._more = trio.Event()
        return receipt

    async def wait(self, number: int) -> None:
        while self.count < number:
            await self._more.wait()


@contextlib.asynccontextmanager
async def _connected(work: Path, kind: str) -> AsyncGenerator[tuple[Rig, Channel, _Heard]]:
    """An adapter that hears its fake, and a database of its own."""
    folder = work / f"{kind}-{time.monotonic_ns()}"
    folder.mkdir()
    async with (
        rig_of(kind)(folder) as rig,
        open_database(folder / "nanoclaw.db") as store,
        trio.open_nursery() as nursery,
    ):
        wanted = [Wanted(name=one.name, secret=one.secret, default=one.default) for one in rig.kind.asks]
        settings = join_settings(wanted, rig.settings, rig.settings)
        assert isinstance(settings, dict), settings
        spool = Spool(folder)
        means = Means(
            name=ChannelName(kind),
            settings=settings,
            spool=spool,
            clock=SystemClock(),
            marks=MarksInMemory(),
            engages=lambda _chat, _thread: True,
        )
        channel = rig.kind.make(means)
        threaded = {channel.name: channel.threaded}
        heard = _Heard(Ingress(store, SystemClock(), spool, threaded, *(lambda _: None,) * 3))
        connected = trio.Event()
        await nursery.start(partial(channel.run, heard.receive, ready=connected.set))
        with trio.fail_after(PATIENCE):
            await connected.wait()
            while not heard.count:
                # What is said before a platform knows us may be told to nobody.
                await rig.say("hello?")
                with trio.move_on_after(AGAIN_SECONDS):
                    await heard.wait(1)
        yield rig, channel, heard
        nursery.cancel_scope.cancel()
