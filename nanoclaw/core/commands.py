"""May this person give this command? Pure. What a command is says `schema.commands`, for host and runner alike."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from nanoclaw.model.rights import Standing
from schema.commands import parse

FILTERED = frozenset({"/help", "/login", "/logout", "/doctor", "/config", "/remote-control", "/start"})
"""Commands of the model's own program, or a platform's greeting: no agent has a use for them."""
ADMIN = frozenset({"/clear", "/compact", "/context", "/cost", "/files"})
"""Commands about an agent's own state, for those who may manage it."""
MANAGES = frozenset({Standing.OWNER, Standing.GLOBAL_ADMIN, Standing.ADMIN})


@frozen
class Pass:
    """The agent may hear it."""

    command: str | None
    """None: it is no command."""


@frozen
class Filtered:
    """Nobody hears it, and nobody is told."""

    command: str


@frozen
class Denied:
    """Nobody hears it, and whoever said it is told."""

    command: str

    @property
    def answer(self) -> str:
        """What they are told."""
        return f"Permission denied: {self.command} requires admin access."


Verdict: TypeAlias = Pass | Filtered | Denied


def judge(text: str, standing: Standing) -> Verdict:
    """Judge what *text* commands, if anything, of an agent group to which its sender stands in *standing*."""
    command = parse(text)
    if command is None:
        return Pass(None)
    if command.name in FILTERED:
        return Filtered(command.name)
    if command.name in ADMIN and standing not in MANAGES:
        return Denied(command.name)
    return Pass(command.name)
