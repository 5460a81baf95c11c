"""Which of the operator's commands an agent may give, with which right, and what is kept from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@frozen
class Open:
    """It is done at once, within the scope."""


@frozen
class NotForAgents:
    """It is not for this agent; *why* is for it."""

    why: str


Access: TypeAlias = Open | NotForAgents


def decide_command(command: str, right: Right) -> Access:
    """May an agent that has *right* in this turn give *command*? What there is besides is nobody's business."""
    needed = READS.get(command)
    if needed is None or right < needed:
        return NotForAgents(f"there is no command {command[:80]!r} for you: the command help says which there are")
    return Open()


def commands(right: Right) -> Iterator[str]:
    """All that can be given with *right*, in the order of their tables."""
    yield from (command for command, needed in READS.items() if needed <= right)
