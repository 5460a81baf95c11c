"""What is in the new home already, as far as an import has to know."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from nanoclaw.model.entities import SessionKey
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, SessionId, TaskId, UserId
from nanoclaw.model.rights import Role
from nanoclaw.store import destinations, direct_messages, entities, people, settings, tasks
from nanoclaw.store.destinations import StoredDestination
from nanoclaw.store.sessions import sessions
from nanoclaw.store.wirings import wirings
from schema.sqlite import Connection


@frozen(kw_only=True)
class Present:
    """Everything by what makes it one."""

    agent_groups: frozenset[AgentGroupId] = frozenset()
    folders: Mapping[str, str] = {}
    """Whose each is, by name."""
    chats: Mapping[tuple[ChannelName, str], MessagingGroupId] = {}
    users: frozenset[UserId] = frozenset()
    roles: frozenset[tuple[UserId, Role, AgentGroupId | None]] = frozenset()
    members: frozenset[tuple[UserId, AgentGroupId]] = frozenset()
    destinations: tuple[StoredDestination, ...] = ()
    wirings: frozenset[tuple[AgentGroupId, MessagingGroupId]] = frozenset()
    direct_messages: frozenset[tuple[UserId, ChannelName]] = frozenset()
    settings: frozenset[AgentGroupId] = frozenset()
    sessions: Mapping[SessionKey, SessionId] = {}
    tasks: frozenset[TaskId] = frozenset()


def look(conn: Connection) -> Present:
    """Read it, in one look."""
    groups = entities.agent_groups(conn)
    return Present(
        agent_groups=frozenset(one.id for one in groups),
        folders={one.folder: one.name for one in groups},
        chats={(one.channel, one.platform_id): one.id for one in entities.messaging_groups(conn)},
        users=frozenset(one.id for one in people.users(conn)),
        roles=frozenset((one.user_id, one.role, one.agent_group_id) for one in people.grants(conn)),
        members=frozenset((one.user_id, one.agent_group_id) for one in people.members(conn)),
        destinations=tuple(destinations.stored(conn)),
        wirings=frozenset((one.agent_group_id, one.messaging_group_id) for one in wirings(conn)),
        direct_messages=direct_messages.known(conn),
        settings=frozenset(one.id for one in groups if settings.settings_of(conn, one.id) is not None),
        sessions={
            SessionKey(
                agent_group_id=one.agent_group_id,
                messaging_group_id=one.messaging_group_id,
                thread_id=one.thread_id,
            ): one.id
            for one in sessions(conn)
        },
        tasks=tasks.task_ids(conn),
    )
