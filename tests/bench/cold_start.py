"""From an engine's start to the runner's first look at its inbox."""

from __future__ import annotations

import time
from pathlib import Path

import trio

from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.layout import SessionLayout
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import SessionKey
from nanoclaw.model.ids import AgentGroupId, ChannelName, EpochNumber, MessagingGroupId, SessionId, UserId
from nanoclaw.sandboxes.engine import Engine, LifeName, SandboxSpec
from nanoclaw.store import epochs, projection
from nanoclaw.store.db import open_database
from nanoclaw.store.sessions import session_for, session_place
from nanoclaw.store.setup import Operator, first_start
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
        operator = Operator(user=UserId(f"{CHANNEL}:1"), name="Ada", channel=CHANNEL, platform_id="room")
        first_start(conn, agent="Nano", operator=operator, mint=mint, now=now)
        key = SessionKey(
            agent_group_id=AgentGroupId("agt-0"), messaging_group_id=MessagingGroupId("chat-1"), thread_id=None
        )
        session = session_for(conn, key, mint=mint, now=now)
        epoch = epochs.begin(conn, session, engine="bench", now=now)
        place = session_place(conn, session)
        assert place is not None
        return projection.whole(conn, place, epoch, timezone="UTC")

    async with open_database(path) as store:
        return await store.transact(fill)


async def _start_once(work: Path, engine: Engine, epoch: EpochNumber, whole: projection.Whole) -> float:
    layout = SessionLayout(work / "sessions" / "agent" / "session")
    layout.make_epoch(epoch)
    for name in ("group", "state", "composed", "skills"):
        (work / name).mkdir(exist_ok=True)
    (work / "composed" / "container.json").write_text("{}")
    InboundFile.make(layout.inbound, whole, Inbox(layout.inbox, Spool(layout.root / "spool"))).close()
    before = layout.heartbeat(epoch).stat().st_mtime_ns
    start = time.time_ns()
    sandbox = await engine.start(
        SandboxSpec(
            life=LifeName(session=SessionId("session"), epoch=epoch, outbound=layout.out_dir(epoch)),
            agent_group=AgentGroupId("agt-0"),
            inbound=layout.in_dir,
            agent=work / "group",
            state=work / "state",
            composed=work / "composed",
            skills=work / "skills",
        )
    )
    with trio.fail_after(20):
        while (seen := layout.heartbeat(epoch).stat().st_mtime_ns) == before:  # noqa: ASYNC110 - it is a file
            await trio.sleep(LOOK_SECONDS)
    await sandbox.stop(0)
    await sandbox.remove()
    return (seen - start) / 1e6
