"""One epoch: one life of one session's sandbox, from the row that opens it to the row that closes it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.carry import Carry
from nanoclaw.actors.drain import Drain, OutboxBrokenError
from nanoclaw.actors.letters import Commit, Gone, Letter
from nanoclaw.actors.parts import Parts
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
from nanoclaw.store import epochs, projection
from nanoclaw.store.ending import close_epoch
from schema.files import CONTAINER_JSON
from schema.sqlite import BusyError

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_LOG_BYTES = 1 << 20
TAIL_BYTES = 400
LAST_WORDS_SECONDS = 0.5
"""What a dead runner said may still be in its pipe."""


@define(eq=False)
class Life:
    """Runs one sandbox of one session to its end. Made for one run."""

    _parts: Parts
    _place: SessionPlace
    _mail: Mailbox[Letter]
    _node: TreeNode
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
                file, tick = await self._project_whole(layout, epoch)
                stack.callback(file.close)
                drain = Drain(parts, self._place, epoch, out, 0)
                sandbox = await self._start(layout, epoch)
                self._alive = True
                # What a cancelled life ends with: the host is stopping, or this session's actor is.
                ending, detail = EpochEnding.STOPPED, "the host let it go"
                try:
                    ending, detail = await self._serve(sandbox, drain, file, tick, layout, epoch)
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
        self, sandbox: Sandbox, drain: Drain, file: InboundFile, tick: int, layout: SessionLayout, epoch: EpochNumber
    ) -> tuple[EpochEnding, str]:
        """Carry messages in and requests out until the sandbox ends, or may."""
        said_all = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_log, sandbox, epoch, said_all)
            nursery.start_soon(self._await_exit, sandbox)
            with self._parts.watch.watching(layout.out_dir(epoch), lambda: self._mail.post(Commit())):
                try:
                    carry = Carry(self._parts, self._place, self._mail, self._node, epoch, drain, file, tick)
                    ending = await carry.run()
                except OutboxBrokenError as exc:
                    ending = EpochEnding.QUARANTINED, str(exc)
                except BusyError:
                    ending = EpochEnding.KILLED, "the sandbox held a lock on its inbox"
            if ending[0] is EpochEnding.EXITED:
                ending = EpochEnding.EXITED, str(self._exit)
                with trio.move_on_after(LAST_WORDS_SECONDS):
                    await said_all.wait()
            nursery.cancel_scope.cancel()
        return ending

    async def _project_whole(self, layout: SessionLayout, epoch: EpochNumber) -> tuple[InboundFile, int]:
        """A new link, and the tick that it shows."""
        whole = await self._parts.store.read(projection.whole, self._place, epoch, timezone=self._parts.timezone)
        return await self._in_thread(InboundFile.make, layout.inbound, whole), whole.changes.tick

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
