"""One session's actor: the only task that starts or stops that session's sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
import trio
from attrs import define, field, frozen
from structlog.contextvars import bind_contextvars

from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.letters import Letter, MakeRoom
from nanoclaw.actors.life import Life, finish
from nanoclaw.actors.overdue import Watched
from nanoclaw.actors.parts import Parts
from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.session import Leave, Rest, Start, View, next_step
from nanoclaw.core.signals import Signals
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.model.messages import Epoch, EpochEnding
from nanoclaw.model.overview import Parking
from nanoclaw.sandboxes.engine import Sandbox
from nanoclaw.store import epochs, inbound, notices, parkings
from nanoclaw.store.sessions import session_place
from schema.sqlite import Connection

log = structlog.get_logger()

ZERO = timedelta(0)


@define(eq=False)
class SessionActor:
    """Works for one session while it has work, a sandbox or a deadline; then leaves."""

    _id: SessionId
    _parts: Parts
    _mail: Mailbox[Letter]
    _node: TreeNode
    _survivor: EpochNumber | None = None
    """The epoch that a dead host left open: its sandbox, if it still runs, is taken over."""
    _settled: Callable[[], object] = lambda: None
    """Told once what was left is taken over or ended. Until then whoever comes after a failure tries the same."""
    _life: Life | None = field(default=None, init=False)

    def show_log(self) -> None:
        """See to it that what its sandbox said so far is in the log soon. Never blocks."""
        if self._life is not None:
            self._life.show_log()

    def signals(self) -> Signals | None:
        """What is seen of its sandbox; None if it has none that is up."""
        return None if self._life is None else self._life.signals()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until there is nothing left to do.

        Raises:
          SandboxError: no sandbox could be started, or it ended at once; whoever runs this tries again later.
          trio.TooSlowError: what an earlier life left running does not die in time.

        Cancellation: a running sandbox is stopped, drained and recorded first, within `SessionTimes.shutdown`.
        """
        parts = self._parts
        bind_contextvars(session=self._id)
        self._node.mailbox = self._mail.unread
        # A host that is told to stop as soon as it is up still ends what the last one left open.
        with trio.fail_after(parts.times.stop, shield=True):
            left = await self._settle_what_was_left()
        self._settled()
        task_status.started()
        if left is not None:
            await self._live(left)
        while True:
            now = parts.clock.now()
            # Read anew for each life: what the last one saved belongs into the next one's link.
            place, work, parking = await parts.store.read(_stands, self._id, now)
            if place is None:
                return
            view = View(
                due=work.due,
                claimed=work.claimed,
                next_at=work.next_at,
                running=False,
                parked=parking is not None,
                quiet=ZERO,
                now=now,
            )
            match next_step(view, parts.times.patience):
                case Start():
                    await self._live(place)
                case Rest(pause):
                    self._node.set(doing=f"resting until {now + pause:%H:%M:%S}" if pause else "resting")
                    longest = parts.nets.sessions
                    seconds = longest if pause is None else pause.total_seconds()
                    with trio.move_on_after(max(0.0, min(seconds, longest))):
                        await self._mail.read_all()
                case Leave():
                    if parking is not None:
                        await self._tell_set_aside(parking, work)
                    return
                case other:
                    raise AssertionError(f"without a sandbox there is nothing to {other}")

    async def _settle_what_was_left(self) -> _Left | None:
        """An epoch that is open now was left by an earlier life of this actor, or of the host.

        The host's is taken over if its sandbox survived: returns what to go on with. Anything else is ended.
        """
        place = await self._parts.store.read(session_place, self._id)
        left = await self._parts.store.read(epochs.live, self._id)
        if place is None or left is None:
            return None
        if left.number == self._survivor:
            self._node.set(doing=f"epoch {left.number}: looking whether it survived")
            sandbox = await self._parts.engine.adopt(self._parts.folders.life(place.session, left.number))
            if sandbox is not None:
                return _Left(place, left, sandbox)
        self._node.set(doing=f"epoch {left.number}: ending what was left open")
        await bury_epoch(self._parts, place, left)
        return None

    async def _live(self, what: SessionPlace | _Left) -> None:
        """Run one sandbox to its end: a new one, or the one that was left."""
        place = what.place if isinstance(what, _Left) else what
        admission = self._parts.admission
        try:
            async with admission.place(
                self._id, lambda: self._mail.post(MakeRoom()), self._node, at_once=isinstance(what, _Left)
            ) as room:
                self._life = Life(self._parts, place, self._mail, self._node, room)
                if isinstance(what, _Left):
                    await self._life.go_on(what.epoch, what.sandbox)
                elif await self._parts.store.read(parkings.parking, self._id) is None:
                    # It may have been parked while it stood in line.
                    await self._life.run()
        finally:
            self._life = self._node.owns = None

    async def _tell_set_aside(self, parking: Parking, work: inbound.Work) -> None:
        """Whoever waits for it is told that somebody has parked it, once."""
        if work.due or work.next_at is not None:
            now = self._parts.clock.now()
            lanes, woken = await self._parts.store.transact(notices.session_set_aside, parking, now=now)
            self._parts.nudge(lanes)
            for session in woken:
                self._parts.wake(session)


@frozen
class _Left:
    """What a dead host left alive."""

    place: SessionPlace
    epoch: Epoch
    sandbox: Sandbox


def _stands(
    conn: Connection, session: SessionId, now: datetime
) -> tuple[SessionPlace | None, inbound.Work, Parking | None]:
    """Where it is, what there is to do, and who has parked it: all of one moment."""
    return session_place(conn, session), inbound.work(conn, session, now=now), parkings.parking(conn, session)


async def bury_epoch(parts: Parts, place: SessionPlace, left: Epoch) -> None:
    """End an epoch whose owner is gone: make sure its sandbox is dead, drain it once, close it.

    Cancellation: may be repeated; nothing is lost by stopping half-way.
    """
    layout = parts.folders.layout(place.session)
    ending, detail = EpochEnding.HOST_DIED, "found open"
    life, vigil = parts.folders.life(place.session, left.number), Vigil(left.number, parts.stuck)
    parts.overdue.watch_left(Watched(life=life, layout=layout, vigil=vigil))
    await parts.engine.bury(life)
    try:
        out = await parts.disk.run(layout.open_out, left.number)
    except FileNotFoundError:
        detail = "found open, before it had a folder"
    else:
        try:
            await Drain(parts, place, left.number, out, left.cursor, vigil).look()
        except OutboxBrokenError as exc:
            ending, detail = EpochEnding.QUARANTINED, str(exc)
        finally:
            out.close()
    await finish(parts, place, layout, left.number, ending, detail)
