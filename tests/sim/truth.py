"""The simulated host's way to its database: real SQLite, the real writer and its rules, no thread and no disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import trio
from attrs import define, field

from nanoclaw.errors import StoreBrokenError, StoreFullError
from nanoclaw.store.writer import Failed, Writer
from schema.sqlite import IN_MEMORY, Connection, execute, fetch, transaction
from tests.sim.mortal import Mortal
from tests.sim.town import settle_in
from tests.sim.world import World

STATEMENTS = 2_000
"""apsw forgets a compiled statement after so many others were run."""

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _connection() -> tuple[Connection, list[tuple[str, list[tuple[Any, ...]]]]]:
    """One for all runs of this process, whose statements need be compiled once; and the rows of the template."""
    conn = Connection(IN_MEMORY, statementcachesize=STATEMENTS)
    conn.deserialize("main", bytes(settle_in().serialize("main")))
    # Every run begins anew in this one database, which no host does.
    execute(conn, "DROP TRIGGER audit_is_removed_by_rule")
    names = [str(row["name"]) for row in fetch(conn, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return conn, [(name, list(conn.execute(f"SELECT * FROM {name}"))) for name in names]


def new_database() -> Connection:
    """A database in memory with the town in it, and nothing else: what is committed there survives the host."""
    conn, tables = _connection()
    execute(conn, "PRAGMA foreign_keys = OFF")
    with transaction(conn):
        for name, rows in tables:
            execute(conn, f"DELETE FROM {name}")
            for row in rows:
                execute(conn, f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    execute(conn, "PRAGMA foreign_keys = ON")
    return conn


@define(eq=False)
class SimStore:
    """Implements `nanoclaw.store.db.Store` for one life of a host."""

    _world: World
    mortal: Mortal
    _writer: Writer = field(init=False)
    _broken: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(self._world.conn)

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Database.transact`: the host may die before the commit, or after it and before it hears of it."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self.mortal.step()
        if self._broken.is_set():
            raise StoreBrokenError
        if self._world.weather.disk_full:
            raise StoreFullError("no space")
        if self._world.weather.strikes(0.02):
            self._broken.set()
            if self._world.weather.luck.random() < 0.5:
                self.run(lambda conn: query(conn, *args, **kwargs))  # it is on the disk all the same
            raise StoreBrokenError("a sync failed")
        value = self.run(lambda conn: query(conn, *args, **kwargs))
        self.mortal.step()
        await trio.lowlevel.checkpoint()
        return value

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Database.read`, on the one connection there is: between two checkpoints nobody writes."""
        await trio.lowlevel.checkpoint()
        self.mortal.step()
        found = query(self._world.conn, *args, **kwargs)
        self._world.yard.look()
        self.mortal.step()
        return found

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """As `Database.serve`."""
        task_status.started()
        await self._broken.wait()
        raise StoreBrokenError("a sync failed")

    def run(self, call: Callable[[Connection], T]) -> T:
        """Run *call* as one transaction and commit it."""
        (outcome,) = self._writer.run([call])
        if isinstance(outcome, Failed):
            raise outcome.error
        return cast("T", outcome.value)
