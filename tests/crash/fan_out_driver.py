"""The scenario "one event, ten agents": dies at every await point, then at every statement; a JSON line a run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import structlog
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
from tests.support.central import CHANNEL, World, said
from tests.support.crash import KILLED, Killer, Outcome

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


def what_is_wrong(path: Path, *, allowed: frozenset[int]) -> list[str]:
    """What `nanoclaw verify` finds, and a number of rows that is not *allowed*."""
    conn = sqlite.open_read_only(path)
    try:
        problems = verify(conn, path.parent, host=None, now=SystemClock().now())
        rows = sqlite.integer(conn, "SELECT count(*) FROM inbound")
        sessions = sqlite.integer(conn, "SELECT count(DISTINCT session_id) FROM inbound")
    finally:
        conn.close()
    wrong = [f"{problem.what}: {problem.where}" for problem in problems]
    if rows not in allowed or rows != sessions:
        wrong.append(f"{rows} rows in {sessions} sessions")
    return wrong


def live(scenario: Callable[[Path, int], None], path: Path, step: int) -> bool:
    """One life in a fork; says whether it was cut short."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            scenario(path, step)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, KILLED):
        raise RuntimeError(f"step {step}: ended with {code}")
    return code == KILLED


def main() -> int:
    """Run lane *first* of *stride* in the folder *work*, for both kinds of death."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # standard output is ours
    work, first, stride = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    make_template(work / "template.db")
    for scenario in (dies_at_an_await_point, dies_at_a_statement):
        died, step = True, first
        while died:
            home = work / f"{scenario.__name__}-{step}"
            home.mkdir()
            path = home / "nanoclaw.db"
            shutil.copy(work / "template.db", path)
            died = live(scenario, path, step)
            wrong = what_is_wrong(path, allowed=frozenset({0, AGENTS}) if died else frozenset({AGENTS}))
            # The platform was not told, so it sends the event again.
            live(scenario, path, 0)
            wrong += what_is_wrong(path, allowed=frozenset({AGENTS}))
            print(json.dumps(attrs.asdict(Outcome(step=step, died=died, wrong=tuple(wrong)))), flush=True)
            if wrong:
                return 1
            shutil.rmtree(home)
            step += stride
    return 0


if __name__ == "__main__":
    sys.exit(main())
