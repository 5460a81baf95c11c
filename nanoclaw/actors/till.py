"""Who counts what agents take of their models, and lets no call pass once a budget is used up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
import trio
from attrs import define, field

from nanoclaw.actors.meters import Meters
from nanoclaw.core.budgets import UsedUp
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Meter
from nanoclaw.core.prices import Prices
from nanoclaw.errors import StoreError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.zones import find_zone
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.store import spending
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane

log = structlog.get_logger()

COUNT_SECONDS = 5.0
"""For what a call took to be on the disk, also when its sandbox ends in the middle of it."""
UNCOUNTABLE = Refuse(
    status=403,
    kind="permission_error",
    why="This agent has a budget, and what this would cost cannot be counted: it can ask for messages only.",
)


@define(eq=False)
class Till:
    """Counts in the truth. An agent that has a budget has one call under way at a time."""

    _store: Store
    _clock: Clock
    _zone: str
    """IANA name: whose days and months are counted."""
    _nudge: Callable[[Iterable[Lane]], None]
    """Told where something is to be said."""
    _prices: Prices = field(default=Prices(), kw_only=True)
    _meters: Meters = field(factory=Meters, kw_only=True)
    _turns: dict[AgentGroupId, trio.Lock] = field(factory=dict[AgentGroupId, trio.Lock], init=False)

    @asynccontextmanager
    async def call(self, session: SessionId, countable: bool) -> AsyncIterator[Meter | Refuse]:
        """The turn of one call, which is put within the block if it gets a meter; what that heard is counted after it.

        Args:
          session: Whose call it is.
          countable: Does its answer say what it took?

        Cancellation: what was heard until then is counted, shielded for `COUNT_SECONDS`.
        """
        first = await self._store.read(spending.judge, session, local=self._local())
        if first is None:
            async with self._counted(session, countable=countable) as meter:
                yield meter
            return
        group = await self._store.read(spending.group_of, session)
        assert group is not None
        async with self._turns.setdefault(group, trio.Lock()):
            # Looked at within the turn: whoever had it before has been counted.
            verdict = await self._store.read(spending.judge, session, local=self._local())
            if isinstance(verdict, UsedUp):
                await self._tell(session, verdict)
                yield Refuse(status=403, kind="permission_error", why=f"{verdict.why[0].upper()}{verdict.why[1:]}.")
            elif not countable:
                yield UNCOUNTABLE
            else:
                async with self._counted(session, countable=True) as meter:
                    yield meter

    @asynccontextmanager
    async def _counted(self, session: SessionId, *, countable: bool) -> AsyncIterator[Meter]:
        meter = Meter()
        try:
            yield meter
        finally:
            used = meter.total()
            if countable and used.tokens:
                with trio.move_on_after(COUNT_SECONDS, shield=True):
                    try:
                        group = await self._store.transact(
                            spending.add, session, used, local=self._local(), prices=self._prices
                        )
                        if group is not None:
                            micros = self._prices.of(used.model or spending.UNKNOWN).micros(used)
                            self._meters.spend(group, read=used.read, written=used.written, micros=micros)
                    except StoreError:
                        log.exception("call_not_counted", session=session, tokens=used.tokens)

    async def _tell(self, session: SessionId, used_up: UsedUp) -> None:
        log.warning("budget_used_up", session=session, period=used_up.period.value, limit=used_up.limit)
        local = self._local()
        try:
            self._nudge(await self._store.transact(spending.tell, session, used_up, local=local, now=self._clock.now()))
        except StoreError:
            log.exception("budget_not_told", session=session)

    def _local(self) -> datetime:
        return self._clock.now().astimezone(find_zone(self._zone))
