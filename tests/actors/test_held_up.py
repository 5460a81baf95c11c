"""An actor that is held up in the middle of a look: the sweep's net ends its sandbox, and the session goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define, field
from trio.testing import MockClock

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.overdue import LATE_SECONDS
from nanoclaw.actors.parts import Customs, Folders, Parts
from nanoclaw.actors.sessions import Sessions
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.kit.clock import TrioClock
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.report import Report
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import Exit, LifeName, Probe, SandboxSpec, Usable
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.store.home import make_folders
from schema.sqlite import fetch
from tests.support.central import World
from tests.support.inline_database import InlineDatabase
from tests.support.inline_threads import InlineThreads

START = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
UNHEARD = StuckPolicy().unheard.total_seconds()


@define(eq=False)
class Box:
    """A sandbox in which nothing happens."""

    ended: trio.Event = field(factory=trio.Event)

    async def wait(self) -> Exit:
        """It ends when it is ended."""
        await self.ended.wait()
        return Exit(code=-9)

    async def copy_log(self, log: SandboxLog) -> None:
        """It says nothing."""
        await self.ended.wait()

    def show_log(self) -> None:
        """There is nothing to show."""

    async def pause(self) -> None:
        """Nothing runs anyway."""
        await trio.lowlevel.checkpoint()

    async def resume(self) -> None:
        """Nothing runs anyway."""
        await trio.lowlevel.checkpoint()

    async def stop(self, grace: float) -> Exit:
        """It ends at once."""
        self.ended.set()
        return await self.wait()

    async def remove(self) -> None:
        """Nothing is left."""
        await trio.lowlevel.checkpoint()


@define(eq=False)
class Boxes:
    """An engine of such sandboxes."""

    name: str = "boxes"
    mounts_inside_agent: bool = False
    made: list[Box] = field(factory=list[Box])

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """Whoever runs the test."""
        return None

    async def probe(self) -> Probe:
        """It works."""
        await trio.lowlevel.checkpoint()
        return Usable(version="", walls="", lacks="")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Nothing is to be served."""
        task_status.started()
        await trio.sleep_forever()

    async def start(self, spec: SandboxSpec) -> Box:
        """One more."""
        await trio.lowlevel.checkpoint()
        self.made.append(Box())
        return self.made[-1]

    async def adopt(self, life: LifeName) -> Box | None:
        """Nothing survives."""
        await trio.lowlevel.checkpoint()
        return None

    async def bury(self, life: LifeName) -> None:
        """Nothing is left."""
        await trio.lowlevel.checkpoint()

    async def remove_others(self, keep: object) -> int:
        """There are none."""
        await trio.lowlevel.checkpoint()
        return 0

    def hurry(self) -> None:
        """End them all."""


@define(eq=False)
class SlowCustoms:
    """Customs whose first answer never comes."""

    asked: int = 0

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Report:
        """Nothing was said; the first time nobody hears even that."""
        self.asked += 1
        if self.asked == 1:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return Report(rows=(), bad=(), acks=(), states=(), tool=None, cursor=after, more=False)


class NoWatch:
    """Sees nothing; the net does."""

    @contextmanager
    def watching(self, directory: Path, wake: Callable[[], None]) -> Iterator[None]:
        """Never wake anybody."""
        yield


def parts_in(home: Path, store: InlineDatabase, engine: Boxes, customs: Customs) -> Parts:
    """What a session's actor needs, in a home of its own."""
    make_folders(home)

    async def no_image(_: SessionPlace) -> None:
        await trio.lowlevel.checkpoint()

    return Parts(
        store=store,
        customs=customs,
        engine=engine,
        watch=NoWatch(),
        clock=TrioClock(START),
        folders=Folders(home=home),
        nudge=lambda _: None,
        image=no_image,
        told=lambda place: tell(HomeSettings(provider="demo", timezone="UTC"), place.agent_group, place.settings),
        check_mounts=lambda _, __: (),
        disk=InlineThreads(),
        threads=InlineThreads(),
        admission=Admission(most=1, threads=InlineThreads()),
    )


async def test_a_session_that_is_held_up_is_freed_and_its_message_offered_to_the_next_sandbox(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    store, engine = InlineDatabase(), Boxes()
    world = World(store.conn, START)
    session = world.session()
    world.message(session)
    parts = parts_in(tmp_path, store, engine, SlowCustoms())
    sessions = Sessions(parts, TreeNode("sessions"))
    async with trio.open_nursery() as nursery:
        await nursery.start(sessions.run)
        await trio.sleep(UNHEARD + LATE_SECONDS - 1)
        await parts.overdue.look()
        assert len(engine.made) == 1, "its actor has a moment more"
        await trio.sleep(2)
        await parts.overdue.look()
        await trio.sleep(1)
        assert engine.made[0].ended.is_set()
        assert len(engine.made) == 2
        nursery.cancel_scope.cancel()
    endings = fetch(store.conn, "SELECT ending, detail FROM epochs ORDER BY number")
    assert (endings[0]["ending"], endings[0]["detail"]) == (
        "killed",
        "it left a message lying for 301 s (300 s allowed)",
    )
