"""A host in which sessions are stuck, each in its own way: an engine and channels that see to it, without sandboxes.

`KINDS` says what every view has to say of each. Healthy sessions are answered as on the bench's fake engine.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from nanoclaw.channels.base import Channel, Health, Receive
from nanoclaw.core.holds_words import Reason
from nanoclaw.errors import DeliveryError, NobodyThereError, SandboxError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.sandboxes.engine import Exit, LifeName, SandboxSpec
from nanoclaw.sandboxes.log import SandboxLog
from schema import sqlite
from schema.files import ANSWER, DOORBELL, INBOUND, OUTBOUND
from schema.sqlite import Journal, Synchronous
from schema.times import write_time
from tests.bench import many_sessions
from tests.bench.fake_engine import FakeEngine, FakeSandbox
from tests.support import stuck_rows
from tests.support.scripted_channel import ScriptedChannel

STATE = (
    "INSERT OR REPLACE INTO container_state (only, phase, current_tool, tool_declared_timeout_ms, updated_at)"
    " VALUES (1, ?, ?, ?, ?)"
)
ACK = "INSERT OR REPLACE INTO processing_ack (message_id, status, status_changed) VALUES (?, ?, ?)"


@frozen(kw_only=True)
class Kind:
    """One way to be stuck."""

    reason: Reason
    why: str
    """What stands in the sentence."""
    phase: str = ""
    """Of a sandbox that starts: what its runner says that it is at."""
    tool: str | None = None
    channel: str = ""
    """Of a reply that does not go out: its channel."""


KINDS: Final[dict[str, Kind]] = {
    "hung": Kind(reason=Reason.QUIET, why="shows no life", phase="turn"),
    "tool": Kind(reason=Reason.TOOL, why="tool Bash (says it needs 7,000 s)", phase="turn", tool="Bash"),
    "rate": Kind(reason=Reason.RATE_LIMIT, why="its provider wants it to wait", phase="waiting_rate_limit"),
    "asks": Kind(reason=Reason.QUESTION, why="waits for an answer", phase="waiting_answer"),
    "deaf": Kind(reason=Reason.NOT_TAKEN, why="does not take a message up", phase="idle"),
    "mute": Kind(reason=Reason.MUTE, why="its runner does not answer", phase="turn", tool="Bash"),
    "no-start": Kind(reason=Reason.PARKED, why="no such user"),
    "no-image": Kind(reason=Reason.PARKED, why="there is no image nanoclaw/agent"),
    "engine-down": Kind(reason=Reason.STARTING, why="starting"),
    "disk-full": Kind(reason=Reason.DISK_FULL, why="No space left on device"),
    "exits": Kind(reason=Reason.PARKED, why="the runner ended at once (exit code 7)"),
    "forged": Kind(reason=Reason.PARKED, why="quarantined"),
    "broke": Kind(reason=Reason.BUDGET, why="used up (2 tokens of 1 tokens)", phase="turn"),
    "killed": Kind(reason=Reason.LATER, why="as 2 sandboxes ended while at it (killed: it took too much memory)"),
    "failed": Kind(reason=Reason.GAVE_UP, why="the sandbox ended 5 times"),
    "paused": Kind(reason=Reason.ON_HOLD, why="1 messages are not to be taken up yet"),
    "dead": Kind(reason=Reason.DEAD, why="it is too long"),
    "in-doubt": Kind(reason=Reason.IN_DOUBT, why="the host died while it was being sent"),
    "approval": Kind(reason=Reason.APPROVAL, why="More packages for Agent 0"),
    "question": Kind(reason=Reason.QUESTION, why="it has asked something"),
    "retry-after": Kind(reason=Reason.SENT_LATER, why="slow down", channel="limited"),
    "behind": Kind(reason=Reason.BEHIND, why="behind out-retry-after"),
    "channel-down": Kind(reason=Reason.CHANNEL_DOWN, why="the token was refused", channel="refused"),
    "channel-broken": Kind(reason=Reason.CHANNEL_DOWN, why="cannot be set up", channel="unmade"),
    "channel-gone": Kind(reason=Reason.NO_CHANNEL, why="which this host does not have", channel="gone"),
    "nobody": Kind(reason=Reason.NOBODY, why="until somebody is there", channel="empty"),
}
WAITING = [*list(KINDS)[:13]]
"""Those that a message makes stuck, once there is a host."""


def make(home: Path, healthy: int) -> None:
    """A home with *healthy* sessions in which something waits, and one of each kind that is stuck. Blocks."""
    many_sessions.make(home, healthy, waiting=True)
    channels = {name: kind.channel for name, kind in KINDS.items() if kind.channel}
    stuck_rows.fill(home, waiting=WAITING, channels=channels)


@define(eq=False)
class StuckEngine(FakeEngine):
    """Starts what `KINDS` says, and a runner that answers for everybody else."""

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        """One life."""
        name = spec.life.session.removeprefix("ses-")
        match name:
            case "no-start":
                raise SandboxError(engine="fake", why="no such user")
            case "no-image":
                raise SandboxError(engine="fake", why="there is no image nanoclaw/agent")
            case "engine-down":
                await trio.sleep_forever()
            case "disk-full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(spec.inbound))
            case _:
                pass
        sandbox = await super().start(spec) if name not in KINDS else FakeSandbox(self.on_pause)
        await trio.to_thread.run_sync(_begin, spec, KINDS.get(name))
        if name == "exits":
            return ExitedSandbox(self.on_pause)
        return sandbox

    async def bury(self, life: LifeName) -> None:
        """Nothing is left."""
        await trio.lowlevel.checkpoint()


@define(eq=False)
class ExitedSandbox(FakeSandbox):
    """Has ended at once."""

    async def wait(self) -> Exit:
        """With 7."""
        await trio.lowlevel.checkpoint()
        return Exit(code=7)

    async def copy_log(self, log: SandboxLog) -> None:
        """It said nothing."""
        await trio.lowlevel.checkpoint()


def _begin(spec: SandboxSpec, kind: Kind | None) -> None:
    """What its runner does as it starts."""
    name, out = spec.life.session.removeprefix("ses-"), spec.life.outbound
    if name == "forged":
        (out / OUTBOUND).write_bytes(b"this is no database" * 100)
        return
    if name != "mute":
        # One file for the ring and its answer: every ring is answered as it is rung.
        (spec.inbound / DOORBELL).touch()
        (out / ANSWER).hardlink_to(spec.inbound / DOORBELL)
    if kind is None or not kind.phase:
        return
    inbox = sqlite.open_read_only(spec.inbound / INBOUND)
    waiting = [row["id"] for row in sqlite.fetch(inbox, "SELECT id FROM messages_in WHERE status = 'pending'")]
    inbox.close()
    now = write_time(SystemClock().now())
    outbox = sqlite.open_read_write(out / OUTBOUND, Journal.DELETE, Synchronous.OFF)
    with sqlite.transaction(outbox):
        sqlite.execute(outbox, STATE, (kind.phase, kind.tool, None if kind.tool is None else 7_000_000, now))
        for message in waiting if kind.phase != "idle" else ():
            sqlite.execute(outbox, ACK, (message, "processing", now))
    outbox.close()


@define(eq=False)
class RefusedChannel(ScriptedChannel):
    """A channel that knows that its platform does not hear it."""

    def health(self) -> Health:
        """It never has."""
        return Health(heard=None, why="the token was refused")


@define(eq=False)
class Busy(ScriptedChannel):
    """A channel on which somebody writes to one room after the other, without end."""

    rooms: Sequence[str] = ()
    a_second: float = 20.0
    heard: int = field(default=0, init=False)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Write."""
        task_status.started()
        due = trio.current_time()
        while self.rooms:
            for room in self.rooms:
                self.heard += 1
                due = max(due + 1 / self.a_second, trio.current_time())
                event = InboundEvent(
                    channel=self.name,
                    platform_message_id=f"busy-{self.heard}",
                    platform_id=room,
                    mention=True,
                    is_group=True,
                    sender_id=UserId("bench:1"),
                    sender="Ada",
                    text="hello",
                )
                await receive(event)
                await trio.sleep_until(due)
        await trio.sleep_forever()


def channels(rooms: Sequence[str] = (), *, a_second: float = 20.0) -> list[Channel]:
    """Those of the house; somebody writes in *rooms*, one after the other."""
    limited = DeliveryError(channel="limited", why="slow down", retryable=True, retry_after=3_600.0)
    return [
        Busy(ChannelName("bench"), rooms=rooms, a_second=a_second),
        ScriptedChannel(ChannelName("limited"), script=[limited] * 9),
        RefusedChannel(ChannelName("refused"), script=[limited] * 9),
        ScriptedChannel(ChannelName("empty"), script=[NobodyThereError(channel="empty")] * 9),
    ]
