"""What the model's command line is started with. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from runner.errors import ConfigError
from schema.files import SANDBOX_HOME, SANDBOX_STATE

OURS = "nanoclaw"
"""The MCP server of our own tools. No server of the group can take its place."""

TOOLS = (
    *("Bash", "Read", "Write", "Edit", "Glob", "Grep", "NotebookEdit"),
    *("WebSearch", "WebFetch", "Task", "TaskOutput", "TaskStop", "TodoWrite", "ToolSearch", "Skill"),
    *("TeamCreate", "TeamDelete", "SendMessage"),
)
"""Said one by one: with the default set the tools of MCP servers are deferred, and the model does not see them."""

_TASKS = "It would be forgotten when this sandbox ends. Use the tool"
_PLANS = "Nobody approves plans here. Say what you are going to do with send_message, or ask with ask_user_question."
_TREES = "Work in the folder that you are in; with git worktree in Bash if need be."
DENIED: Mapping[str, str] = {
    "CronCreate": f"{_TASKS} schedule_task.",
    "CronDelete": f"{_TASKS} cancel_task.",
    "CronList": f"{_TASKS} list_tasks.",
    "ScheduleWakeup": f"{_TASKS} schedule_task.",
    "AskUserQuestion": "Nobody sits at this terminal. Use the tool ask_user_question, which asks in the chat.",
    "EnterPlanMode": _PLANS,
    "ExitPlanMode": _PLANS,
    "EnterWorktree": _TREES,
    "ExitWorktree": _TREES,
}
"""Tools of the command line that make no sense here, and what to do instead."""

EFFORTS = ("low", "medium", "high", "xhigh", "max")

COMPACT_WINDOW = "CLAUDE_CODE_AUTO_COMPACT_WINDOW"
DEFAULT_COMPACT_WINDOW = 165_000
"""Tokens."""

TO_SURVIVE = """\
Whoever reads the summary has to be able to go on without the messages:
- Keep the tags of the last messages as they are, with id, from, sender and time: edits and reactions need them.
- Keep the order in which things were said and done, who asked for what, and what is still open.
- Keep the names of files, tasks and places to the letter.
- End with this, word for word: "What I say reaches nobody unless it stands in <message to="name">...</message>, with \
a name of my destinations; where I have one alone, plain text goes there."
"""
"""Said to the model when it shortens its memory. Who it is and whom it may write to it is told with every request."""

NO_KEY = "kept-by-the-host"
"""The command line wants a key before it asks anybody. The real one is added on the way out."""

MOST_LINE = 64 << 20
"""Bytes of one message of the command line: with pictures that tools have read, far more than the SDK's own limit."""


@frozen(kw_only=True)
class Server:
    """An MCP server of the group: a program in the sandbox."""

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(factory=dict[str, str])


@frozen(kw_only=True)
class Settings:
    """What the agent group wants."""

    assistant_name: str = "Claude"
    model: str | None = None
    effort: str | None = None
    compact_window: int | None = None
    """Tokens of a conversation after which its memory is shortened."""
    base_url: str | None = None
    """Another endpoint that speaks the Messages API."""
    gateway: str | None = None
    """The socket that leads to the endpoint, and to nothing else. It is asked whatever the endpoint is."""
    servers: Mapping[str, Server] = field(factory=dict[str, Server])

    def __attrs_post_init__(self) -> None:
        if self.effort is not None and self.effort not in EFFORTS:
            raise ConfigError(f"there is no effort {self.effort!r}; there are: {', '.join(EFFORTS)}")


@frozen(kw_only=True)
class Surroundings:
    """Where the runner stands."""

    folder: str
    """The agent's, in which the command line works."""
    environment: Mapping[str, str]
    root: bool = False
    extra: Sequence[str] = ()
    """Folders that the operator has mounted besides."""


def option_fields(
    settings: Settings,
    surroundings: Surroundings,
    *,
    instructions: str,
    continuation: str | None,
    base_url: str | None = None,
) -> dict[str, object]:
    """The fields of `ClaudeAgentOptions`, but for those that are objects of the SDK.

    Args:
      settings: What the group wants.
      surroundings: Where the runner stands.
      instructions: What is added to the preset.
      continuation: The session to go on in; None: a new one.
      base_url: Where the model answers; None leaves it to the command line.
    """
    return {
        "tools": list(TOOLS),
        "disallowed_tools": list(DENIED),
        # Rebuilt on every request: who the agent may write to changes while a conversation lasts.
        "system_prompt": {"type": "preset", "preset": "claude_code", "append": instructions, "snapshot": False},
        "permission_mode": "bypassPermissions",
        # `local` too: the agent's own memory is CLAUDE.local.md.
        "setting_sources": ["user", "project", "local"],
        # Servers are what the operator has approved, not what stands in a file that the agent can write.
        "strict_mcp_config": True,
        "model": settings.model,
        "effort": settings.effort,
        "resume": continuation,
        "cwd": surroundings.folder,
        "add_dirs": list(surroundings.extra),
        "env": environment(settings, surroundings, base_url),
        "settings": json.dumps({"hooks": {"PreCompact": [{"hooks": [_saying(TO_SURVIVE)]}]}}),
        "include_partial_messages": True,
        "max_buffer_size": MOST_LINE,
    }


def _saying(text: str) -> dict[str, object]:
    """A hook that is a program which says *text*: of the SDK's own hooks nothing is read at a compaction."""
    return {"type": "command", "command": f"printf %s {shlex.quote(text)}"}


def state_folder(surroundings: Surroundings) -> str:
    """Where the command line keeps its state: under the process engine, the home is the model's state itself."""
    given = surroundings.environment
    home = given.get("HOME", SANDBOX_HOME)
    return given.get("CLAUDE_CONFIG_DIR") or (SANDBOX_STATE if home == SANDBOX_HOME else home)


def environment(settings: Settings, surroundings: Surroundings, base_url: str | None = None) -> dict[str, str]:
    """The variables that the command line gets besides the runner's own."""
    given = surroundings.environment
    found = {
        "CLAUDE_CONFIG_DIR": state_folder(surroundings),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ENABLE_TOOL_SEARCH": "false",
        COMPACT_WINDOW: str(settings.compact_window or DEFAULT_COMPACT_WINDOW),
        "ANTHROPIC_API_KEY": given.get("ANTHROPIC_API_KEY") or NO_KEY,
    }
    if base_url is not None:
        found["ANTHROPIC_BASE_URL"] = base_url
    if surroundings.root:
        # As root it works without asking only where it is told that walls are around it.
        found["IS_SANDBOX"] = "1"
    return found


def server_fields(servers: Mapping[str, Server]) -> dict[str, dict[str, object]]:
    """The group's MCP servers as the SDK wants them, without any that is called as ours is."""
    return {
        name: {"type": "stdio", "command": server.command, "args": list(server.args), "env": dict(server.env)}
        for name, server in servers.items()
        if name != OURS
    }


def denial(tool: str, denied: Mapping[str, str] = DENIED) -> str | None:
    """Why *tool* may not be used, for the model; None if it may."""
    instead = denied.get(tool)
    return None if instead is None else f"{tool} is not available here. {instead}"
