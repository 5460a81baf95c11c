"""All sessions: an actor for each that has work, started on demand, parked when it keeps failing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Never

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.letters import Letter, Look
from nanoclaw.actors.parts import Parts
from nanoclaw.actors.session import SessionActor
from nanoclaw.core.notices import plain
from nanoclaw.core.signals import Progress, Signals
from nanoclaw.kit.every import every
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.pool import Pool
from nanoclaw.kit.supervisor import Service
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.epoch_folders import epoch_folders
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.store import epochs, inbound, notices
from nanoclaw.store.sessions import known_sessions, living_sessions

log = structlog.get_logger()


@define(eq=False)
class Sessions:
    """Finds a session's actor, starting it if there is none."""

    _parts: Parts
    _node: TreeNode
    _pool: Pool[SessionId] = field(init=False)
    _mail: dict[SessionId, Mailbox[Letter]] = field(factory=dict[SessionId, Mailbox[Letter]], init=False)
    _actors: dict[SessionId, SessionActor] = field(factory=dict[SessionId, SessionActor], init=False)
    _survivors: dict[SessionId, EpochNumber] = field(factory=dict[SessionId, EpochNumber], init=False)
    """Epochs that a dead host left open and that nobody has looked at yet."""

    def __attrs_post_init__(self) -> None:
        self._pool = Pool(self._serve, on_park=self._tell_parked, node=self._node)

    def wake(self, session: SessionId) -> None:
        """There may be work for *session*. Never blocks, never fails, may be repeated."""
        self.show(session)
        self._pool.ensure(session)

    def hurry(self, sessions: Iterable[SessionId]) -> None:
        """As `wake`, for each; and what waits because it failed is tried again at once."""
        for session in sessions:
            self.wake(session)
            self._pool.hurry(session)

    def show(self, session: SessionId) -> None:
        """There may be news for *session*'s link, if it has one. Starts nothing."""
        if session in self._mail:
            self._mail[session].post(Look())

    def show_log(self, session: SessionId) -> None:
        """See to it that what the session's sandbox said so far is in its log soon. Never blocks."""
        if session in self._actors:
            self._actors[session].show_log()

    def show_all(self, wanted: Iterable[SessionId] = ()) -> None:
        """There may be news for every link there is. Starts nothing, save for those *wanted* at once: see `hurry`."""
        for session in list(self._mail):
            self.show(session)
        self.hurry(wanted)

    def owned(self) -> frozenset[SessionId]:
        """The sessions that have an actor, or will have one again when their parking ends."""
        return self._pool.running() | self._pool.parked().keys()

    @property
    def nodes(self) -> Sequence[TreeNode]:
        """The actors' places in the tree, each named like its session."""
        return self._node.children

    def parked(self) -> Mapping[SessionId, float]:
        """The sessions that are parked, and when that ends on Trio's clock."""
        return self._pool.parked()

    def signals(self) -> dict[SessionId, Signals]:
        """What is seen of every sandbox that is up."""
        return {session: seen for session, actor in self._actors.items() if (seen := actor.signals()) is not None}

    def seen(self, session: SessionId) -> Signals | None:
        """What is seen of the session's sandbox; None if it has none that is up. Never blocks."""
        actor = self._actors.get(session)
        return None if actor is None else actor.signals()

    def progress(self, session: SessionId) -> Progress | None:
        """How the session's work goes; None if it has no sandbox that is up. Never blocks."""
        seen = self.seen(session)
        return None if seen is None else seen.progress

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled: what an earlier life left undone first, then whatever wakes.

        Cancellation: every session's sandbox is stopped, drained and recorded, all at once.
        """
        await self._settle_what_was_left()
        await self._look()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._pool.run)
            nursery.start_soon(self._look_often)
            nursery.start_soon(self._parts.admission.watch_memory, self._parts.nets.memory)
            task_status.started()

    async def _look_often(self) -> Never:
        await every(self._parts.nets.sessions, self._look)

    async def _look(self) -> None:
        """Wake every session that has work, in case a nudge was lost; one with a sandbox has an actor in any case."""
        for session in await self._parts.store.read(inbound.sessions_to_wake):
            self.wake(session)
        alive = await self._parts.store.read(epochs.sessions_alive)
        owned = self.owned()
        for session in alive:
            if session not in owned:
                self._pool.ensure(session)

    async def _settle_what_was_left(self) -> None:
        """Remember the epochs that may have survived a dead host, and remove what belongs to none that is open."""
        parts = self._parts
        live = {(epoch.session_id, epoch.number) for epoch in await parts.store.read(epochs.all_live)}
        self._survivors = dict(live)
        sessions = await parts.store.read(living_sessions)
        keep = [parts.folders.life(sessions[session], number) for session, number in sorted(live)]
        removed = await parts.engine.remove_others(keep)
        if removed:
            log.info("stray_sandboxes_removed", count=removed)
        found = await parts.disk.run(epoch_folders, parts.folders.sessions)
        strays = [folder for folder in found if (folder.session, folder.epoch) not in live]
        known = await parts.store.read(known_sessions, [folder.session for folder in strays])
        for folder in strays:
            if folder.session in known:
                log.info("stray_epoch_removed", session=folder.session, epoch=folder.epoch)
                await parts.disk.run(folder.remove)

    def _serve(self, session: SessionId) -> Service:
        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            mail = self._mail[session] = Mailbox()
            try:
                actor = self._actors[session] = SessionActor(
                    session,
                    self._parts,
                    mail,
                    self._pool.node_of(session),
                    self._survivors.get(session),
                    lambda: self._survivors.pop(session, None),
                )
                await actor.run(task_status=task_status)
            finally:
                del self._mail[session]
                self._actors.pop(session, None)

        return serve

    async def _tell_parked(self, session: SessionId, failure: BaseException, pause: float, first: bool) -> None:
        """A session that keeps failing says so to its chat, once."""
        if not first:
            await trio.lowlevel.checkpoint()
            return
        tell = partial(
            notices.session_parked,
            session=session,
            key=self._parts.mint("parked"),
            text=f"I cannot work just now: {plain(str(failure))}. I keep your messages and try again "
            f"in {pause / 60:.0f} min.",
            now=self._parts.clock.now(),
        )
        self._parts.nudge(await self._parts.store.transact(tell))
