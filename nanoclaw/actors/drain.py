"""Draining an outbox: look at its bytes, take them through customs, take in what they ask for."""

from __future__ import annotations

from functools import partial

import trio
from attrs import define, evolve, field

from nanoclaw.actors.absorb import Absorbed, absorb
from nanoclaw.actors.journey import Journey
from nanoclaw.actors.mcp_server_kind import server_asked
from nanoclaw.actors.parts import Parts
from nanoclaw.actors.saying import Post
from nanoclaw.actors.spooled import keeping
from nanoclaw.actors.vigil import Vigil
from nanoclaw.composing.places import names_in
from nanoclaw.core.approvals import MOST_OF_AGENT
from nanoclaw.core.mcp_programs import Kept
from nanoclaw.core.mcp_programs import Refused as NotKept
from nanoclaw.link.layout import OutDirectory
from nanoclaw.link.outbox_files import Collected, collect
from nanoclaw.link.report import AckRow, DraftRow, Quarantine, Report, StateRow
from nanoclaw.link.snapshot import Refused, Stamp, Unchanged, Unstable, take
from nanoclaw.model.entities import SessionPlace
from nanoclaw.model.ids import EpochNumber
from nanoclaw.store import files
from schema.payloads import ChatOut, SystemOut
from schema.requests import ADD_MCP_SERVER, CREATE_AGENT

STEADY_SECONDS = 0.002
MOST_LOOKS = 500
"""Looks in a row, at a file that changes under the reader or says ever more, before its writer is thought to do it on
purpose."""


class OutboxBrokenError(Exception):
    """An outbox that customs will not pass: its epoch is to be ended. Carries the reason for the record."""


@define(eq=False)
class Drain:
    """One epoch's outbox, as far as it has been absorbed."""

    _parts: Parts
    _place: SessionPlace
    _epoch: EpochNumber
    _out: OutDirectory
    _cursor: int
    _vigil: Vigil
    """Told of what the runner says."""
    _stamp: Stamp | None = field(default=None, init=False)
    _acks: frozenset[AckRow] = field(default=frozenset[AckRow](), init=False)
    _states: tuple[StateRow, ...] = field(default=(), init=False)
    _used: int = field(default=0, init=False)
    """The last result of which it is known what it took."""
    _drafts: tuple[DraftRow, ...] = field(default=(), init=False)
    heard: bool = field(default=False, kw_only=True)
    """Has the runner ever said anything?"""
    most_looks: int = field(default=MOST_LOOKS, kw_only=True)

    journey: Journey = field(init=False)
    """Told of what is absorbed, and when."""

    @journey.default
    def _make_journey(self) -> Journey:
        return Journey(self._parts.meters)

    async def look(self, *, announced: bool = True) -> bool:
        """Absorb everything that is there; returns whether the runner should be shown something in return.

        Args:
          announced: Is there a reason to look? It is counted what is found without.

        Raises:
          OutboxBrokenError: the file is not what a runner writes.

        Cancellation: between two transactions; what was not absorbed is still there.
        """
        changed, unsteady = False, 0
        self.journey.look()
        for _ in range(self.most_looks):
            taken = await self._parts.disk.run(take, self._out, self._stamp)
            match taken:
                case Unchanged():
                    return changed
                case Refused(reason=reason, detail=detail):
                    raise OutboxBrokenError(f"{reason}: {detail}")
                case Unstable():
                    unsteady += 1
                    await trio.sleep(STEADY_SECONDS)
                    continue
                case _:
                    pass
            report = await self._parts.customs.inspect(taken, after=self._cursor, session=self._place.session.id)
            if isinstance(report, Quarantine):
                raise OutboxBrokenError(f"{report.reason}: {report.detail}")
            changed = await self._take_in(report, announced=announced) or changed
            if not report.more:
                self._stamp = taken.stamp
                return changed
        if unsteady > self.most_looks / 2:
            raise OutboxBrokenError("unsteady: it is written faster than it can be read")
        raise OutboxBrokenError(f"flood: {self.most_looks} looks were not enough to read what it says at once")

    async def _take_in(self, report: Report, *, announced: bool) -> bool:
        """Absorb *report*, unless the runner has only tidied up."""
        self._vigil.report(report, trio.current_time())
        acks = frozenset(report.acks)
        changed = False
        used = max((row.seq for row in report.usage), default=0)
        news = report.rows or report.bad or report.states != self._states or not acks <= self._acks
        if news or used > self._used:
            # They are all there each time, and were absorbed one by one.
            report = evolve(report, usage=tuple(row for row in report.usage if row.seq > self._used))
            absorbed = await self._absorb(report)
            self.journey.absorbed(acks - self._acks, trio.current_time(), announced=announced)
            self._parts.nudge(absorbed.lanes)
            self._parts.over(absorbed.over)
            for session in absorbed.woken:
                self._parts.wake(session)
            for session in absorbed.shown:
                self._parts.show(session)
            if absorbed.asked:
                self._parts.due()
            if absorbed.rights:
                self._parts.shown()
            changed = absorbed.changed
        # Only now: what was cut short is new at the next look.
        self._acks, self._states, self._cursor, self._used = acks, report.states, report.cursor, max(used, self._used)
        if report.drafts != self._drafts:
            self._drafts = report.drafts
            self._parts.drafts(self._place, report.drafts)
        self.heard = self.heard or bool(report.acks or report.rows)
        return changed

    async def _absorb(self, report: Report) -> Absorbed:
        """Absorb *report*, with the files that its messages name: they are in the spool before it is committed."""
        parts = self._parts
        collected = await self._collect(report)
        came = [file.spool_id for one in collected.values() for file in one.files]
        async with keeping(came, parts.store, parts.folders.spool, parts.disk):
            return await parts.store.transact(
                absorb,
                self._place,
                self._epoch,
                report,
                files=collected,
                programs=await self._programs(report),
                timezone=parts.timezone,
                folders=await self._folders(report),
                handlers=parts.requests,
                post=Post(policy=parts.mail, mint=parts.mint),
                now=parts.clock.now(),
            )

    async def _folders(self, report: Report) -> frozenset[str]:
        """What lies where the folder of a new agent would be made, if one may be asked for."""
        if not any(isinstance(row.payload, SystemOut) and row.payload.action == CREATE_AGENT for row in report.rows):
            return frozenset()
        return await self._parts.disk.run(names_in, self._parts.folders.agents)

    async def _programs(self, report: Report) -> dict[int, Kept | NotKept]:
        """What the MCP servers would be started with that are asked for: of the first few, as no more can wait."""
        found: dict[int, Kept | NotKept] = {}
        for row in report.rows:
            if isinstance(row.payload, SystemOut) and row.payload.action == ADD_MCP_SERVER:
                server = server_asked(row.payload.arguments)
                if server is not None and len(found) < MOST_OF_AGENT:
                    found[row.rowid] = await self._parts.programs.read(self._place.agent_group.id, server)
        return found

    async def _collect(self, report: Report) -> dict[int, Collected]:
        found: dict[int, Collected] = {}
        rows = [row for row in report.rows if isinstance(row.payload, ChatOut) and row.payload.files]
        if not rows:
            return found
        spool = self._parts.folders.spool
        waiting = await self._parts.store.read(files.waiting_bytes, self._place.session.id)
        for row in rows:
            assert isinstance(row.payload, ChatOut)
            copy = partial(collect, self._out, row.id, row.payload.files, spool, waiting=waiting)
            found[row.rowid] = await self._parts.disk.run(copy)
            waiting += sum(file.size for file in found[row.rowid].files)
        return found
