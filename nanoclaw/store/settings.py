"""What is set for one agent group and not for the whole home."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from attrs.validators import gt, optional

from nanoclaw.model.ids import AgentGroupId
from nanoclaw.store.entities import show_again
from schema.rows import bindings, insert_sql, select
from schema.sqlite import Connection, execute


class AdminScope(Enum):
    """Which of the admin commands the agent itself may give, once agents can."""

    DISABLED = "disabled"
    GROUP = "group"
    GLOBAL = "global"


@frozen(kw_only=True)
class ContainerSettings:
    """The settings of one agent group; None: as the home says."""

    agent_group_id: AgentGroupId
    provider: str | None = None
    model: str | None = None
    effort: str | None = None
    assistant_name: str | None = None
    image_tag: str | None = None
    max_messages_per_prompt: int | None = field(default=None, validator=optional(gt(0)))
    skills: str = '"all"'
    """JSON: a list of names, or "all"."""
    mcp_servers: str = "{}"
    """JSON: by name."""
    packages: str = "{}"
    """JSON: names of Debian packages as `apt`, of npm packages as `npm`."""
    additional_mounts: str = "[]"
    """JSON: folders of this machine that an operator wants to be seen in the sandbox."""
    admin_scope: AdminScope = AdminScope.GROUP
    updated_at: datetime


def settings_of(conn: Connection, group: AgentGroupId) -> ContainerSettings | None:
    """What is set for *group*; None if nothing is."""
    found = select(conn, ContainerSettings, "SELECT * FROM container_settings WHERE agent_group_id = ?", (group,))
    return found[0] if found else None


def set_settings(conn: Connection, settings: ContainerSettings) -> None:
    """Let the agent group's next epochs have these. Raises `ConstraintError` if there is no such agent group."""
    execute(
        conn,
        insert_sql("container_settings", ContainerSettings, replace=True),
        bindings(settings),
    )
    show_again(conn, "id = ?", settings.agent_group_id)
