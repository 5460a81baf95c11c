"""The scenario "one event, ten agents": dies at every await point, then at every statement; a JSON line a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import trio

from nanoclaw.actors.ingress import Ingress
from nanoclaw.channels.base import Stored
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.model.entities import EngageMode, IgnoredMessagePolicy
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.opening import open_writer
from nanoclaw.store.verify import verify
from schema import sqlite
from schema.sqlite import Connection
from tests.crash.lives import run_lives
from tests.support.central import CHANNEL, World, said
from tests.support.crash import KILLED, Killer

AGENTS = 10
ACCUMULATING = 4
"""Agents that only keep what is said: their rows are part of the whole, too."""


def make_template(path: Path) -> None:
    """A database with ten agents that hear one chat."""
    writer = open_writer(path)
    world = World(conn=writer.conn)
    chat = world.chat()
    for number in range(AGENTS):
        agent = world.agent(f"agent-{number}")
        if number < ACCUMULATING:
            world.wire(chat, agent, mode=EngageMode.MENTION, ignored=IgnoredMessagePolicy.ACCUMULATE)
        else:
            world.wire(chat, agent)
    writer.close()


def dies_at_an_await_point(path: Path, step: int) -> None:
    """Receive the event; die before task step *step* after the event came, the closing of the database included."""
    killer = Killer(at=step)
    trio.run(_receive, path, killer.arm, instruments=[killer])


def dies_at_a_statement(path: Path, step: int) -> None:
    """Receive the event; die, as the writer's thread would, when statement *step* of its transaction begins."""
    begun = 0

    def count(*_: object) -> bool:
        nonlocal begun
        begun += 1
        if begun == step:
            os._exit(KILLED)
        return True

    def watch(conn: Connection) -> None:
        conn.set_exec_trace(count)

    async def main() -> None:
        async with open_database(path) as store:
            await store.transact(watch)
            await _say(store)

    trio.run(main)


async def _receive(path: Path, arm: Callable[[], None]) -> None:
    async with open_database(path) as store:
        arm()
        await _say(store)


async def _say(store: Database) -> None:
    ingress = Ingress(store, SystemClock(), Spool(Path()), {CHANNEL: False}, *(lambda _: None,) * 3)
    receipt = await ingress.receive(said(1, mention=False))
    assert receipt == Stored()


def what_is_wrong(path: Path, whole: bool) -> list[str]:
    """What `nanoclaw verify` finds, and a number of rows that is not all; or, if a life was not *whole*, nor none."""
    conn = sqlite.open_read_only(path)
    try:
        problems = verify(conn, path.parent, host=None, now=SystemClock().now())
        rows = sqlite.integer(conn, "SELECT count(*) FROM inbound")
        sessions = sqlite.integer(conn, "SELECT count(DISTINCT session_id) FROM inbound")
    finally:
        conn.close()
    wrong = [f"{problem.what}: {problem.where}" for problem in problems]
    if rows not in {AGENTS, AGENTS if whole else 0} or rows != sessions:
        wrong.append(f"{rows} rows in {sessions} sessions")
    return wrong


if __name__ == "__main__":
    # The platform of a life that was cut short was not told, so it sends the event again.
    sys.exit(run_lives((dies_at_an_await_point, dies_at_a_statement), make_template, what_is_wrong))
