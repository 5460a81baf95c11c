"""Events per second through ingress, for one agent and for ten, and how long each event waits for its commit."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.actors.ingress import Ingress
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.model.entities import (
    AgentGroup,
    EngageMode,
    IgnoredMessagePolicy,
    MessagingGroup,
    SenderScope,
    SessionMode,
    UnknownSenderPolicy,
    Wiring,
)
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, UserId, WiringId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.entities import add_agent_group, add_messaging_group
from nanoclaw.store.wirings import add_wiring
from schema.sqlite import Connection
from tests.bench.figures import Samples, Target

CHANNEL = ChannelName("bench")
CHAT = MessagingGroupId("chat")
SENDERS = 32
STEADY_RATE = 100
"""Events a second of the latency bench."""


@frozen(kw_only=True)
class FanOut:
    """Who hears the one chat, and how many events a second that should allow."""

    agents: int
    accumulating: int = 0
    """How many of them only keep what is said."""
    least: int

    def __str__(self) -> str:
        """As people see it."""
        return f"fan-out {self.agents}" + (f", {self.accumulating} accumulating" if self.accumulating else "")


FAN_OUTS = (
    FanOut(agents=1, least=1_500),
    FanOut(agents=10, least=400),
    FanOut(agents=10, accumulating=9, least=400),
)


def throughput(path: Path, fan_out: FanOut, seconds: float) -> tuple[float, Samples]:
    """Events per second with `SENDERS` at once, each waiting for its acknowledgement before it says more."""
    waits: list[float] = []

    async def measure(ingress: Ingress) -> float:
        start = time.perf_counter()

        async def send() -> None:
            while time.perf_counter() < start + seconds:
                waits.append(await _say_something(ingress))

        async with trio.open_nursery() as nursery:
            for _ in range(SENDERS):
                nursery.start_soon(send)
        return len(waits) / (time.perf_counter() - start)

    rate = _with_ingress(path, fan_out, measure)
    return rate, Samples(name=f"event → acknowledged, {fan_out}, {SENDERS} senders", values=waits)


def latency(path: Path, fan_out: FanOut, seconds: float) -> Samples:
    """How long an event waits for its commit while `STEADY_RATE` come each second, whether or not those before are in.

    The wait counts from when the event was due: a stall is not hidden by the events that it holds up.
    """
    waits: list[float] = []

    async def measure(ingress: Ingress) -> float:
        async def say(due: float) -> None:
            await _say_something(ingress)
            waits.append((trio.current_time() - due) * 1e3)

        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number in range(int(seconds * STEADY_RATE)):
                due = start + number / STEADY_RATE
                await trio.sleep_until(due)
                nursery.start_soon(say, due)
        return 0.0

    _with_ingress(path, fan_out, measure)
    name = f"event → routed and acknowledged, {fan_out}, {STEADY_RATE} events/s"
    return Samples(name=name, values=waits, targets=(Target(percentile=99, most=20.0),))


async def _say_something(ingress: Ingress) -> float:
    start = time.perf_counter()
    await ingress.receive(
        InboundEvent(
            channel=CHANNEL,
            platform_message_id=mint("msg"),
            platform_id="room",
            mention=False,
            is_group=True,
            sender_id=UserId("bench:1"),
            sender="Ada",
            text="a message of ordinary length, as people write them",
        )
    )
    return (time.perf_counter() - start) * 1e3


def _with_ingress(path: Path, fan_out: FanOut, measure: Callable[[Ingress], Awaitable[float]]) -> float:
    async def main() -> float:
        async with open_database(path) as store:
            await store.transact(_fill, fan_out)
            return await measure(_ingress(store))

    return trio.run(main)


def _ingress(store: Database) -> Ingress:
    return Ingress(store, SystemClock(), Spool(Path()), {CHANNEL: False}, *(lambda _: None,) * 3)


def _fill(conn: Connection, fan_out: FanOut) -> None:
    now = SystemClock().now()
    chat = MessagingGroup(
        id=CHAT,
        channel=CHANNEL,
        platform_id="room",
        name="Room",
        is_group=True,
        unknown_sender_policy=UnknownSenderPolicy.PUBLIC,
        created_at=now,
    )
    add_messaging_group(conn, chat)
    for number in range(fan_out.agents):
        keeps = number < fan_out.accumulating
        agent = AgentGroupId(f"agt-{number}")
        add_agent_group(conn, AgentGroup(id=agent, name=f"Agent {number}", folder=f"agent-{number}", created_at=now))
        wiring = Wiring(
            id=WiringId(f"wir-{number}"),
            messaging_group_id=CHAT,
            agent_group_id=agent,
            engage_mode=EngageMode.MENTION if keeps else EngageMode.PATTERN,
            engage_pattern=None if keeps else "(?i)ordinary",
            sender_scope=SenderScope.ALL,
            ignored_message_policy=IgnoredMessagePolicy.ACCUMULATE,
            session_mode=SessionMode.SHARED,
            priority=number,
            created_at=now,
        )
        add_wiring(conn, wiring, now=now)
