"""`nanoclaw budgets`: what agents may take of their models, and what they took."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.budgets import (
    MOST_TOKENS,
    BadAmount,
    Budget,
    Spent,
    UsedUp,
    day_of,
    decide,
    dollars,
    read_dollars,
)
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import AgentGroup
from nanoclaw.store import spending
from nanoclaw.store.entities import agent_groups
from schema.sqlite import Connection


@frozen(kw_only=True)
class List:
    """No arguments."""


@frozen(kw_only=True)
class Set:
    """Whose, and how much; what is not said stays."""

    group: Annotated[str, Says("its name, its folder or its id", positional=True)]
    tokens_a_day: Annotated[int | None, Says("tokens read and written, those from the cache too; 0 for no limit")] = (
        None
    )
    tokens_a_month: Annotated[int | None, Says("the same, for a month of the calendar; 0 for no limit")] = None
    dollars_a_day: Annotated[str | None, Says("dollars by list price, such as 2.50; 0 for no limit")] = None
    dollars_a_month: Annotated[str | None, Says("the same, for a month of the calendar; 0 for no limit")] = None


def list_budgets(conn: Connection, _: List, request: Request) -> Answer:
    """What every agent took today and this month, as the gateway counted it, and what it may take."""
    found = spending.budgets(conn)
    rows = tuple(_line(conn, group, found.get(group.id, Budget()), request) for group in agent_groups(conn))
    return Answer(rows=rows, said=None if rows else "no agent group yet")


def set_budget(conn: Connection, asked: Set, request: Request) -> Answer:
    """Limit what an agent takes of its model, a day or a month. Holds from the next call on."""
    group = references.agent_group(conn, asked.group)
    changes: dict[str, int | None] = {}
    for name, said, amount in (
        ("tokens_day", "--tokens-a-day", asked.tokens_a_day),
        ("tokens_month", "--tokens-a-month", asked.tokens_a_month),
    ):
        if amount is not None:
            if not 0 <= amount <= MOST_TOKENS:
                raise UsageError(f"{said}: a number of tokens, or 0 for no limit")
            changes[name] = amount or None
    for name, said, text in (
        ("micros_day", "--dollars-a-day", asked.dollars_a_day),
        ("micros_month", "--dollars-a-month", asked.dollars_a_month),
    ):
        if text is not None:
            found = read_dollars(text)
            if isinstance(found, BadAmount):
                raise UsageError(f"{said}: {found.why}")
            changes[name] = found or None
    if not changes:
        raise UsageError("nothing to change: see nanoclaw budgets set --help")
    budget = attrs.evolve(spending.budgets(conn).get(group.id, Budget()), **changes)
    spending.set_budget(conn, group.id, budget, now=request.now)
    said = f"{group.name} has no budget any more" if budget.is_none else f"the budget of {group.name} is set"
    return Answer(rows=(_line(conn, group, budget, request),), one=True, said=said)


def _line(conn: Connection, group: AgentGroup, budget: Budget, request: Request) -> Line:
    used = spending.spent(conn, group.id, day_of(request.now.astimezone(ZoneInfo(request.timezone))))
    verdict = decide(budget, used)
    return {
        "group": group.name,
        "tokens_today": _of(used, "tokens_day", budget.tokens_day),
        "tokens_this_month": _of(used, "tokens_month", budget.tokens_month),
        "dollars_today": _of(used, "micros_day", budget.micros_day),
        "dollars_this_month": _of(used, "micros_month", budget.micros_month),
        "state": verdict.why if isinstance(verdict, UsedUp) else "no budget" if budget.is_none else "within its budget",
    }


def _of(used: Spent, name: str, most: int | None) -> str:
    words = dollars if name.startswith("micros") else "{:,}".format
    amount = words(getattr(used, name))
    return amount if most is None else f"{amount} of {words(most)}"


VERBS = (
    Verb("budgets", "list", List, list_budgets),
    Verb("budgets", "set", Set, set_budget, writes=True),
)
