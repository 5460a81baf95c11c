"""`nanoclaw session rewind` and `fork`: a session goes back to a turn, or is gone on with elsewhere from there."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from nanoclaw.admin import references
from nanoclaw.cli import exits
from nanoclaw.cli.words import printable
from nanoclaw.cli.writing import written
from nanoclaw.config import Config
from nanoclaw.errors import UsageError
from nanoclaw.kit.ids import mint
from nanoclaw.store import rewinding


def rewind(config: Config, which: str, turn: str, *, yes: bool) -> int:
    """Take a session back; returns the exit code. Raises `UsageError` and `HomeInUseError`, and nothing has changed."""
    _require_home(config)
    with written(config) as (conn, now):
        session = rewinding.find(conn, which)
        found = rewinding.cut_of(conn, session.id, turn)
        if not yes:
            _ask(f"Take {session.id} back to {found.turn.id}, of {found.at:%Y-%m-%d %H:%M} UTC?")
        done = rewinding.rewind(conn, session, found, now=now)
    said = f"{session.id} goes on from {done.turn}; {done.marked} messages that came later are marked"
    memory = "knows what it knew then" if done.remembers else "begins anew, and is told what was said"
    waited = f", {done.set_aside} that waited are set aside" if done.set_aside else ""
    asked = f", {done.closed} that people were asked cannot be answered any more" if done.closed else ""
    Console(highlight=False, soft_wrap=True).print(printable(f"{said}{waited}{asked}; its model {memory}"))
    return exits.OK


def fork(config: Config, which: str, chat: str, turn: str | None) -> int:
    """Go on with a session elsewhere; returns the exit code. Raises as `rewind` does."""
    _require_home(config)
    with written(config) as (conn, now):
        session = rewinding.find(conn, which)
        found = rewinding.cut_of(conn, session.id, turn)
        there = references.chat(conn, chat)
        made = rewinding.fork(conn, session, found, there, mint=mint, now=now)
    words = f"{made} in {there.name} goes on from {session.id} as of {found.turn.id}, with the next message there"
    Console(highlight=False, soft_wrap=True).print(printable(words))
    return exits.OK


def _require_home(config: Config) -> None:
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: add --yes if you mean it")
    if not click.confirm(question):
        raise UsageError("nothing was changed")
