"""Events per second through ingress, and how long each waits for its commit."""

from __future__ import annotations

import time
from pathlib import Path

import trio

from nanoclaw.actors.ingress import Ingress
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store.db import open_database
from nanoclaw.store.setup import first_agent
from tests.bench.figures import Samples

CHANNEL = ChannelName("bench")
SENDERS = 32


def measure(path: Path, seconds: float, senders: int = SENDERS) -> tuple[float, Samples]:
    """Events per second with *senders* at once, each waiting for its acknowledgement before it says more."""
    waits: list[float] = []

    async def send(ingress: Ingress, end: float) -> None:
        while time.perf_counter() < end:
            start = time.perf_counter()
            await ingress.receive(
                InboundEvent(
                    channel=CHANNEL,
                    platform_message_id=mint("msg"),
                    platform_id="room",
                    sender_id=UserId("bench:1"),
                    sender="Ada",
                    text="a message of ordinary length, as people write them",
                )
            )
            waits.append((time.perf_counter() - start) * 1e3)

    async def main() -> float:
        async with open_database(path) as store:
            await store.transact(
                first_agent, name="Nano", channel=CHANNEL, platform_id="room", mint=mint, now=SystemClock().now()
            )
            ingress = Ingress(store, SystemClock(), lambda _: None)
            start = time.perf_counter()
            async with trio.open_nursery() as nursery:
                for _ in range(senders):
                    nursery.start_soon(send, ingress, start + seconds)
            return len(waits) / (time.perf_counter() - start)

    rate = trio.run(main)
    return rate, Samples(name=f"event → acknowledged, {senders} senders", values=waits)
