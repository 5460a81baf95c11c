"""Admin commands of agents that change something: shown to a person whole, and done as shown once they approve.

What is named is looked up when it is asked for, within the agent's scope, and kept by its id: what the card shows is
what is done. It is looked up again, in the same scope, when it is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Any

import attrs
from attrs import frozen

from nanoclaw.actors.approving import Means, payload_of
from nanoclaw.admin import references
from nanoclaw.admin.performing import perform
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Request, Verb
from nanoclaw.core.agent_commands import ByApproval, decide_command
from nanoclaw.core.approvals import field
from nanoclaw.core.mounts import Verdict
from nanoclaw.core.notices import plain
from nanoclaw.core.requests import OF_AGENTS, Right
from nanoclaw.errors import UsageError
from nanoclaw.model.approvals import Approval, ApprovalKind, Shown
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import AdminScope, GroupMounts
from nanoclaw.store.entities import agent_group
from nanoclaw.store.scope import scoped
from nanoclaw.store.settings import settings_of
from schema.sqlite import Connection, ConstraintError, execute, fetch

TITLE = "An agent asks for an admin command"
REACH: Mapping[Right, str] = {Right.GROUP: "this agent alone", Right.GLOBAL: "all agents"}

_BY_ID: Mapping[str, Callable[[Connection, str], Any]] = {
    "group": references.agent_group,
    "agent": references.agent_group,
    "chat": references.chat,
    "user": references.user,
    "wiring": references.wiring,
    "session": references.session,
    "task": references.task,
}
"""How what an argument names is looked up."""
_NEW: Collection[tuple[str, str]] = (("users create", "user"),)
"""Arguments that name what is not there yet."""
_STATE: Sequence[tuple[tuple[str, ...], str]] = (
    (
        ("group",),
        "SELECT name, s.* FROM agent_groups LEFT JOIN container_settings s ON agent_group_id = id WHERE id = ?",
    ),
    (("group", "name"), "SELECT * FROM destinations WHERE agent_group_id = ? AND name = ?"),
    (("chat",), "SELECT name, is_group, unknown_sender_policy, denied_at FROM messaging_groups WHERE id = ?"),
    (("wiring",), "SELECT * FROM wirings WHERE id = ?"),
    (("task",), "SELECT prompt, script, cron, timezone, state FROM tasks WHERE id = ?"),
)
"""What a command may replace: as it was when it was asked for, or it is not done."""


def plan(
    conn: Connection, verb: Verb, said: Mapping[str, object], agent: AgentGroupId, right: Right, request: Request
) -> dict[str, object]:
    """The payload of an approval: exactly what would be done. It has been tried, and undone.

    Raises:
      UsageError: it cannot be done, or names what is not there.
    """
    options = _pinned(conn, verb, said, agent, right)
    _try(conn, verb, options, request)
    return {
        "agent": agent,
        "reach": right.name.lower(),
        "command": verb.name,
        "options": options,
        "before": _state(conn, options),
        "timezone": request.timezone,
    }


@frozen
class AdminKind:
    """A kind of approval: an admin command of an agent's."""

    name: ApprovalKind = ApprovalKind.ADMIN

    def shown(self, conn: Connection, payload: Mapping[str, object]) -> Shown:
        """Every word of it, and what the ids in it are called."""
        agent, right, command, options = _read(payload)
        group = agent_group(conn, agent)
        assert group is not None
        lines = [field("Agent", group.name), field("Command", f"nanoclaw {command}")]
        for name, value in options.items():
            called = _called(conn, command, name, value)
            also = "" if called is None else f", called {field('', called)[2:]}"
            lines.append(field(name, value if isinstance(value, str) else json.dumps(value)) + also)
        return Shown(TITLE, (*lines, f"Reaches: {REACH[right]}"))

    def execute(self, conn: Connection, approval: Approval, means: Means) -> str:
        """Do it, if the agent may still ask for it and nothing of what it is about has changed."""
        payload = payload_of(approval)
        agent, right, command, options = _read(payload)
        settings = settings_of(conn, agent)
        if agent_group(conn, agent) is None:
            raise UsageError("the agent is no longer there")
        if OF_AGENTS[AdminScope.GROUP if settings is None else settings.admin_scope] < right:
            raise UsageError("the agent may no longer ask for it")
        if not isinstance(decide_command(command, options, right), ByApproval):
            raise UsageError("agents cannot ask for this any more")
        verb = BY_NAME[command]
        if _pinned(conn, verb, options, agent, right) != options or _state(conn, options) != payload["before"]:
            raise UsageError("what it is about has changed since it was asked for")
        assert approval.answered_by is not None
        request = Request(
            now=means.now,
            mint=means.mint,
            operator=approval.answered_by,
            threaded=means.threaded,
            check_mounts=no_mounts,
            timezone=str(payload["timezone"]),
            confirmed=True,
        )
        answer = perform(conn, verb, options, request, note=f"for {agent}, as {approval.id} allows: ")
        return plain(answer.said or f"{command} is done")


def no_mounts(_: AgentGroupId, __: Collection[GroupMounts]) -> tuple[Verdict, ...]:
    """Where folders of the machine are from is the operator's alone."""
    return ()


def _read(payload: Mapping[str, object]) -> tuple[AgentGroupId, Right, str, dict[str, object]]:
    options = payload["options"]
    assert isinstance(options, dict)
    return AgentGroupId(str(payload["agent"])), Right[str(payload["reach"]).upper()], str(payload["command"]), options


def _pinned(
    conn: Connection, verb: Verb, said: Mapping[str, object], agent: AgentGroupId, right: Right
) -> dict[str, object]:
    """What was said, with ids for what it names. Raises `UsageError` if that is not there for this agent."""
    arguments = attrs.asdict(verb.read(dict(said)), recurse=False)
    pinned: dict[str, object] = {}
    with scoped(conn, agent if right is Right.GROUP else None):
        for name in sorted(said):
            value = arguments[name]
            if name in _BY_ID and isinstance(value, str) and (verb.name, name) not in _NEW:
                value = str(_BY_ID[name](conn, value).id)
            if value is not None:
                pinned[name] = value.value if isinstance(value, Enum) else value
    return pinned


def _try(conn: Connection, verb: Verb, options: Mapping[str, object], request: Request) -> None:
    """Do it and undo it: what cannot be done is not asked for. Raises `UsageError`."""
    execute(conn, "SAVEPOINT trial")
    try:
        verb.handler(conn, verb.read(dict(options)), attrs.evolve(request, confirmed=True))
    except ConstraintError as exc:
        raise UsageError(f"{verb.name}: that does not go with what there is") from exc
    finally:
        execute(conn, "ROLLBACK TO trial; RELEASE trial")


def _state(conn: Connection, options: Mapping[str, object]) -> str:
    rows = [
        fetch(conn, sql, [str(options[name]) for name in names])
        for names, sql in _STATE
        if all(name in options for name in names)
    ]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _called(conn: Connection, command: str, name: str, value: object) -> str | None:
    """The name of what an id stands for, where it has one."""
    if name not in _BY_ID or not isinstance(value, str) or (command, name) in _NEW:
        return None
    found = _BY_ID[name](conn, value)
    called = getattr(found, "name", None) or getattr(found, "display_name", None) or getattr(found, "prompt", None)
    return None if called is None else str(called)
