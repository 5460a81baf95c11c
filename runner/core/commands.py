"""Which messages are commands, for this runner and for what it runs? Pure."""

from __future__ import annotations

from schema.commands import Command, parse
from schema.payloads import ChatIn, PayloadError, read_in
from schema.rows import AGENT_CHANNEL, InKind, MessageIn

CLEAR = "/clear"
"""Forget the conversation. Every runner obeys it, whoever thinks."""

_CHAT = frozenset({InKind.CHAT, InKind.CHAT_SDK})


def command_of(row: MessageIn, *, native: bool) -> Command | None:
    """The command that *row* is. *native*: the provider understands more than the runner does itself.

    Commands are given by people, whom the host has judged: no agent gives one to another.
    """
    if not row.trigger or row.kind not in _CHAT or row.channel_type == AGENT_CHANNEL or "/" not in row.content:
        return None
    try:
        payload = read_in(row.kind, row.content)
    except PayloadError:
        return None
    command = parse(payload.text) if isinstance(payload, ChatIn) else None
    return command if command is not None and (native or command.name == CLEAR) else None


def as_said(command: Command) -> str:
    """The command alone, as a provider takes it: whom it was said to is left out."""
    return f"{command.name} {command.arguments}".strip()
