"""What is set for one agent group and not for the whole home."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from attrs.validators import gt, optional

from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Network


class AdminScope(Enum):
    """How far what the agent itself asks of the host may reach."""

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
    network: Network = Network.NONE
    limits: str = "{}"
    """JSON: how much of the machine its sandboxes may take, as `memory`, `cpus` and `pids`."""
    base_url: str | None = None
    """Where its model answers, such as `http://localhost:11434`; None: where the provider's usually does."""
    first_memory: str | None = None
    """What its memory begins with, from its first start on; None: nothing."""


@frozen(kw_only=True)
class GroupMounts:
    """The mounts that are set for one agent group."""

    agent_group_id: AgentGroupId
    name: str
    """The agent group's."""
    additional_mounts: str
    """JSON, as in its settings."""
