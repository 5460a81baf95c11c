"""The settings of agent groups in nanoclaw.db."""

from __future__ import annotations

from datetime import datetime

from nanoclaw.core.key_check import Thinker
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Network
from nanoclaw.model.settings import ContainerSettings, GroupMounts
from nanoclaw.store.entities import show_again
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute


def settings_of(conn: Connection, group: AgentGroupId) -> ContainerSettings | None:
    """What is set for *group*; None if nothing is."""
    found = select(conn, ContainerSettings, "SELECT * FROM container_settings WHERE agent_group_id = ?", (group,))
    return found[0] if found else None


def own_settings(conn: Connection, group: AgentGroupId, *, now: datetime) -> ContainerSettings:
    """The same, to be changed: where nothing is set yet, settings of *now* that set nothing."""
    return settings_of(conn, group) or ContainerSettings(agent_group_id=group, updated_at=now)


def set_settings(conn: Connection, settings: ContainerSettings) -> None:
    """Let the agent group's next epochs have these. Raises `ConstraintError` if there is no such agent group."""
    execute(
        conn,
        insert_sql("container_settings", ContainerSettings, replace=True),
        bindings(settings),
    )
    show_again(conn, "id = ?", settings.agent_group_id)


def all_mounts(conn: Connection) -> tuple[GroupMounts, ...]:
    """The mounts of every agent group that has some, by its name."""
    return tuple(
        select(
            conn,
            GroupMounts,
            """
            SELECT s.agent_group_id, g.name, s.additional_mounts
              FROM container_settings s JOIN agent_groups g ON g.id = s.agent_group_id
             WHERE s.additional_mounts <> '[]'
             ORDER BY g.name, g.id
            """,
        )
    )


def thinkers(conn: Connection, provider: str) -> tuple[Thinker, ...]:
    """What every agent group thinks with, by name; *provider* is the home's."""
    return tuple(
        select(
            conn,
            Thinker,
            """
            SELECT g.name, coalesce(s.provider, ?) AS provider, s.base_url
              FROM agent_groups g LEFT JOIN container_settings s ON s.agent_group_id = g.id
             ORDER BY g.name, g.id
            """,
            (provider,),
        )
    )


def open_networks(conn: Connection) -> list[AgentGroup]:
    """The agent groups whose sandboxes reach whatever this machine does, by name."""
    return select(
        conn,
        AgentGroup,
        """
        SELECT g.* FROM agent_groups g JOIN container_settings s ON s.agent_group_id = g.id
         WHERE s.network = ?
         ORDER BY g.name, g.id
        """,
        (Network.OPEN.value,),
    )
