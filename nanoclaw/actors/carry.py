"""Carrying between the truth and a live sandbox: what is new goes in, what was said comes out, to the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog
import trio
from attrs import define, field, frozen

from nanoclaw.actors.admission import Place
from nanoclaw.actors.doorbell import Doorbell
from nanoclaw.actors.drain import Drain
from nanoclaw.actors.letters import Commit, Gone, Letter, Look, MakeRoom
from nanoclaw.actors.parts import Parts
from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.session import Pause, Rest, Resume, Step, Stop, View, next_step
from nanoclaw.core.signals import Paused, Runs, Signals, say
from nanoclaw.core.stuck import Fine, describe
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.doorbell import answer, ring
from nanoclaw.link.layout import OutDirectory, heartbeat_mtime_ns, is_being_written
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import EpochEnding
from nanoclaw.sandboxes.engine import Sandbox
from nanoclaw.store import epochs, inbound, projection
from schema.rows import InStatus
from schema.sqlite import Connection

log = structlog.get_logger()

CLAIM_SECONDS = 0.01
"""How long the record of a claim waits for the answer to it."""
SHOW_SECONDS = 0.05
"""How long what a runner settled waits to be shown to it, together with what becomes of its answer."""


@define(eq=False, kw_only=True)
class Traffic:
    """The two ways between the truth and one sandbox."""

    epoch: EpochNumber
    drain: Drain
    file: InboundFile
    inside: Path
    """The session's `in/`."""
    out: OutDirectory
    sandbox: Sandbox
    vigil: Vigil
    tick: int
    """What the link shows already."""


@define(eq=False)
class Carry:
    """One epoch's traffic, for as long as its sandbox lives. Made for one run."""

    _parts: Parts
    _place: SessionPlace
    _mail: Mailbox[Letter]
    _node: TreeNode
    _room: Place
    _traffic: Traffic
    _quiet_since: float = field(factory=trio.current_time, init=False)
    """When there was last anything to do, in Trio's time."""
    _claim_is_next: bool = field(default=False, init=False)
    _at_work: bool = field(default=True, init=False)
    """Was anything due or claimed at the last look?"""
    _paused: bool = field(default=False, init=False)
    _wanted_away: str | None = field(default=None, init=False)
    _doorbell: Doorbell = field(factory=Doorbell, init=False)

    async def run(self) -> tuple[EpochEnding, str]:
        """Look at both files whenever there is mail, and now and then without; returns how the epoch ended, and why.

        One that idles is paused, and then only mail that brings work wakes it.

        Raises:
          OutboxBrokenError: what the runner wrote does not pass customs.
          BusyError: the sandbox does not let go of its inbox.
          SandboxError: it cannot be paused or resumed.

        Cancellation: between two looks; whatever was not carried is still there.
        """
        self._node.signals = self._say_signals
        try:
            return await self._run()
        finally:
            self._node.signals = dict

    def signals(self) -> Signals:
        """What is seen of the sandbox now."""
        now = trio.current_time()
        return Signals(
            process=Paused() if self._paused else Runs(),
            loop=self._doorbell.loop(now),
            progress=self._traffic.vigil.progress(now),
        )

    def _say_signals(self) -> Mapping[str, str]:
        seen = self.signals()
        return {"process": say(seen.process), "loop": say(seen.loop), "progress": say(seen.progress)}

    async def _run(self) -> tuple[EpochEnding, str]:
        # What a dead host's sandbox has said since is no event any more.
        letters: tuple[Letter, ...] = (Commit(), Look()) if self._traffic.drain.heard else (Look(),)
        while Gone() not in letters:
            more = await self._read(letters)
            if more is not None:
                letters = more
                continue
            now = self._parts.clock.now()
            step = await self._judge(now)
            match step:
                case Stop(why):
                    return EpochEnding.STOPPED, why
                case Pause():
                    letters = await self._pause()
                case Resume():
                    await self._resume()
                    letters = (Look(),)
                case Rest(pause):
                    verdict, patience = self._traffic.vigil.judge(trio.current_time())
                    if not isinstance(verdict, Fine):
                        return EpochEnding.KILLED, describe(verdict)
                    net = self._net() if patience is None else min(self._net(), patience)
                    letters = await self._next_letters(_rest(pause, net))
                case other:
                    raise AssertionError(f"a sandbox that runs is no reason to {other}")
        return EpochEnding.EXITED, ""

    async def _read(self, letters: Iterable[Letter]) -> tuple[Letter, ...] | None:
        """Take in what the runner said, if *letters* say so; returns the next ones if there is nothing more to do."""
        if MakeRoom() in letters:
            self._wanted_away = "its place was needed"
        if self._claim_is_next and letters == (Commit(),):
            # What was just shown is being claimed. Nobody waits for that, and the answer may follow at once.
            self._claim_is_next = False
            letters = (Commit(), *await self._next_letters(CLAIM_SECONDS))
            if Gone() in letters:
                return letters
        if letters and Commit() not in letters:
            return None
        with self._node.busy(f"epoch {self._traffic.epoch}: reading the outbox"):
            changed = await self._traffic.drain.look(announced=bool(letters))
        if changed:
            self._quiet_since = trio.current_time()
        if letters and not set(letters) & {Look(), MakeRoom()}:
            # The runner learns of it soon; first comes who waits for the answer.
            letters = await self._next_letters(SHOW_SECONDS if changed else self._parts.nets.link)
            if letters or not changed:
                return letters
        return None

    async def _judge(self, now: datetime) -> Step:
        """Show the runner what is new, unless it is paused, and say what comes next."""
        traffic = self._traffic
        if self._paused:
            work, told_to_end = await self._parts.store.read(_work, self._place, traffic, now)
        else:
            work, told_to_end = await self._show(now)
            traffic.vigil.work(work.claims, due=bool(work.due), now=trio.current_time())
            self._parts.working(self._place.session.id, work.claims)
        self._at_work = bool(work.due or work.claimed)
        if self._at_work:
            self._quiet_since, self._wanted_away = trio.current_time(), None
            self._room.at_work()
        else:
            self._room.idle()
        paused = ", paused" if self._paused else ""
        self._node.set(doing=f"epoch {traffic.epoch}: {work.due} due, {work.claimed} claimed{paused}")
        view = View(
            due=work.due,
            claimed=work.claimed,
            next_at=work.next_at,
            running=True,
            paused=self._paused,
            wanted_away=self._wanted_away,
            told_to_end=told_to_end,
            quiet=timedelta(seconds=trio.current_time() - self._quiet_since),
            now=now,
        )
        return next_step(view, self._parts.times.patience)

    def _net(self) -> float:
        """Seconds to the next look that nobody asks for."""
        nets = self._parts.nets
        return nets.link if self._at_work else nets.paused if self._paused else nets.idle

    async def _pause(self) -> tuple[Letter, ...]:
        """Pause the sandbox, unless that would leave its outbox half written; returns the letters that came first."""
        traffic = self._traffic
        await traffic.sandbox.pause()
        if await self._parts.disk.run(is_being_written, traffic.out):
            await traffic.sandbox.resume()
            return await self._next_letters(self._parts.nets.link)
        log.info("sandbox_paused", session=self._place.session.id, epoch=traffic.epoch)
        self._paused = True
        # It may have committed on the way.
        return (Commit(), Look())

    async def _resume(self) -> None:
        await self._traffic.sandbox.resume()
        log.info("sandbox_resumed", session=self._place.session.id, epoch=self._traffic.epoch)
        self._paused = False
        self._traffic.vigil.paused(trio.current_time())
        self._doorbell.paused()

    async def _next_letters(self, seconds: float) -> tuple[Letter, ...]:
        """The mail that comes within *seconds*; none is a reason to look at everything."""
        with trio.move_on_after(seconds):
            return await self._mail.read_all()
        return ()

    async def _show(self, now: datetime) -> tuple[inbound.Work, str | None]:
        """Write into the link what changed in the truth; returns what is to do, and why the epoch shall end."""
        traffic = self._traffic
        # Before it is up nobody can answer, however long a start takes on a busy machine.
        rings = traffic.vigil.is_up and self._doorbell.wants_ringing(trio.current_time())
        seen = await self._parts.store.read(_look, self._place, traffic, now, rings=rings)
        if self._doorbell.looked(seen.answer, trio.current_time()):
            self._parts.meters.unanswered_rings += 1
        if rings:
            self._doorbell.rung(seen.ring, trio.current_time())
        changes = seen.changes
        if not seen.written:
            with self._node.busy(f"epoch {traffic.epoch}: waiting for the sandbox to let go of its inbox"):
                await self._parts.disk.run(traffic.file.write, changes)
        traffic.tick = changes.tick
        traffic.drain.journey.shown(changes.messages, trio.current_time(), self._parts.clock.now())
        traffic.vigil.heartbeat(seen.beat, trio.current_time())
        self._claim_is_next = any(row.trigger and row.status is InStatus.PENDING for row in changes.messages)
        return seen.work, seen.told_to_end


