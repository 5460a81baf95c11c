"""Carrying between the truth and a live sandbox: what is new goes in, what was said comes out, to the end."""

from __future__ import annotations

from datetime import datetime

import trio
from attrs import define

from nanoclaw.actors.drain import Drain
from nanoclaw.actors.letters import Commit, Gone, Letter, Look
from nanoclaw.actors.parts import Parts
from nanoclaw.core.session import Rest, Stop, View, next_step
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.tree import TreeNode
from nanoclaw.link.projector import InboundFile
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.model.messages import EpochEnding
from nanoclaw.store import inbound, projection
from schema.rows import InStatus
from schema.sqlite import Connection

CLAIM_SECONDS = 0.01
"""How long the record of a claim waits for the answer to it."""
SHOW_SECONDS = 0.05
"""How long what a runner settled waits to be shown to it, together with what becomes of its answer."""


@define(eq=False)
class Carry:
    """One epoch's traffic, for as long as its sandbox lives. Made for one run."""

    _parts: Parts
    _place: SessionPlace
    _mail: Mailbox[Letter]
    _node: TreeNode
    _epoch: EpochNumber
    _drain: Drain
    _file: InboundFile
    _tick: int
    """What the link shows already."""

    async def run(self) -> tuple[EpochEnding, str]:
        """Look at both files whenever there is mail, and once a second without; returns how the epoch ended, and why.

        Raises:
          OutboxBrokenError: what the runner wrote does not pass customs.
          BusyError: the sandbox does not let go of its inbox.

        Cancellation: between two looks; whatever was not carried is still there.
        """
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
                with self._node.busy(f"epoch {self._epoch}: reading the outbox"):
                    changed = await self._drain.look()
                if letters and Look() not in letters:
                    # The runner learns of it soon; first comes who waits for the answer.
                    letters = await self._next_letters(SHOW_SECONDS if changed else net)
                    if letters or not changed:
                        continue
            now = self._parts.clock.now()
            work, claim_is_next = await self._show(now)
            if work.due or work.claimed:
                quiet_since = now
            self._node.set(doing=f"epoch {self._epoch}: {work.due} due, {work.claimed} claimed")
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
        return EpochEnding.EXITED, ""

    async def _next_letters(self, seconds: float) -> tuple[Letter, ...]:
        """The mail that comes within *seconds*; none is a reason to look at everything."""
        with trio.move_on_after(seconds):
            return await self._mail.read_all()
        return ()

    async def _show(self, now: datetime) -> tuple[inbound.Work, bool]:
        """Write into the link what changed in the truth; returns what is to do, and whether there is new work in it."""
        changes, work, written = await self._parts.store.read(_look, self._place, self._tick, now, self._file)
        if not written:
            with self._node.busy(f"epoch {self._epoch}: waiting for the sandbox to let go of its inbox"):
                await trio.to_thread.run_sync(self._file.write, changes, limiter=self._parts.disk)
        self._tick = changes.tick
        return work, any(row.trigger and row.status is InStatus.PENDING for row in changes.messages)


def _look(
    conn: Connection, place: SessionPlace, tick: int, now: datetime, file: InboundFile
) -> tuple[projection.Changes, inbound.Work, bool]:
    """What changed, what is to do, and whether the link shows it already: one trip to a thread for all three.

    A sandbox that holds a lock on its link must not hold a reader of the truth, so nobody waits for it here.
    """
    changes = projection.changes(conn, place.session.id, place.agent_group.id, tick)
    work = inbound.work(conn, place.session.id, now=now)
    return changes, work, changes.empty or file.write_at_once(changes)


def _rest(until: datetime | None, now: datetime, net: float) -> float:
    """Seconds to wait for mail: to the next deadline, and no longer than the net allows."""
    return net if until is None else max(0.0, min(net, (until - now).total_seconds()))
