"""One epoch: one life of one session's sandbox, from the row that opens it to the row that closes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar, TypeVarTuple

import structlog
import trio
from attrs import define, field
from structlog.contextvars import bind_contextvars

from nanoclaw.actors.admission import Place
from nanoclaw.actors.birth import start, way_out
from nanoclaw.actors.called_off import CalledOff
from nanoclaw.actors.carry import Carry, Traffic
from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.letters import Commit, Gone, Letter
from nanoclaw.actors.overdue import Watched
from nanoclaw.actors.owned import owned
from nanoclaw.actors.parts import Parts
from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.signals import Signals
from nanoclaw.errors import SandboxError
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.inbox import Inbox
from nanoclaw.link.layout import OutDirectory, SessionLayout
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import Epoch, EpochEnding
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import Exit, Sandbox
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.store import epochs, projection
from nanoclaw.store.ending import close_epoch
from schema.sqlite import BusyError

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LAST_WORDS_SECONDS = 0.5
"""What a dead runner said may still be in its pipe."""


@define(eq=False)
class Life:
    """Runs one sandbox of one session to its end. Made for one run."""

    _parts: Parts
    _place: SessionPlace
    _mail: Mailbox[Letter]
    _node: TreeNode
    _room: Place
    """What its sandbox takes up."""
    _sandbox: Sandbox | None = field(default=None, init=False)
    _log: SandboxLog | None = field(default=None, init=False)
    _exit: Exit | None = field(default=None, init=False)
    _carry: Carry | None = field(default=None, init=False)

    async def run(self) -> None:
        """Open an epoch, run its sandbox, drain it, close it.

        Raises:
          SandboxError: it could not be started, ended without having said a word, or had to be ended. The epoch is
            closed all the same; whoever runs this waits before the next.

        Cancellation: the sandbox is stopped, drained and its epoch closed, within `SessionTimes`' bounds.
        """
        parts = self._parts
        # Cancelled in here, nobody would know whether there is an epoch to close.
        with trio.fail_after(parts.times.shutdown, shield=True):
            epoch = await parts.store.transact(
                epochs.begin, self._place.session.id, engine=parts.engine.name, now=parts.clock.now()
            )
        self._node.set(doing=f"epoch {epoch}: starting")
        await self._live(epoch, 0)

    async def go_on(self, left: Epoch, sandbox: Sandbox) -> None:
        """Take over *left*, an epoch of a dead host, whose *sandbox* still runs. Otherwise as `run`."""
        log.info("epoch_adopted", session=self._place.session.id, epoch=left.number)
        self._sandbox = sandbox
        await self._live(left.number, left.cursor)

    def show_log(self) -> None:
        """See to it that what the runner said so far is in its log soon."""
        if self._sandbox is not None:
            self._sandbox.show_log()

    def signals(self) -> Signals | None:
        """What is seen of its sandbox; None while there is none to be looked at."""
        return None if self._carry is None else self._carry.signals()

    async def _live(self, epoch: EpochNumber, cursor: int) -> None:
        parts, session = self._parts, self._place.session
        layout = parts.folders.layout(session)
        bind_contextvars(epoch=epoch)
        self._node.owns = lambda: owned(layout, epoch, self._sandbox)
        self._log = SandboxLog(parts.folders.log(session.id, epoch), secrets=parts.folders.secrets)
        adopted = self._sandbox is not None
        owner = parts.engine.owner_of(self._place.agent_group.id)
        drain: Drain | None = None
        # What a cancelled life ends with once there is a sandbox: the host is stopping, or this session's actor is.
        let_go = EpochEnding.STOPPED, "the host let it go"
        ending, detail = let_go if adopted else (EpochEnding.NOT_STARTED, "")
        async with contextlib.AsyncExitStack() as stack:
            try:
                out = await self._in_thread(layout.open_out if adopted else partial(_make_epoch, layout, owner), epoch)
                stack.callback(out.close)
                vigil = Vigil(epoch, parts.stuck)
                drain = Drain(parts, self._place, epoch, out, cursor, vigil, heard=adopted)
                if self._sandbox is not None:
                    # Paused, it might hold a lock on the file that is written next.
                    await self._sandbox.resume()
                file, tick = await self._project(layout, epoch, drain)
                stack.callback(file.close)
                await stack.enter_async_context(way_out(parts, self._place, layout, epoch, adopted=adopted))
                begin = partial(start, parts, self._place, layout, epoch, partial(self._say, epoch))
                called_off = CalledOff(parts.store, self._mail, session.id, epoch)
                sandbox = self._sandbox = self._sandbox or await called_off.unless_told(begin)
                if sandbox is None:
                    detail = called_off.why
                    return
                ending, detail = let_go
                traffic = Traffic(
                    epoch=epoch,
                    drain=drain,
                    file=file,
                    inside=layout.in_dir,
                    out=out,
                    sandbox=sandbox,
                    vigil=vigil,
                    tick=tick,
                )
                ending, detail = await self._serve(traffic, layout)
            except SandboxError as exc:
                ending = EpochEnding.NOT_STARTED if self._sandbox is None else EpochEnding.KILLED
                detail = str(exc)
                raise
            except Exception as exc:
                ending, detail = EpochEnding.KILLED, one_line(exc)
                raise
            finally:
                # What a dead host left and nobody has looked into is kept as it is, for the session's next actor.
                if drain is not None or not adopted:
                    ending, detail = await self._end(layout, epoch, drain, ending, detail)
        if ending in (EpochEnding.QUARANTINED, EpochEnding.KILLED):
            raise SandboxError(engine=parts.engine.name, why=f"the sandbox was {ending.value}: {detail}")
        if ending is EpochEnding.EXITED and not drain.heard:
            last = f"; it said: {self._log.last_lines}" if self._log.last_lines else ""
            raise SandboxError(engine=parts.engine.name, why=f"the runner ended at once ({detail}){last}")

    def _say(self, epoch: EpochNumber, doing: str) -> None:
        self._node.set(doing=f"epoch {epoch}: {doing}")

    async def _serve(self, traffic: Traffic, layout: SessionLayout) -> tuple[EpochEnding, str]:
        """Carry messages in and requests out until the sandbox ends, or may."""
        epoch, sandbox = traffic.epoch, traffic.sandbox
        assert self._log is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.copy_log, self._log)
            nursery.start_soon(self._await_exit, sandbox)
            with self._parts.watch.watching(layout.out_dir(epoch), partial(self._noticed, traffic)):
                ending = await self._carry_on(traffic, layout)
            if ending[0] is EpochEnding.EXITED:
                ending = EpochEnding.EXITED, str(self._exit)
            nursery.cancel_scope.cancel()
        return ending

    def _noticed(self, traffic: Traffic) -> None:
        traffic.drain.journey.notice(trio.current_time())
        self._mail.post(Commit())

    async def _carry_on(self, traffic: Traffic, layout: SessionLayout) -> tuple[EpochEnding, str]:
        """Carry; returns how that ended. The sweep may end it too, should this task be held up somewhere."""
        overdue, session = self._parts.overdue, self._place.session.id
        ending = EpochEnding.KILLED, "held up"
        with trio.CancelScope() as carrying:

            def give_up(why: str) -> None:
                nonlocal ending
                ending = EpochEnding.KILLED, why
                carrying.cancel()

            life = self._parts.folders.life(self._place.session, traffic.epoch)
            overdue.watch(Watched(life=life, layout=layout, vigil=traffic.vigil, give_up=give_up))
            self._carry = Carry(self._parts, self._place, self._mail, self._node, self._room, traffic)
            try:
                ending = await self._carry.run()
            except OutboxBrokenError as exc:
                ending = EpochEnding.QUARANTINED, str(exc)
            except BusyError:
                ending = EpochEnding.KILLED, "the sandbox held a lock on its inbox"
            finally:
                self._carry = None
                overdue.left_alone(session)
        return ending

    async def _project(self, layout: SessionLayout, epoch: EpochNumber, drain: Drain) -> tuple[InboundFile, int]:
        """The link, and the tick that it shows: made anew, or what a dead host left, which may lack anything."""
        whole = await self._parts.store.read(projection.whole, self._place, epoch, timezone=self._parts.timezone)
        inbox = Inbox(layout.inbox, self._parts.folders.spool)
        if self._sandbox is None:
            file = await self._in_thread(InboundFile.make, layout.inbound, whole, inbox)
            drain.journey.shown(whole.changes.messages, trio.current_time(), self._parts.clock.now())
            return file, whole.changes.tick
        file = await self._in_thread(InboundFile.open, layout.inbound, inbox)
        try:
            await self._in_thread(file.write, whole.changes)
        except BaseException:
            file.close()
            raise
        return file, whole.changes.tick

    async def _await_exit(self, sandbox: Sandbox) -> None:
        self._exit = await sandbox.wait()
        self._mail.post(Gone())

    async def _end(
        self, layout: SessionLayout, epoch: EpochNumber, drain: Drain | None, ending: EpochEnding, detail: str
    ) -> tuple[EpochEnding, str]:
        """End the sandbox, take what it still said, give its claims back, forget its folder.

        Returns how the epoch ended in the end: its last words may be what has it quarantined. One that will not die
        keeps its epoch open, so that no second sandbox is started beside it; the session's next actor tries again.
        """
        times = self._parts.times
        hurried = trio.current_effective_deadline() == float("-inf")
        dead = False
        with trio.move_on_after(times.stop, shield=True):
            dead = await self._stop(layout, epoch, ending, times.hurried_grace if hurried else times.grace)
        if not dead:
            log.error("sandbox_does_not_die", session=self._place.session.id, epoch=epoch)
            return ending, detail
        with trio.move_on_after(times.shutdown, shield=True):
            if drain is not None and ending is not EpochEnding.QUARANTINED:
                try:
                    await drain.look()
                except OutboxBrokenError as exc:
                    ending, detail = EpochEnding.QUARANTINED, str(exc)
            await finish(self._parts, self._place, layout, epoch, ending, detail)
        return ending, detail

    async def _stop(self, layout: SessionLayout, epoch: EpochNumber, ending: EpochEnding, grace: float) -> bool:
        """End the sandbox, or what a start that failed may have left. Is it certainly dead?

        Only one that is let go is asked first.
        """
        sandbox, sandbox_log, session = self._sandbox, self._log, self._place.session.id
        try:
            if sandbox is None or sandbox_log is None:
                life = self._parts.folders.life(self._place.session, epoch)
                await self._parts.engine.bury(life)
                return True
            self._exit = await sandbox.stop(grace if ending is EpochEnding.STOPPED else 0.0)
        except SandboxError as exc:
            log.warning("sandbox_not_stopped", session=session, why=str(exc))
            return False
        self._sandbox = None
        with trio.move_on_after(LAST_WORDS_SECONDS):
            await sandbox.copy_log(sandbox_log)
        try:
            await sandbox.remove()
        except SandboxError as exc:
            # Dead it is; the next start finds it by its name and removes it first.
            log.warning("sandbox_not_removed", session=session, why=str(exc))
        return True

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._parts.disk.run(work, *arguments)


async def finish(
    parts: Parts,
    place: SessionPlace,
    layout: SessionLayout,
    epoch: EpochNumber,
    ending: EpochEnding,
    detail: str,
) -> None:
    """Close a dead and drained epoch in the truth, then remove its folder."""
    lanes = await parts.store.transact(
        close_epoch, place.session.id, epoch, ending, detail, policy=parts.retry, now=parts.clock.now()
    )
    log.info("epoch_ended", session=place.session.id, epoch=epoch, ending=ending.value, detail=detail)
    parts.nudge(lanes)
    parts.due()
    parts.overdue.forget(place.session.id, epoch)
    await parts.disk.run(layout.remove_epoch, epoch)


def _make_epoch(layout: SessionLayout, owner: Owner | None, epoch: EpochNumber) -> OutDirectory:
    layout.make_epoch(epoch, owner)
    return layout.open_out(epoch)