@frozen(kw_only=True)
class _Seen:
    """One look: what changed, what is to do, what the runner shows of itself, and does the link show it already."""

    changes: projection.Changes
    work: inbound.Work
    told_to_end: str | None
    beat: int | None
    ring: int | None
    answer: int | None
    written: bool


def _work(conn: Connection, place: SessionPlace, traffic: Traffic, now: datetime) -> tuple[inbound.Work, str | None]:
    return inbound.work(conn, place.session.id, now=now), epochs.told_to_end(conn, place.session.id, traffic.epoch)


def _look(conn: Connection, place: SessionPlace, traffic: Traffic, now: datetime, *, rings: bool) -> _Seen:
    """Look at everything in one trip to a thread; with *rings*, ring the doorbell.

    A sandbox that holds a lock on its link must not hold a reader of the truth, so nobody waits for it here.
    """
    changes = projection.changes(conn, place, traffic.epoch, traffic.tick)
    work, told_to_end = _work(conn, place, traffic, now)
    written = changes.empty or traffic.file.write_at_once(changes)
    if not work.due and not work.claims:
        traffic.file.close()
    return _Seen(
        changes=changes,
        work=work,
        told_to_end=told_to_end,
        beat=heartbeat_mtime_ns(traffic.out),
        answer=answer(traffic.out),
        ring=ring(traffic.inside) if rings else None,
        written=written,
    )


def _rest(pause: timedelta | None, net: float) -> float:
    """Seconds to wait for mail: to the next deadline, and no longer than the net allows."""
    return net if pause is None else max(0.0, min(net, pause.total_seconds()))
