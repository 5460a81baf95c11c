"""What agents ask about other agents: that one is made, which they may write to and which may write to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nanoclaw.actors.asker import Asker
from nanoclaw.core.destinations import free_name, name_of
from nanoclaw.core.names import is_folder
from nanoclaw.core.notices import visible
from nanoclaw.core.requests import MOST_CHILDREN, name_fault
from nanoclaw.errors import UsageError
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store import destinations, entities
from nanoclaw.store.destinations import MadeBy, StoredDestination
from nanoclaw.store.settings import own_settings, set_settings
from schema.requests import MOST_INSTRUCTIONS, CreateAgent
from schema.sqlite import Connection

CHILD = "agent"
"""What an agent is called for whose name there are no letters."""
PARENT = "parent"
"""What a child calls the agent that had it made."""


def create(conn: Connection, asker: Asker, runner_id: str, said: CreateAgent, now: datetime) -> str:
    """Make an agent group, and a destination for each of the two. It hears no chat.

    It thinks with what its parent thinks with and may take no more of the machine; its network is closed, and it has
    no folders of this machine, packages or servers. Its own folder is made at its first start, by `composing`.
    """
    parent = asker.place.agent_group.id
    if fault := name_fault(said.name):
        raise UsageError(fault)
    if len(said.instructions) > MOST_INSTRUCTIONS:
        raise UsageError(f"instructions have at most {MOST_INSTRUCTIONS:,} characters")
    known = [one for one in destinations.stored(conn) if one.agent_group_id == parent]
    name = name_of(said.name, CHILD)
    if any(one.name == name for one in known):
        raise UsageError(f"you have a destination {name} already: write to it, or choose another name")
    made = sum(one.made_by is MadeBy.AGENT and one.target_agent_group_id is not None for one in known)
    if made >= MOST_CHILDREN:
        raise UsageError(f"you have {made} agents to write to, which is as many as you may have")
    folder = free_name(said.name, asker.folders | {group.folder for group in entities.agent_groups(conn)}, CHILD)
    if not is_folder(folder):
        raise UsageError(f"{folder} cannot be a folder: choose another name")
    child = AgentGroup(id=_id_for(asker, runner_id), name=said.name, folder=folder, created_at=now)
    entities.add_agent_group(conn, child)
    set_settings(conn, _settings(conn, child, parent, visible(said.instructions).strip() or None))
    for agent, target, called in ((parent, child.id, name), (child.id, parent, PARENT)):
        new = StoredDestination(
            agent_group_id=agent,
            name=called,
            messaging_group_id=None,
            target_agent_group_id=target,
            made_by=MadeBy.AGENT,
            created_at=now,
        )
        destinations.add(conn, new)
    return f"made the agent {said.name}: write to it as {name}; it writes to you as {PARENT}"


DO: Mapping[type[CreateAgent], Callable[[Connection, Asker, str, Any, datetime], str]] = {CreateAgent: create}


def _id_for(asker: Asker, runner_id: str) -> AgentGroupId:
    """It follows from the request, so that the same request makes the same agent. It names folders, too."""
    request = f"{asker.place.session.id}/{asker.epoch}/{runner_id}"
    return AgentGroupId(f"agt-{hashlib.sha256(request.encode()).hexdigest()[:26]}")


def _settings(conn: Connection, child: AgentGroup, parent: AgentGroupId, memory: str | None) -> ContainerSettings:
    has = own_settings(conn, parent, now=child.created_at)
    return ContainerSettings(
        agent_group_id=child.id,
        provider=has.provider,
        model=has.model,
        effort=has.effort,
        base_url=has.base_url,
        skills=has.skills,
        limits=has.limits,
        first_memory=memory,
        updated_at=child.created_at,
    )
