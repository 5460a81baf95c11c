"""From an engine's start to the runner's first look at its inbox."""

from __future__ import annotations

import time
from pathlib import Path

import trio

from nanoclaw.kit.clock import SystemClock
from nanoclaw.link.layout import SessionLayout
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.ids import ChannelName, EpochNumber, MessagingGroupId, SessionId
from nanoclaw.sandboxes.engine import Engine, SandboxSpec
from nanoclaw.store import epochs, projection
from nanoclaw.store.db import open_database
from nanoclaw.store.entities import session_for, session_place, wirings_of
from nanoclaw.store.setup import first_agent
from schema.sqlite import Connection
from tests.bench.figures import Samples, Target

CHANNEL = ChannelName("bench")
LOOK_SECONDS = 0.0005


def measure(work: Path, engine: Engine, count: int, targets: tuple[Target, ...]) -> Samples:
    """Start *count* sandboxes, one after the other; the heartbeat's first change is the first look."""
    values: list[float] = []

    async def main() -> None:
        whole = await _a_link(work / "cold.db")
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)
            for number in range(1, count + 1):
                took = await _start_once(work, engine, EpochNumber(number), whole)
                values.append(took)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return Samples(name=f"cold start → first look, {engine.name}", values=values, targets=targets)


async def _a_link(path: Path) -> projection.Whole:
    now = SystemClock().now()

    def fill(conn: Connection) -> projection.Whole:
        names = iter(range(100))
        mint = lambda prefix: f"{prefix}-{next(names)}"  # noqa: E731 - two words
        first_agent(conn, name="Nano", channel=CHANNEL, platform_id="room", mint=mint, now=now)
        wiring = wirings_of(conn, MessagingGroupId("chat-1"))[0]
        session = session_for(conn, wiring, mint=mint, now=now)
        epoch = epochs.begin(conn, session, engine="bench", now=now)
        place = session_place(conn, session)
        assert place is not None
        return projection.whole(conn, place, epoch, timezone="UTC")

    async with open_database(path) as store:
        return await store.transact(fill)


async def _start_once(work: Path, engine: Engine, epoch: EpochNumber, whole: projection.Whole) -> float:
    layout = SessionLayout(work / "sessions" / "agent" / "session")
    layout.make_epoch(epoch)
    for name in ("group", "state"):
        (work / name).mkdir(exist_ok=True)
    (work / "container.json").write_text("{}")
    InboundFile.make(layout.inbound, whole).close()
    before = layout.heartbeat(epoch).stat().st_mtime_ns
    start = time.time_ns()
    sandbox = await engine.start(
        SandboxSpec(
            session=SessionId("session"),
            epoch=epoch,
            inbound=layout.in_dir,
            outbound=layout.out_dir(epoch),
            agent=work / "group",
            state=work / "state",
            settings=work / "container.json",
        )
    )
    with trio.fail_after(20):
        while (seen := layout.heartbeat(epoch).stat().st_mtime_ns) == before:  # noqa: ASYNC110 - it is a file
            await trio.sleep(LOOK_SECONDS)
    await sandbox.stop(0)
    return (seen - start) / 1e6
