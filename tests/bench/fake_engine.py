"""An engine without sandboxes: what the host itself takes is all there is to measure."""

from __future__ import annotations

from collections.abc import Callable, Collection

import trio
from attrs import define, field

from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import Exit, LifeName, Probe, SandboxSpec, Usable
from nanoclaw.sandboxes.log import SandboxLog
from schema import sqlite
from schema.files import INBOUND, OUTBOUND
from schema.sqlite import Journal, Synchronous
from schema.times import write_time

STATE_SQL = "INSERT OR REPLACE INTO container_state (only, phase, updated_at) VALUES (1, 'idle', ?)"
ACK_SQL = "INSERT INTO processing_ack (message_id, status, status_changed) VALUES (?, 'completed', ?)"


@define(eq=False)
class FakeSandbox:
    """Has answered everything that was there when it started, in silence, and does nothing more."""

    _on_pause: Callable[[], None]
    _ended: trio.Event = field(factory=trio.Event, init=False)

    async def wait(self) -> Exit:
        """Until it is stopped."""
        await self._ended.wait()
        return Exit(code=0)

    async def copy_log(self, log: SandboxLog) -> None:
        """It says nothing."""
        await self._ended.wait()

    def show_log(self) -> None:
        """It says nothing."""

    async def pause(self) -> None:
        """Count it."""
        self._on_pause()
        await trio.lowlevel.checkpoint()

    async def resume(self) -> None:
        """There is nothing to let go on."""
        await trio.lowlevel.checkpoint()

    async def stop(self, grace: float) -> Exit:
        """End at once."""
        self._ended.set()
        return await self.wait()

    async def remove(self) -> None:
        """Nothing is left."""
        await trio.lowlevel.checkpoint()


@define(eq=False)
class FakeEngine:
    """Implements `Engine`; see `FakeSandbox`."""

    on_pause: Callable[[], None] = lambda: None
    """Told of each sandbox that is paused."""
    name: str = field(default="fake", init=False)
    mounts_inside_agent: bool = field(default=False, init=False)

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """Whoever runs the host."""
        return None

    async def probe(self) -> Probe:
        """It works everywhere."""
        await trio.lowlevel.checkpoint()
        return Usable(version="1", walls="none", lacks="everything")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """There is nothing to serve."""
        task_status.started()
        await trio.sleep_forever()

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        """Answer what is there."""
        await trio.to_thread.run_sync(_answer, spec)
        return FakeSandbox(self.on_pause)

    async def adopt(self, life: LifeName) -> FakeSandbox | None:
        """They die with their host."""
        await trio.lowlevel.checkpoint()
        return None

    async def bury(self, life: LifeName) -> None:
        """They are dead already."""
        await trio.lowlevel.checkpoint()

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """There are none."""
        await trio.lowlevel.checkpoint()
        return 0

    def hurry(self) -> None:
        """They end at once anyway."""


def _answer(spec: SandboxSpec) -> None:
    """Settle what waits, as a runner would whose agent has nothing to say."""
    inbox = sqlite.open_read_only(spec.inbound / INBOUND)
    try:
        waiting = [row["id"] for row in sqlite.fetch(inbox, "SELECT id FROM messages_in WHERE status = 'pending'")]
    finally:
        inbox.close()
    now = write_time(SystemClock().now())
    outbox = sqlite.open_read_write(spec.life.outbound / OUTBOUND, Journal.DELETE, Synchronous.OFF)
    try:
        with sqlite.transaction(outbox):
            sqlite.execute(outbox, STATE_SQL, (now,))
            for message in waiting:
                sqlite.execute(outbox, ACK_SQL, (message, now))
    finally:
        outbox.close()
