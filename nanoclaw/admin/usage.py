"""`nanoclaw usage`: what the models of agents took, in tokens and money. Only looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.budgets import MICROS, day_of
from nanoclaw.errors import UsageError
from nanoclaw.store import usage
from nanoclaw.store.entities import agent_groups
from nanoclaw.store.spending import By, sums
from schema.sqlite import Connection

MOST_DAYS = 36_500
GROUP = Says("only that of this agent group")
DAYS = Says("only that of the last so many days")


@frozen(kw_only=True)
class ListUsage:
    """Whose, and of which time."""

    group: Annotated[str | None, GROUP] = None
    days: Annotated[int | None, DAYS] = None
    sessions: Annotated[bool, Says("each session by itself")] = False
    by: Annotated[By | None, Says("added up by agent, chat or day, as the gateway counted each call")] = None


def list_usage(conn: Connection, asked: ListUsage, request: Request) -> Answer:
    """What models took, for each agent group."""
    if asked.days is not None and not 1 <= asked.days <= MOST_DAYS:
        raise UsageError(f"--days: between 1 and {MOST_DAYS:,}")
    since = None if asked.days is None else request.now - timedelta(days=asked.days)
    if asked.by is not None:
        return _counted(conn, asked, since, request)
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    names = {one.id: one.name for one in agent_groups(conn)}
    rows = tuple(
        _line(names[total.agent_group_id], total)
        for total in usage.totals(conn, by_session=asked.sessions, since=since)
        if group in (None, total.agent_group_id)
    )
    return Answer(rows=rows, said=None if rows else "no model has been asked yet")


def _counted(conn: Connection, asked: ListUsage, since: datetime | None, request: Request) -> Answer:
    """What the gateway counted, whatever agents say."""
    if asked.by is None or asked.group is not None or asked.sessions:
        raise UsageError("--by adds up for all agents: it goes with --days only")
    start = "" if since is None else day_of(since.astimezone(ZoneInfo(request.timezone)))
    rows: tuple[Line, ...] = tuple(
        {
            asked.by.value: one.what,
            "model": one.model,
            "calls": one.calls,
            "read": one.read,
            "cached": one.cached,
            "written": one.written,
            "dollars": f"{one.micros / MICROS:.4f}",
            "estimated": one.estimated,
        }
        for one in sums(conn, asked.by, since=start)
    )
    return Answer(rows=rows, said=None if rows else "no call has passed the gateway yet")


def _line(group: str, total: usage.Total) -> Line:
    session: Line = {} if total.session_id is None else {"session": total.session_id}
    return {
        "group": group,
        "group_id": total.agent_group_id,
        **session,
        "model": total.model or "not said",
        "results": total.results,
        "read": total.read,
        "cached": total.cached,
        "written": total.written,
        "dollars": None if total.cost_usd is None else f"{total.cost_usd:.4f}",
    }


VERBS = (Verb("usage", "list", ListUsage, list_usage),)
