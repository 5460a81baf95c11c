"""Who can reach whom: agents that may write to each other, and through whom a message could be passed on. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from attrs import frozen

from nanoclaw.model.ids import AgentGroupId


@frozen
class Edge:
    """An agent may write to another."""

    source: AgentGroupId
    target: AgentGroupId


@frozen
class Reach:
    """An agent reaches another: by itself, or if those between pass on what it says."""

    source: AgentGroupId
    target: AgentGroupId
    through: tuple[AgentGroupId, ...]
    """Those between, in order, as few as possible; empty: nobody."""


def reaches(edges: Iterable[Edge]) -> list[Reach]:
    """Everybody whom anybody reaches, themselves left out, by source and then target."""
    following: dict[AgentGroupId, list[AgentGroupId]] = {}
    for edge in sorted(set(edges), key=lambda one: (one.source, one.target)):
        following.setdefault(edge.source, []).append(edge.target)
    found = [reach for source in following for reach in _from(source, following)]
    return sorted(found, key=lambda reach: (reach.source, reach.target))


def _from(source: AgentGroupId, following: dict[AgentGroupId, list[AgentGroupId]]) -> Sequence[Reach]:
    ways: dict[AgentGroupId, tuple[AgentGroupId, ...]] = {}
    waiting = deque[tuple[AgentGroupId, tuple[AgentGroupId, ...]]]([(source, ())])
    while waiting:
        at, way = waiting.popleft()
        for target in following.get(at, ()):
            if target != source and target not in ways:
                ways[target] = way
                waiting.append((target, (*way, target)))
    return [Reach(source, target, through) for target, through in ways.items()]
