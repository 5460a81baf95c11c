"""What an agent may ask of the host: one class an action, the arguments of a `SystemOut`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

MOST_NAME = 50
"""Characters of an agent's name that another agent chose."""
MOST_INSTRUCTIONS = 20_000
"""Characters of what its memory begins with."""
MOST_PACKAGES = 20
"""That can be asked for at a time."""
MOST_PACKAGE_NAME = 214
"""Characters, of the kind whose names may be longest."""
MOST_REASON = 300
"""Characters of what they are for."""
MOST_VALUE = 1_000
"""Characters of a command, an argument or a variable's value of an MCP server."""
MOST_VALUES = 50
"""Arguments, or variables, of an MCP server."""


@frozen(kw_only=True)
class ScheduleTask:
    """Have *prompt* put to this session's agent at a time, or again and again. One of the two has to be said."""

    prompt: str
    process_after: str | None = None
    """ISO 8601; without an offset it is the wall clock of *timezone*. With a recurrence: the first of its times."""
    recurrence: str | None = None
    """Cron's five fields, or a macro such as `@daily`."""
    script: str | None = None
    """What is run in the sandbox first; see the runner's scripts."""
    timezone: str | None = None
    """IANA name; None: the agent's own."""
    misfire: str | None = None
    """`latest` (one run for all whose time passed), `all` or `skip`; None: latest."""


@frozen(kw_only=True)
class ListTasks:
    """Say what is scheduled."""


@frozen(kw_only=True)
class UpdateTask:
    """Change what is said. An empty text takes a recurrence or a script away."""

    task_id: str
    prompt: str | None = None
    process_after: str | None = None
    recurrence: str | None = None
    script: str | None = None
    timezone: str | None = None
    misfire: str | None = None


@frozen(kw_only=True)
class PauseTask:
    """Let it rest until it is resumed."""

    task_id: str


@frozen(kw_only=True)
class ResumeTask:
    """Go on with it from now on."""

    task_id: str


@frozen(kw_only=True)
class CancelTask:
    """End it for good."""

    task_id: str


@frozen(kw_only=True)
class CreateAgent:
    """Make another agent, that may be written to and can answer."""

    name: str
    """What people call it; what the agent that asks will call it is made of that."""
    instructions: str = ""
    """What its memory begins with."""


@frozen(kw_only=True)
class Admin:
    """Give one of the operator's commands, such as `sessions list`; `help` says which there are."""

    command: str
    options: str = "{}"
    """JSON: an object, by the names of the command's arguments and options."""


@frozen(kw_only=True)
class InstallPackages:
    """Have an image with these, besides what its agent group has, by their names and nothing but those."""

    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    reason: str = ""
    """What for, in a few words for whoever decides."""


@frozen(kw_only=True)
class AddMcpServer:
    """Have a program give its agent tools, from its next start on. One of the same name is replaced."""

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(factory=dict[str, str])
    """Variables of that program, by name. A secret has no place here."""


TaskRequest: TypeAlias = ScheduleTask | ListTasks | UpdateTask | PauseTask | ResumeTask | CancelTask
Asked: TypeAlias = TaskRequest | CreateAgent | InstallPackages | AddMcpServer | Admin

CREATE_AGENT = "create_agent"
ADD_MCP_SERVER = "add_mcp_server"

ACTIONS: dict[str, type[Asked]] = {
    "schedule_task": ScheduleTask,
    "list_tasks": ListTasks,
    "update_task": UpdateTask,
    "pause_task": PauseTask,
    "resume_task": ResumeTask,
    "cancel_task": CancelTask,
    CREATE_AGENT: CreateAgent,
    "install_packages": InstallPackages,
    ADD_MCP_SERVER: AddMcpServer,
    "admin": Admin,
}
"""By the name that stands in the payload."""
NAMES: dict[type[Asked], str] = {cls: name for name, cls in ACTIONS.items()}

REFUSED = "refused: "
"""What the result of a request begins with that was not granted."""

_NOTE = re.compile(r"note:(?:asked|refused):[^/]+/([1-9][0-9]*)/(.+)", re.DOTALL)


def result_key(session: str, epoch: int, runner_id: str) -> str:
    """The key of the host's note that says what came of a request: of the row that a runner calls *runner_id*."""
    return f"asked:{session}/{epoch}/{runner_id}"


def refusal_key(session: str, epoch: int, runner_id: str) -> str:
    """The key of its note that a row of another kind came to nothing."""
    return f"refused:{session}/{epoch}/{runner_id}"


def row_noted(row_id: str) -> tuple[int, str] | None:
    """Which of a runner's rows the inbound row *row_id* is a note about: its epoch and its id; None if about none."""
    found = _NOTE.fullmatch(row_id)
    return (int(found[1]), found[2]) if found else None
