"""`nanoclaw destinations`: the names that an agent may write to, which are its permission to."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from attrs import frozen

from nanoclaw.admin import references
from nanoclaw.admin.destination_graph import Graph, graph
from nanoclaw.admin.verb import Answer, Line, Request, Says, Verb
from nanoclaw.core.destinations import free_name, name_of
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import AgentGroup, MessagingGroup
from nanoclaw.model.ids import AgentGroupId, MessagingGroupId
from nanoclaw.store import destinations
from nanoclaw.store.destinations import MadeBy, StoredDestination
from nanoclaw.store.entities import agent_groups, messaging_groups
from nanoclaw.store.wirings import wirings_of
from schema.sqlite import Connection

GROUP = Says("the agent group that may write there", positional=True)


@frozen(kw_only=True)
class List:
    """Which ones."""

    group: Annotated[str | None, Says("only those of this agent group")] = None


@frozen(kw_only=True)
class Add:
    """A new one: a chat or an agent group."""

    group: Annotated[str, GROUP]
    chat: Annotated[str | None, Says("the chat it may write to")] = None
    agent: Annotated[str | None, Says("the agent group it may write to")] = None
    name: Annotated[str | None, Says("what the agent calls it; by default made from what people call it")] = None
    both: Annotated[bool, Says("with --agent: and let that one write back")] = False
    back: Annotated[str | None, Says("with --both: what that one calls this one")] = None


@frozen(kw_only=True)
class Remove:
    """Which one."""

    group: Annotated[str, GROUP]
    name: Annotated[str, Says("what the agent calls it", positional=True)]
    both: Annotated[bool, Says("of an agent: and let that one no longer write back")] = False


def list_destinations(conn: Connection, asked: List, _: Request) -> Answer:
    """Where agents may write, and who let them."""
    group = None if asked.group is None else references.agent_group(conn, asked.group).id
    known = _known(conn)
    rows = tuple(_line(one, known) for one in destinations.stored(conn) if group in (None, one.agent_group_id))
    return Answer(rows=rows, said=None if rows else "none: a wiring makes one, and nanoclaw destinations add GROUP")


def add(conn: Connection, asked: Add, request: Request) -> Answer:
    """Let an agent write to a chat, or to another agent. Sandboxes that run see it at once."""
    group = references.agent_group(conn, asked.group)
    if (asked.chat is None) == (asked.agent is None):
        raise UsageError("say where to: either --chat or --agent")
    if asked.both and asked.agent is None:
        raise UsageError("--both is about two agents: name the other with --agent")
    if asked.back is not None and not asked.both:
        raise UsageError("--back is a name for the way back: say --both as well")
    chat = None if asked.chat is None else references.chat(conn, asked.chat)
    agent = None if asked.agent is None else references.agent_group(conn, asked.agent)
    if agent == group:
        raise UsageError("an agent needs no destination for itself")
    made = [_add(conn, group, chat, agent, asked.name, request)]
    said = f"{group.name} may write to {made[0]['to']}, as {made[0]['name']}"
    if asked.both and agent is not None:
        made.append(_add(conn, agent, None, group, asked.back, request))
        said += f"; {agent.name} may write to {group.name}, as {made[1]['name']}"
    return Answer(rows=tuple(made), one=len(made) == 1, said=said)


def remove(conn: Connection, asked: Remove, request: Request) -> Answer:
    """Let an agent no longer write there. Sandboxes that run see it at once."""
    group = references.agent_group(conn, asked.group)
    there = destinations.stored(conn)
    found = [one for one in there if (one.agent_group_id, one.name) == (group.id, asked.name)]
    if not found:
        raise UsageError(
            f"{group.name} has no destination {asked.name!r}: nanoclaw destinations list --group {group.folder} "
            "shows what it has"
        )
    line, other = _line(found[0], _known(conn)), found[0].target_agent_group_id
    if asked.both and other is None:
        raise UsageError(f"--both is about two agents, and {asked.name} is a chat")
    back = [one for one in there if (one.agent_group_id, one.target_agent_group_id) == (other, group.id)]
    chat = found[0].messaging_group_id
    hears = chat is not None and any(one.agent_group_id == group.id for one in wirings_of(conn, chat))
    still = " It still hears that chat, and answers there." if hears else ""
    if back:
        still = " Neither may that one write back." if asked.both else f" {line['to']} still may write to {group.name}."
    request.confirm(f"Let {group.name} no longer write to {line['to']} as {asked.name}?{still}")
    destinations.remove(conn, group.id, asked.name)
    said = f"{group.name} may write to {line['to']} no longer"
    for one in back if asked.both else ():
        destinations.remove(conn, one.agent_group_id, one.name)
        said += f", nor {line['to']} to {group.name}"
    return Answer(one=True, said=said)


def _add(
    conn: Connection,
    group: AgentGroup,
    chat: MessagingGroup | None,
    agent: AgentGroup | None,
    named: str | None,
    request: Request,
) -> Line:
    """Give *group* a name for one of the two."""
    has = [one for one in destinations.stored(conn) if one.agent_group_id == group.id]
    target = (None if chat is None else chat.id, None if agent is None else agent.id)
    display = chat.name if chat is not None else agent.name if agent is not None else ""
    for one in has:
        if (one.messaging_group_id, one.target_agent_group_id) == target:
            raise UsageError(f"{group.name} may write to {display} already, as {one.name}")
    taken = {one.name for one in has}
    name = free_name(display, taken) if named is None else named
    if name != name_of(name):
        raise UsageError(f"{name!r} is no name for agents: {name_of(name)} would be")
    if name in taken:
        raise UsageError(f"{group.name} has a destination {name} already: choose another with --name")
    new = StoredDestination(
        agent_group_id=group.id,
        name=name,
        messaging_group_id=target[0],
        target_agent_group_id=target[1],
        made_by=MadeBy.OPERATOR,
        created_at=request.now,
    )
    destinations.add(conn, new)
    return _line(new, _known(conn))


_Known: TypeAlias = tuple[dict[AgentGroupId, AgentGroup], dict[MessagingGroupId, MessagingGroup]]


def _known(conn: Connection) -> _Known:
    """All agent groups and chats, read once however many lines are made of them."""
    return {group.id: group for group in agent_groups(conn)}, {chat.id: chat for chat in messaging_groups(conn)}


def _line(one: StoredDestination, known: _Known) -> Line:
    groups, chats = known
    chat = None if one.messaging_group_id is None else chats[one.messaging_group_id]
    # Whoever may not see the other agent, as an agent may not, knows it by this name alone.
    target = None if one.target_agent_group_id is None else groups.get(one.target_agent_group_id)
    return {
        "group": groups[one.agent_group_id].name,
        "group_id": one.agent_group_id,
        "name": one.name,
        "to": chat.name if chat is not None else target.name if target is not None else None,
        "to_id": one.messaging_group_id or one.target_agent_group_id,
        "kind": "chat" if chat is not None else "agent",
        "made_by": one.made_by.value,
    }


VERBS = (
    Verb("destinations", "list", List, list_destinations),
    Verb("destinations", "graph", Graph, graph),
    Verb("destinations", "add", Add, add, writes=True),
    Verb("destinations", "remove", Remove, remove, writes=True, destroys=True),
)
