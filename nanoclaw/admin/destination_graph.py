"""`nanoclaw destinations graph`: who can reach whom, by themselves or through others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.verb import Answer, Line, Request, Says
from nanoclaw.core.reach import Edge, reaches
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store import destinations
from nanoclaw.store.agent_mail import written_lately
from nanoclaw.store.destinations import StoredDestination
from nanoclaw.store.entities import agent_groups, messaging_groups
from schema.sqlite import Connection


@frozen(kw_only=True)
class Graph:
    """Of whom."""

    group: Annotated[str | None, Says("only whom this agent group reaches")] = None


def graph(conn: Connection, asked: Graph, request: Request) -> Answer:
    """Who can reach whom: chats, other agents, and those whom others would have to pass it on to."""
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    stored = destinations.stored(conn)
    rows = [*_chats(conn, stored), *_agents(conn, stored, request)]
    shown = [row for row in rows if group in (None, row["from_id"])]
    shown.sort(key=lambda row: (str(row["from"]), row["kind"] == "agent", row["through"] or "", str(row["to"])))
    return Answer(rows=tuple(shown), hidden=("from_id", "to_id"), said=None if shown else "nobody reaches anybody")


def _chats(conn: Connection, stored: list[StoredDestination]) -> Iterator[Line]:
    groups = {one.id: one.name for one in agent_groups(conn)}
    chats = {one.id: one.name for one in messaging_groups(conn)}
    for one in stored:
        if one.messaging_group_id is not None:
            yield {
                "from": groups[one.agent_group_id],
                "from_id": one.agent_group_id,
                "to": chats[one.messaging_group_id],
                "to_id": one.messaging_group_id,
                "kind": "chat",
                "as": one.name,
                "back": None,
                "through": None,
                "last_hour": None,
            }


def _agents(conn: Connection, stored: list[StoredDestination], request: Request) -> Iterator[Line]:
    groups = {one.id: one.name for one in agent_groups(conn)}
    names: dict[tuple[AgentGroupId, AgentGroupId], str] = {
        (one.agent_group_id, one.target_agent_group_id): one.name
        for one in stored
        if one.target_agent_group_id is not None
    }
    lately = written_lately(conn, now=request.now)
    for reach in reaches(Edge(source, target) for source, target in names):
        pair = reach.source, reach.target
        yield {
            "from": groups[reach.source],
            "from_id": reach.source,
            "to": groups[reach.target],
            "to_id": reach.target,
            "kind": "agent",
            "as": names.get(pair),
            "back": names.get((reach.target, reach.source)),
            "through": ", ".join(groups[one] for one in reach.through) or None,
            "last_hour": lately.get(pair, 0) if pair in names else None,
        }
