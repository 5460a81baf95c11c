"""`nanoclaw session rewind` and `fork`: a session goes back to a turn, or is gone on with elsewhere from there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from rich.console import Console

from nanoclaw.admin import references
from nanoclaw.cli import exits
from nanoclaw.cli.words import printable
from nanoclaw.config import Config
from nanoclaw.errors import UsageError
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.store import rewinding
from nanoclaw.store.home import held
from nanoclaw.store.opening import open_writer
from schema.sqlite import Connection, transaction


def rewind(config: Config, which: str, turn: str, *, yes: bool) -> int:
    """Take a session back; returns the exit code. Raises `UsageError` and `HomeInUseError`, and nothing has changed."""
    with _written(config) as (conn, now):
        session = rewinding.find(conn, which)
        found = rewinding.cut_of(conn, session.id, turn)
        if not yes:
            _ask(f"Take {session.id} back to {found.turn.id}, of {found.at:%Y-%m-%d %H:%M} UTC?")
        done = rewinding.rewind(conn, session, found, now=now)
    said = f"{session.id} goes on from {done.turn}; {done.marked} messages that came later are marked"
    waited = f", {done.set_aside} that waited are set aside" if done.set_aside else ""
    asked = f", {done.closed} that people were asked cannot be answered any more" if done.closed else ""
    Console(highlight=False, soft_wrap=True).print(printable(f"{said}{waited}{asked}"))
    return exits.OK


def fork(config: Config, which: str, chat: str, turn: str | None) -> int:
    """Go on with a session elsewhere; returns the exit code. Raises as `rewind` does."""
    with _written(config) as (conn, now):
        session = rewinding.find(conn, which)
        found = rewinding.cut_of(conn, session.id, turn)
        there = references.chat(conn, chat)
        made = rewinding.fork(conn, session, found, there, mint=mint, now=now)
    words = f"{made} in {there.name} goes on from {session.id} as of {found.turn.id}, with the next message there"
    Console(highlight=False, soft_wrap=True).print(printable(words))
    return exits.OK


@contextmanager
def _written(config: Config) -> Iterator[tuple[Connection, datetime]]:
    """One transaction on the database of a home that nobody uses."""
    if not config.database.exists():
        raise UsageError(f"there is nothing in {config.home} yet: start it once with `nanoclaw up`")
    now = SystemClock().now()
    with held(config.home, now=now):
        writer = open_writer(config.database)
        try:
            with transaction(writer.conn):
                yield writer.conn, now
        finally:
            writer.close()


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to say yes: add --yes if you mean it")
    if not click.confirm(question):
        raise UsageError("nothing was changed")
