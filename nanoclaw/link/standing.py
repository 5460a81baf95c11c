"""Customs for all sessions at once: outboxes in good standing do not wait behind those that may be anything.

A hostile file costs a worker up to its deadline, and then the time to start another. A few sessions that keep bringing
them would have all workers busy all the time. So there are two pools: one for sessions whose files have been clean, one
for those that are new, or brought something else lately. A session gets from the one into the other by one bad file.
"""

from __future__ import annotations

from typing import Final

import trio
from attrs import Factory, define, field

from nanoclaw.link.customs import Customs
from nanoclaw.link.report import Inspected, Quarantine, Report
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.link.workers import Template
from nanoclaw.model.ids import SessionId

DOUBT_SECONDS: Final = 600.0
"""How long a session is doubted after a file that was not clean."""

PERHAPS_OURS: Final = frozenset({"deadline", "worker-died"})
"""Reasons for a quarantine that may lie in the machine and not in the file."""


@define
class Standings:
    """Which sessions are in good standing. Times are seconds of any one clock."""

    _good_from: dict[SessionId, float] = field(factory=dict[SessionId, float], init=False)

    def is_good(self, session: SessionId, now: float) -> bool:
        """Was there a clean file of it, and none for a while that was not?"""
        return self._good_from.get(session, float("inf")) <= now

    def is_doubted(self, session: SessionId, now: float) -> bool:
        """Was there a file of it lately that was not clean? Not so of a new one."""
        return self._good_from.get(session, now) > now

    def note(self, session: SessionId, now: float, *, clean: bool) -> None:
        """A file of it was read. A clean one does not shorten the doubt."""
        if clean:
            self._good_from.setdefault(session, now)
        else:
            self._good_from[session] = now + DOUBT_SECONDS


@define(eq=False)
class CustomsByStanding:
    """The two pools, and who is sent to which."""

    template: Template = field(factory=Template)
    """Where the workers of both come from."""
    good: Customs = field(default=Factory(lambda self: Customs(source=self.template), takes_self=True))
    doubted: Customs = field(default=Factory(lambda self: Customs(size=1, source=self.template), takes_self=True))
    _standings: Standings = field(factory=Standings, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers of both at hand until cancelled. Otherwise as `Customs.run`."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.template.run)
            async with trio.open_nursery() as starting:
                for pool in (self.good, self.doubted):
                    starting.start_soon(nursery.start, pool.run)
            task_status.started()

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Inspected:
        """Have a worker read *snapshot*, an outbox of *session*. Otherwise as `Customs.inspect`.

        An honest file is read in milliseconds, but not on a machine that stands still for a while: before that costs a
        session that is not doubted its sandbox, the file is read once more.
        """
        standings, now = self._standings, trio.current_time()
        pool = self.good if standings.is_good(session, now) else self.doubted
        found = await pool.inspect(snapshot, after=after)
        if isinstance(found, Quarantine) and found.reason in PERHAPS_OURS and not standings.is_doubted(session, now):
            found = await self.doubted.inspect(snapshot, after=after)
        standings.note(session, trio.current_time(), clean=isinstance(found, Report))
        return found
