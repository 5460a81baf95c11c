"""Which of the operator's commands an agent may give, with which right, and what is kept from it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from attrs import frozen

from nanoclaw.core.requests import Right

READS: Mapping[str, Right] = MappingProxyType(
    {
        "groups list": Right.GROUP,
        "groups get": Right.GROUP,
        "chats list": Right.GROUP,
        "chats get": Right.GROUP,
        "wirings list": Right.GROUP,
        "wirings get": Right.GROUP,
        "users list": Right.GLOBAL,
        "users get": Right.GLOBAL,
        "roles list": Right.GLOBAL,
        "members list": Right.GROUP,
        "destinations list": Right.GROUP,
        "tasks list": Right.GROUP,
        "tasks show": Right.GROUP,
        "tasks next": Right.GROUP,
        "sessions list": Right.GROUP,
        "sessions get": Right.GROUP,
        "usage list": Right.GROUP,
    }
)
"""Those that only look, and what it takes to give one. How much they show follows from the right that is there."""

WRITES: Mapping[str, Right] = MappingProxyType(
    {
        "groups create": Right.GLOBAL,
        "groups update": Right.GROUP,
        "groups restart": Right.GROUP,
        "chats update": Right.GLOBAL,
        "wirings create": Right.GLOBAL,
        "wirings update": Right.GROUP,
        "wirings delete": Right.GLOBAL,
        "users create": Right.GLOBAL,
        "users update": Right.GLOBAL,
        "members add": Right.GLOBAL,
        "members remove": Right.GROUP,
        "destinations add": Right.GLOBAL,
        "destinations remove": Right.GROUP,
        "tasks add": Right.GROUP,
        "tasks run": Right.GROUP,
        "tasks pause": Right.GROUP,
        "tasks resume": Right.GROUP,
        "tasks cancel": Right.GROUP,
    }
)
"""Those that change something, each once a person has approved it."""
OPERATORS_OWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "groups update": frozenset({"admin_scope", "network", "base_url"}),
        "groups restart": frozenset({"rebuild"}),
        "chats update": frozenset({"agent_labels"}),
        "destinations remove": frozenset({"both"}),
        "tasks add": frozenset({"script"}),
        "usage list": frozenset({"by"}),
    }
)
"""Options that no agent can say: what it, or another, may do, what it reaches, what runs where it does not see it."""


@frozen
class Open:
    """It is done at once, within the scope."""


@frozen
class ByApproval:
    """It is done within the scope once a person has said yes."""


@frozen
class NotForAgents:
    """It is not for this agent; *why* is for it."""

    why: str


Access: TypeAlias = Open | ByApproval | NotForAgents


def decide_command(command: str, options: Collection[str], right: Right) -> Access:
    """May an agent that has *right* in this turn give *command* with *options*? What else there is, it is not told."""
    needed = READS.get(command) or WRITES.get(command)
    if needed is None or right < needed:
        return NotForAgents(f"there is no command {command[:80]!r} for you: the command help says which there are")
    if own := sorted(OPERATORS_OWN.get(command, frozenset()) & set(options)):
        return NotForAgents(f"{command} with {', '.join(own)} is for operators alone")
    return Open() if command in READS else ByApproval()


def commands(right: Right) -> Iterator[str]:
    """All that can be given with *right*, in the order of their tables."""
    yield from (command for table in (READS, WRITES) for command, needed in table.items() if needed <= right)
