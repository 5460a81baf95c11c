"""The net under sessions' own judgement: a stuck sandbox is ended also where its actor cannot see to it.

An actor judges its sandbox by `core/stuck.py` and acts at the limit. It may be parked, because what it had to end did
not die; it may be held up, by a disk or an engine that does not answer. So what it has seen is kept here as well, and
the sweep has it judged by the same function, a moment later than the actor would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog
import trio
from attrs import define, evolve, field, frozen

from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.stuck import Fine, Verdict, describe
from nanoclaw.errors import SandboxError, StoreBrokenError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.threads import WORKER_THREADS, Threads
from nanoclaw.link.layout import SessionLayout, heartbeat_mtime_ns
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.engine import LifeName
from nanoclaw.store import inbound
from nanoclaw.store.db import Store

log = structlog.get_logger()

LATE_SECONDS = 10.0
"""How long after its limit a sandbox is left to its actor, which acts at once unless something is wrong."""
ENDING_SECONDS = 30.0
"""The same again, for an actor that is ending it, or has failed to and will be back."""
BURY_SECONDS = 20.0
"""For the engine to end one. One that does not die is tried again at the next look."""


class Undertaker(Protocol):
    """What is needed of an engine."""

    async def bury(self, life: LifeName) -> None:
        """End whatever runs as *life*; see `Engine.bury`."""
        ...


@frozen(kw_only=True)
class Watched:
    """An open epoch, and what has been seen of it."""

    life: LifeName
    layout: SessionLayout
    vigil: Vigil
    give_up: Callable[[str], None] | None = None
    """Has its actor end it, with a reason for the record. Never blocks. None: nobody looks after it just now."""


@define(eq=False)
class Overdue:
    """Every open epoch, from its first look to its record; judged whenever the sweep says so."""

    _store: Store
    _engine: Undertaker
    _clock: Clock
    _threads: Threads = WORKER_THREADS
    _watched: dict[SessionId, Watched] = field(factory=dict[SessionId, Watched], init=False)

    def watch(self, watched: Watched) -> None:
        """Look after that epoch from now on. A session has one at a time."""
        self._watched[watched.life.session] = watched

    def watch_left(self, left: Watched) -> None:
        """The same for an epoch whose actor is gone; what is known of it already is better."""
        known = self._watched.get(left.life.session)
        if known is None or known.life != left.life:
            self.watch(left)

    def left_alone(self, session: SessionId) -> None:
        """Nobody carries for the session's open epoch any more: it is being ended, or could not be."""
        if session in self._watched:
            self._watched[session] = evolve(self._watched[session], give_up=None)

    def forget(self, session: SessionId, epoch: EpochNumber) -> None:
        """That epoch is over. May be repeated."""
        known = self._watched.get(session)
        if known is not None and known.life.epoch == epoch:
            del self._watched[session]

    async def look(self) -> None:
        """Judge every one; have those ended that should have been already.

        Raises:
          StoreBrokenError: there is no truth to ask any more.

        Cancellation: what was not ended is found again by the next look.
        """
        # However many sandboxes idle, a look costs what is open.
        open_ones = frozenset(await self._store.read(inbound.sessions_to_wake))
        judged = [(one, await self._judge(one)) for one in self._watched_with_work(open_ones)]
        async with trio.open_nursery() as nursery:
            for watched, verdict in judged:
                if not isinstance(verdict, Fine):
                    nursery.start_soon(self._end, watched, describe(verdict))

    def _watched_with_work(self, open_ones: frozenset[SessionId]) -> list[Watched]:
        found = []
        for session, watched in self._watched.items():
            if session in open_ones:
                found.append(watched)
            else:
                watched.vigil.work((), due=False, now=trio.current_time())
        return found

    async def _judge(self, watched: Watched) -> Verdict:
        """As its actor would have, a moment ago; with what can be seen of it without one."""
        life, vigil = watched.life, watched.vigil
        try:
            work = await self._store.read(inbound.work, life.session, now=self._clock.now())
            vigil.work(work.claims, due=bool(work.due), now=trio.current_time())
            if isinstance(_late(watched), Fine):
                return Fine()
            vigil.heartbeat(await self._threads.run(_beat, watched), trio.current_time())
        except StoreBrokenError:
            raise
        except Exception:
            log.exception("overdue_not_judged", session=life.session, epoch=life.epoch)
            return Fine()
        return _late(watched)

    async def _end(self, watched: Watched, why: str) -> None:
        life = watched.life
        if self._watched.get(life.session) is not watched:
            return
        if watched.give_up is not None:
            log.error("session_held_up", session=life.session, epoch=life.epoch, why=why)
            self.left_alone(life.session)
            watched.give_up(why)
            return
        try:
            with trio.fail_after(BURY_SECONDS):
                await self._engine.bury(life)
        except (SandboxError, trio.TooSlowError) as exc:
            log.warning("overdue_does_not_die", session=life.session, epoch=life.epoch, why=why, error=repr(exc))
        else:
            # Its session's next actor takes in what it said, and records its end.
            log.error("overdue_ended", session=life.session, epoch=life.epoch, why=why)


def _late(watched: Watched) -> Verdict:
    grace = LATE_SECONDS if watched.give_up is not None else LATE_SECONDS + ENDING_SECONDS
    return watched.vigil.judge(trio.current_time() - grace)[0]


def _beat(watched: Watched) -> int | None:
    try:
        with watched.layout.open_out(watched.life.epoch) as out:
            return heartbeat_mtime_ns(out)
    except OSError:
        return None
