"""What the gateway asks the truth about sandboxes' ways out, and what it writes into it: rules, and one row a request.

Rows are written several at a time, so that a busy sandbox costs no commit a request. There is room for a bounded number
that wait; what finds none is in the host's log instead.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.egress_kind import ask_about
from nanoclaw.actors.meters import Meters
from nanoclaw.actors.secret_kind import judge_bound, judge_unasked
from nanoclaw.core.egress import Policy
from nanoclaw.errors import StoreError
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.told import Told
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.bindings import BoundRequest, BoundVerdict, Pass
from nanoclaw.model.egress import EgressEntry, EgressLimits
from nanoclaw.model.entities import Session
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.bindings import give_back
from nanoclaw.store.db import Store
from nanoclaw.store.egress import add_entries, policy_of

log = structlog.get_logger()

MOST_WAITING = 2_000
MOST_AT_A_TIME = 200
PAUSE = 1.0
"""Seconds between two writes."""
LAST_SECONDS = 4.0
"""For a write that is under way when the host stops, and for what waits then."""


Asker: TypeAlias = tuple[Session, Callable[[], None]]

MOST_ASKED = 50
"""Refusals that are looked at together; whoever comes later asks again."""


@define(eq=False)
class EgressDesk:
    """One for all sandboxes."""

    _store: Store
    _clock: Clock
    _node: TreeNode
    _limits: EgressLimits = field(factory=EgressLimits)
    _meters: Meters = field(factory=Meters, kw_only=True)
    _waiting: list[EgressEntry] = field(factory=list[EgressEntry], init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)
    _written: int = field(default=0, init=False)
    _refused: dict[tuple[AgentGroupId, str], Asker] = field(factory=dict[tuple[AgentGroupId, str], Asker], init=False)
    """What people may have to be asked about, and who asked last."""
    _unused: list[Pass] = field(factory=list[Pass], init=False)
    """Taken for requests that did not go out."""
    _mint: Callable[[str], str] = field(default=mint, kw_only=True)

    def of(self, session: Session, asked: Callable[[], None]) -> Egress:
        """What the sandbox of *session* may reach besides its model; *asked* is told when people are to be asked."""
        return Egress(
            policy=partial(self._policy, session.agent_group_id),
            tell=partial(self._note, session, asked),
            limits=self._limits,
            bound=partial(self._bound, session, asked),
            passed=self._passed,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what was told, until cancelled; what waits then is written first, if the store still takes it.

        Raises:
          StoreError: the truth cannot be written.
        """
        task_status.started()
        self._show()
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                while self._waiting or self._unused:
                    await self._give_back()
                    await self._ask()
                    await self._write()
                    await trio.sleep(PAUSE)
        except trio.Cancelled:
            with trio.move_on_after(LAST_SECONDS, shield=True), suppress(StoreError):
                await self._give_back()
                while self._waiting:
                    await self._write()
                    await trio.lowlevel.checkpoint()
            raise

    async def _bound(self, session: Session, asked: Callable[[], None], request: BoundRequest) -> BoundVerdict:
        try:
            known = await self._store.read(judge_unasked, session, request)
            if known is not None:
                return known
            await self._give_back()
            verdict = await self._store.transact(judge_bound, session, request, mint=self._mint, now=self._clock.now())
        except StoreError as exc:
            raise UnreachableError("the host cannot read what is bound") from exc
        # Somebody may have to be asked now.
        asked()
        return verdict

    def _passed(self, used: Pass, went: bool) -> None:
        if not went:
            self._unused.append(used)
            self._news.set()

    async def _give_back(self) -> None:
        """Have those be good again. One that is lost here is lost: people are asked anew, and nothing goes on twice."""
        passes, self._unused = self._unused, []
        if passes:
            with trio.move_on_after(LAST_SECONDS, shield=True):
                await self._store.transact(give_back, passes)

    async def _ask(self) -> None:
        refused, self._refused = self._refused, {}
        for (_, place), (session, asked) in refused.items():
            if await self._store.transact(ask_about, session, place, mint=self._mint, now=self._clock.now()):
                asked()

    async def _write(self) -> None:
        entries = self._waiting[:MOST_AT_A_TIME]
        # Whoever is cancelled in the middle of a transaction cannot tell whether it happened.
        with trio.move_on_after(LAST_SECONDS, shield=True) as patience:
            await self._store.transact(add_entries, entries)
        if patience.cancelled_caught:
            # Rather twice in the log than not at all.
            return
        del self._waiting[: len(entries)]
        self._written += len(entries)
        self._show()

    async def _policy(self, group: AgentGroupId) -> Policy:
        try:
            return await self._store.read(policy_of, group, now=self._clock.now())
        except StoreError as exc:
            # Nobody can say what is allowed, so nothing is.
            raise UnreachableError("the host cannot read what is allowed") from exc

    def _note(self, session: Session, asked: Callable[[], None], told: Told) -> None:
        entry = EgressEntry(
            at=self._clock.now(),
            agent_group_id=session.agent_group_id,
            session_id=session.id,
            method=told.method,
            place=told.place,
            outcome=told.outcome,
            why=told.why,
            sent=told.sent,
            received=told.received,
            milliseconds=round(told.seconds * 1000),
        )
        self._meters.egress[told.outcome] += 1
        if len(self._waiting) >= MOST_WAITING:
            log.warning("egress_not_kept", session=session.id, place=told.place, outcome=told.outcome.value)
            return
        self._waiting.append(entry)
        if told.can_ask and len(self._refused) < MOST_ASKED:
            self._refused[session.agent_group_id, told.place] = session, asked
        self._news.set()

    def _show(self) -> None:
        self._node.set(doing=f"{self._written} requests written down")
