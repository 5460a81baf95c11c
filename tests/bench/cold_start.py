"""From an engine's start to the runner's first look at its inbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import trio

from nanoclaw.composing import handles
from nanoclaw.composing.compose import compose
from nanoclaw.composing.mount_points import prepare_mount_points
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.layout import SessionLayout
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import AgentGroup, SessionKey
from nanoclaw.model.ids import AgentGroupId, ChannelName, EpochNumber, SessionId, UserId
from nanoclaw.sandboxes.engine import Engine, LifeName, Sandbox, SandboxSpec
from nanoclaw.store import epochs, projection
from nanoclaw.store.db import open_database
from nanoclaw.store.entities import agent_groups, messaging_group
from nanoclaw.store.home import make_folders
from nanoclaw.store.sessions import session_for, session_place
from nanoclaw.store.setup import Operator, first_start
from schema.sqlite import Connection
from tests.bench.figures import Samples, Target

CHANNEL = ChannelName("bench")
HOME = HomeSettings(provider="demo", timezone="UTC")
LOOK_SECONDS = 0.0005


def measure(work: Path, make_engine: Callable[[], Engine], count: int, targets: tuple[Target, ...]) -> Samples:
    """Start *count* sandboxes, one after the other; the heartbeat's first change is the first look."""
    values: list[float] = []

    async def main() -> None:
        whole = await a_link(work / "cold.db")
        engine = make_engine()
        async with trio.open_nursery() as nursery:
            await nursery.start(engine.run)
            for number in range(1, count + 1):
                layout, spec = a_spec(work, engine, EpochNumber(number), whole)
                sandbox, took = await first_look(engine, layout, spec)
                await sandbox.stop(0)
                await sandbox.remove()
                values.append(took)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return Samples(name="cold start → first look", values=values, targets=targets)


async def a_link(path: Path) -> projection.Whole:
    now = SystemClock().now()

    def fill(conn: Connection) -> projection.Whole:
        operator = Operator(user=UserId(f"{CHANNEL}:1"), name="Ada", channel=CHANNEL, platform_id="room")
        first_start(conn, agent="Nano", operator=operator, mint=mint, now=now)
        (group,) = agent_groups(conn)
        chat = messaging_group(conn, CHANNEL, "room")
        assert chat is not None
        key = SessionKey(agent_group_id=group.id, messaging_group_id=chat.id, thread_id=None)
        session = session_for(conn, key, mint=mint, now=now)
        epoch = epochs.begin(conn, session, engine="bench", now=now)
        place = session_place(conn, session)
        assert place is not None
        return projection.whole(conn, place, epoch, timezone="UTC")

    async with open_database(path) as store:
        return await store.transact(fill)


def a_spec(
    work: Path, engine: Engine, epoch: EpochNumber, whole: projection.Whole
) -> tuple[SessionLayout, SandboxSpec]:
    """What a life needs on the disk, and how it is asked for."""
    make_folders(work)
    layout = SessionLayout(work / "sessions" / "agent" / "session")
    group = AgentGroupId("agt-0")
    owner = engine.owner_of(group)
    layout.make_epoch(epoch, owner)
    places = GroupPlaces(home=work, folder="main", group=group)
    compose(
        places,
        tell(HOME, AgentGroup(id=group, name="Nano", folder="main", created_at=SystemClock().now()), None),
        owner=owner,
    )
    if engine.mounts_inside_agent:
        with handles.folder(places.agent) as own:
            prepare_mount_points(own)
    InboundFile.make(layout.inbound, whole, Inbox(layout.inbox, Spool(layout.root / "spool"))).close()
    return layout, SandboxSpec(
        life=LifeName(session=SessionId("session"), epoch=epoch, outbound=layout.out_dir(epoch)),
        agent_group=group,
        inbound=layout.in_dir,
        gateway=layout.gateway,
        agent=places.agent,
        state=places.state,
        composed=places.composed,
        skills=places.skills,
    )


async def first_look(engine: Engine, layout: SessionLayout, spec: SandboxSpec) -> tuple[Sandbox, float]:
    """Start a sandbox; returns it, and the milliseconds until its runner had looked into its inbox."""
    heartbeat = layout.heartbeat(spec.life.epoch)
    before = heartbeat.stat().st_mtime_ns
    start = time.time_ns()
    sandbox = await engine.start(spec)
    with trio.fail_after(20):
        while (seen := heartbeat.stat().st_mtime_ns) == before:  # noqa: ASYNC110 - it is a file
            await trio.sleep(LOOK_SECONDS)
    return sandbox, (seen - start) / 1e6
