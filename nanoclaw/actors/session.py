"""One session's actor: the only task that starts or stops that session's sandbox."""

from __future__ import annotations

import structlog
import trio
from attrs import define

from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.letters import Letter
from nanoclaw.actors.life import Life, finish
from nanoclaw.actors.parts import Parts
from nanoclaw.core.session import Leave, Rest, Start, View, next_step
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import SessionId
from nanoclaw.model.messages import Epoch, EpochEnding
from nanoclaw.store import epochs, inbound
from nanoclaw.store.sessions import session_place

log = structlog.get_logger()

LONGEST_REST = 60.0
"""Seconds after which a resting session looks again unasked."""


@define(eq=False)
class SessionActor:
    """Works for one session while it has work, a sandbox or a deadline; then leaves."""

    _id: SessionId
    _parts: Parts
    _mail: Mailbox[Letter]
    _node: TreeNode

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until there is nothing left to do.

        Raises:
          SandboxError: no sandbox could be started, or it ended at once; whoever runs this tries again later.
          trio.TooSlowError: what an earlier life left running does not die.

        Cancellation: a running sandbox is stopped, drained and recorded first, within `SessionTimes.shutdown`.
        """
        parts = self._parts
        self._node.mailbox = self._mail.__len__
        # A host that is told to stop as soon as it is up still ends what the last one left open.
        with trio.fail_after(parts.times.shutdown, shield=True):
            await self._bury()
        task_status.started()
        while True:
            now = parts.clock.now()
            # Read anew for each life: what the last one saved belongs into the next one's link.
            place = await parts.store.read(session_place, self._id)
            work = await parts.store.read(inbound.work, self._id, now=now)
            if place is None:
                return
            view = View(
                due=work.due, claimed=work.claimed, next_at=work.next_at, running=False, quiet_since=now, now=now
            )
            match next_step(view, keep_warm=parts.times.keep_warm):
                case Start():
                    await Life(parts, place, self._mail, self._node).run()
                case Rest(until):
                    self._node.set(doing=f"resting until {until:%H:%M:%S}" if until else "resting")
                    pause = LONGEST_REST if until is None else (until - now).total_seconds()
                    with trio.move_on_after(max(0.0, min(pause, LONGEST_REST))):
                        await self._mail.read_all()
                case Leave():
                    return
                case other:
                    raise AssertionError(f"without a sandbox there is nothing to {other}")

    async def _bury(self) -> None:
        """An epoch that is open now was left by an earlier life of this actor, or of the host: end it."""
        place = await self._parts.store.read(session_place, self._id)
        left = await self._parts.store.read(epochs.live, self._id)
        if place is not None and left is not None:
            self._node.set(doing=f"epoch {left.number}: ending what was left open")
            await bury_epoch(self._parts, place, left)


async def bury_epoch(parts: Parts, place: SessionPlace, left: Epoch) -> None:
    """End an epoch whose owner is gone: make sure its sandbox is dead, drain it once, close it.

    Cancellation: may be repeated; nothing is lost by stopping half-way.
    """
    layout = parts.folders.layout(place.session)
    ending, detail = EpochEnding.HOST_DIED, "found open"
    await parts.engine.bury(layout.out_dir(left.number))
    try:
        out = await trio.to_thread.run_sync(layout.open_out, left.number, limiter=parts.disk)
    except FileNotFoundError:
        detail = "found open, before it had a folder"
    else:
        try:
            await Drain(parts, place, left.number, out, left.cursor).look()
        except OutboxBrokenError as exc:
            ending, detail = EpochEnding.QUARANTINED, str(exc)
        finally:
            out.close()
    await finish(parts, place, layout, left.number, ending, detail)
