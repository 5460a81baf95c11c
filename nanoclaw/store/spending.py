"""Budgets of agent groups, and what the gateway has counted of their calls."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import frozen

from nanoclaw.core.budgets import Budget, Spent, UsedUp, day_of, decide, month_of
from nanoclaw.core.model_usage import Counted
from nanoclaw.core.prices import Prices
from nanoclaw.model.ids import AgentGroupId, SessionId
from nanoclaw.model.messages import AGENTS, Address
from nanoclaw.store import inbound, notices
from nanoclaw.store.ledger import Lane
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute, fetch, scalar

UNKNOWN = "not said"
"""The model of an answer that names none."""


LISTED = Prices()
"""The makers' own."""


class By(Enum):
    """What spending is added up for."""

    AGENT = "agent"
    CHAT = "chat"
    DAY = "day"


@frozen(kw_only=True)
class StoredBudget:
    """A row of budgets."""

    agent_group_id: AgentGroupId
    tokens_day: int | None
    tokens_month: int | None
    micros_day: int | None
    micros_month: int | None
    set_at: datetime

    @property
    def budget(self) -> Budget:
        """The limits."""
        return Budget(
            tokens_day=self.tokens_day,
            tokens_month=self.tokens_month,
            micros_day=self.micros_day,
            micros_month=self.micros_month,
        )


@frozen(kw_only=True)
class Sum:
    """What was spent, of one agent, chat or day, with one model."""

    what: str
    model: str
    calls: int
    estimated: int
    read: int
    cached: int
    written: int
    micros: int


def budgets(conn: Connection) -> dict[AgentGroupId, Budget]:
    """Of every agent group that has one."""
    found = select(conn, StoredBudget, "SELECT * FROM budgets")
    return {one.agent_group_id: one.budget for one in found}


def set_budget(conn: Connection, group: AgentGroupId, budget: Budget, *, now: datetime) -> None:
    """From now on *group* may take so much; no limit at all is no budget."""
    if budget.is_none:
        execute(conn, "DELETE FROM budgets WHERE agent_group_id = ?", (group,))
        return
    row = StoredBudget(
        agent_group_id=group,
        tokens_day=budget.tokens_day,
        tokens_month=budget.tokens_month,
        micros_day=budget.micros_day,
        micros_month=budget.micros_month,
        set_at=now,
    )
    execute(conn, insert_sql("budgets", StoredBudget, replace=True), bindings(row))


def spent(conn: Connection, group: AgentGroupId, day: str) -> Spent:
    """What *group* has taken on that day, and in its month up to now."""
    (row,) = fetch(
        conn,
        "SELECT coalesce(sum(read + written) FILTER (WHERE day = :day), 0) AS td,"
        " coalesce(sum(read + written), 0) AS tm,"
        " coalesce(sum(micros) FILTER (WHERE day = :day), 0) AS md, coalesce(sum(micros), 0) AS mm"
        " FROM spending WHERE agent_group_id = :group AND day BETWEEN :month || '-01' AND :month || '-31'",
        {"group": group, "day": day, "month": month_of(day)},
    )
    td, tm, md, mm = (int(str(row[name])) for name in ("td", "tm", "md", "mm"))
    return Spent(tokens_day=td, tokens_month=tm, micros_day=md, micros_month=mm)


def group_of(conn: Connection, session: SessionId) -> AgentGroupId | None:
    """Whose session it is."""
    found = scalar(conn, "SELECT agent_group_id FROM sessions WHERE id = ?", (session,))
    return None if found is None else AgentGroupId(str(found))


def add(
    conn: Connection, session: SessionId, used: Counted, *, local: datetime, prices: Prices = LISTED
) -> AgentGroupId | None:
    """Count a call, at *prices*. *local* is the time of its end in the home's zone.

    Returns whose it was, if anybody's still.
    """
    group = group_of(conn, session)
    if group is None:
        return None
    model = used.model or UNKNOWN
    execute(
        conn,
        "INSERT INTO spending VALUES (:group, :day, :session, :model, 1, :estimated, :read, :cached, :written, :micros)"
        " ON CONFLICT DO UPDATE SET calls = calls + 1, estimated = estimated + excluded.estimated,"
        " read = read + excluded.read, cached = cached + excluded.cached, written = written + excluded.written,"
        " micros = micros + excluded.micros",
        {
            "group": group,
            "day": day_of(local),
            "session": session,
            "model": model,
            "estimated": int(used.estimated),
            "read": used.read,
            "cached": used.cached,
            "written": used.written,
            "micros": prices.of(model).micros(used),
        },
    )
    return group


def judge(conn: Connection, session: SessionId, *, local: datetime) -> UsedUp | Budget | None:
    """May a call of *session* be put? None: nobody limits its agent; its budget: it may; or why not."""
    group = group_of(conn, session)
    budget = None if group is None else budgets(conn).get(group)
    if group is None or budget is None:
        return None
    verdict = decide(budget, spent(conn, group, day_of(local)))
    return verdict if isinstance(verdict, UsedUp) else budget


def tell(conn: Connection, session: SessionId, used_up: UsedUp, *, local: datetime, now: datetime) -> set[Lane]:
    """Say in the chats that wait for *session* that nothing is left: once in each, for that day or month and limit."""
    day = day_of(local)
    until = day if used_up.period.name == "DAY" else month_of(day)
    lanes: set[Lane] = set()
    for row in inbound.open_rows(conn, session):
        if row.trigger and row.channel not in (None, AGENTS) and row.platform_id is not None:
            to = Address(channel=row.channel, platform_id=row.platform_id, thread_id=row.thread_id)
            key = f"budget:{until}:{used_up.limit}:{to.channel}/{to.platform_id}"
            text = f"{used_up.why[0].upper()}{used_up.why[1:]}."
            lanes |= notices.tell_chat(conn, session, to, key=key, text=text, now=now)
    return lanes


def sums(conn: Connection, by: By, *, since: str = "") -> list[Sum]:
    """What was spent from that day on, by agent, chat or day, model by model."""
    what = {
        By.AGENT: "(SELECT name FROM agent_groups WHERE id = s.agent_group_id)",
        By.CHAT: "coalesce((SELECT m.name FROM sessions x JOIN messaging_groups m ON m.id = x.messaging_group_id"
        " WHERE x.id = s.session_id), 'several chats')",
        By.DAY: "s.day",
    }[by]
    return select(
        conn,
        Sum,
        f"SELECT {what} AS what, s.model, sum(s.calls) AS calls, sum(s.estimated) AS estimated, sum(s.read) AS read,"  # noqa: S608 - our own words
        " sum(s.cached) AS cached, sum(s.written) AS written, sum(s.micros) AS micros"
        " FROM spending s WHERE s.day >= ? GROUP BY 1, 2 ORDER BY 1, 2",
        (since,),
    )
