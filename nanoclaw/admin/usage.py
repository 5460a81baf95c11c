"""`nanoclaw usage`: what the models of agents took, in tokens and money. Only looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.errors import UsageError
from nanoclaw.store import usage
from nanoclaw.store.entities import agent_groups
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


def list_usage(conn: Connection, asked: ListUsage, request: Request) -> Answer:
    """What models took, for each agent group."""
    if asked.days is not None and not 1 <= asked.days <= MOST_DAYS:
        raise UsageError(f"--days: between 1 and {MOST_DAYS:,}")
    since = None if asked.days is None else request.now - timedelta(days=asked.days)
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    names = {one.id: one.name for one in agent_groups(conn)}
    rows = tuple(
        _line(names[total.agent_group_id], total)
        for total in usage.totals(conn, by_session=asked.sessions, since=since)
        if group in (None, total.agent_group_id)
    )
    return Answer(rows=rows, said=None if rows else "no model has been asked yet")


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
