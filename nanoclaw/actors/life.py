"""One epoch: one life of one session's sandbox, from the row that opens it to the row that closes it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, TypeVarTuple

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.letters import Commit, Gone, Letter, Look
from nanoclaw.actors.parts import Parts
from nanoclaw.core.session import Rest, Stop, View, next_step
from nanoclaw.errors import SandboxError
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.layout import OutDirectory, SessionLayout
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import EpochEnding
from nanoclaw.sandboxes.engine import Exit, Sandbox, SandboxSpec
from nanoclaw.store import epochs, inbound, projection
from nanoclaw.store.ending import close_epoch
from schema.files import CONTAINER_JSON
from schema.rows import InStatus
from schema.sqlite import BusyError, Connection

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_LOG_BYTES = 1 << 20
TAIL_BYTES = 400
CLAIM_SECONDS = 0.01
"""How long the record of a claim waits for the answer to it."""
SHOW_SECONDS = 0.05
"""How long what a runner settled waits to be shown to it, together with what becomes of its answer."""
LAST_WORDS_SECONDS = 0.5
"""What a dead runner said may still be in its pipe."""


@define(eq=False)
class Life:
    """Runs one sandbox of one session to its end. Made for one run."""

    _parts: Parts
    _place: SessionPlace
    _mail: Mailbox[Letter]
    _node: TreeNode
    _tick: int = field(default=0, init=False)
    _tail: bytes = field(default=b"", init=False)
    """The last the runner said on standard error."""
    _exit: Exit | None = field(default=None, init=False)
    _alive: bool = field(default=False, init=False)
    """Is there a sandbox that is not known to have ended?"""

    async def run(self) -> None:
        """Open an epoch, run its sandbox, drain it, close it.

        Raises:
          SandboxError: it could not be started, ended without having said a word, or had to be ended. The epoch is
            closed all the same; whoever runs this waits before the next.

        Cancellation: the sandbox is stopped, drained and its epoch closed, within `SessionTimes.shutdown`.
        """
        session, parts = self._place.session.id, self._parts
        # Cancelled in here, nobody would know whether there is an epoch to close.
        with trio.fail_after(parts.times.shutdown, shield=True):
            epoch = await parts.store.transact(epochs.begin, session, engine=parts.engine.name, now=parts.clock.now())
        layout = parts.folders.layout(self._place.session)
        self._node.set(doing=f"epoch {epoch}: starting")
        ending, detail = EpochEnding.NOT_STARTED, ""
        drain: Drain | None = None
        async with contextlib.AsyncExitStack() as stack:
            try:
                out = await self._in_thread(_make_epoch, layout, epoch)
                stack.callback(out.close)
                file = await self._project_whole(layout, epoch)
                stack.callback(file.close)
                drain = Drain(parts, self._place, epoch, out, 0)
                sandbox = await self._start(layout, epoch)
                self._alive = True
                # What a cancelled life ends with: the host is stopping, or this session's actor is.
                ending, detail = EpochEnding.STOPPED, "the host let it go"
                try:
                    ending, detail = await self._serve(sandbox, drain, file, layout, epoch)
                except Exception as exc:
                    ending, detail = EpochEnding.KILLED, one_line(exc)
                    raise
                finally:
                    grace = parts.times.grace if ending is EpochEnding.STOPPED else 0.0
                    with trio.move_on_after(parts.times.shutdown, shield=True):
                        await sandbox.stop(grace)
                        self._alive = False
                        await trio.aclose_forcefully(sandbox.stderr)
            except SandboxError as exc:
                detail = str(exc)
                raise
            finally:
                with trio.move_on_after(parts.times.shutdown, shield=True):
                    ending, detail = await self._close(layout, epoch, drain, ending, detail)
        if ending in (EpochEnding.QUARANTINED, EpochEnding.KILLED):
            raise SandboxError(engine=parts.engine.name, why=f"the sandbox was {ending.value}: {detail}")
        if ending is EpochEnding.EXITED and not drain.heard:
            said = self._tail.decode(errors="replace").strip().splitlines()
            last = f"; it said: {said[-1]}" if said else ""
            raise SandboxError(engine=parts.engine.name, why=f"the runner ended at once ({detail}){last}")

    async def _start(self, layout: SessionLayout, epoch: EpochNumber) -> Sandbox:
        folders, place = self._parts.folders, self._place
        spec = SandboxSpec(
            session=place.session.id,
            epoch=epoch,
            inbound=layout.in_dir,
            outbound=layout.out_dir(epoch),
            agent=folders.agent(place),
            state=folders.state(place),
            settings=folders.composed(place) / CONTAINER_JSON,
        )
        await self._in_thread(_compose, spec, self._parts.settings(place))
        return await self._parts.engine.start(spec)

    async def _serve(
        self, sandbox: Sandbox, drain: Drain, file: InboundFile, layout: SessionLayout, epoch: EpochNumber
    ) -> tuple[EpochEnding, str]:
        """Carry messages in and requests out until the sandbox ends, or may."""
        said_all = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_log, sandbox, epoch, said_all)
            nursery.start_soon(self._await_exit, sandbox)
            with self._parts.watch.watching(layout.out_dir(epoch), lambda: self._mail.post(Commit())):
                try:
                    ending = await self._carry(drain, file, epoch)
                except OutboxBrokenError as exc:
                    ending = EpochEnding.QUARANTINED, str(exc)
                except BusyError:
                    ending = EpochEnding.KILLED, "the sandbox held a lock on its inbox"
            if ending[0] is EpochEnding.EXITED:
                with trio.move_on_after(LAST_WORDS_SECONDS):
                    await said_all.wait()
            nursery.cancel_scope.cancel()
        return ending

    async def _carry(self, drain: Drain, file: InboundFile, epoch: EpochNumber) -> tuple[EpochEnding, str]:
        """Look at both files whenever there is mail, and once a second without; return how the epoch ended."""
        quiet_since = self._parts.clock.now()
        net = self._parts.times.net
        claim_is_next = False
        letters: tuple[Letter, ...] = (Look(),)
        while Gone() not in letters:
            if Commit() in letters:
                quiet_since = self._parts.clock.now()
            if claim_is_next and letters == (Commit(),):
                # What was just shown is being claimed. Nobody waits for that, and the answer may follow at once.
                claim_is_next = False
                letters = (Commit(), *await self._next_letters(CLAIM_SECONDS))
                if Gone() in letters:
                    break
            if not letters or Commit() in letters:
                with self._node.busy(f"epoch {epoch}: reading the outbox"):
                    changed = await drain.look()
                if letters and Look() not in letters:
                    # The runner learns of it soon; first comes who waits for the answer.
                    letters = await self._next_letters(SHOW_SECONDS if changed else net)
                    if letters or not changed:
                        continue
            now = self._parts.clock.now()
            work, claim_is_next = await self._show(file, epoch, now)
            if work.due or work.claimed:
                quiet_since = now
            self._node.set(doing=f"epoch {epoch}: {work.due} due, {work.claimed} claimed")
            step = next_step(
                View(
                    due=work.due,
                    claimed=work.claimed,
                    next_at=work.next_at,
                    running=True,
                    quiet_since=quiet_since,
                    now=now,
                ),
                keep_warm=self._parts.times.keep_warm,
            )
            if isinstance(step, Stop):
                return EpochEnding.STOPPED, f"idle for {step.quiet}"
            letters = await self._next_letters(_rest(step.until if isinstance(step, Rest) else None, now, net))
        return EpochEnding.EXITED, str(self._exit)

    async def _next_letters(self, seconds: float) -> tuple[Letter, ...]:
        """The mail that comes within *seconds*; none is a reason to look at everything."""
        with trio.move_on_after(seconds):
            return await self._mail.read_all()
        return ()

    async def _show(self, file: InboundFile, epoch: EpochNumber, now: datetime) -> tuple[inbound.Work, bool]:
        """Write into the link what changed in the truth; returns what is to do, and whether there is new work in it."""
        changes, work, written = await self._parts.store.read(_look, self._place, self._tick, now, file)
        if not written:
            with self._node.busy(f"epoch {epoch}: waiting for the sandbox to let go of its inbox"):
                await self._in_thread(file.write, changes)
        self._tick = changes.tick
        return work, any(row.trigger and row.status is InStatus.PENDING for row in changes.messages)

    async def _project_whole(self, layout: SessionLayout, epoch: EpochNumber) -> InboundFile:
        whole = await self._parts.store.read(projection.whole, self._place, epoch, timezone=self._parts.timezone)
        self._tick = whole.changes.tick
        return await self._in_thread(InboundFile.make, layout.inbound, whole)

    async def _await_exit(self, sandbox: Sandbox) -> None:
        self._exit = await sandbox.wait()
        self._mail.post(Gone())

    async def _keep_log(self, sandbox: Sandbox, epoch: EpochNumber, said_all: trio.Event) -> None:
        """Keep what the runner says, up to a bound: a sandbox must not fill the disk by talking."""
        path = self._parts.folders.log(self._place.session.id, epoch)
        await self._in_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True))
        left = MOST_LOG_BYTES
        async with await trio.open_file(path, "ab", buffering=0) as file, sandbox.stderr as stderr:
            async for chunk in stderr:
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                await file.write(chunk[:left])
                left -= min(left, len(chunk))
        said_all.set()

    async def _close(
        self, layout: SessionLayout, epoch: EpochNumber, drain: Drain | None, ending: EpochEnding, detail: str
    ) -> tuple[EpochEnding, str]:
        """The sandbox is dead: take what it still said, give its claims back, forget its folder.

        Returns how the epoch ended in the end: its last words may be what has it quarantined. One that will not die
        keeps its epoch open, so that no second sandbox is started beside it; the session's next actor tries again.
        """
        if self._alive:
            log.error("sandbox_does_not_die", session=self._place.session.id, epoch=epoch)
            return ending, detail
        if drain is not None and ending is not EpochEnding.QUARANTINED:
            try:
                await drain.look()
            except OutboxBrokenError as exc:
                ending, detail = EpochEnding.QUARANTINED, str(exc)
        await finish(self._parts, self._place, layout, epoch, ending, detail)
        return ending, detail

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await trio.to_thread.run_sync(work, *arguments, limiter=self._parts.disk)


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
    await trio.to_thread.run_sync(layout.remove_epoch, epoch, limiter=parts.disk)


def _make_epoch(layout: SessionLayout, epoch: EpochNumber) -> OutDirectory:
    layout.make_epoch(epoch)
    return layout.open_out(epoch)


def _compose(spec: SandboxSpec, settings: dict[str, object]) -> None:
    """Make the folders that the sandbox sees and the settings it reads."""
    for folder in (spec.agent, spec.state, spec.settings.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Another session of the same agent group may be doing the same.
    partial = spec.settings.with_suffix(f".{spec.session}")
    partial.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    partial.rename(spec.settings)


def _look(
    conn: Connection, place: SessionPlace, tick: int, now: datetime, file: InboundFile
) -> tuple[projection.Changes, inbound.Work, bool]:
    """What changed, what is to do, and whether the link shows it already: one trip to a thread for all three.

    A sandbox that holds a lock on its link must not hold a reader of the truth, so nobody waits for it here.
    """
    changes = projection.changes(conn, place.session.id, tick)
    work = inbound.work(conn, place.session.id, now=now)
    return changes, work, changes.empty or file.write_at_once(changes)


def _rest(until: datetime | None, now: datetime, net: float) -> float:
    """Seconds to wait for mail: to the next deadline, and no longer than the net allows."""
    return net if until is None else max(0.0, min(net, (until - now).total_seconds()))
